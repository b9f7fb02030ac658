// The requests to the server. Errors have a message that can be shown.

const LOST = "the server does not answer: is unspin serve still running?";

async function post(path, body, signal) {
  const headers = { "Content-Type": "application/json" };
  let response;
  try {
    response = await fetch(path, { method: "POST", headers, body: JSON.stringify(body), signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error(LOST);
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  throw new Error(problem.detail ?? `the server answered with status ${response.status}`);
}

export async function loadSettings() {
  return (await fetch("api/settings")).json();
}

// The readable text and the layout of a document.
export async function openDocument(request) {
  return (await post("api/open", request)).json();
}

// Restores a document; yields what is known so far, and at the end everything.
export async function* restoreDocument(request, signal) {
  // Edits of any confidence are fetched, so that the slider needs no request.
  const response = await post("api/stream", { ...request, min_confidence: 0 }, signal);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let done = 0;
  while (done < 1) {
    const chunk = await reader.read().catch((error) => {
      throw signal.aborted ? error : new Error(LOST);
    });
    if (chunk.done) throw new Error(LOST);
    const lines = (rest + chunk.value).split("\n");
    rest = lines.pop();
    for (const line of lines.map((text) => JSON.parse(text))) {
      done = line.done;
      yield line;
    }
  }
}

export async function findAlternatives(place, signal) {
  return (await (await post("api/alternatives", place, signal)).json()).alternatives;
}

export async function exportDocument(article, target) {
  const { request, spunShare } = article;
  return (await post("api/export", { ...request, edits: article.madeEdits(), target, spun_share: spunShare })).json();
}
