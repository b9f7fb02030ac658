"use strict";
// The page keeps the text, all edits whatever their confidence, and what the reader chose; everything shown follows from these.
const $ = (id) => document.getElementById(id);
const state = { chars: [], edits: [], done: 0, spun_share: 0, warnings: [], format: "txt", name: "article", chosen: new Map() };

function isMade(edit) {
  // A choice by hand goes before the threshold; edits of one group stand or fall together.
  const choice = state.chosen.get(edit.start + ":" + edit.end);
  if (choice !== undefined) return choice !== null;
  const together = edit.group ? state.edits.filter((other) => other.group === edit.group) : [edit];
  const level = Number($("threshold").value);
  return together.every((other) => other.confidence >= level && state.chosen.get(other.start + ":" + other.end) !== null);
}

function textOf(edit) {
  const choice = state.chosen.get(edit.start + ":" + edit.end);
  return choice === undefined || choice === null ? edit.restored : choice;
}

function restoredText() {
  const parts = [];
  let at = 0;
  for (const edit of state.edits) {
    if (!isMade(edit)) continue;
    parts.push(state.chars.slice(at, edit.start).join(""), textOf(edit));
    at = edit.end;
  }
  parts.push(state.chars.slice(at).join(""));
  return parts.join("");
}

function describe(edit) {
  return `${edit.kind}, ${Math.round(edit.confidence * 100)} % sure: “${edit.spun}” becomes “${edit.restored}”${
    edit.alternatives.length ? `; or ${edit.alternatives.map((other) => `“${other}”`).join(", ")}` : ""
  }`;
}

function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function button(edit, made) {
  const shown = made ? textOf(edit) : edit.spun;
  const level = edit.confidence >= 0.8 ? "sure" : edit.confidence >= 0.5 ? "likely" : "doubtful";
  const one = element("button", shown, (made ? level : "rejected") + (shown.trim() ? "" : " empty"));
  one.type = "button";
  one.title = describe(edit);
  one.setAttribute("aria-label", `${shown || "nothing"}: ${made ? "" : "not made: "}${describe(edit)}`);
  one.dataset.place = edit.start + ":" + edit.end;
  one.addEventListener("click", () => choose(edit));
  one.addEventListener("pointerenter", () => loadAlternatives(edit));
  return one;
}

function show() {
  const before = document.createDocumentFragment();
  const after = document.createDocumentFragment();
  const focused = document.activeElement && document.activeElement.dataset.place;
  const level = Number($("threshold").value);
  let at = 0;
  let made = 0;
  for (const edit of state.edits) {
    const yes = isMade(edit);
    if (!yes && edit.confidence < level && !state.chosen.has(edit.start + ":" + edit.end)) continue;
    const kept = state.chars.slice(at, edit.start).join("");
    before.append(kept, yes ? element("del", edit.spun) : edit.spun);
    after.append(kept, button(edit, yes));
    made += yes;
    at = edit.end;
  }
  before.append(state.chars.slice(at).join(""));
  after.append(state.chars.slice(at, Math.max(at, state.done)).join(""));
  after.append(element("span", state.chars.slice(Math.max(at, state.done)).join(""), "pending"));
  $("before").replaceChildren(before);
  $("after").replaceChildren(after);
  if (focused) document.querySelector(`[data-place="${CSS.escape(focused)}"]`)?.focus();
  $("spun").value = state.spun_share;
  $("share").textContent = `about ${Math.round(state.spun_share * 100)} %`;
  $("level").textContent = `${Math.round(level * 100)} %`;
  $("count").textContent = `${made} changes`;
  $("warnings").replaceChildren(...state.warnings.map((warning) => element("li", warning)));
  $("warned").hidden = state.warnings.length === 0;
}

function loadAlternatives(edit) {
  // Asked for when a change is looked at, once: listing them for all would take longer than restoring.
  edit.asked = edit.asked || askForAlternatives(edit);
  return edit.asked;
}

