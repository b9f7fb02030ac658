"""Word lists of the project: closed classes, number words, days, months and titles, and the sets derived from them.

Words are lower case. The derived sets decide which words a spinner may replace and which edits pass the fidelity
checks, so adding a word to a class can change data sets and restorations. A class holds the words that some derived
set needs; it need not be complete.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Determiners and pronouns

ARTICLES = _words("a an the")
DEMONSTRATIVES = _words("this that these those")
PERSONAL_PRONOUNS = _words("i me we us you he him she her it they them")
POSSESSIVE_DETERMINERS = _words("my our your his her its their")
POSSESSIVE_PRONOUNS = _words("mine ours hers theirs")
INDEFINITE_PRONOUNS = _words("everyone everybody someone somebody anyone anybody other others another")
QUESTION_WORDS = _words("who whom whose which what when where why how")
QUANTIFIERS = _words("each every all both several many much more most some any few either such own same")
NEGATIVES = _words("no not nor never none nothing nobody neither")

# Prepositions and conjunctions

CORE_PREPOSITIONS = _words("as at by for from in into of off on to up with")
OTHER_PREPOSITIONS = _words(
    """about above across after against along among amongst before behind below beside besides between beyond despite
    during onto over per since toward towards under until upon via within without"""
)
CORE_CONJUNCTIONS = _words("and but or if so than then")
OTHER_CONJUNCTIONS = _words("although because though unless whether while yet")
DISCOURSE_ADVERBS = _words(
    """also furthermore hence however instead maybe meanwhile moreover nevertheless nonetheless otherwise perhaps
    therefore thus"""
)

# Verbs

FORMS_OF_BE = _words("be am is are was were been being")
FORMS_OF_HAVE = _words("have has had having")
FORMS_OF_DO = _words("do does did done")
MODALS = _words("can could may might must shall should will would")
AUXILIARIES = FORMS_OF_BE | FORMS_OF_HAVE | FORMS_OF_DO | MODALS
CLITICS = _words("d ll m re s t ve")  # what follows the apostrophe of a contraction

# Numbers, dates and titles; the tuples are in counting order

ONE_TO_NINETEEN = tuple(
    """one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen""".split()
)
TENS = tuple("twenty thirty forty fifty sixty seventy eighty ninety".split())
FIRST_TO_TENTH = tuple("first second third fourth fifth sixth seventh eighth ninth tenth".split())
NUMBER_WORDS = frozenset((*ONE_TO_NINETEEN, *TENS)) | _words("hundred thousand million billion trillion")
ORDINAL_WORDS = frozenset(FIRST_TO_TENTH)
WEEKDAYS = _words("monday tuesday wednesday thursday friday saturday sunday")
MONTHS = _words("january february march april may june july august september october november december")
TITLES = _words("mr mrs ms dr")

# Adverbs and adjectives that the lexicon of function words lists, although they carry content

CONTENT_ADVERBS = _words(
    """abroad ahead alone altogether apart away back barely completely directly downstairs downward entire entirely
    exactly fairly far forward hardly indoors largely long longer mainly merely mostly nearby outdoors overseas partly
    pretty quite really regardless right simply somewhat together upstairs upward whole"""
)

# Derived sets

# Words that spinners do not look up in a thesaurus. WordNet lists senses for some of them ("a" is vitamin A), but real
# spinners leave them alone.
IMMUTABLE = (
    ARTICLES
    | DEMONSTRATIVES
    | PERSONAL_PRONOUNS
    | POSSESSIVE_DETERMINERS
    | POSSESSIVE_PRONOUNS
    | QUESTION_WORDS
    | NEGATIVES
    | CORE_PREPOSITIONS
    | CORE_CONJUNCTIONS
    | AUXILIARIES
    | CLITICS
    | NUMBER_WORDS
    | ORDINAL_WORDS
    | WEEKDAYS
    | MONTHS
    | TITLES
    | {"some", "such", "there", "too"}
)

# About half of all running words. A tool that replaced each of them would produce unreadable text, so few tools list
# them. Chosen by frequency: only part of each class is in it.
COMMONEST = (
    ARTICLES
    | POSSESSIVE_DETERMINERS
    | {"and", "in", "of", "to", "that", "this"}
    | (PERSONAL_PRONOUNS - {"me", "him", "she", "them"})
    | (FORMS_OF_BE - {"am", "being"})
    | (FORMS_OF_HAVE - {"having"})
)

# Words that the fidelity checks count neither as names nor as content words. A larger set would let more edits pass.
CLOSED_CLASS = (
    DEMONSTRATIVES
    | PERSONAL_PRONOUNS
    | POSSESSIVE_DETERMINERS
    | INDEFINITE_PRONOUNS
    | QUESTION_WORDS
    | QUANTIFIERS
    | OTHER_PREPOSITIONS
    | CORE_CONJUNCTIONS
    | OTHER_CONJUNCTIONS
    | DISCOURSE_ADVERBS
    | (AUXILIARIES - {"am", "done", "having"})
    | {"the", "for", "from", "into", "off", "with", "neither", "nor"}
)

# Frequent words of English prose that are rare in other languages. A text with too few of them is not English prose.
ENGLISH_MARKERS = _words(
    """the of and to that is was for with as his they at this from but by had were which their been has are have not
    will he she it we you be or an who said its about into could would"""
)

# Members of IMMUTABLE and of the lexicon of function words that are not function words. "May" is left out, since it is
# also an auxiliary.
NOT_FUNCTION_WORDS = NUMBER_WORDS | ORDINAL_WORDS | WEEKDAYS | (MONTHS - {"may"}) | TITLES | CONTENT_ADVERBS
