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
  let isKept = deleted !== deleted.trimStart() && deleted !== deleted.trimEnd(); // a space between them
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
  const isAfter = previous?.article === article && previous.end >= start;
  const isBefore = next?.article === article && next.start <= end;
  if (!isFirst && lead.endsWith(" ") && !isAfter) places[first].start -= 1;
  else if (text.slice(end, end + 1) === " " && !(isBefore && next.isMade)) {
    places[last].end += 1;
    if (isBefore) next.start += 1; // it begins with the space, or inserts words before it, and is not made
    if (isBefore) next.end = Math.max(next.end, next.start);
  }
}
