// The page: the entry form, the list of documents, the toolbar, the keys, and what survives a reload.
import { Article, inOrder, overlap, placeOf } from "./article.js";
import { PlaceDialog } from "./dialog.js";
import { exportDocument, loadSettings, openDocument, restoreDocument } from "./server.js";
import { View, element, percent } from "./view.js";

const $ = (id) => document.getElementById(id);
const SESSION = "unspin";
const TYPED = "unspin-text"; // a text that is not restored yet
const NAME = "article"; // of a text that was pasted
const KINDS = {
  word: "One word",
  phrase: "Several words",
  insertion: "Insertions",
  deletion: "Deletions",
  quotation: "In quotations",
  dictionary: "From the list of phrases",
  manual: "Changed by you",
};

let settings = null;
let articles = [];
let current = null; // the article that is shown
let chosen = []; // files to restore
let visited = null; // the place that had the focus last
let isRunning = false; // whether articles are being restored
let running = null; // the controller that stops the restoration of one of them
const view = new View($("rows"), select);
const dialog = new PlaceDialog((places, words) => change(() => current.choose(places, words), places[0]));

const quantity = (count, what) => `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;
const buttons = () => [...$("rows").querySelectorAll("button[data-key]:not(.cursor)")];

function say(text, isProblem = false) {
  $("status").textContent = text;
  $("status").classList.toggle("bad", isProblem);
}

// --- entering articles

function suffixOf(name) {
  return /\.[^.]*$/.exec(name.toLowerCase())?.[0] ?? "";
}

function formatOf(name) {
  return settings.formats.find(({ suffixes }) => suffixes.includes(suffixOf(name)))?.name;
}

// Shows the options that the chosen format has.
function showOptions() {
  const names = $("format").value ? [$("format").value] : chosen.map(({ name }) => formatOf(name));
  const has = (...formats) => names.some((name) => formats.includes(name));
  $("field-label").hidden = !has("csv", "json", "jsonl");
  $("main-content-label").hidden = !has("html");
}

function addFiles(files) {
  const large = files.filter(({ size }) => size > settings.max_file_bytes);
  chosen.push(...files.filter((file) => !large.includes(file)));
  drawChosen();
  const limit = `${Math.round(settings.max_file_bytes / 1e6)} MB`;
  if (!large.length) return say("");
  const sizes = large.map(({ name, size }) => `${name} has ${(size / 1e6).toFixed(1)} MB`).join(", ");
  say(`${sizes}: the limit of this page is ${limit}. The command unspin restore takes files of any size.`, true);
}

function drawChosen() {
  $("chosen").replaceChildren(
    ...chosen.map((file) => {
      const item = element("li", file.name);
      const remove = element("button", "×");
      remove.type = "button";
      remove.setAttribute("aria-label", `Leave out ${file.name}`);
      remove.addEventListener("click", () => {
        chosen = chosen.filter((other) => other !== file);
        drawChosen();
      });
      item.append(remove);
      return item;
    }),
  );
  const isEmpty = chosen.length === 0;
  $("chosen").hidden = isEmpty;
  showOptions();
}

async function toBase64(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let binary = "";
  for (let i = 0; i < bytes.length; i += 0x8000) binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(binary);
}

async function submit(event) {
  event.preventDefault();
  await ready;
  const text = $("text").value;
  const files = chosen;
  if (!files.length && !text.trim()) return say("Paste an article or open a file first.", true);
  const options = {
    format: $("format").value || null,
    field: $("field").value || "text",
    main_content: $("main-content").checked && !$("main-content-label").hidden,
    skip_faults: true,
  };
  chosen = []; // at once, so that a second click finds nothing to do
  $("text").value = "";
  drawChosen();
  try {
    const requests = text.trim() ? [{ text, name: NAME, ...options }] : [];
    for (const file of files) requests.push({ data: await toBase64(file), name: file.name, ...options });
    await add(requests);
  } catch (error) {
    $("text").value ||= text;
    chosen = [...files, ...chosen];
    drawChosen();
    say(`Nothing was opened: ${error.message}`, true);
  }
}

// Opens documents and restores them. A pasted text that cannot be read goes back to where it was pasted.
async function add(requests) {
  const added = requests.map((request) => new Article(request, settings.threshold));
  articles.push(...added);
  await show(added[0]);
  const [{ state, problem, request }] = added;
  const isShown = current === added[0] && $("entry").hidden;
  if (state === "failed" && request.text && isShown) {
    closeArticle(added[0]);
    enterAnother();
    $("text").value = request.text;
    $("field-label").hidden = false;
    say(`This text cannot be restored: ${problem}`, true);
  } else {
    $("format").value = "";
    showOptions();
    if (isShown) $("rows").focus({ preventScroll: true });
  }
  run();
}

// --- restoring

// Restores the articles that wait, one after the other.
async function run() {
  if (isRunning) return;
  isRunning = true;
  for (let next; (next = articles.find(({ state }) => state === "waiting")); ) await restore(next);
  isRunning = false;
}

async function restore(article) {
  article.state = "restoring";
  running = new AbortController();
  try {
    const isDrawn = article.blocks.length > 0;
    await open(article);
    if (!isDrawn && article === current && $("entry").hidden) await show(article);
    for await (const line of restoreDocument(article.request, running.signal)) {
      article.update(line);
      refresh(article);
    }
    article.state = "done";
  } catch (error) {
    article.state = error.name === "AbortError" ? "stopped" : "failed";
    article.problem = error.message;
  }
  running = null;
  refresh(article);
  if (article === current) say(article.state === "done" ? `Done: ${countOf(article)}.` : "");
}

async function open(article) {
  if (!article.blocks.length) article.open(await openDocument(article.request));
}

function restoreAgain() {
  current.state = "waiting";
  refresh(current);
  keepFocus();
  run();
}

function stop() {
  if (current.state === "restoring") running?.abort();
  else if (current.state === "waiting") current.state = "stopped";
  refresh(current);
  keepFocus();
}

// Moves the focus to a place or the text if what had it is gone, hidden or disabled: the keys work there.
function keepFocus(place) {
  const { activeElement } = document;
  const isLost = activeElement === document.body || activeElement.disabled || !activeElement.offsetParent;
  if (isLost) ((place && buttonAt(place)) ?? $("rows")).focus({ preventScroll: true });
}

// --- showing

async function show(article) {
  current = article;
  visited = null;
  say("");
  $("entry").hidden = true;
  $("result").hidden = false;
  try {
    if (article.state !== "failed") await open(article);
  } catch (error) {
    article.state = "failed";
    article.problem = error.message;
  }
  if (article !== current) return refresh(article);
  $("threshold").value = article.threshold;
  view.show(article);
  refresh(article);
}

function countOf(article, places = article.places()) {
  const edits = places.filter(({ isCursor }) => !isCursor);
  const made = edits.filter(({ isMade }) => isMade).length;
  return made === edits.length ? quantity(made, "edit") : `${made} of ${quantity(edits.length, "edit")} accepted`;
}

// Draws what has changed of an article.
function refresh(article) {
  drawDocuments();
  saveSoon();
  if (article !== current) return;
  const places = view.update();
  const isOpen = article.state === "restoring" || article.state === "waiting";
  $("done").hidden = $("stop").hidden = !isOpen;
  $("done").value = article.done;
  const share = article.done && !isOpen ? `, about ${percent(article.spunShare)} of the words garbled` : "";
  const part = isOpen || article.state === "stopped" ? ` in the first ${percent(article.done)}` : "";
  $("count").textContent = article.state === "failed" ? "" : `${countOf(article, places)}${part}${share}`;
  $("level").textContent = percent(article.threshold);
  $("undo").disabled = !article.past.length;
  $("redo").disabled = !article.future.length;
  $("again").hidden = article.state !== "stopped" && article.state !== "failed";
  $("again").textContent = article.state === "failed" ? "Try again" : "Start again";
  $("problem").hidden = article.state !== "failed";
  $("heads").hidden = $("rows").hidden = !article.blocks.length;
  for (const id of ["all", "copy", "download"]) $(id).disabled = !article.blocks.length;
  $("problem").textContent = `This document cannot be restored: ${article.problem}`;
  $("warnings").replaceChildren(...article.warnings.map((warning) => element("li", warning)));
  $("warned").hidden = isOpen || !article.warnings.length;
}

const STATES = {
  waiting: () => "waiting",
  restoring: ({ done }) => percent(done),
  done: (article) => countOf(article),
  stopped: () => "stopped",
  failed: () => "failed",
};

const documentButtons = new WeakMap(); // of the articles

function documentButton(article) {
  if (!documentButtons.has(article)) {
    const button = element("button", article.request.name);
    button.type = "button";
    button.append(element("small"));
    button.addEventListener("click", () => show(article));
    documentButtons.set(article, button);
  }
  return documentButtons.get(article);
}

function drawDocuments() {
  const isShown = articles.length > 1 || (articles.length === 1 && !$("entry").hidden);
  $("documents").hidden = !isShown;
  if (!isShown) return;
  const buttons = articles.map(documentButton);
  articles.forEach((article, i) => {
    buttons[i].lastChild.textContent = STATES[article.state](article);
    buttons[i].setAttribute("aria-current", String(article === current && $("entry").hidden));
  });
  const { children } = $("documents");
  const isSame = children.length === buttons.length && buttons.every((button, i) => button === children[i]);
  if (!isSame) $("documents").replaceChildren(...buttons);
}

// --- reviewing

function change(make, place) {
  make();
  say("");
  current.cursor = null;
  refresh(current);
  if (place) (buttonAt(place) ?? $("rows")).focus({ preventScroll: true });
  keepFocus();
}

// The button of the edit or word that is at a place now.
function buttonAt(place) {
  const found = current.places().find((other) => overlap(other, place));
  return found && view.buttonOf(found.key);
}

function select(place) {
  dialog.open(current, place, () => buttonAt(place));
}

function focusedPlace() {
  const key = document.activeElement?.dataset.key;
  return key ? current.places().find((place) => place.key === key) : undefined;
}

// Moves to the next edit after the one that has the focus, or before it.
function step(direction) {
  const all = buttons();
  if (!all.length) return;
  if ($("result").dataset.show === "original") document.querySelector("[name=show][value=both]").click();
  const isBeyond = ({ dataset }) => !visited || inOrder(placeOf(dataset.key), visited) * direction > 0;
  const found = direction > 0 ? all.findIndex(isBeyond) : all.findLastIndex(isBeyond);
  const next = found >= 0 ? found : direction > 0 ? 0 : all.length - 1;
  all[next].focus({ preventScroll: true });
  all[next].scrollIntoView({ block: "center" });
}

function moveCursor(word) {
  if (!word) return;
  current.cursor = word;
  view.update();
  const button = buttonAt(word);
  button?.focus({ preventScroll: true });
  button?.scrollIntoView({ block: "nearest" });
}

function stepWord(direction) {
  const place = focusedPlace() ?? { article: 0, start: 0, end: 0 };
  moveCursor(current.wordBeside(place, direction));
}

function decide(isMade) {
  const place = focusedPlace();
  const edit = place && current.byKey.get(place.key);
  if (!place || place.isCursor || place.isMade === isMade) return;
  change(() => current.choose([place], isMade ? (edit?.restored ?? place.words) : null), place);
}

const KEYS = {
  n: () => step(1),
  p: () => step(-1),
  a: () => decide(true),
  x: () => decide(false),
  ArrowRight: () => stepWord(1),
  ArrowLeft: () => stepWord(-1),
};

const TYPING = "textarea, input:not([type=range], [type=radio], [type=checkbox])";

function pressKey(event) {
  if ($("result").hidden || document.querySelector("dialog[open]") || event.target.matches(TYPING)) return;
  const isCommand = event.ctrlKey || event.metaKey;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const isInText = $("rows").contains(document.activeElement);
  let act;
  if (isCommand && !event.altKey) act = { z: event.shiftKey ? redo : undo, y: redo }[key];
  else if (isInText && !event.altKey && !event.shiftKey) act = KEYS[key];
  if (!act) return;
  event.preventDefault();
  act();
}

const undo = () => showStep(current.undo());
const redo = () => showStep(current.redo());

// Shows what has changed by an undone step. A word that is no edit any more gets the cursor.
function showStep(place) {
  if (!place) return;
  say("");
  const isOnButton = [$("undo"), $("redo")].includes(document.activeElement);
  current.cursor = place.end > place.start ? place : null;
  refresh(current);
  const button = buttonAt(place);
  if (!isOnButton) button?.focus({ preventScroll: true });
  button?.scrollIntoView({ block: "nearest" });
  keepFocus(place);
}

// A word that is clicked gets the cursor; clicked again, its dialog opens.
function clickText(event) {
  if (event.target.closest("button") || String(window.getSelection()).trim().includes(" ")) return;
  const position = view.positionAt(event.clientX, event.clientY);
  moveCursor(position && current.wordAt(position.article, position.offset));
}

// --- all edits, copying and downloading

function openAll() {
  const places = current.places().filter(({ isCursor }) => !isCursor);
  const rows = Object.entries({ all: "All", ...KINDS })
    .map(([kind, label]) => [label, places.filter((place) => kind === "all" || place.kind === kind)])
    .filter(([label, own]) => own.length || label === "All")
    .map(([label, own]) => {
      const row = element("tr");
      const name = element("th", `${label} (${own.length})`);
      name.scope = "row";
      row.append(name);
      for (const [text, isMade] of [["Accept", true], ["Reject", false]]) {
        const button = element("button", text);
        button.type = "button";
        button.disabled = !own.length;
        button.setAttribute("aria-label", `${text}: ${label}`);
        button.addEventListener("click", () => {
          $("all-dialog").close();
          change(() => current.chooseAll(own, isMade));
        });
        const cell = element("td");
        cell.append(button);
        row.append(cell);
      }
      return row;
    });
  $("kinds").replaceChildren(...rows);
  $("all-dialog").showModal();
}

async function copy() {
  try {
    await navigator.clipboard.writeText(current.restoredText());
    say("Copied the restored text.");
  } catch {
    say("The browser does not allow copying here: it does on localhost and over https.", true);
  }
}

async function download(target) {
  $("download-dialog").close();
  try {
    const file = await exportDocument(current, target);
    const bytes = Uint8Array.from(atob(file.data), (character) => character.charCodeAt(0));
    const link = element("a");
    link.href = URL.createObjectURL(new Blob([bytes], { type: file.media_type }));
    link.download = file.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // some browsers read it after the click
    const left = file.problems.length ? ` Left out: ${file.problems.join("; ")}.` : "";
    say(`Downloaded ${file.name}.${left}`, file.problems.length > 0);
  } catch (error) {
    say(`The file cannot be made: ${error.message}`, true);
  }
}

function enterAnother() {
  $("result").hidden = true;
  $("entry").hidden = false;
  drawDocuments();
  say("");
  $("text").focus();
}

// Forgets an article.
function closeArticle(article) {
  if (article.state === "restoring") running?.abort();
  const at = articles.indexOf(article);
  articles.splice(at, 1);
  save();
  const next = articles[Math.min(at, articles.length - 1)];
  if (next) show(next);
  else enterAnother();
}

// --- the session

let saving = 0;
let isResumed = false; // before that, there is nothing to save
let isSaved = true;

function saveSoon() {
  clearTimeout(saving);
  saving = setTimeout(save, 300);
}

function save() {
  clearTimeout(saving);
  if (!isResumed) return;
  const session = { articles: articles.map((article) => article.save()), current: articles.indexOf(current) };
  try {
    sessionStorage.setItem(SESSION, JSON.stringify(session));
    isSaved = true;
  } catch {
    sessionStorage.removeItem(SESSION);
    isSaved = false; // it is too large for the browser
  }
}

// Keeps what is typed apart from the session, which may be too large with it.
function saveText() {
  try {
    sessionStorage.setItem(TYPED, $("text").value);
  } catch {
    sessionStorage.removeItem(TYPED);
  }
}

async function resume() {
  try {
    const saved = JSON.parse(sessionStorage.getItem(SESSION) ?? "null");
    articles = (saved?.articles ?? []).map((article) => Article.restored(article));
    isResumed = true;
    $("text").value ||= sessionStorage.getItem(TYPED) ?? "";
    for (const article of articles) if (article.state === "restoring") article.state = "waiting";
    if (articles.length) await show(articles[Math.max(saved.current, 0)]);
    run();
  } catch (error) {
    articles = [];
    isResumed = true;
    say(`The last session cannot be shown again: ${error.message}`, true);
  }
}

async function start() {
  settings = await loadSettings();
  for (const { name, label } of settings.formats.filter(({ is_text }) => is_text)) {
    $("format").append(new Option(label, name));
  }
  $("file").accept = settings.formats.flatMap(({ suffixes }) => suffixes).join(",");
  $("sample").hidden = !settings.sample;
}

$("entry").addEventListener("submit", submit);
$("format").addEventListener("change", showOptions);
$("file").addEventListener("change", async (event) => {
  await ready;
  addFiles([...event.target.files]);
  event.target.value = "";
});
$("sample").addEventListener("click", async () => {
  await ready;
  await add([{ text: settings.sample, name: "sample.txt" }]);
});
$("stop").addEventListener("click", stop);
$("undo").addEventListener("click", undo);
$("redo").addEventListener("click", redo);
$("previous").addEventListener("click", () => step(-1));
$("next").addEventListener("click", () => step(1));
$("all").addEventListener("click", openAll);
$("copy").addEventListener("click", copy);
$("download").addEventListener("click", () => $("download-dialog").showModal());
$("new").addEventListener("click", enterAnother);
$("close").addEventListener("click", () => closeArticle(current));
$("again").addEventListener("click", restoreAgain);
$("keys").addEventListener("click", () => $("keys-dialog").showModal());
$("rows").addEventListener("click", clickText);
$("rows").addEventListener("focusin", ({ target }) => {
  if (target.dataset.key) visited = placeOf(target.dataset.key);
});
$("place").addEventListener("close", () => keepFocus(dialog.place));
$("threshold").addEventListener("input", () => {
  current.threshold = Number($("threshold").value);
  refresh(current);
});
for (const radio of document.querySelectorAll("[name=show]")) {
  radio.addEventListener("change", () => ($("result").dataset.show = radio.value));
}
for (const button of document.querySelectorAll("[data-target]")) {
  button.addEventListener("click", () => download(button.dataset.target));
}
for (const button of document.querySelectorAll("dialog .close")) {
  button.addEventListener("click", () => button.closest("dialog").close());
}
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, async (event) => {
    if (!event.dataTransfer.types.includes("Files")) return; // text goes where it is dropped
    event.preventDefault();
    document.body.classList.toggle("dropping", kind === "dragover");
    if (kind !== "drop") return;
    const files = [...event.dataTransfer.files];
    await ready;
    if ($("entry").hidden) enterAnother();
    addFiles(files);
  });
}
document.addEventListener("keydown", pressKey);
window.addEventListener("pagehide", () => {
  save();
  saveText();
});
window.addEventListener("beforeunload", (event) => {
  if (!isSaved) event.preventDefault();
});
const narrow = window.matchMedia("(max-width: 50rem)");
const first = document.querySelector(`[name=show][value=${narrow.matches ? "restored" : "both"}]`);
first.checked = true;
$("result").dataset.show = first.value;
const ready = start();
ready.then(resume, () => say("The server does not answer: is unspin serve still running?", true));
