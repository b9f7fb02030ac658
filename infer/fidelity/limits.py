"""Words that limit what is said: allegations, conditions, exceptions, attempts, and "only".

Each row has the words that are surely such a limit, and further ones that may express it. An edit changes a fact if it
removes a sure one and inserts none of the row, or inserts a sure one and removes none.
"""

from __future__ import annotations

import re

from unspin.infer.fidelity.change import Change

_LIMITS = {
    "whether it is only alleged": (
        r"alleged|allegedly|believed|said to|thought to|understood to|reportedly|purportedly|suspected|accused|"
        r"rumou?red|so called|ostensibly|presumed|apparently",
        r"alleg\w+|purport\w*|suppos\w+|suspects?|claim\w*|ostensible|putative|presumab\w+|apparent|seeming\w*|"
        r"seems?|evidently|said|thought|believed|according|charged|reported|denounced|charges?|blamed|cited|"
        r"indicted|arraigned|assert\w*|suspicio\w+|assum\w+|appear\w*|impugned|implicated|obvious\w*|clearly|plainly",
    ),
    "the degree of certainty": (
        r"may|might|perhaps|possibly|probably|likely",
        r"could|can|would|maybe|potential\w*|apt|liable|conceivabl\w+|perchance|chances?|possib\w*|unlikely|"
        r"plausibl\w+|expected|should|seem\w*|appear\w*|suppos\w+|feasibl\w+|presumabl[ey]|in all likelihood|able|"
        r"must|will|shall|likelihood|odds|doubtless|prone|tend\w*|power|strength|spring|permitted|allowed|"
        r"peradventure|mayhap|apparently|presumptive|in all probability|no doubt",
    ),
    "whether it holds for this alone": (
        r"only|solely|exclusively|not just|not merely|not simply",
        r"merely|just|simply|purely|alone|sole|mere|exclusive|single|entirely|but|barely|until|lone|nothing|unless|"
        r"uniquely|hardly|scarcely|no more|first|wholly|completely",
    ),
    "an exception": (
        r"(?:everyone|everybody|all|everything|anyone|nobody|none|nothing|no one) but|except|excepting|excluding|"
        r"apart from|aside from|except for|besides (?:in|on|at|for|during|when|if)",
        r"exceptions?|other than|but|barring|bar|save|saving|unless|outside|without|beyond|exempt\w*|exclusive|"
        r"with the exclusion",
    ),
    "a condition": (
        r"if|unless|on condition that|provided that|in the event that",
        r"whether|provided|providing|as long as|so long as|in case|assuming|supposing|when|should|though|although|"
        r"once|condition|event|even|were|had|until|except|in the occasion|given|where",
    ),
    "the rank": (
        r"acting|deputy|vice|assistant|interim|lieutenant|associate|former|ex",
        r"deputies|substitute|temporary|provisional|helper|aide|sub|under|second|previous\w*|late|past|erstwhile|"
        r"onetime|earlier|old|older|retired|then|prior|adjunct|performing|caretaker|junior|partner|right hand|"
        r"wrongdoing|evil|behaving|appearing|bygone|preceding|first|last|representative|delegate|agent|stand in|"
        r"one time|captain",
    ),
    "the relation by marriage": (
        r"(?:brother|sister|mother|father|son|daughter|parent|relative)s? in law|"
        r"step(?:brother|sister|mother|father|son|daughter)s?",
        r"in laws?|step\w*",
    ),
    "a cause": (
        r"because|owing to|thanks to|as a result of",
        r"since|as|for|owing|due|thanks|given|account|reasons?|caus\w+|result\w*|so|therefore|thus|hence|grounds|"
        r"through|from|by|with|after|over|of|view|light|attribut\w+|that|why|seeing|considering|inasmuch|"
        r"consequen\w+|on",
    ),
    "whether it was done or attempted": (
        r"attempted|would be|planned|plans? to|proposed|tried|tries|attempts? to|wants? to|wanted to|hopes? to|"
        r"hoped to",
        r"attempt\w*|plan\w*|propos\w+|tr(?:y|ies|ied|ying)|aim\w*|inten[dt]\w*|mean\w*|meant|hop\w+|wish\w*|"
        r"wan(?:ts?|ted|na)|seek\w*|sought|endeavou?r\w*|strive|strove|offer\w*|suggest\w*|potential|prospective|"
        r"design\w*|project\w*|schedul\w+|desir\w+|ventur\w+|worked|struggl\w+|expect\w*|anticipat\w+|arrang\w+|"
        r"prepar\w+|organi[sz]ed|advanced|put forward|recommended|look\w*|need\w*|effort|strained|essayed|tested|"
        r"judged|heard|like to|intentional|deliberate|due|going to",
    ),
}
_PATTERNS = {
    limit: (re.compile(rf"(?i)\b(?:{sure})\b"), re.compile(rf"(?i)\b(?:{sure}|{possible})\b"))
    for limit, (sure, possible) in _LIMITS.items()
}


def changed_limit(change: Change) -> str:
    """The limit that an edit removes or invents, or ""."""
    following = " ".join(change.source[change.edit.end :].split()[:1])  # "besides in August" is an exception
    before, after = (f"{text} {following}".replace("-", " ") for text in (change.before, change.after))
    for limit, (sure, any_form) in _PATTERNS.items():
        lost = sure.search(before) and not sure.search(after) and not any_form.search(change.after)
        invented = sure.search(after) and not sure.search(before) and not any_form.search(change.before)
        if lost or (invented and not any(token.isalpha() for token in change.removed)):
            return limit
    return ""
