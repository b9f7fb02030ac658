"""The lines of a paper that are no prose: the entries of its list of references, and the headings of its sections.

A line counts only where its form leaves no doubt, since it is then not restored. Title case is no evidence of a
heading, for the title of a news article has it too: a heading is numbered ("2.1 Materials and methods"), or all its
words name sections ("Data Availability and Ethics Approval Statement").
"""

from __future__ import annotations

import re

from unspin.english.word_classes import ENGLISH_MARKERS
from unspin.segment import words

_REFERENCES = re.compile(
    r"(?i)(?:(?:\d+(?:\.\d+)*|[ivx]+)\.?\s+)?(?:(?:list of )?references(?: and notes| cited| list)?|reference list"
    r"|(?:selected )?bibliography|(?:works|literature) cited|notes and references)\s*:?"
)

_YEAR = r"(?:1[5-9]|20)\d\d[a-z]?"
_NUMBER = r"(?:\[\d+\]|\(\d+\)|\d{1,3}\.)\s+"
_NAME = (
    r"(?!(?:The|An?|In|On|At|For)\b)(?:(?:van|von|de|der|den|da|di|la|le|el|al) )*"
    r"[A-Z][^\W\d_]*(?:[’'-][^\W\d_]+)*"
)
_INITIALS = r"[A-Z]\.(?:[ -]?[A-Z]\.){0,3}"
_COMMA_NAME = rf"{_NAME}, {_INITIALS}(?=[,;:]| [&(\"“]| and | et al| {_YEAR})"  # "Smith, J."
_PLAIN_NAME = rf"{_NAME} (?:[A-Z]{{2,3}}(?=\.)|[A-Z]{{1,3}}(?=;|, {_NAME} [A-Z]{{1,3}}\b|,? et al))"  # "Smith J"
_FULL_NAME = rf"{_NAME}, [A-Z][^\W\d_]+(?: [A-Z]\.)?(?=\. {_YEAR}|\. [\"“]|, et al|, and {_NAME})"  # "Smith, John."
_FIRST_INITIAL = rf"{_INITIALS} ?{_NAME}(?=[,.;:(]| and | et al)"  # "J. Smith": also begins prose
_AUTHORS = rf"(?:{_COMMA_NAME}|{_PLAIN_NAME}|{_FULL_NAME})"
_SURE_BEGINNING = re.compile(rf"(?:{_NUMBER})?{_AUTHORS}|{_NUMBER}(?:{_FIRST_INITIAL}|{_NAME},? [A-Z.]{{1,6}}[,.;])")
_BEGINNING = re.compile(rf"{_NUMBER}|{_AUTHORS}|{_NAME}, {_INITIALS}|{_FIRST_INITIAL}")
_DATED = re.compile(rf"(?:{_NUMBER})?(?:{_COMMA_NAME},? ?(?:and |& )?)+\({_YEAR}[^()]*\)")
_ANY_YEAR = re.compile(rf"(?<![\d-]){_YEAR}(?![\d-])")
_DETAILS = re.compile(
    r"(?i:\bdoi\b|\barxiv\b)|\b(?:Retrieved|Available) (?:from|at|on)\b|\bAccessed\b|\bIn: |\bProc\b|\bProceedings of\b"
    r"|\b[A-Z]\w+ Press\b|\bJournal of\b|\(Eds?\.\)|\b[Vv]ol\. ?\d|\bpp?\. ?\d|\b\d{4};|\d ?\(\d+(?:[-–/]\d+)?\) ?[:,]"
    rf"|\b\d+ ?[:,] ?[A-Za-z]?\d+ ?[-–] ?\d+|[,;] {_YEAR}\.?$|\({_YEAR}\)\.?$"
)
_MIN_MARKERS = 0.15  # share of the commonest words in prose; titles have fewer
_SHORT_HEADING = re.compile(r"[^\W\d_]+(?: [^\W\d_]+){0,3}")
_FINAL = (".", "!", "?", ":", ";", "…")

_NUMBERED_HEADING = re.compile(r"(?:\d{1,2}(?:\.[1-9]){1,4}\.?|[IVX]{2,5}\.)\s+[A-Z]")
_QUANTITY = re.compile(  # "6.1 Quake Hits Japan" is the title of news
    r"(?i)[\d.]+\s+(?:\w+illion|thousand|hundred|per ?cent|points?|degrees?|stars?|magnitude|(?:earth)?quakes?"
    r"|inch(?:es)?|tons?|tonnes?|acres?|hours?|years?|\w*(?:met(?:re|er)|mile|watt|gram|lit(?:re|er))s?)\b"
)
_MAX_HEADING_WORDS = 16
_SECTION_WORDS = frozenset(
    """abstract introduction background related work works materials material methods method methodology results result
    findings discussion conclusion conclusions concluding remarks future limitations implications statistical analysis
    analyses data availability statement statements conflict conflicts competing interest interests author authors
    contribution contributions acknowledgement acknowledgements acknowledgment acknowledgments supplementary supporting
    supplemental information appendix appendices ethics ethical approval consent participate participation publication
    funding study design participants procedure procedures measures measurement measurements declaration declarations
    disclosure disclosures experimental setup literature review keywords and or of the for to in with""".split()
)


def is_references_heading(line: str) -> bool:
    """Whether a line is the heading of a list of references, such as "References" or "7. Works cited:"."""
    return _REFERENCES.fullmatch(line) is not None


def is_reference(line: str) -> bool:
    """Whether a line is surely an entry of a list of references: it has authors, a year and details of publication."""
    if _DATED.match(line):
        return True
    return bool(_SURE_BEGINNING.match(line) and _ANY_YEAR.search(line) and _DETAILS.search(line))


def may_be_reference(line: str) -> bool:
    """Whether a line below the heading of a list of references belongs to it: it is neither a heading nor prose."""
    if _BEGINNING.match(line) or _DETAILS.search(line):
        return True
    if _SHORT_HEADING.fullmatch(line) or is_section_heading(line):
        return False
    found = words(line)
    markers = sum(word.lower() in ENGLISH_MARKERS for word in found)
    return not line.endswith(_FINAL) or markers < _MIN_MARKERS * len(found)


def is_section_heading(line: str) -> bool:
    """Whether a line is surely the heading of a section: numbered, or made only of words that name sections."""
    found = {word.lower() for word in words(line)}
    if not found or len(found) > _MAX_HEADING_WORDS or line.endswith(_FINAL):
        return False
    if _NUMBERED_HEADING.match(line):
        return not _QUANTITY.match(line)
    return found <= _SECTION_WORDS
