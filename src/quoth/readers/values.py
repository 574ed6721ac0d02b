"""The value in a quote: a link, a choice, or a single figure. Where the words leave a doubt there is none."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from decimal import Decimal, InvalidOperation

from quoth.vocabulary import Document, Kind, Question, Quote

_HOSTS = r"(?:github|gitlab|bitbucket|zenodo|osf|figshare|datadryad|huggingface|codeocean|doi)\.(?:com|org|io|co)"
_URL = re.compile(rf"(?:https?://|www\.)[^\s<>\"“”]+|\b(?:[\w-]+\.)?{_HOSTS}/[^\s<>\"“”]+", re.IGNORECASE)
_DOI = re.compile(r"\b10\.\d{4,9}/[^\s<>\"“”]+")
_ACCESSION = re.compile(
    r"\b(?:PRJ[A-Z]{2}\d{4,}|GSE\d{3,}|[SED]R[APRSX]\d{5,}|SAM[NED][A-Z]?\d{6,}|E-[A-Z]{4}-\d+|MTBLS\d+|PXD\d{6})\b"
)
_CODE = re.compile(r"git(?:hub|lab|ea)|bitbucket|sourceforge|codeberg|codeocean|cran\.r-project|pypi", re.IGNORECASE)
_DATA = re.compile(
    rf"zenodo|figshare|dryad|osf\.io|pangaea|gbif|dataverse|kaggle|doi\.org|{_DOI.pattern}|^{_ACCESSION.pattern}$",
    re.IGNORECASE,
)
_ASKS_CODE = re.compile(r"\b(?:code|software|scripts?|programs?|implementation)\b", re.IGNORECASE)
_ASKS_DATA = re.compile(r"\b(?:data|datasets?|recordings?|images?|samples?)\b", re.IGNORECASE)
_SCHEME = re.compile(r"^(?:https?://)?(?:www\.)?", re.IGNORECASE)
_PAIRS = {")": "(", "]": "[", "}": "{"}

_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
_YEAR = r"(?:19|20)\d\d"
# Two digits go on with a year after a dash or slash only: in 'April 2021, 64 cameras' they are a figure of their own.
_YEARS = rf"{_YEAR}(?:\s*[-–/]\s*\d\d(?!\d)|\s*(?:[-–/,&]|and|or|to|until)\s*{_YEAR}(?!\d))*"
_NAMED = (
    r"(?:Fig(?:ure)?s?|Tab(?:le)?s?|Sec(?:t(?:ion)?)?s?|Eq(?:uation)?s?|Appendix|Chapter|Ref(?:erence)?s?|[Vv]ersion)"
)
_NO_FIGURE = re.compile(
    r"|".join(
        (
            r"\[[\d,;\s–-]+\]",  # a citation by number
            rf"\([^()]*\b{_YEAR}[a-z]?(?:\s*[;,][^()]*)?\)",  # a citation by year
            rf"\b{_NAMED}\.?\s*\d+(?:\.\d+)*(?:\s*(?:,|and|to|[-–])\s*\d+(?:\.\d+)*)*",
            rf"\b\d{{1,2}}(?:\s*[-–]\s*\d{{1,2}})?\s+{_MONTH}(?:\s+{_YEARS})?",
            rf"\b{_MONTH}\s+(?:\d{{1,2}}(?:,\s*|\s+))?{_YEARS}",
            r"\b(?i:in|since|from|between|during|until|till|before|after|years?|seasons?|spring|summer|autumn|fall"
            rf"|winter)\s+(?:the\s+)?{_YEARS}\b(?!\s+[a-z]+s\b)",
            rf"\b{_YEAR}\s*[-–/]\s*{_YEAR}\b",
            r"\b[1-4]-?D\b",
            r"\b\d+(?:st|nd|rd|th)\b",
        )
    )
)
# Whatever is written with digits, as far as it hangs together; a dash before a figure is a minus after a space only.
_WRITTEN = re.compile(r"(?<![\w.,])(?:(?<![^\s(=<>≤≥~≈:])[-−–+±])?\d(?:[\d.,]|[\u00a0\u2009\u202f](?=\d{3}))*")
_PLAIN = re.compile(r"([-−–])?(\d+(?:\.\d+)?|\d{1,3}(?:[,\u00a0\u2009\u202f]\d{3})+(?:\.\d+)?)")
_LARGE = re.compile(r"\s*(?:million|billion|thousand|×|x\s*10|\^|[eE][-+−]?\d)")
_SMALL = "zero one two three four five six seven eight nine ten eleven twelve".split()
_PERCENT = ("%", "percent", "per cent")


def value_of(question: Question, quotes: Sequence[Quote], targets: Sequence[str]) -> str | None:
    """The value that the quotes, strongest first, give for a question.

    A choice may be named by any of them. A link or a number comes from the strongest alone: what stands in the others
    is often another one, such as the paper's own DOI beside its licence. `targets` are those of its links.
    """
    if not quotes:
        return None
    match question.kind:
        case Kind.LINK:
            return _link(question, quotes[0].text, targets)
        case Kind.CHOICE:
            return _choice(question.choices, quotes)
        case Kind.NUMBER:
            return _number(quotes[0].text, question.unit)
        case _:
            return None


def targets_of(document: Document, quotes: Sequence[Quote]) -> tuple[str, ...]:
    """The targets of the links in the quotes' words."""
    spans = [(span.start, span.end) for quote in quotes for span in quote.spans]
    found = (link.target for link in document.links if any(a <= link.start < b for a, b in spans))
    return tuple(dict.fromkeys(found))


