// The dialog for one place: other words for it, the text's own, or words of one's own.
import { findAlternatives } from "./server.js";
import { describe, element, percent } from "./view.js";

const $ = (id) => document.getElementById(id);
const KINDS = {
  word: "one word",
  phrase: "several words",
  insertion: "inserted words",
  deletion: "deleted words",
  quotation: "in a quotation",
  dictionary: "from the list of phrases",
  manual: "changed by you",
};

export class PlaceDialog {
  constructor(onChoose) {
    this.onChoose = onChoose; // called with the places and the words for them; null keeps the text's own
    this.node = $("place");
    $("own").addEventListener("submit", () => this.#choose(this.article.shaped(this.place, $("own-text").value)));
    this.node.addEventListener("keydown", (event) => this.#pressNumber(event));
    this.node.addEventListener("close", () => {
      if (!this.node.open) this.loading?.abort(); // the event comes late: the dialog may be open for another place
    });
  }

  // `findAnchor` finds the place on the page, which is drawn anew while the document is restored.
  async open(article, place, findAnchor) {
    this.article = article;
    this.place = place;
    this.findAnchor = findAnchor;
    const places = article.places();
    this.others = places.filter(
      (other) =>
        other.key !== place.key &&
        other.spun === place.spun &&
        other.restored === place.restored &&
        !other.isBlocked, // by words of the reader's own
    );
    const edit = article.byKey.get(place.key);
    const restored = edit?.restored ?? null;
    $("place-title").textContent = place.spun.trim() ? `“${place.spun.trim()}”` : "Inserted words";
    $("place-about").textContent = this.#about(article, place, edit);
    this.options = new Map(); // the words of an option, or null for the text's own -> its label
    if (restored !== null) this.options.set(restored, restored.trim() ? restored : "Delete it");
    else if (place.isMade) this.options.set(place.words, place.words || "Delete it");
    this.options.set(null, place.spun.trim() ? `Keep “${place.spun.trim()}”` : "Insert nothing");
    this.#draw();
    $("own-text").value = (place.isMade ? place.words : place.spun).trim();
    $("same-label").hidden = !this.others.length;
    $("same").checked = false;
    $("same-text").textContent =
      this.others.length === 1 ? "in the other place too" : `in the ${this.others.length} other places too`;
    this.node.showModal();
    this.#moveToAnchor();
    await this.#loadAlternatives(article, place);
  }

  #about(article, place, edit) {
    if (place.isCursor && edit) {
      const what = edit.restored.trim() ? `“${edit.restored.trim()}”` : "deleting it";
      return `The model suggests ${what}, with a confidence of ${percent(edit.confidence)}.`;
    }
    if (!edit) return place.kind === "manual" ? "Changed by you." : "The model leaves this word as it is.";
    const group = edit.group ? " It is made together with other edits of its sentence, or not at all." : "";
    return `${describe(place)} (${KINDS[edit.kind]}).${group}`.replace(/^./, (letter) => letter.toUpperCase());
  }

  async #loadAlternatives(article, place) {
    $("looking").textContent = "Looking for other words …";
    this.loading?.abort();
    this.loading = new AbortController();
    const { signal } = this.loading;
    const count = this.options.size;
    try {
      const found = await findAlternatives(article.context(place), signal);
      if (signal.aborted) return;
      for (const words of found) if (words.trim() && words !== place.spun) this.options.set(words, words);
      $("looking").textContent = this.options.size > count ? "" : "The model knows no other words here.";
      this.#draw();
    } catch (error) {
      if (!signal.aborted) $("looking").textContent = `Other words cannot be shown: ${error.message}`;
    }
  }

  #draw() {
    const current = this.place.isMade ? this.place.words : null;
    const focused = document.activeElement?.dataset.option;
    $("options").replaceChildren(
      ...[...this.options].map(([words, label], i) => {
        const button = element("button", label);
        button.type = "button";
        button.dataset.option = String(i);
        button.setAttribute("aria-pressed", String(words === current));
        if (i < 9) button.append(element("kbd", String(i + 1)));
        button.addEventListener("click", () => this.#choose(words));
        return button;
      }),
    );
    this.#moveToAnchor();
    if (focused !== undefined) $("options").querySelector(`[data-option="${focused}"]`)?.focus();
  }

  #pressNumber(event) {
    const isTyped = event.target.id === "own-text" || event.ctrlKey || event.altKey || event.metaKey;
    if (isTyped || !/^[1-9]$/.test(event.key)) return;
    $("options").children[Number(event.key) - 1]?.click();
  }

  #choose(words) {
    this.node.close();
    this.onChoose($("same").checked ? [this.place, ...this.others] : [this.place], words);
  }

  // Below the place, above it or beside it, where the window is wide enough; at the bottom of a narrow one.
  #moveToAnchor() {
    const anchor = this.findAnchor();
    if (!anchor || !this.node.open) return; // it stays where it is
    const { style } = this.node;
    style.left = style.top = "";
    const isBeside = window.matchMedia("(min-width: 50rem)").matches;
    this.node.classList.toggle("beside", isBeside);
    if (!isBeside) return;
    const at = anchor.getBoundingClientRect();
    const { width, height } = this.node.getBoundingClientRect();
    const [above, below] = [at.top - height - 6, at.bottom + 6];
    const isBelow = below + height <= window.innerHeight;
    const isBesideWord = !isBelow && above < 0; // there is room neither below nor above
    const left = !isBesideWord ? at.left : at.left > width ? at.left - width - 6 : at.right + 6;
    const top = isBelow || isBesideWord ? below : above;
    style.left = `${Math.max(8, Math.min(left, window.innerWidth - width - 8))}px`;
    style.top = `${Math.max(8, Math.min(top, window.innerHeight - height - 8))}px`;
  }
}
