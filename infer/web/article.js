// One document: its texts, the edits that the model proposes, and what the reader chose. Knows nothing of the page.
//
// A place is a stretch of a text that an edit, the reader or the cursor is at. Offsets count Unicode code points, which
// JavaScript's strings do not; `Points` bridges the two.

const WORD = /[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*/gu;
const MAX_STEPS = 200; // that can be undone
const REACH = 1000; // characters on each side of a place in which the next word is looked for
const MAX_CONTEXT = 9000; // characters of a paragraph sent along on each side of a place

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

function placeOf(key) {
  const [article, start, end] = key.split(":").map(Number);
  return { key, article, start, end };
}

const inOrder = (a, b) => a.article - b.article || a.start - b.start || a.end - b.end;

// Whether two places touch the same characters, or are insertions at the same point.
export function overlap(a, b) {
  if (a.article !== b.article) return false;
  return (a.start < b.end && b.start < a.end) || (a.start === b.start && (a.end === b.end || a.start === a.end));
}

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
    this.format = document.format;
    this.texts = document.articles.map(({ text }) => new Points(text));
    this.fixed = document.articles.map(({ fixed }) => fixed);
    this.blocks = document.blocks;
    this.words = document.words;
    this.warnings = document.warnings;
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
    const own = [...this.choices].filter(([key, words]) => words !== null && !this.byKey.has(key));
    const places = own.map(([key, words]) => this.#manual(key, words));
    for (const edit of this.edits) {
      const isShown = edit.confidence >= this.threshold || this.choices.has(edit.key);
      if (isShown && !own.some(([key]) => overlap(placeOf(key), edit))) places.push(this.#edited(edit));
    }
    const { cursor } = this;
    if (cursor && !places.some((place) => overlap(place, cursor))) places.push(this.#cursorPlace());
    return places.sort(inOrder);
  }

  #manual(key, words) {
    const place = placeOf(key);
    const spun = this.texts[place.article]?.slice(place.start, place.end) ?? ""; // not opened yet after a reload
    return { ...place, spun, restored: words, words, kind: "manual", confidence: 1, group: 0, isMade: true };
  }

  #edited(edit) {
    const isMade = this.#isMade(edit);
    return { ...edit, isMade, words: isMade ? this.choices.get(edit.key) ?? edit.restored : edit.spun };
  }

  #cursorPlace() {
    const spun = this.texts[this.cursor.article].slice(this.cursor.start, this.cursor.end);
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

  // What a list of edits needs, of the edits that are made.
  madeEdits() {
    return this.places()
      .filter((place) => place.isMade)
      .map((place) => {
        const edit = this.byKey.get(place.key);
        const isOwn = !edit || edit.restored !== place.words;
        const { article, start, end } = place;
        const kind = isOwn ? "manual" : edit.kind;
        return { article, start, end, restored: place.words, kind, confidence: isOwn ? 1 : edit.confidence };
      });
  }

  // The paragraph around a place, with the edits made in it, and the place in it: what the model needs for other words.
  context(place) {
    const text = this.texts[place.article];
    let first = place.start;
    let last = place.end;
    while (first > 0 && text.slice(first - 1, first) !== "\n" && place.start - first < MAX_CONTEXT) first -= 1;
    while (last < text.length && text.slice(last, last + 1) !== "\n" && last - place.end < MAX_CONTEXT) last += 1;
    const others = this.places().filter(
      (other) => other.key !== place.key && other.isMade && other.article === place.article && other.start >= first && other.end <= last,
    );
    const before = this.#applied(place.article, first, place.start, others);
    const after = this.#applied(place.article, place.end, last, others);
    const start = Array.from(before).length;
    const end = start + place.end - place.start;
    return { paragraph: before + place.spun + after, start, end, restored: place.restored };
  }

  #applied(article, start, end, places) {
    const pieces = [];
    let position = start;
    for (const place of places) {
      if (place.start < position || place.end > end) continue;
      pieces.push(this.texts[article].slice(position, place.start), place.words);
      position = place.end;
    }
    return [...pieces, this.texts[article].slice(position, end)].join("");
  }

  // --- what the reader does

  // Chooses words for places: null keeps the text's own. One step for undoing.
  choose(places, words) {
    const before = new Map(this.choices);
    for (const place of places) {
      const edit = this.byKey.get(place.key);
      if (!edit || (words === "" && edit.restored !== "")) {
        this.choices.delete(place.key);
        if (words !== null && words !== place.spun) this.choices.set(keyOf(this.#widened(place, words)), words);
      } else {
        for (const other of this.#groupOf(edit)) {
          const isOther = words !== null && other !== edit;
          this.choices.set(other.key, isOther ? this.choices.get(other.key) ?? other.restored : words);
        }
      }
    }
    this.#remember(before);
  }

  // A word that is deleted takes the space before it along.
  #widened(place, words) {
    const hasSpace = place.start > 0 && this.texts[place.article].slice(place.start - 1, place.start) === " ";
    const isBare = place.spun === place.spun.trim();
    return words === "" && hasSpace && isBare ? { ...place, start: place.start - 1 } : place;
  }

  // Makes or undoes edits: all that are shown, or those of a kind.
  chooseAll(places, isMade) {
    const before = new Map(this.choices);
    for (const place of places) {
      const edit = this.byKey.get(place.key);
      if (!edit && !isMade) this.choices.delete(place.key);
      else if (edit && (!isMade || !place.isMade)) {
        for (const other of this.#groupOf(edit)) this.choices.set(other.key, isMade ? other.restored : null);
      }
    }
    this.#remember(before);
  }

  #remember(before) {
    this.past = [...this.past, before].slice(-MAX_STEPS);
    this.future = [];
  }

  undo() {
    if (!this.past.length) return;
    this.future.push(this.choices);
    this.choices = this.past.pop();
  }

  redo() {
    if (!this.future.length) return;
    this.past.push(this.choices);
    this.choices = this.future.pop();
  }

  // The word at a point of a text that can be edited; null if there is none.
  wordAt(article, offset) {
    return this.#words(article, offset - REACH, offset + REACH).find(
      ({ start, end }) => start <= offset && offset <= end,
    ) ?? null;
  }

  // The word after a place, or before it if the direction is -1; null if there is none near it.
  wordBeside({ article, start, end }, direction) {
    const next = direction > 0 ? this.#words(article, end, end + REACH)[0] : this.#words(article, start - REACH, start).at(-1);
    return next ?? null;
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
    const steps = (maps) => maps.map((map) => [...map]);
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