def is_shown(question: Question, value: str, quotes: Sequence[Quote], targets: Sequence[str]) -> bool:
    """Whether the quotes show the value that a reader gives: a number or a link must stand in one, to the letter.

    A choice is what the reader makes of them. `targets` are those of their links.
    """
    match question.kind:
        case Kind.LINK:
            bare = _SCHEME.sub("", _trimmed(value)).rstrip("/")
            joined = ("".join(text.split()) for text in (*(quote.text for quote in quotes), *targets))
            return bool(bare) and any("".join(bare.split()).lower() in text.lower() for text in joined)
        case Kind.NUMBER:
            said = Decimal(value.lstrip("-"))
            return any(said == figure for quote in quotes for figure in _figures(quote.text))
        case _:
            return True


def _figures(text: str) -> Iterator[Decimal]:
    """The figures of a text without their sign, those up to twelve in words too."""
    for match in _WRITTEN.finditer(text):
        bare = match.group().rstrip(".,").lstrip("-−–+±")
        with suppress(InvalidOperation):
            yield Decimal(re.sub(r"[,\s]", "", bare))
    words = re.findall(r"[a-z]+", text.lower())
    yield from (Decimal(_SMALL.index(word)) for word in words if word in _SMALL)


def _link(question: Question, text: str, targets: Sequence[str]) -> str | None:
    written = [_trimmed(found) for found in _URL.findall(text)]
    rest = _URL.sub(" ", text)
    written += [_trimmed(found) for pattern in (_DOI, _ACCESSION) for found in pattern.findall(rest)]
    # The words may be cut at a line's end, or lack the scheme; the link's own target is whole.
    whole = [next((target for target in targets if _SCHEME.sub("", said) in target), said) for said in written]
    links = list(dict.fromkeys((*whole, *(target for target in targets if not target.startswith("mailto:")))))
    if len(links) > 1:
        code = bool(_ASKS_CODE.search(question.text)) and not _ASKS_DATA.search(question.text)
        links = [link for link in links if (_CODE if code else _DATA).search(link)]
    return links[0] if len(links) == 1 else None


def _trimmed(address: str) -> str:
    """An address without the punctuation of the sentence around it."""
    while address:
        last = address[-1]
        if last in _PAIRS and address.count(_PAIRS[last]) >= address.count(last):
            break
        if last not in ".,;:!?'’\"”»…" and last not in _PAIRS:
            break
        address = address[:-1]
    return address


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


def _number(text: str, unit: str | None) -> str | None:
    """The single figure of a quote; citations, dates, ordinals, numbers of figures, and shares of a hundred apart.

    A figure that can be read in two ways ('1,5', '2000 images', '3 × 10⁵') leaves no value, and so does a range.
    """
    rest = _NO_FIGURE.sub(" ", text)
    found = []
    for match in _WRITTEN.finditer(rest):
        written, after = match.group().rstrip(".,"), rest[match.start() + len(match.group().rstrip(".,")) :]
        if after.lstrip().lower().startswith(_PERCENT) and (unit or "").lower() not in _PERCENT:
            continue
        figure = _PLAIN.fullmatch(written)
        if not figure or _LARGE.match(after) or re.fullmatch(_YEAR, written):
            return None
        sign = "-" if figure[1] else ""
        found.append(sign + re.sub(r"[,\s]", "", figure[2]))
    return found[0] if len(found) == 1 else None
