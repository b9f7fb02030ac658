"use strict";
// The state holds the source, the edits of any confidence, and what the reader chose. `render` draws it all.
const $ = (id) => document.getElementById(id);
const MAX_CONTEXT = 9000; // characters of a paragraph sent along on each side of an edit
const state = {
  chars: [], // of the source: offsets count Unicode code points, which JavaScript strings do not
  edits: [],
  done: 0, // characters restored so far
  spun_share: 0,
  warnings: [],
  format: "txt",
  name: "article", // of the opened file, without its suffix
  chosen: new Map(), // the key of an edit -> the replacement that the reader chose, or null for the source's own words
};
let formats = [];

const keyOf = (edit) => `${edit.start}:${edit.end}`;
const groupOf = (edit) => (edit.group ? state.edits.filter((other) => other.group === edit.group) : [edit]);
const percent = (share) => `${Math.round(share * 100)} %`;
const source = (start, end) => state.chars.slice(start, end).join("");
const minConfidence = () => Number($("threshold").value);
const buttonOf = (key) => document.querySelector(`[data-key="${CSS.escape(key)}"]`);

function isApplied(edit) {
  // The reader's choice overrides the threshold. Edits of a group are applied together or not at all.
  const choice = state.chosen.get(keyOf(edit));
  if (choice !== undefined) return choice !== null;
  return groupOf(edit).every(
    (other) => other.confidence >= minConfidence() && state.chosen.get(keyOf(other)) !== null,
  );
}

function replacementOf(edit) {
  return state.chosen.get(keyOf(edit)) ?? edit.replacement;
}

function restoredText() {
  const parts = [];
  let position = 0;
  for (const edit of state.edits) {
    if (!isApplied(edit)) continue;
    parts.push(source(position, edit.start), replacementOf(edit));
    position = edit.end;
  }
  return [...parts, source(position)].join("");
}

function describe(edit) {
  const alternatives = edit.alternatives.map((other) => `“${other}”`).join(", ");
  const change = `${edit.kind}, confidence ${percent(edit.confidence)}: “${edit.spun}” becomes “${edit.restored}”`;
  return alternatives ? `${change}; alternatives: ${alternatives}` : change;
}

function element(name, text, className) {
  const node = document.createElement(name);
  node.textContent = text;
  if (className) node.className = className;
  return node;
}

function editButton(edit, applied) {
  const text = applied ? replacementOf(edit) : edit.spun;
  const level = edit.confidence >= 0.8 ? "sure" : edit.confidence >= 0.5 ? "likely" : "doubtful";
  const button = element("button", text, (applied ? level : "rejected") + (text.trim() ? "" : " empty"));
  button.type = "button";
  button.title = describe(edit);
  button.setAttribute("aria-label", `${text || "nothing"}: ${applied ? "" : "not applied: "}${describe(edit)}`);
  button.dataset.key = keyOf(edit);
  button.addEventListener("click", () => openChoices(edit));
  button.addEventListener("pointerenter", () => loadAlternatives(edit));
  return button;
}

function render() {
  const before = document.createDocumentFragment();
  const after = document.createDocumentFragment();
  const focused = document.activeElement?.dataset.key;
  let position = 0;
  let count = 0;
  for (const edit of state.edits) {
    const applied = isApplied(edit);
    if (!applied && edit.confidence < minConfidence() && !state.chosen.has(keyOf(edit))) continue;
    const unchanged = source(position, edit.start);
    before.append(unchanged, applied ? element("del", edit.spun) : edit.spun);
    after.append(unchanged, editButton(edit, applied));
    count += applied;
    position = edit.end;
  }
  const done = Math.max(position, state.done);
  before.append(source(position));
  after.append(source(position, done), element("span", source(done), "pending"));
  $("before").replaceChildren(before);
  $("after").replaceChildren(after);
  if (focused) buttonOf(focused)?.focus();
  renderFigures(count);
}

function renderFigures(count) {
  $("spun").value = state.spun_share;
  $("share").textContent = `about ${percent(state.spun_share)}`;
  $("level").textContent = percent(minConfidence());
  $("count").textContent = count === 1 ? "1 edit" : `${count} edits`;
  $("warnings").replaceChildren(...state.warnings.map((warning) => element("li", warning)));
  $("warned").hidden = state.warnings.length === 0;
}

function loadAlternatives(edit) {
  // Fetched once, on hover or click: fetching the alternatives of all edits would take longer than restoring.
  edit.loading ??= fetchAlternatives(edit);
  return edit.loading;
}

