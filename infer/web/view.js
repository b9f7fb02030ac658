// Draws an article: a row for each block, the original on the left and the restoration on the right.
//
// Elements are made from the layout's tags, of which only those below are known; text is only ever text. A row is drawn
// anew only if its places have changed.

const TAGS = new Set(
  `p pre blockquote ul ol li dl dt dd table thead tbody tfoot tr td th caption figure figcaption hr
  strong b i em u s small sub sup code kbd samp q cite`.split(/\s+/),
);
const INLINE = new Set(["a", "mark", "ins", "del"]); // spans of the page, which uses these elements itself

export function element(tag, text, className) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (className) node.className = className;
  return node;
}

const levelOf = (confidence) => (confidence >= 0.8 ? "sure" : confidence >= 0.5 ? "likely" : "doubtful");

function classOf(place) {
  if (place.isCursor) return "cursor";
  if (!place.isMade) return "rejected";
  return place.kind === "manual" || place.words !== place.restored ? "manual" : levelOf(place.confidence);
}

export const percent = (share) => `${Math.round(share * 100)}%`;

// What a place is, in words.
export function describe(place) {
  if (place.isCursor) return `“${place.spun}”: unchanged`;
  const what = !place.spun.trim()
    ? `“${place.restored.trim()}” inserted`
    : place.restored.trim()
      ? `“${place.spun}” becomes “${place.restored}”`
      : `“${place.spun.trim()}” deleted`;
  if (place.kind === "manual") return `${what}, changed by you`;
  return `${place.isMade ? "" : "rejected: "}${what}, confidence ${percent(place.confidence)}`;
}

export class View {
  constructor(container, onSelect) {
    this.container = container;
    this.onSelect = onSelect; // called with a place that is clicked
    this.rows = [];
  }

  // Lays out another article.
  show(article) {
    this.article = article;
    this.rows = article.blocks.map(({ article: number, tree }) => {
      const node = element("div", "", "row");
      const before = element("div", "", "before");
      const after = element("div", "", "after");
      node.append(before, after);
      return { number, tree, node, before, after, drawn: null, spans: [...spansOf(tree)] };
    });
    this.container.replaceChildren(...this.rows.map(({ node }) => node));
    this.update();
  }

  // Draws what has changed.
  update() {
    const places = this.article.places();
    const byArticle = Map.groupBy(places, ({ article }) => article);
    const focused = document.activeElement?.dataset.key;
    for (const row of this.rows) {
      const own = assign(byArticle.get(row.number) ?? [], row.spans);
      const drawn = own.flat().map((place) => `${place.key} ${classOf(place)} ${place.words}`).join("\n");
      if (drawn === row.drawn) continue;
      row.drawn = drawn;
      const text = this.article.texts[row.number];
      let i = 0;
      let j = 0;
      const before = build(row.tree, (span) => originalOf(text, span, own[i++]));
      const after = build(row.tree, (span) => this.#restoredOf(text, row.number, span, own[j++]));
      before.dir = after.dir = "auto"; // right to left if its text is
      row.before.replaceChildren(before);
      row.after.replaceChildren(after);
    }
    if (focused && document.activeElement === document.body) {
      (this.buttonOf(focused) ?? this.container).focus({ preventScroll: true });
    }
    return places;
  }

  buttonOf(key) {
    return this.container.querySelector(`[data-key="${CSS.escape(key)}"]`);
  }

  // Where in which article the words at a point of the window stand, if they are shown in the restoration.
  positionAt(x, y) {
    const caret = document.caretPositionFromPoint
      ? document.caretPositionFromPoint(x, y)
      : document.caretRangeFromPoint?.(x, y);
    const node = caret?.offsetNode ?? caret?.startContainer;
    const stretch = node?.parentElement?.closest(".after [data-start]");
    if (!stretch || stretch.firstChild !== node) return null;
    const offset = Array.from(node.data.slice(0, caret.offset ?? caret.startOffset)).length;
    return { article: Number(stretch.dataset.article), offset: Number(stretch.dataset.start) + offset };
  }

  *#restoredOf(text, number, [start, end], places) {
    let position = start;
    for (const place of places) {
      if (place.start > position) yield stretch(text, number, position, place.start);
      if (place.start >= start) yield this.#button(text, place, end);
      else if (!place.isMade) yield stretch(text, number, position, Math.min(place.end, end));
      position = Math.max(position, Math.min(place.end, end));
    }
    if (position < end) yield stretch(text, number, position, end);
  }

  #button(text, place, end) {
    const words = place.isMade ? place.words : text.slice(place.start, Math.min(place.end, end));
    const button = element("button", words, classOf(place) + (words.trim() ? "" : " empty"));
    button.type = "button";
    button.title = describe(place);
    button.setAttribute("aria-label", `${words.trim() || "nothing"} (${describe(place)})`);
    button.dataset.key = place.key;
    button.addEventListener("click", () => this.onSelect(place));
    return button;
  }
}

function stretch(text, number, start, end) {
  const node = element("span", text.slice(start, end));
  node.dataset.article = number;
  node.dataset.start = start;
  return node;
}

function* originalOf(text, [start, end], places) {
  let position = start;
  for (const place of places) {
    if (!place.isMade) continue;
    const [first, last] = [Math.max(place.start, position), Math.min(place.end, end)];
    yield text.slice(position, first);
    if (last > first) yield element("del", text.slice(first, last));
    position = Math.max(position, last);
  }
  yield text.slice(position, end);
}

function* spansOf(tree) {
  for (const child of tree.slice(1)) {
    if (!Array.isArray(child)) continue;
    if (typeof child[0] === "number") yield child;
    else yield* spansOf(child);
  }
}

// For each span of a row, the places that touch it. An insertion belongs to the span whose characters it follows.
function assign(places, spans) {
  return spans.map(([start, end], i) => {
    const found = [];
    const isFirst = i === 0 || spans[i - 1][1] !== start;
    for (let j = firstEndingAt(places, start); j < places.length && places[j].start <= end; j += 1) {
      const place = places[j];
      const isHere = place.start > start || (isFirst && place.start === start);
      if (place.start === place.end ? isHere : place.start < end && place.end > start) found.push(place);
    }
    return found;
  });
}

// The index of the first place that ends at an offset or after it.
function firstEndingAt(places, offset) {
  let [low, high] = [0, places.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (places[middle].end < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

function build(tree, drawSpan) {
  const [tag, ...children] = tree;
  const node = TAGS.has(tag) ? element(tag) : element(INLINE.has(tag) ? "span" : "div", "", `as-${tag}`);
  if (/^h[1-6]$/.test(tag)) {
    node.setAttribute("role", "heading");
    node.setAttribute("aria-level", String(Math.min(Number(tag[1]) + 1, 6)));
  }
  for (const child of children) {
    if (!Array.isArray(child)) node.append(child);
    else if (typeof child[0] === "number") node.append(...drawSpan(child));
    else node.append(build(child, drawSpan));
  }
  return node;
}
