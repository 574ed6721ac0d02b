"""Marks on the surface of an answer's sentence: what it says of its source, how sure it is, what part it plays.

Each is a pattern that either stands in a sentence or does not. They carry no verdict by themselves: the support judge
and the answer judge weigh them beside what the context holds.
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_SOURCE = (
    r"(?:contexts?|texts?|passages?|papers?|information|documents?|excerpts?|sources?|snippets?|"
    r"articles?|stud(?:y|ies)|references?|materials?|pieces?|authors?)"
)
_SAYS = (
    r"(?:mention|state|provide|specif|contain|discuss|describe|address|include|give|indicate|offer|"
    r"delve|detail|explain|touch|refer|cover|report|focus)"
)

_PATTERNS = {
    "says_not": (
        rf"\b(?:does|do|did|is|are|was|were|has|have)(?: not|n['’]t)\b[^.;]*?\b(?:{_SAYS}|clear|possible|"
        rf"enough|explicit|any\b|available|known|found)"
        rf"|\b(?:no|without|lack(?:s|ing)?)\b[^.;,]{{0,40}}\b(?:mention|information|details?|indication|"
        rf"discussion|reference|description|evidence|specifics?|context|explicit)"
        rf"|\bnot (?:be |been |is |are )?(?:explicitly |directly |specifically |clearly |"
        rf"otherwise )*(?:{_SAYS}|determin|possible|clear|available|known|found|in the)"
        rf"|\b(?:silent|unclear|unknown|unspecified|insufficient|not enough)\b|\bnone of\b|\bneither\b"
    ),
    "abstains": (
        r"\bI (?:do not|don['’]t|cannot|can['’]t|can not|am (?:unable|not able)|could not|must conclude)\b"
        r"|\b(?:cannot|can not|can['’]t|impossible to|not possible to|unable to|difficult to|hard to) (?:\w+ly )?"
        r"(?:be )?(?:\w+ )?(?:determin|answer|provid|definitive|conclu|say|state|infer|ascertain|identif|"
        r"give|confirm)"
        r"|\b(?:without|until) (?:more|further|additional|explicit|specific|any)\b|\b(?:remain|is|"
        r"are)s? (?:unclear|unknown|speculative)"
    ),
    "abstains_opening": r"^(?:I (?:do not|don['’]t) know|I cannot|I['’]m sorry|unfortunately|sorry)\b",
    "source": rf"\b(?:the|this|given|provided|these|in)\s+(?:\w+\s+){{0,2}}{_SOURCE}\b",
    "source_says": (
        rf"\b{_SOURCE}\b[^.;]{{0,40}}\b{_SAYS}|\b(?:it|they|which)\s+(?:also |only |primarily |mainly |"
        rf"does |do |did |briefly )*{_SAYS}"
    ),
    "source_about": (
        rf"\b(?:appears? to|seems? to|(?:primarily|mainly|mostly|solely|only) (?:{_SAYS}|focus)|"
        rf"focus(?:es|ed)? (?:is )?on|related to|revolves?|is about)\b"
    ),
    "however": r"^(?:\W*)(?:however|nevertheless|nonetheless|but|although|though|while|still|that being said|yet)\b",
    "therefore": (
        r"^(?:\W*)(?:therefore|thus|hence|so|as a result|consequently|in (?:summary|conclusion)|"
        r"to (?:summarize|conclude)|overall)\b"
    ),
    "sums_up": r"^(?:\W*)(?:in (?:summary|conclusion|short)|to (?:summarize|conclude|sum up)|overall|in total)\b",
    "infers": (
        r"\b(?:infer(?:red)?|impl(?:y|ies|ied)|suggest(?:s|ed|ing)?|assum(?:e|ed|es|ing|ption)|deduc\w+|"
        r"indicat(?:es|ing)|conclud\w+|reasonable)\b"
    ),
    "hedges": (
        r"\b(?:may|might|could|would|can|likely|possibl[ey]|perhaps|probably|potential(?:ly)?|presumably|"
        r"plausibl[ey]|appears?|seems?)\b"
    ),
    "hedges_past": (
        r"\b(?:may|might|could|would|must) have\b|\blikely (?:that|to|used|be)\b|\b(?:is|are|was|"
        r"were) (?:most )?likely\b"
    ),
    "general": (
        r"\b(?:in general|generally|typical(?:ly)?|common(?:ly)?|usual(?:ly)?|often|widely|frequently|"
        r"popular|well[- ]known|standard practice|"
        r"best practices?|in (?:deep|machine) learning|general(?: \w+)? (?:strategies|approaches|"
        r"techniques|practices|insights|overview|terms)|"
        r"crucial|important to|essential|plays? an? \w+ role|ensures?|ensuring|helps?|helping|"
        r"prevent(?:s|ing)?|by \w+ing\b.{0,60},)"
    ),
    "defines": (
        r"^(?:\W*)(?:\w+[\s-]){1,5}(?:is|are|involves?|refers? to|means) (?:an?|the|when|where|to|that|"
        r"\w+ing)\b"
    ),
    "several": (
        r"\b(?:several|various|some (?:common|general|possible|potential)|different|many|"
        r"other) (?:\w+ ){0,3}(?:strateg|techniqu|approach|method|way|step|practice|purpose|option|"
        r"factor|measure)"
    ),
    "while_not": (
        r"\b(?:while|although|though|even if)\b[^,]{0,120}\bnot\b|\bnot (?:directly|explicitly|"
        r"specifically)\b"
    ),
    "you": (
        r"\b(?:you|your|you['’]d|let me|I (?:can|would|will|recommend|suggest)|please|feel free|we can|"
        r"we could)\b"
    ),
    "advice": (
        r"\b(?:recommend|suggest(?:ed)? (?:to|looking|contacting|checking)|contact(?:ing)?|consult|"
        r"refer(?:ring)? to the|look(?:ing)? (?:into|up)|check(?:ing)?|keep in mind|note that|"
        r"worth noting)\b"
    ),
    "lead_in": r":\W*$",
    "item": r"^\s*(?:[-*•+]|\(?\d{1,2}[.)])\s",
    "heading": r"^\W*\*\*[^*]+\*\*:?\W*$|^#+\s",
    "bold_lead": r"^\W*(?:\d{1,2}[.)]\s*)?\*\*[^*]+\*\*",
    "term_lead": r"^\W*(?:\d{1,2}[.)]\s*)?(?:\*\*)?[A-Z][\w /-]{2,40}(?:\*\*)?:",
    "fragment": r"(?:\bet al|\bFig|\bEq|\bTab|\bRef|\bSec)\.?\)?$|^\W*\S{0,12}\W*$",
    "quoted": r"[\"“][^\"”]{12,}[\"”]",
    "cites": r"\bet al\b|\((?:[^()]*,\s*)?(?:19|20)\d\d[a-z]?\)|\[\d+\]|\b(?:Fig(?:ure|\.)|Table|Section|Eq)\b",
    "we": r"\b(?:the (?:authors|researchers|study|research|model|team)|they|we|our)\b",
    "past": r"\b(?:was|were|had been|used|employed|applied|trained|collected|conducted|performed|evaluated)\b",
    "reproduces": (
        r"\b(?:reproducib\w+|robust\w*|generaliz\w+|overfitting|consisten\w+|stability|variab\w+|"
        r"mitigat\w+|reduc\w+ the impact)\b"
    ),
    "link": r"https?://|www\.|github|zenodo|\b10\.\d{4,}/",
    "demonstrates": (
        r"\b(?:demonstrat\w+|highlight\w*|emphasi[sz]\w+|show(?:s|ing)? (?:the importance|that)|"
        r"the importance of|this (?:approach|process|strategy|method|allows|helps|ensures|suggests|"
        r"implies)|these (?:techniques|methods|strategies|approaches))\b"
    ),
}
NAMES = tuple(_PATTERNS)
"""The names of the marks, in the order of `cues`."""

_COMPILED = tuple(re.compile(pattern, re.IGNORECASE) for pattern in _PATTERNS.values())


def cues(sentences: Sequence[str]) -> NDArray[np.float64]:
    """Which marks each sentence carries, 1 or 0, shape (sentences, len(NAMES))."""
    rows = [[float(pattern.search(sentence) is not None) for pattern in _COMPILED] for sentence in sentences]
    return np.array(rows, np.float64).reshape(len(sentences), len(NAMES))
