// The spaces that deleted words leave behind: of those around and between such words, one stays.
//
// Only the start and the end of places change, not their keys, so a word that is chosen again has its spaces.

// `places` are in order, `texts` the texts of the articles that they are in.
export function closeGaps(places, texts) {
  const isDeleted = (place) => place?.isMade && !place.words && place.spun && texts[place.article];
  const isBeside = (place, next) => {
    if (!isDeleted(next) || next.article !== place.article || next.start > place.end + 1) return false;
    return next.start === place.end || texts[place.article].slice(place.end, next.start) === " ";
  };
  let first = 0;
  places.forEach((place, last) => {
    if (isDeleted(place) && isBeside(place, places[last + 1])) return; // they are deleted side by side
    if (isDeleted(place)) closeGap(places, first, last, texts[place.article]);
    first = last + 1;
  });
  return places;
}

// Closes the gap of the places from the first to the last, which are deleted side by side.
function closeGap(places, first, last, text) {
  const { article, start } = places[first];
  const { end } = places[last];
  const deleted = text.slice(start, end);
  // If the words at both ends bring a space of their own, one between the words has to stay.
  let isKept = deleted !== deleted.trimStart() && deleted !== deleted.trimEnd();
  for (let i = first + 1; i <= last; i += 1) {
    const isGap = places[i - 1].end < places[i].start;
    if (isGap && !isKept) places[i].start -= 1;
    if (isGap) isKept = false;
  }
  if (deleted !== deleted.trim()) return; // their own spaces are enough
  const lead = text.slice(Math.max(start - 2, 0), start);
  const isFirst = !lead.trim() || lead.endsWith("\n"); // word of its line
  const previous = places[first - 1];
  const next = places[last + 1];
  const touchesPrevious = previous?.article === article && previous.end >= start;
  const touchesNext = next?.article === article && next.start <= end;
  // A neighbour that is not made gives up the space that it ends or begins with, or lies beside.
  if (!isFirst && lead.endsWith(" ") && !(touchesPrevious && previous.isMade)) {
    places[first].start -= 1;
    if (touchesPrevious) previous.end -= 1;
    if (touchesPrevious) previous.start = Math.min(previous.start, previous.end);
  } else if (text.slice(end, end + 1) === " " && !(touchesNext && next.isMade)) {
    places[last].end += 1;
    if (touchesNext) next.start += 1;
    if (touchesNext) next.end = Math.max(next.end, next.start);
  }
}
