"""Tables of the `surface` spinner: contractions, number words, abbreviations, spelling pairs and agreement errors.

Each table maps what the spinner replaces to what it writes instead. Keys and values are lower case, with straight
apostrophes. Written for unspin from knowledge of English.
"""

from __future__ import annotations

from unspin.english.word_classes import FIRST_TO_TENTH, ONE_TO_NINETEEN, TENS

_PRONOUNS = {
    "is": ("it", "he", "she", "that", "there", "what", "who", "here"),
    "are": ("we", "you", "they"),
    "will": ("i", "we", "you", "they", "he", "she", "it"),
    "would": ("i", "we", "you", "they", "he", "she"),
    "have": ("i", "we", "you", "they"),
}
_CLITICS = {"is": "'s", "are": "'re", "will": "'ll", "would": "'d", "have": "'ve"}
_NEGATED = "is are was were has have had does do did could would should must need".split()

CONTRACTIONS = {
    **{f"{pronoun} {verb}": pronoun + _CLITICS[verb] for verb, pronouns in _PRONOUNS.items() for pronoun in pronouns},
    **{f"{verb} not": f"{verb}n't" for verb in _NEGATED},
    "cannot": "can't",
    "will not": "won't",
    "i am": "i'm",
    "let us": "let's",
}

# "One" and "second" are left out: "one" is often a pronoun, "second" often a unit of time.
_SUFFIXES = {1: "st", 2: "nd", 3: "rd"}
_TEN_TIMES = {word: 10 * value for value, word in enumerate(TENS, 2)}
NUMBERS = {
    **{word: str(value) for value, word in enumerate(ONE_TO_NINETEEN, 1) if word != "one"},
    **{word: str(value) for word, value in _TEN_TIMES.items()},
    **{
        f"{tens}-{unit}": str(value + i)
        for tens, value in _TEN_TIMES.items()
        for i, unit in enumerate(ONE_TO_NINETEEN[:9], 1)
    },
    **{word: f"{i}{_SUFFIXES.get(i, 'th')}" for i, word in enumerate(FIRST_TO_TENTH, 1) if word != "second"},
}

ABBREVIATIONS = {
    "united states": "u.s.", "united kingdom": "uk", "european union": "eu", "united nations": "un",
    "television": "tv", "doctor": "dr", "professor": "prof", "senator": "sen", "general": "gen", "governor": "gov",
    "department": "dept", "government": "govt", "kilometres": "km", "kilometers": "km", "kilograms": "kg",
    "centimetres": "cm", "metres": "m", "miles per hour": "mph", "approximately": "approx", "versus": "vs",
    "and": "&", "chief executive": "ceo", "photographs": "photos", "telephone": "phone", "advertisement": "ad",
    "advertisements": "ads", "information": "info", "mathematics": "maths", "laboratory": "lab",
    "examination": "exam", "refrigerator": "fridge", "influenza": "flu", "gymnasium": "gym", "january": "jan",
    "february": "feb", "august": "aug", "september": "sept", "october": "oct", "november": "nov", "december": "dec",
    "hours": "hrs", "minutes": "mins", "years": "yrs", "million": "mn", "billion": "bn", "because": "cos",
    "through": "thru", "tonight": "tonite", "okay": "ok", "as soon as possible": "asap",
}  # fmt: skip

# Stems of verbs in -ise or -ize.
_ISE = """apolog author categor central character civil computer critic custom emphas equal final formal general
    harmon hospital ideal industrial legal local maxim memor militar minim mobil modern national neutral
    normal organ penal popular prior privat real recogn regular scrutin social special stabil standard
    steril subsid symbol sympath util visual""".split()
# Stems of words in -our or -or.
_OUR = "behavi col endeav fav flav harb hon hum lab neighb od parl rum sav vap vig ard".split()
# Other pairs, British then American.
_OTHER = """centre center|theatre theater|metre meter|litre liter|fibre fiber|calibre caliber|defence defense
offence offense|licence license|programme program|programmes programs|cheque check|grey gray|tyre tire|tyres tires
plough plow|catalogue catalog|dialogue dialog|analyse analyze|analysed analyzed|paralyse paralyze|travelled traveled
travelling traveling|traveller traveler|travellers travelers|cancelled canceled|cancelling canceling
labelled labeled|modelled modeled|modelling modeling|fuelled fueled|signalled signaled|signalling signaling
counsellor counselor|jewellery jewelry|aluminium aluminum|aeroplane airplane|aeroplanes airplanes|kerb curb
mould mold|moustache mustache|sceptical skeptical|paediatric pediatric|anaemia anemia|haemorrhage hemorrhage
manoeuvre maneuver|manoeuvres maneuvers|enrol enroll|fulfil fulfill|skilful skillful|instalment installment
judgement judgment|ageing aging|storey story|storeys stories|pyjamas pajamas|cosy cozy|marvellous marvelous
towards toward|afterwards afterward|amongst among|whilst while|learnt learned|burnt burned|spelt spelled
spoilt spoiled|dreamt dreamed|centres centers|theatres theaters|kilometres kilometers|litres liters
offences offenses|favourite favorite|favourites favorites|neighbourhood neighborhood|neighbourhoods neighborhoods
honourable honorable|labourers laborers|colourful colorful"""

# British spelling -> American spelling.
BRITISH = {
    **{f"{stem}is{end}": f"{stem}iz{end}" for stem in _ISE for end in ("e", "ed", "es", "ing", "ation")},
    **{f"{stem}our{end}": f"{stem}or{end}" for stem in _OUR for end in ("", "s", "ed", "ing")},
    **dict(pair.split(" ") for line in _OTHER.splitlines() for pair in line.split("|")),
}

# Errors of agreement and usage: right word -> wrong word.
SLIPS = {
    "has": "have", "have": "has", "is": "are", "are": "is", "was": "were", "were": "was", "do": "does",
    "does": "do", "this": "these", "these": "this", "that": "those", "an": "a", "a": "an", "much": "many",
    "fewer": "less", "its": "it's",
}  # fmt: skip