async function askForAlternatives(edit) {
  let first = edit.start;
  let last = edit.end;
  while (first > 0 && state.chars[first - 1] !== "\n" && edit.start - first < 9000) first -= 1;
  while (last < state.chars.length && state.chars[last] !== "\n" && last - edit.end < 9000) last += 1;
  const place = { paragraph: state.chars.slice(first, last).join(""), start: edit.start - first, end: edit.end - first, restored: edit.restored };
  const response = await fetch("api/alternatives", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(place) });
  if (!response.ok) return;
  edit.alternatives = (await response.json()).alternatives;
  const shown = document.querySelector(`[data-place="${CSS.escape(edit.start + ":" + edit.end)}"]`);
  if (shown) shown.title = describe(edit);
}

async function choose(edit) {
  await loadAlternatives(edit);
  const key = edit.start + ":" + edit.end;
  const pick = (value) => {
    const together = edit.group ? state.edits.filter((other) => other.group === edit.group) : [edit];
    for (const other of together) state.chosen.set(other.start + ":" + other.end, value === null ? null : other === edit ? value : textOf(other));
    $("choice").close();
    show();
    document.querySelector(`[data-place="${CSS.escape(key)}"]`)?.focus();
  };
  const now = isMade(edit) ? textOf(edit) : null;
  const options = [edit.restored, ...edit.alternatives].map((text) => ({ text: `Put “${text}”`, value: text }));
  options.push({ text: `Keep “${edit.spun}”`, value: null });
  $("about").textContent = describe(edit) + (edit.group ? "; it goes together with other changes of its sentence" : "");
  $("options").replaceChildren(
    ...options.map(({ text, value }) => {
      const one = element("button", text);
      one.type = "button";
      one.setAttribute("aria-pressed", String(value === now));
      one.addEventListener("click", () => pick(value));
      return one;
    }),
  );
  $("choice").showModal();
}

function say(text, bad = false) {
  $("status").textContent = text;
  $("status").classList.toggle("bad", bad);
}

async function* linesOf(response) {
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
  const text = $("text").value;
  if (!text.trim()) return say("Paste an article first, or drop a file.", true);
  Object.assign(state, { chars: Array.from(text), edits: [], done: 0, spun_share: 0, warnings: [], format: $("format").value, chosen: new Map() });
  $("restore").disabled = true;
  say("Restoring …");
  try {
    const response = await fetch("api/stream", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ text, format: state.format, min_confidence: 0 }),
    });
    if (!response.ok) {
      const problem = await response.json().catch(() => ({}));
      throw new Error(typeof problem.detail === "string" ? problem.detail : `the server answered ${response.status}`);
    }
    $("entry").hidden = true;
    $("result").hidden = false;
    for await (const line of linesOf(response)) {
      Object.assign(state, JSON.parse(line));
      show();
      say(`Restoring … ${Math.round((100 * state.done) / state.chars.length)} %`);
    }
    say(`Done: ${$("count").textContent}.`);
  } catch (error) {
    say(`Not restored: ${error.message}`, true);
  } finally {
    $("restore").disabled = false;
  }
}

async function open(file) {
  if (!file) return;
  const suffix = file.name.split(".").pop().toLowerCase();
  $("format").value = { md: "md", markdown: "md", html: "html", htm: "html" }[suffix] || "txt";
  state.name = file.name.replace(/\.[^.]*$/, "");
  $("text").value = await file.text();
  say(`${file.name} is open.`);
}

function download() {
  const link = element("a", "");
  link.href = URL.createObjectURL(new Blob([restoredText()], { type: "text/plain" }));
  link.download = `${state.name}.restored.${state.format}`;
  link.click();
  URL.revokeObjectURL(link.href);
}

$("entry").addEventListener("submit", restore);
$("threshold").addEventListener("input", show);
$("file").addEventListener("change", (event) => open(event.target.files[0]));
$("close").addEventListener("click", () => $("choice").close());
$("download").addEventListener("click", download);
$("copy").addEventListener("click", async () => {
  await navigator.clipboard.writeText(restoredText());
  say("Copied.");
});
$("back").addEventListener("click", () => {
  $("entry").hidden = false;
  $("result").hidden = true;
  say("");
  $("text").focus();
});
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    document.body.classList.toggle("dropping", kind === "dragover");
    if (kind === "drop") open(event.dataTransfer.files[0]);
  });
}
fetch("api/settings")
  .then((response) => response.json())
  .then(({ threshold }) => {
    $("threshold").value = threshold;
    $("level").textContent = `${Math.round(threshold * 100)} %`;
  });
