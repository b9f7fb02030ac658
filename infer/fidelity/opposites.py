"""Words that never replace each other: "before" and "after", "weeks" and "months", "killed" and "injured".

Each group lists kinds of words as regular expressions over whole lower-case tokens. An edit changes the meaning if it
removes words of some kinds of a group and inserts words of other kinds only. Inserting or removing alone is allowed.
Besides the groups, WordNet's antonyms are kept apart, and the units of each quantity.
"""

from __future__ import annotations

import re
from functools import lru_cache

from unspin.english.terms import are_antonyms
from unspin.english.word_classes import CLOSED_CLASS
from unspin.infer.fidelity.amounts import amounts_in, with_usual_forms
from unspin.infer.fidelity.change import Change, lower_tokens
from unspin.infer.fidelity.polarity import denies
from unspin.infer.fidelity.units import unit_of

_CHILD = "child|children|kids?|offspring|boys?|girls?"
_OPPOSITES = {
    "the order in time (before or after)": (
        "before|prior|ahead|until|till|by",
        "after|following|afterwards|since|subsequent(?:ly)?",
    ),
    "the comparison (more or less)": (
        "more|greater|above|over|exceeding|most|larger|bigger|higher",
        "less|fewer|below|under|least|fewest|smaller|lower",
    ),
    "the direction (up or down)": (
        r"up|upward|increas\w+|ris\w+|rose|grow\w*|grew|higher|highest|raise[ds]?|climb\w*|gain\w*|soar\w*",
        r"down|downward|decreas\w+|declin\w+|fall\w*|fell|drop\w*|shr[aiu]nk\w*|lower|lowest|reduc\w+|plung\w+|"
        r"plummet\w*|slump\w*|tumbl\w+",
    ),
    "the degree of certainty": (
        "may|might|could|maybe|perhaps|possibl[ey]|probabl[ey]|suggest\\w*|hint\\w*",
        "will|would|shall|must|certain(?:ly)?|definite(?:ly)?|surely|sure|prov(?:e|es|ed|en|ing)",
    ),
    "the direction (from or to)": (
        "from",
        "to|until|till|towards?",
    ),
    "the order (first or last)": (
        "first|1st|initial|opening",
        "last|final|latest|closing|ultimate",
        "second|2nd",
        "next",
    ),
    "the day": (
        "yesterday|yesterdays",
        "today|tonight",
        "tomorrow",
    ),
    "the time of day": (
        "am|dawn|daybreak|sunrise|mornings?",
        "noon|midday|noontime",
        "pm|afternoons?",
        "dusk|nightfalls?|sunset|sundown|twilight",
        "evenings?",
        "nights?|overnight|nighttime",
        "days?|daytime|daylight",
        "midnight",
    ),
    "the season": (
        "summers?|summertime",
        "winters?|wintertime|wintry",
        "autumn",
        "spring|springtime",
    ),
    "the era": ("bc|bce", "ad|ce"),
    "the sign (plus or minus)": ("plus|and|including", "minus|excluding|except"),
    "what is included": (
        "plus|including|includes?|included|also|additionally",
        "except|excepting|excluding|bar|barring|save|exclud\\w+|omit\\w*",
    ),
    "the number of times": (
        "once",
        r"twice|doubl\w+",
        r"thrice|tripl\w+|trebl\w+",
        r"quadrupl\w+",
        r"halv\w+",
    ),
    "the fraction": (
        "half|halves",
        "quarters?|fourths?",
        "thirds?",
        "fifths",  # here and below, the ordinal is a number
        "sixths",
        "sevenths",
        "eighths",
        "ninths",
        "tenths?",
    ),
    "the percentage": ("percent|pct|%", "points?"),
    "the colour": (
        "red|crimson|scarlet|carmine|ruby",
        "green|emerald",
        "blue|azure|navy",
        "yellow",
        "orange",
        "purple|violet",
        "pink",
        "brown",
        "black|ebony",
        "white|ivory",
        "gr[ae]y",
        "gold|golden",
        "silver",
    ),
    "the point of the compass": (
        r"north\w*",
        r"south\w*",
        r"east\w*",
        r"west\w*",
    ),
    "the side": (
        "left|leftwards?",
        "right|rightwards?",
    ),
    "the gender": (
        "m[ae]n|boys?|husbands?|sons?|brothers?|fathers?|kings?|males?|uncles?|nephews?|grandfathers?|grandsons?|"
        "widowers?|bridegrooms?|grooms?|actors?|princes?|dukes?|gentlem[ae]n|spokesm[ae]n|chairm[ae]n|"
        "congressm[ae]n|businessm[ae]n|policem[ae]n|stepfathers?|stepsons?|godfathers?|waiters?|stewards?|dads?|"
        "boyfriends?|monks?",
        "wom[ae]n|girls?|wife|wives|daughters?|sisters?|mothers?|queens?|females?|aunts?|nieces?|grandmothers?|"
        "granddaughters?|widows?|brides?|actress(?:es)?|princess(?:es)?|duchess(?:es)?|lady|ladies|spokeswom[ae]n|"
        "chairwom[ae]n|congresswom[ae]n|businesswom[ae]n|policewom[ae]n|stepmothers?|stepdaughters?|godmothers?|"
        "waitress(?:es)?|stewardess(?:es)?|mums?|moms?|girlfriends?|nuns?",
        "siblings?|spouses?|child|children|kids?|persons?|individuals?|spokesperson|spokespersons|spokespeople|"
        "chairpersons?|parents?|grandparents?|grandchild(?:ren)?|partners?|businesspeople|monarchs?",
    ),
    "whether it is done to oneself": (
        "(?:him|her|it|my|your)self|themselves|ourselves|yourselves",
        "him|them|me|us",
    ),
    "the relation": ("whose", "who|whom|that"),
    "the clergy": (
        "archbishops?",
        "cardinals?",
        "bishops?",
        "popes?|pontiffs?",
        "priests?",
        "rabbis?",
        "imams?",
        "monks?",
        "nuns?",
        "abbots?",
    ),
    "who hunts whom": (r"predat\w+|hunters?", r"prey\w*|hunted|quarry"),
    "the relative": (
        _CHILD,
        "sons?|daughters?",
        "brothers?|sisters?|siblings?",
        "fathers?|mothers?|parents?|dads?|mums?|moms?",
        "grand(?:father|mother|parent|pa|ma)s?",
        "grand(?:son|daughter|child|children)s?",
        "uncles?|aunts?",
        "nephews?|nieces?",
        "cousins?",
        "husbands?|wife|wives|spouses?",
        "widows?|widowers?",
        "step\\w+",
        "ex|former",
    ),
    "the quantity (all or some)": (
        "all|every|each|both|everyone|everybody|entire|whole|full|fully|total|complete|completely",
        "most|majority|mostly|mainly",
        "many|numerous|lots?|several|plenty",
        "some|several|few|someone|somebody|certain",
        "few|fewer|fewest|little|minority",
        "half",
        "one|single|sole",
        "partial|partly|partially",
        "no|none|neither",
    ),
    "the frequency (often or seldom)": (
        "always|constantly|invariably",
        "often|usually|frequently|regularly|normally|generally|typically|commonly",
        "sometimes|occasionally",
        "seldom|rarely|infrequently",
        "never",
    ),
    "the side taken": (r"for|favou?r\w*|behind", "against"),
    "whether it takes place": (r"postpon\w+|cancell?\w+|adjourn\w+|shelved", "held|hold|holds|staged"),
    "this, the last or the next": ("this|current", "last|previous|past", "next|coming|upcoming"),
    "the condition": ("if|provided|providing", "unless"),
    "the ruling": (
        r"uph[eo]ld\w*|affirm\w*|confirm\w*",
        r"lift\w*|overturn\w*|quash\w*|revers\w+|annul\w*|strik\w+|struck",
    ),
    "how tight it is": (
        r"tighten\w*|tight|stricter|strict\w*|toughen\w*",
        r"loosen\w*|loose|relax\w*|eas(?:e|ed|es|ing)|weaken\w*|soften\w*",
    ),
    "the result (won or lost)": (
        r"w[io]n|wins|winning|winner\w*|beat\w*|victor\w*|triumph\w*|defeated|succeed\w*|success\w*",
        r"los[et]|loses|losing|losers?|loss(?:es)?|defeat|defeats|fail\w*",
        r"dr[ae]w|drawn|tied|tie",
    ),
    "the outcome for people": (
        r"kill\w*|murder\w*|died?|dies|dying|deaths?|dead|fatal\w*|deadly|slain|slay\w*|perish\w*",
        r"injur\w+|wound\w*|hurt\w*|maim\w*",
        r"sav(?:e|ed|es|ing)|rescu\w+|surviv\w+|alive",
        r"born|births?",
        r"kidnap\w*|abduct\w*",
    ),
    "the stage of the case": (
        r"arrest\w*|detain\w*|jailed|imprison\w*|captur\w+|incarcerat\w+|apprehend\w*|custody",
        r"releas\w+|freed|freeing|liberat\w+|bailed",
        r"escap\w+|absconded",
        r"acquit\w*|exonerat\w+|cleared|innocent|innocence|absolv\w+|exculpat\w+",
        r"pardon\w*",
        r"convict\w*|guilty|guilt|condemn\w*|sentenced",
        r"charged|indict\w*|accus\w+|arraign\w*",
        r"suspect\w*",
        r"dismiss\w*",
        r"sued|suing",
        r"questioned|interviewed|interrogated",
        r"fined",
    ),
    "the offence": (
        r"murder\w*|assassin\w+",
        r"manslaughter",
        r"rap(?:e|ed|es|ist|ists|ing)",
        r"assault\w*|batter\w+",
        r"the(?:ft|fts)|stealing|stole\w*|thie\w+|larceny",
        r"robb\w+",
        r"burgl\w+",
        r"fraud\w*|embezzle\w+|swindl\w+",
        r"arson\w*",
        r"terroris\w+",
        r"brib\w+|corrupt\w*",
        r"perjury",
        r"treason\w*",
        r"smuggl\w+",
        r"blackmail\w*|extort\w+",
        r"libel\w*|slander\w*|defam\w+",
    ),
    "the statistic": (r"mean|average", "median", "mode"),
    "the metal": (
        "gold",
        "silver",
        "copper",
        "bronze|brass",
        "iron",
        "steel",
        "tin",
        "zinc",
        "platinum",
        "aluminium|aluminum",
    ),
    "the chamber": ("senate", "house", "congress", "parliament", "assembly", "cabinet"),
    "the particle": ("electrons?", "protons?", "neutrons?", "photons?", "positrons?", "quarks?"),
    "the operation": ("derivatives?", "integrals?", "sums?", "products?", "quotients?", "differences?"),
    "the therapy": ("radiotherapy", "chemotherapy", "immunotherapy", "physiotherapy", "psychotherapy"),
    "the kind of payment": (
        "loans?",
        "grants?",
        "gifts?",
        "bonus(?:es)?",
        "dividends?",
        "refunds?",
        "fines?",
        "tax(?:es)?",
    ),
    "the radiation": ("ultraviolet|uv", "infrared", "x-rays?|xrays?", "gamma", "microwaves?", "radio"),
    "the effect (cause or prevent)": (
        r"caus(?:e|es|ed|ing)|trigger\w*|provok\w+|produc\w+|lead|leads|led",
        r"prevent\w*|avert\w*|avoid\w*|stop|stops|stopped|thwart\w*|forestall\w*|block\w*|halt\w*",
        r"cur(?:e|es|ed|ing)|heal\w*",
        r"delay\w*|postpon\w+",
    ),
    "the balance (surplus or deficit)": (
        r"surplus\w*|excess|profits?|profitable|gains?|credit|assets?|earnings?",
        r"deficits?|shortfalls?|shortages?|loss(?:es)?|unprofitable|debts?|debit|liabilit\w+",
        r"turnover|revenues?",
    ),
    "the roles (buying or selling)": (
        r"b(?:uy\w*|ought)|purchas\w+|acquir\w+",
        r"s(?:ell\w*|old)",
        r"leas\w+|rent\w*|hir\w+",
        r"stole\w*|steal\w*",
    ),
    "the roles (giving or lending)": (
        r"len[dt]|lends|lending",
        r"borrow\w*",
        r"g(?:ive|ives|ave|iven|iving)|donat\w+|gift\w*",
    ),
    "the direction of trade": (
        r"import\w*",
        r"export\w*",
    ),
    "the way (in or out)": (
        r"inside|inbound|incoming|arriv\w+|ent(?:er|ers|ered|ering|ry|ries|rance)|inward\w*|indoors?|immigra\w+|"
        r"inflow\w*|inputs?",
        r"outside|outbound|outgoing|depart(?:s|ed|ing|ures?)?|exit\w*|leav(?:e|es|ing)|left|outward\w*|outdoors?|"
        r"emigra\w+|outflow\w*|outputs?",
    ),
    "whether it is open": (
        r"open(?:s|ed|ing|ly)?|unlock\w*|reopen\w*",
        r"clos(?:e|ed|es|ing|ure)|shut\w*|lock(?:s|ed|ing)?",
    ),
    "whether it begins or ends": (
        r"beg[iau]n\w*|start\w*|commenc\w+|launch\w*|initiat\w+|onset|resum\w+",
        r"end(?:s|ed|ing)?|finish\w*|conclu\w+|stop(?:s|ped|ping)?|ceas\w+|terminat\w+|complet\w+",
    ),
    "whether it stays or leaves": (
        r"stay\w*|remain\w*|kept|keep\w*|retain\w*|continu\w+",
        r"leav(?:e|es|ing)|quit\w*|resign\w*|abandon\w*|depart(?:s|ed|ing)?|withdr[ae]w\w*|ditch\w*",
        r"return\w*",
    ),
    "whether one is employed": (
        r"hir(?:e|ed|es|ing)|recruit\w*|appoint\w*|employ(?:s|ed|ing)?|promot\w+|reinstat\w+",
        r"fir(?:e|ed|es|ing)|sack(?:s|ed|ing)?|dismiss\w*|oust\w*|resign\w*|demot\w+|suspend\w*|retir\w+",
    ),
    "the stance (for or against)": (
        r"support\w*|accept\w*|allow\w*|permit\w*|approv\w+|includ\w+|pro|agree\w*|back(?:s|ed|ing)|favou?r\w*|"
        r"endors\w+|welcom\w+|prais\w+|authori[sz]\w+|legali[sz]\w+|embrac\w+|confirm\w*|admit\w*|concur\w*|ratif\w+",
        r"oppos\w+|reject\w*|refus\w+|ban|bans|banned|banning|forbid\w*|forbade|prohibit\w*|exclud\w+|anti|"
        r"disagree\w*|denounc\w+|condemn\w*|criticis\w+|criticiz\w+|outlaw\w*|veto\w*|resist\w*|"
        r"den(?:y|ied|ies|ying|ials?)|disput\w+|declin\w+|contest(?:s|ed)?|disapprov\w+|deplor\w+|disown\w*|"
        r"repudiat\w+|den(?:y|ies|ied)",
    ),
    "whose side it is": (
        r"all(?:y|ies|ied)|friends?|friendly|partners?|supporters?|allianc\w+|fans?|followers?|advocates?|"
        r"proponents?",
        r"enem(?:y|ies)|foes?|rivals?|hostile|opponents?|adversar\w+|critics?|detractors?",
    ),
    "the height or size": (
        r"high|tall|big|large|huge|great|giant|major|maximum|long|heavy|broad|wide|deep|strong|rich|wealthy|many|"
        r"fast|quick(?:ly)?|rapid(?:ly)?|early|loud",
        r"low|short|small|little|tiny|minor|minimum|minimal|light|narrow|shallow|weak|poor|few|slow(?:ly)?|late|"
        r"quiet",
    ),
    "the attack or defence": (
        r"attack\w*|assault\w*|invad\w+|invasion|offensive|aggress\w+|raid\w*",
        r"defen[cds]\w+|protect\w*|guard\w*",
        r"retreat\w*|surrender\w*",
    ),
    "what comes of a thing": (
        r"buil[dt]\w*|construct\w*|creat\w+|erect\w*|establish\w*|found(?:ed|ing)|form(?:ed|ing)",
        r"destr[ou]\w+|demolish\w*|raz(?:e|ed|ing)|abolish\w*|dismantl\w+|dissolv\w+|scrap(?:ped|ping)?|wreck\w*",
        r"repair\w*|fix\w*|restor\w+|renovat\w+",
    ),
    "who is dealt with": (
        r"teach\w*|taught|instructors?|tutors?|lecturers?|professors?",
        r"stud(?:y|ies|ied|ents?)|learn\w*|pupils?",
    ),
    "who treats whom": (
        r"doctors?|physicians?|surgeons?|medics?",
        r"nurses?",
        r"midwives|midwife",
        r"patients?|sufferers?",
    ),
    "who pays whom": (
        r"landlords?|landlad\w+|lessors?",
        r"tenants?|renters?|lessees?",
    ),
    "the party to the case": (
        r"plaintiffs?|claimants?|prosecutors?|prosecution|accusers?|victims?",
        r"defendants?|respondents?|defen[cs]e|perpetrators?|culprits?|attackers?|offenders?",
        r"witness(?:es)?",
        r"judges?|magistrates?|justices?",
        r"jur(?:y|ies|ors?)",
    ),
    "the number of a group": (
        "pairs?|couples?|duos?|brace|two|both",
        "trios?|threesomes?|triplets?|three",
        "quartets?|four",
        "quintets?|quintuplets?|five",
        "quadruplets?|four",
    ),
    "the office": (
        "senators?",
        "governors?",
        "presidents?",
        "premiers?",
        "chancellors?",
        "mayors?",
        "ambassadors?",
        "kings?",
        "queens?",
        "princes?",
        "popes?",
        "sergeants?",
        "corporals?",
        "majors?",
        "captains?",
        "lieutenants?",
        "colonels?",
        "admirals?",
        "judges?",
    ),
    "the employment": (
        r"employers?|bosses|boss|managers?|management",
        r"employees?|workers?|staff|labou?rers?",
    ),
    "the sex of the animal or the age of the person": (
        r"adults?|grown|elderly|old",
        r"child|children|kids?|babies|baby|infants?|toddlers?|young\w*|minors?|teen\w*|youths?",
    ),
}
_GROUPS = {group: tuple(map(re.compile, kinds)) for group, kinds in _OPPOSITES.items()}
_UNIT = "the unit of "
_GENDER = "the gender"
_RELATIVE = "the relative"
# "At most" says nothing about more or less, only about an amount, which `bounds` looks after; and "each other" says
# nothing about each.
_NOT_COMPARED = re.compile(r"\bat (?:the )?(?:very )?(?:least|most)\b|\b(?:each other|one another)\b")