async function fetchAlternatives(edit) {
  let first = edit.start;
  let last = edit.end;
  while (first > 0 && state.chars[first - 1] !== "\n" && edit.start - first < MAX_CONTEXT) first -= 1;
  while (last < state.chars.length && state.chars[last] !== "\n" && last - edit.end < MAX_CONTEXT) last += 1;
  const response = await post("api/alternatives", {
    paragraph: source(first, last),
    start: edit.start - first,
    end: edit.end - first,
    restored: edit.restored,
  });
  if (!response.ok) return;
  edit.alternatives = (await response.json()).alternatives;
  const button = buttonOf(keyOf(edit));
  if (button) button.title = describe(edit);
}

function post(path, body) {
  return fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

async function openChoices(edit) {
  await loadAlternatives(edit);
  const current = isApplied(edit) ? replacementOf(edit) : null;
  const options = edit.alternatives.map((text) => ({ label: `Use “${text}”`, replacement: text }));
  options.unshift({ label: `Use “${edit.restored}”`, replacement: edit.replacement });
  options.push({ label: `Keep “${edit.spun}”`, replacement: null });
  $("about").textContent = describe(edit) + (edit.group ? "; applied together with other edits of its sentence" : "");
  $("options").replaceChildren(
    ...options.map(({ label, replacement }) => {
      const button = element("button", label);
      button.type = "button";
      button.setAttribute("aria-pressed", String(replacement === current));
      button.addEventListener("click", () => choose(edit, replacement));
      return button;
    }),
  );
  $("choice").showModal();
}

function choose(edit, replacement) {
  for (const other of groupOf(edit)) {
    const isOther = replacement !== null && other !== edit;
    state.chosen.set(keyOf(other), isOther ? replacementOf(other) : replacement);
  }
  $("choice").close();
  render();
  buttonOf(keyOf(edit))?.focus();
}

function setStatus(text, isError = false) {
  $("status").textContent = text;
  $("status").classList.toggle("bad", isError);
}

async function* readLines(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    yield* lines;
  }
}

async function restore(event) {
  event.preventDefault();
  await settingsLoaded;
  const text = $("text").value;
  if (!text.trim()) return setStatus("Paste an article or drop a file first.", true);
  const format = $("format").value;
  const fresh = { edits: [], done: 0, spun_share: 0, warnings: [], chosen: new Map() };
  Object.assign(state, fresh, { chars: Array.from(text), format });
  $("restore").disabled = true;
  setStatus("Restoring …");
  try {
    // Edits of any confidence are fetched, so that the slider needs no request.
    const response = await post("api/stream", { text, format, min_confidence: 0 });
    if (!response.ok) throw new Error(await problemOf(response));
    $("entry").hidden = true;
    $("result").hidden = false;
    for await (const line of readLines(response)) {
      Object.assign(state, JSON.parse(line));
      render();
      setStatus(`Restoring … ${percent(state.done / state.chars.length)}`);
    }
    setStatus(`Done: ${$("count").textContent}.`);
  } catch (error) {
    setStatus(`Restoring failed: ${error.message}`, true);
  } finally {
    $("restore").disabled = false;
  }
}

async function problemOf(response) {
  const problem = await response.json().catch(() => ({}));
  return typeof problem.detail === "string" ? problem.detail : `the server answered with status ${response.status}`;
}

async function open(file) {
  if (!file) return;
  await settingsLoaded;
  const name = file.name.toLowerCase();
  const format = formats.find(({ suffixes }) => suffixes.some((suffix) => name.endsWith(suffix)));
  $("format").value = format ? format.name : "txt";
  state.name = file.name.replace(/\.[^.]*$/, "");
  $("text").value = await file.text();
  setStatus(`Opened ${file.name}.`);
}

function download() {
  const link = element("a", "");
  link.href = URL.createObjectURL(new Blob([restoredText()], { type: "text/plain" }));
  link.download = `${state.name}.restored.${state.format}`;
  link.click();
  URL.revokeObjectURL(link.href);
}

function newArticle() {
  $("entry").hidden = false;
  $("result").hidden = true;
  setStatus("");
  $("text").focus();
}

async function loadSettings() {
  const settings = await (await fetch("api/settings")).json();
  formats = settings.formats;
  $("threshold").value = settings.threshold;
  $("level").textContent = percent(settings.threshold);
  $("format").replaceChildren(...formats.map(({ name, label }) => new Option(label, name)));
  $("file").accept = formats.flatMap(({ suffixes }) => suffixes).join(",");
}

$("entry").addEventListener("submit", restore);
$("threshold").addEventListener("input", render);
$("file").addEventListener("change", (event) => open(event.target.files[0]));
$("close").addEventListener("click", () => $("choice").close());
$("download").addEventListener("click", download);
$("back").addEventListener("click", newArticle);
$("copy").addEventListener("click", async () => {
  await navigator.clipboard.writeText(restoredText());
  setStatus("Copied.");
});
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    document.body.classList.toggle("dropping", kind === "dragover");
    if (kind === "drop") open(event.dataTransfer.files[0]);
  });
}
const settingsLoaded = loadSettings();
