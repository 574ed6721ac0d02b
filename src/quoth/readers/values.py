"""The value in a quote: a link, a choice, or a single figure. Where the words leave a doubt there is none."""

import re
from collections.abc import Sequence

from quoth.vocabulary import Kind, Question, Quote

_URL = re.compile(
    r"(?:https?://|www\.)[^\s<>\"“”]+|\b(?:github\.com|gitlab\.com|bitbucket\.org|osf\.io|zenodo\.org)/[^\s<>\"“”]+"
)
_DOI = re.compile(r"\b10\.\d{4,9}/[^\s<>\"“”]+")
_ACCESSION = re.compile(
    r"\b(?:PRJ[A-Z]{2}\d{4,}|GSE\d{3,}|[SED]R[APRSX]\d{5,}|SAM[NED][A-Z]?\d{6,}|E-[A-Z]{4}-\d+|MTBLS\d+|PXD\d{6})\b"
)
_NUMBER = re.compile(r"(?<![\w.,–-])\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\w,.]*\d)|(?<![\w.,–-])\d+(?:\.\d+)?(?![\w]*\d)")
_YEAR = re.compile(r"^(?:19|20)\d\d$")
_CITED = re.compile(r"\[[\d,\s–-]+\]|\((?:[^()]*\b(?:19|20)\d\d[a-z]?)\)|\b(?:Fig(?:ure|s)?|Table|Section|Eq)\.?\s*\d+")


def value_of(question: Question, quotes: Sequence[Quote], targets: Sequence[str]) -> str | None:
    """The value that the quotes, strongest first, give for a question; `targets` are those of their links."""
    match question.kind:
        case Kind.LINK:
            return _link(quotes, targets)
        case Kind.CHOICE:
            return _choice(question.choices, quotes)
        case Kind.NUMBER:
            return _number(quotes[0].text)
        case _:
            return None


def _link(quotes: Sequence[Quote], targets: Sequence[str]) -> str | None:
    for quote in quotes:
        for pattern in (_URL, _DOI, _ACCESSION):
            if found := pattern.search(quote.text):
                # The words may be cut at a line's end; the link's own target is whole.
                said = found.group().rstrip(".,;:)]}'’\"")
                return next((target for target in targets if target.startswith(said)), said)
    return next((target for target in targets if not target.startswith("mailto:")), None)


def _choice(choices: Sequence[str], quotes: Sequence[Quote]) -> str | None:
    """The only choice that the quotes name; longer names first, so that 'CC BY-NC' is not taken for 'CC BY'."""
    text = " ".join(_plain(quote.text) for quote in quotes)
    named = []
    for choice in sorted(choices, key=len, reverse=True):
        words = rf"(?<!\w){re.escape(_plain(choice))}(?!\w)"
        if re.search(words, text):
            named.append(choice)
            text = re.sub(words, " ", text)
    return named[0] if len(named) == 1 else None


def _plain(text: str) -> str:
    return re.sub(r"[\s‐‑–-]+", " ", text).lower()


def _number(text: str) -> str | None:
    """The single figure of a quote, citations, years and numbers of figures apart."""
    found = [number for number in _NUMBER.findall(_CITED.sub(" ", text)) if not _YEAR.match(number)]
    return found[0].replace(",", "") if len(found) == 1 else None
