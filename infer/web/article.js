// One document: its texts, the edits that the model proposes, and what the reader chose. Knows nothing of the page.
//
// A place is a stretch of a text that an edit, the reader or the cursor is at. Offsets count Unicode code points, which
// JavaScript's strings do not; `Points` bridges the two.

import { closeGaps } from "./gaps.js";

const WORD = /[\p{L}\p{N}][\p{L}\p{N}\p{M}]*(?:['’-][\p{L}\p{N}][\p{L}\p{N}\p{M}]*)*/gu;
const MAX_STEPS = 200; // that can be undone
const MAX_SAVED_STEPS = 20; // that can be undone after a reload
const REACH = 1000; // characters that are searched at a time for the next word
const MAX_CONTEXT = 4000; // characters of a paragraph sent along on each side of a place

class Points {
  constructor(text) {
    this.text = text;
    this.points = /[\ud800-\udfff]/.test(text) ? Array.from(text) : text;
  }

  get length() {
    return this.points.length;
  }

  slice(start, end) {
    const part = this.points.slice(start, end);
    return typeof part === "string" ? part : part.join("");
  }

  // The start and end of each word of a stretch.
  words(start, end) {
    const isPlain = typeof this.points === "string";
    const part = this.slice(start, end);
    return [...part.matchAll(WORD)].map((match) => {
      const first = start + (isPlain ? match.index : Array.from(part.slice(0, match.index)).length);
      return [first, first + (isPlain ? match[0].length : Array.from(match[0]).length)];
    });
  }
}

export const keyOf = ({ article, start, end }) => `${article}:${start}:${end}`;

export function placeOf(key) {
  const [article, start, end] = key.split(":").map(Number);
  return { key, article, start, end };
}

export const inOrder = (a, b) => a.article - b.article || a.start - b.start || a.end - b.end;

// Whether two places share characters, or are insertions at the same point.
export function overlap(a, b) {
  if (a.article !== b.article) return false;
  return (a.start < b.end && b.start < a.end) || (a.start === b.start && a.end === b.end);
}

const isBefore = (a, b) => a.article < b.article || (a.article === b.article && a.end < b.start);

export class Article {
  constructor(request, threshold) {
    this.request = request; // what the server is asked with: the text or the file, its name and how to read it
    this.threshold = threshold;
    this.texts = [];
    this.fixed = [];
    this.blocks = [];
    this.edits = []; // in order
    this.spunShare = 0;
    this.warnings = [];
    this.done = 0; // the share that is restored
    this.state = "waiting"; // then restoring, and at the end done, stopped or failed
    this.problem = "";
    this.choices = new Map(); // the key of a place -> the words that the reader chose, or null for the text's own
    this.past = []; // choices before the last steps
    this.future = []; // choices after the steps that were undone
    this.cursor = null; // a word that is no edit
    this.#index();
  }

  // --- what the server says

  open(document) {
    this.texts = document.articles.map(({ text }) => new Points(text));
    this.fixed = document.articles.map(({ fixed }) => fixed);
    this.blocks = document.blocks;
    if (!this.done) this.warnings = document.warnings; // a restoration has them too
  }

  update(line) {
    this.done = line.done;
    if (!line.edits) return;
    this.spunShare = line.spun_share;
    this.warnings = line.warnings;
    this.edits = line.edits.map((edit) => {
      const place = { article: edit.article, start: edit.offset, end: edit.offset + Array.from(edit.spun).length };
      const { spun, restored, kind, confidence, group } = edit;
      return { ...place, key: keyOf(place), spun, restored, kind, confidence, group };
    });
    this.edits.sort(inOrder);
    this.#index();
  }

  #index() {
    this.byKey = new Map(this.edits.map((edit) => [edit.key, edit]));
    this.groups = Map.groupBy(this.edits, (edit) => edit.group);
  }

  // --- what the reader sees

  // The edits that are confident enough or that the reader chose, the reader's own changes, and the cursor, in order.
  places() {
    const own = [...this.choices]
      .filter(([key, words]) => words !== null && !this.byKey.has(key))
      .map(([key, words]) => this.#manual(key, words))
      .sort(inOrder);
    const covered = this.#editsUnder(own);
    const blocked = new Set([...covered].map(({ group }) => group).filter((group) => group));
    const isShown = (edit) => (edit.confidence >= this.threshold || this.choices.has(edit.key)) && !covered.has(edit);
    const places = [...own, ...this.edits.filter(isShown).map((edit) => this.#edited(edit, blocked.has(edit.group)))];
    const { cursor } = this;
    if (cursor && !places.some((place) => overlap(place, cursor))) places.push(this.#cursorPlace());
    places.sort(inOrder);
    return closeGaps(places, this.texts);
  }

  // The edits in whose place the reader has words of their own. Both are in order.
  #editsUnder(own) {
    const covered = new Set();
    let first = 0;
    for (const edit of this.edits) {
      while (first < own.length && isBefore(own[first], edit)) first += 1;
      for (let i = first; i < own.length && !isBefore(edit, own[i]); i += 1) {
        if (overlap(own[i], edit)) covered.add(edit);
      }
    }
    return covered;
  }

  #manual(key, words) {
    const place = placeOf(key);
    const spun = this.#textAt(place);
    return { ...place, spun, restored: words, words, kind: "manual", confidence: 1, group: 0, isMade: true };
  }

  // A blocked edit belongs to one in whose place the reader has words of their own, and cannot be made without it.
  #edited(edit, isBlocked) {
    const isMade = !isBlocked && this.#isMade(edit);
    return { ...edit, isBlocked, isMade, words: isMade ? this.choices.get(edit.key) ?? edit.restored : edit.spun };
  }

  // The words of the text at a place; none as long as a saved article has not been opened again.
  #textAt({ article, start, end }) {
    return this.texts[article]?.slice(start, end) ?? "";
  }

  #cursorPlace() {
    const spun = this.#textAt(this.cursor);
    const place = { ...this.cursor, key: keyOf(this.cursor) };
    return { ...place, spun, restored: spun, words: spun, kind: "word", confidence: 0, group: 0, isCursor: true };
  }

  // The reader's choice overrides the threshold. Edits of a group are made together or not at all.
  #isMade(edit) {
    const choice = this.choices.get(edit.key);
    if (choice !== undefined) return choice !== null;
    return this.#groupOf(edit).every(
      (other) => other.confidence >= this.threshold && this.choices.get(other.key) !== null,
    );
  }

  #groupOf(edit) {
    return edit.group ? this.groups.get(edit.group) : [edit];
  }

  isFixed({ article, start, end }) {
    return this.fixed[article].some(([first, last]) => first < end && start < last);
  }

  // The edits that are made, as the server takes them.
  madeEdits() {
    return this.places()
      .filter((place) => place.isMade)
      .map((place) => {
        const edit = this.byKey.get(place.key);
        const isOwn = !edit || edit.restored !== place.words;
        const { article, start, end } = place;
        const kind = isOwn ? "manual" : edit.kind;
        const confidence = isOwn ? 1 : edit.confidence;
        return { article, start, end, restored: place.words, kind, confidence, group: place.group };
      });
  }

  // The readable text with the edits that are made.
  restoredText() {
    const made = this.places().filter(({ isMade }) => isMade);
    const byArticle = Map.groupBy(made, ({ article }) => article);
    return this.texts.map((text, i) => this.#applied(i, 0, text.length, byArticle.get(i) ?? [])).join("\n\n");
  }

  // The paragraph around a place, with the edits made in it, and the place in it: what the model needs for other words.
  context({ key, restored }) {
    const place = placeOf(key);
    const text = this.texts[place.article];
    let first = place.start;
    let last = place.end;
    while (first > 0 && text.slice(first - 1, first) !== "\n" && place.start - first < MAX_CONTEXT) first -= 1;
    while (last < text.length && text.slice(last, last + 1) !== "\n" && last - place.end < MAX_CONTEXT) last += 1;
    const others = this.places().filter(
      (other) => other.isMade && other.key !== key && other.article === place.article,
    );
    const before = this.#applied(place.article, first, place.start, others);
    const after = this.#applied(place.article, place.end, last, others);
    const start = Array.from(before).length;
    const end = start + place.end - place.start;
    return { paragraph: before + text.slice(place.start, place.end) + after, start, end, restored };
  }

  #applied(article, start, end, places) {
    const pieces = [];
    let position = start;
    for (const place of places) {
      if (place.start < position || place.end > end) continue; // outside the stretch
      pieces.push(this.texts[article].slice(position, place.start), place.words);
      position = place.end;
    }
    return [...pieces, this.texts[article].slice(position, end)].join("");
  }

  // --- what the reader does

  // Chooses words for places: null keeps the text's own. One step for undoing.
  choose(places, words) {
    this.#step(() => places.forEach((place) => this.#set(place, words)));
  }

  // Accepts or rejects edits: all that are shown, or those of a kind. Words of the reader's own stay if accepted.
  chooseAll(places, isMade) {
    const changing = places.filter((place) => place.isMade !== isMade && !place.isBlocked);
    this.#step(() => changing.forEach((place) => this.#set(place, isMade ? place.restored : null)));
  }

  // The edits of a group change together: each of the others is made, or none is.
  #set(place, words) {
    const edit = this.byKey.get(place.key);
    const own = words === this.#textAt(placeOf(place.key)) ? null : words;
    if (!edit && own === null) this.#keep(place);
    else if (!edit) this.choices.set(place.key, own);
    else {
      for (const other of this.#groupOf(edit)) {
        const isOther = own !== null && other !== edit;
        if (own !== null && place.isBlocked) this.#uncover(other);
        this.choices.set(other.key, isOther ? this.choices.get(other.key) ?? other.restored : own);
      }
    }
  }

  // Gives up the reader's own words for those of the text, not for those of edits in their place.
  #keep({ key }) {
    this.choices.delete(key);
    const place = placeOf(key);
    const covered = this.edits.filter((edit) => overlap(edit, place));
    for (const edit of covered.flatMap((other) => this.#groupOf(other))) this.choices.set(edit.key, null);
  }

  // Gives up the reader's own words in the place of an edit.
  #uncover(edit) {
    for (const key of this.choices.keys()) {
      if (!this.byKey.has(key) && overlap(placeOf(key), edit)) this.choices.delete(key);
    }
  }

  // Words that were typed for a place, with the white space that the words it replaces begin and end with.
  shaped(place, typed) {
    const restored = this.byKey.get(place.key)?.restored;
    const old = restored?.trim() ? restored : this.#textAt(placeOf(place.key));
    const words = typed.trim();
    return words && /^\s*/.exec(old)[0] + words + /\s*$/.exec(old)[0];
  }

  #step(make) {
    const before = new Map(this.choices);
    make();
    const { choices } = this;
    const isSame = before.size === choices.size && [...before].every(([key, words]) => choices.get(key) === words);
    if (isSame) return; // nothing to undo
    this.past = [...this.past, before].slice(-MAX_STEPS);
    this.future = [];
  }

  // Both return the first place that changes, or null.
  undo() {
    return this.#travel(this.past, this.future);
  }

  redo() {
    return this.#travel(this.future, this.past);
  }

  #travel(from, to) {
    if (!from.length) return null;
    const before = this.choices;
    to.push(before);
    this.choices = from.pop();
    const keys = new Set([...before.keys(), ...this.choices.keys()]);
    const changed = [...keys].filter((key) => before.get(key) !== this.choices.get(key)).map(placeOf).sort(inOrder);
    return changed[0] ?? null;
  }

  // The word at a point of a text that can be edited; null if there is none.
  wordAt(article, offset) {
    return this.#words(article, offset - REACH, offset + REACH).find(
      ({ start, end }) => start <= offset && offset <= end,
    ) ?? null;
  }

  // The next word after a place, or before it if the direction is -1; null if there is none.
  wordBeside({ article, start, end }, direction) {
    let at = direction > 0 ? end : start;
    for (let number = article; number >= 0 && number < this.texts.length; number += direction) {
      const { length } = this.texts[number];
      if (number !== article) at = direction > 0 ? 0 : length;
      for (; direction > 0 ? at < length : at > 0; at += direction * REACH) {
        const words = direction > 0 ? this.#words(number, at, at + REACH) : this.#words(number, at - REACH, at);
        const word = words.at(direction > 0 ? 0 : -1);
        if (!word) continue;
        const isCut = direction > 0 ? word.end === at + REACH : word.start === at - REACH;
        return isCut ? this.wordAt(number, word.start) : word;
      }
    }
    return null;
  }

  #words(article, first, last) {
    const text = this.texts[article];
    return text
      .words(Math.max(first, 0), Math.min(last, text.length))
      .map(([start, end]) => ({ article, start, end }))
      .filter((word) => !this.isFixed(word));
  }

  // --- what survives a reload

  save() {
    const { request, threshold, edits, spunShare, warnings, done, state, problem } = this;
    const steps = (maps) => maps.slice(-MAX_SAVED_STEPS).map((map) => [...map]);
    const choices = { choices: [...this.choices], past: steps(this.past), future: steps(this.future) };
    return { request, threshold, edits, spunShare, warnings, done, state, problem, ...choices };
  }

  static restored(saved) {
    const article = Object.assign(new Article(saved.request, saved.threshold), saved);
    article.choices = new Map(saved.choices);
    article.past = saved.past.map((choices) => new Map(choices));
    article.future = saved.future.map((choices) => new Map(choices));
    article.#index();
    return article;
  }
}
