"""The notation of papers, which no edit may touch: citations, statistics, symbols, references to figures, species.

It is compared as written, so that "p" stays "p" and "mg/kg" is not written out. Notation may be gained, since the
spinner may have garbled it ("Desk 3" for "Table 3"). Names and numbers outside of it are left to other kinds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from unspin.english.lexicons import frequency
from unspin.english.morphology import lemmas
from unspin.english.word_classes import CLOSED_CLASS
from unspin.infer.fidelity.dictionary import COMMON

_NUMBER = r"[-−–]?(?:\d+(?:[.,]\d+)*|\.\d+)%?"
_RANGE = rf"{_NUMBER}(?: ?(?:[-–,;]|to) ?{_NUMBER})?"

_SURNAME = r"(?:(?:van|von|de|der|den|da|di|la|le|el|al) )*[A-Z][\w’'-]+(?:,? [A-Z]\.)*"
_AUTHORS = rf"{_SURNAME}(?:,? (?:and|&) {_SURNAME}|, {_SURNAME})*(?:,? et al\.?|,? and colleagues)?"
_YEAR = r"(?:(?:1[6-9]|20)\d\d[a-z]?|in press|n\.d\.|forthcoming)(?!\d)"
_YEARS = rf"{_YEAR}(?:, {_YEAR})*(?:[,:] ?(?:pp?\. ?)?\d+(?:[-–]\d+)?)?"
_CITATION = rf"(?:(?:see also|see|cf\.|e\.g\.|i\.e\.),? )*{_AUTHORS},? {_YEARS}"
_MONTH = r"Jan|Feb|Mar(?:ch)?\b|Apr|May\b|June?\b|July?\b|Aug|Sep|Oct|Nov|Dec"

_SYMBOL = r"(?:\b(?:[A-Za-z][A-Za-z]?|[A-Z]{2,5}|alpha|beta|gamma|delta|kappa|eta|rho|tau|chi)|[Α-Ωα-ω])[²2]?"
_VARIABLE = rf"{_SYMBOL}(?: ?\([^()]{{1,20}}\))?"
_OPERAND = r"(?:\d+(?:\.\d+)?[A-Za-z]{0,2}|[A-Za-zα-ω]{1,3})(?:\^?[²³\d]+)?(?!\w)"
_MEASURE = r"(?:a?[OHR]R|IRR|SMD|WMD|MD|RD|CIs?|CrI|IQR|SDs?|SEM?|ICC|AUC|NNT)"

# Other symbols, such as "km", may be written out: `units` knows them.
_PART = r"(?:[kcdmnpfµμ]?(?:g|m|L|l|mol|M|s|Pa|U|J|W|V|A|Gy|Sv|Da|eq|cal|N)|IU|min|h|d|day|week|mmHg|cells)"
_POWER = r"(?:[²³23]|\^?[-−–⁻][1-3¹²³])"
_UNIT = (
    rf"(?!km/h\b){_PART}{_POWER}?(?:/{_PART}{_POWER}?)+|(?<=\d ){_PART} {_PART}[-−–⁻][1-3¹²³]"
    r"|mm ?Hg|[mnpµμ]M|k?Da|[µμ][A-Za-z]+|mEq|mOsm|[kMGT]?eV|[bpr]pm|ppb|IU|pH"
)
_PART_OF_PAPER = (
    r"(?i:(?:supplementary |extended data |online )?(?:figs?\.?|figures?|tables?|eqs?\.?|eqns?\.?|equations?|sections?"
    r"|sect?s?\.|appendi(?:x|ces)|schemes?|theorems?|lemmas?|propositions?|corollar(?:y|ies)|algorithms?|panels?"
    r"|refs?\.|references?))"
)
_LABEL = r"(?:[A-Z]?\d+(?:\.\d+)*[A-Za-z]?|[B-HJ-Z]|[IVX]{2,})\b(?![.,]\d| ?%)"

_NOTATION = re.compile(
    "|".join(
        (
            r"\[\d+[a-z]?(?:(?:[,;] ?| ?[-–] ?)\d+[a-z]?)*\]",  # [12, 13]
            rf"\((?!{_MONTH}){_CITATION}(?:; {_CITATION})*\)",  # (Smith et al., 2019)
            rf"(?<![\w.]){_SURNAME} (?:(?:and|&) {_SURNAME}|et al\.?) \({_YEARS}\)",  # Smith and Jones (2019)
            rf"^{_SURNAME} \({_YEARS}\)",
            r"\bet al\b\.?",
            rf"(?:{_VARIABLE} ?)?[=<>≤≥≈] ?{_RANGE}|~ ?{_NUMBER}",  # F(1, 23) = 4.5
            rf"{_VARIABLE} ?= ?{_OPERAND}(?: ?[+−×*/·] ?{_OPERAND})*",  # y = ax + b
            rf"\b{_MEASURE}(?: of |[,:] | ){_RANGE}",  # OR 2.1
            rf"(?:\bmeans? |(?<!\d){_NUMBER} ?)?± ?(?:{_NUMBER}|SDs?\b|SEM?\b)",
            rf"(?<!\d){_NUMBER} ?[×x·] ?{_NUMBER}(?:\^[-−]?\d+)?",
            r"\b[tTFzZUpPχ][²2]?[ -](?:tests?|scores?|values?|statistics?)\b",
            r"[°º] ?[CF]\b",
            rf"(?<![\w/-])(?:{_UNIT})(?![\w/])",
            rf"\b{_PART_OF_PAPER}[ \u00a0]?(?:\(\d+[a-z]?\)|{_LABEL})",  # Fig. 2a, Eq. (4)
            r"\b[Aa]ppendix [A-Z]\b",
            r"\b(?:[A-Z][A-Za-z]*\d\w*|p\d\d+)\b[+−]?",  # TP53, H2O
            r"\b\d['’′](?=[- ](?:end|UTR|untranslated|terminus|to)\b)|\d[′″]",  # the 5′ end
        )
    )
)
_BINOMIAL = re.compile(
    r"(?<![\w.])(?:([A-Z][a-z]*(?:us|um|is|a|o|as|on|es)|[A-Z]\.) ([a-z]{3,}(?:us|um|(?<!it)is|a|ae|i|ens|ans))\b(?!-)"
    r"|[A-Z][a-z]{3,} s(?:p|pp)\.)(?: (?:subsp|ssp|var)\. [a-z]+)?"
)


@lru_cache(maxsize=1 << 12)
def notation_in(text: str) -> tuple[str, ...]:
    """The citations, statistics, symbols, references and names of species of a text, in order, as written."""
    species = (match for match in _BINOMIAL.finditer(text) if _names_species(match))
    found = sorted((*_NOTATION.finditer(text), *species), key=lambda match: match.start())
    return tuple(match[0] for match in found)


def _names_species(match: re.Match[str]) -> bool:
    """Whether words that end like Latin are a name: the second of them is rare in English."""
    genus, species = match[1], match[2]
    return species is None or (
        genus.lower() not in CLOSED_CLASS and all(frequency(word) < COMMON for word in (species, *lemmas(species)))
    )


def keeps_notation(old: Sequence[str], new: Sequence[str]) -> bool:
    """Whether all notation of a text is left in another, in the same order."""
    rest = iter(new)
    return all(span in rest for span in old)
