// The dialog for one place: other words for it, the text's own, or words of one's own.
import { findAlternatives } from "./server.js";
import { describe, element } from "./view.js";

const $ = (id) => document.getElementById(id);
const KINDS = {
  word: "one word",
  phrase: "several words",
  insertion: "inserted words",
  deletion: "deleted words",
  quotation: "in a quotation",
  manual: "changed by you",
};

export class PlaceDialog {
  constructor(onChoose) {
    this.onChoose = onChoose; // called with the places and the words for them; null keeps the text's own
    this.node = $("place");
    $("own").addEventListener("submit", () => this.#choose(this.#ownWords()));
    this.node.addEventListener("keydown", (event) => this.#pressNumber(event));
  }

  async open(article, place, anchor) {
    this.place = place;
    const places = article.places();
    this.others = places.filter(
      (other) => other.key !== place.key && other.spun === place.spun && other.restored === place.restored,
    );
    const edit = article.byKey.get(place.key);
    const restored = edit?.restored ?? null;
    $("place-title").textContent = place.spun.trim() ? `“${place.spun.trim()}”` : "Inserted words";
    $("place-about").textContent = this.#about(article, place, edit);
    this.options = new Map(); // the words of an option, or null -> its label
    if (restored !== null) this.options.set(restored, restored.trim() ? restored : "Delete it");
    else if (place.words !== place.spun) this.options.set(place.words, place.words || "Delete it");
    this.#draw();
    $("own-text").value = (place.isMade ? place.words : place.spun).trim();
    $("same-label").hidden = !this.others.length;
    $("same").checked = false;
    $("same-text").textContent =
      this.others.length === 1 ? "in the other place too" : `in the ${this.others.length} other places too`;
    this.anchor = anchor;
    this.node.showModal();
    this.#moveToAnchor();
    await this.#loadAlternatives(article, place);
  }

  #about(article, place, edit) {
    if (!edit) return place.kind === "manual" ? "Changed by you." : "The model leaves this word as it is.";
    const group = edit.group ? " It is made together with other edits of its sentence, or not at all." : "";
    return `${describe(place)} (${KINDS[edit.kind]}).${group}`.replace(/^./, (letter) => letter.toUpperCase());
  }

  async #loadAlternatives(article, place) {
    $("looking").textContent = "Looking for other words …";
    try {
      const found = await findAlternatives(article.context(place));
      if (this.place !== place) return;
      for (const words of found) if (words.trim() && words !== place.spun) this.options.set(words, words);
      $("looking").textContent = found.length ? "" : "The model knows no other words here.";
      this.#draw();
    } catch (error) {
      $("looking").textContent = `Other words cannot be shown: ${error.message}`;
    }
  }

  #draw() {
    const options = [...this.options, [null, this.place.spun.trim() ? `Keep “${this.place.spun.trim()}”` : "Insert nothing"]];
    const current = this.place.isMade ? this.place.words : null;
    const focused = document.activeElement?.dataset.option;
    $("options").replaceChildren(
      ...options.map(([words, label], i) => {
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
    if (event.target.id === "own-text" || !/^[1-9]$/.test(event.key)) return;
    $("options").children[Number(event.key) - 1]?.click();
  }

  // What was typed, with the white space that the words it replaces begin and end with.
  #ownWords() {
    const words = $("own-text").value.trim();
    const old = this.place.restored.trim() ? this.place.restored : this.place.spun;
    if (!words) return this.place.spun.trim() ? "" : null;
    return /^\s*/.exec(old)[0] + words + /\s*$/.exec(old)[0];
  }

  #choose(words) {
    this.node.close();
    this.onChoose($("same").checked ? [this.place, ...this.others] : [this.place], words);
  }

  // Below the place, above it or beside it, where the window is wide enough; at the bottom of a narrow one.
  #moveToAnchor() {
    const { style } = this.node;
    style.left = style.top = "";
    const isBeside = Boolean(this.anchor) && window.matchMedia("(min-width: 50rem)").matches;
    this.node.classList.toggle("beside", isBeside);
    if (!isBeside || !this.node.open) return;
    const at = this.anchor.getBoundingClientRect();
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
