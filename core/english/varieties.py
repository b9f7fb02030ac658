"""British and American English: spellings and words that tell which of the two a text is written in."""

from __future__ import annotations

from unspin.english.surface import BRITISH

# Stems of further words in -our or -or, and further pairs, British then American.
_OUR = "tum arm rig clam savi".split()
_SPELLINGS = """favourable favorable|favourably favorably|honourably honorably|neighbouring neighboring|armoury armory
organisation organization|organisations organizations|organiser organizer|organisers organizers
organise organize|organised organized|organises organizes|organising organizing|realisation realization
civilisation civilization|licences licenses|licence license|practise practice|practised practiced|practising practicing
enquiry inquiry|enquiries inquiries|fulfilment fulfillment|enrolment enrollment|draught draft|draughts drafts
sulphur sulfur|oestrogen estrogen|foetus fetus|diarrhoea diarrhea|leukaemia leukemia|anaesthetic anesthetic
orthopaedic orthopedic|gynaecologist gynecologist|haemoglobin hemoglobin|caesarean cesarean|encyclopaedia encyclopedia
metres meters|millimetres millimeters|theatregoers theatergoers|defences defenses|pretence pretense|catalogues catalogs
analyses analyzes|analysing analyzing|analyser analyzer|catalysed catalyzed|colouring coloring|coloured colored
labour labor|labourer laborer|rumours rumors|programmes programs|programmed programed|cheques checks|kerbs curbs
mum mom|mums moms|maths math|grey gray|greying graying|storeys stories|tonne ton"""
# Words of one variety and their counterparts in the other. A pair is told apart only by words that mean nothing else.
_WORDS = """motorway freeway|motorways freeways|motorway highway|motorways highways|lorry truck|lorries trucks
petrol gasoline|petrol gas|railway railroad|railways railroads|pavement sidewalk|pavements sidewalks|nappy diaper
nappies diapers|trousers pants|rubbish garbage|rubbish trash|queue line|postcode zipcode|aeroplane airplane
solicitor attorney|solicitors attorneys|barrister attorney|tarmac asphalt|windscreen windshield|fortnight weeks
lift elevator|lifts elevators|flat apartment|flats apartments|holidaymaker vacationer|holidaymakers vacationers
footballer player|pensioner retiree|pensioners retirees|shopkeeper storekeeper|crisps chips|biscuits cookies|autumn fall
councillor councilman|councillors councilmen|tap faucet|taps faucets|cinema theater|primary elementary"""


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(british, american) for pair in text.replace("\n", "|").split("|") for british, american in [pair.split()]]


# British spelling -> American spelling, in all forms.
SPELLINGS: dict[str, str] = {
    **BRITISH,
    **{f"{stem}our{end}": f"{stem}or{end}" for stem in _OUR for end in ("", "s", "ed", "ing")},
    **dict(_pairs(_SPELLINGS)),
}
# American spellings that British texts have too.
_COMMON_TO_BOTH = frozenset(
    """while among learned burned spelled spoiled dreamed judgment aging inquiry inquiries fulfillment enrollment draft
    drafts program programs ton practice practiced practicing gray jail story stories check checks curb curbs meter
    meters mold tire tires""".split()
)
AMERICAN: dict[str, str] = {
    american: british for british, american in SPELLINGS.items() if american not in _COMMON_TO_BOTH
}
# Words of one variety -> its words of the other, from British and from American ones.
TO_AMERICAN: dict[str, list[str]] = {}
TO_BRITISH: dict[str, list[str]] = {}
for _british, _american in _pairs(_WORDS):
    TO_AMERICAN.setdefault(_british, []).append(_american)
    TO_BRITISH.setdefault(_american, []).append(_british)
# What a text is told by: British spellings and words, and American ones.
_AMBIGUOUS = frozenset(
    """program programs check checks story stories draft drafts curb curbs meter meters practice ton tire tires line
    gas flat flats lift lifts truck trucks fall taps tap theater primary pants player weeks chips trash cinema queue
    pensioner inquiry inquiries""".split()
)
BRITISH_SIGNS: frozenset[str] = (frozenset(SPELLINGS) | TO_AMERICAN.keys()) - _AMBIGUOUS
AMERICAN_SIGNS: frozenset[str] = (frozenset(AMERICAN) | TO_BRITISH.keys()) - _AMBIGUOUS