def opposed(change: Change) -> str:
    """Name the meaning that an edit turns into another, or "" if it turns none."""
    old, new = (
        lower_tokens(_NOT_COMPARED.sub("", with_usual_forms(text.lower()))) for text in (change.before, change.after)
    )
    old_kinds, new_kinds = _kinds_of(old), _kinds_of(new)
    sides = amounts_in(change.before), amounts_in(change.after)
    compared = all(sides) and not all(amount.optional for side in sides for amount in side)  # by `amounts`
    if old_kinds.get(_RELATIVE, set()) - {_CHILD} and _RELATIVE not in new_kinds:
        return _RELATIVE  # a relative is not removed either
    for group in (group for group in old_kinds if group in new_kinds):
        if group == _GENDER and len(old_kinds[group] | new_kinds[group]) > 2:
            continue  # "father or mother" and "parent"
        if not old_kinds[group] & new_kinds[group] and not (compared and group.startswith(_UNIT)):
            return group
    content = (
        [word for word in words if word not in CLOSED_CLASS and word.isalpha()]
        for words in (change.removed, change.inserted)
    )
    removed, inserted = content
    if denies(change.before) or denies(change.after):
        return ""  # "not lawful" is "unlawful"; left to `polarity`
    if any(are_antonyms(a, b) for a in removed for b in inserted):
        return "a meaning to its opposite"
    return ""


def _kinds_of(tokens: tuple[str, ...]) -> dict[str, set[str]]:
    """The groups that the tokens belong to, each with the kinds that occur."""
    kinds: dict[str, set[str]] = {}
    for token in tokens:
        for group, kind in _memberships(token):
            kinds.setdefault(group, set()).add(kind)
    return kinds


@lru_cache(maxsize=1 << 16)
def _memberships(token: str) -> tuple[tuple[str, str], ...]:
    """The (group, kind) pairs of a lower-case token."""
    return (
        *((f"{_UNIT}{quantity}", unit) for quantity, unit in unit_of(token)),
        *((group, kind.pattern) for group, kinds in _GROUPS.items() for kind in kinds if kind.fullmatch(token)),
    )
