"""What a heading looks like, and what the section under it is for."""

import re

from quoth.vocabulary import SectionKind

_NUMBER = r"(?:(?:\d{1,2}(?:\.\d{1,2}){0,3}|[IVX]{1,5}|[A-H])[.)]?\s+)?"
_NAMES: tuple[tuple[SectionKind, str], ...] = (
    (
        SectionKind.ABSTRACT,
        r"abstract|summary|synopsis|simple summary|graphical abstract|significance statement",
    ),
    (
        SectionKind.REFERENCES,
        r"references?(?: and notes| cited)?|bibliography|literature(?: cited)?|works cited|"
        r"cited literature",
    ),
    (
        SectionKind.AVAILABILITY,
        r"(?:data|code|software|materials?|resources?)(?:(?:,| and|, and| &|/)? (?:data|code|software|"
        r"materials?|resources?))*(?: accessibility| availability| access| sharing| archiving|"
        r" deposition)(?: statements?| and requirements)?|"
        r"availability(?: of .{3,60}| statements?| and requirements)?|accession (?:codes|numbers)|"
        r"open (?:data|science|practices?)(?: statements?)?|web location.{0,40}|data resources|"
        r"(?:additional )?usage rights|key resources table|"
        r"(?:data|code)(?: and| &) (?:code|scripts?|software)|(?:software|scripts?)(?: and| &) data",
    ),
    (
        SectionKind.BACK,
        r"acknowledge?ments?|acknowledge?ments? and funding|"
        r"funding(?: information| statement| sources?| program)?|financial (?:support|disclosure)|"
        r"grant (?:information|title)|(?:conflicts?|declarations?) of (?:competing )?interests?|"
        r"competing (?:financial )?interests?(?: statement)?|disclosures?|declarations?|"
        r"(?:credit )?author(?:s|s['’´]|['’´]s)? contributions?(?: statement)?|"
        r"credit authorship contribution statement|contributions|"
        r"ethic(?:s|al)(?: statement| approval| declarations?| considerations?)?(?: and consent.{0,40})?|"
        r"consent.{0,40}|institutional review board statement|informed consent statement|"
        r"hosting institution|additional information|publisher[’']s note|about the authors?|"
        r"author information|orcid|notes",
    ),
    (
        SectionKind.APPENDIX,
        r"(?:appendi(?:x|ces)|supplementa(?:ry|l)|supporting) ?(?:[A-Z0-9]{1,3}|materials?|information|data|"
        r"files?|figures?|tables?|methods)?\b.{0,80}|appendi(?:x|ces)|electronic supplementary material",
    ),
    (
        SectionKind.BODY,
        r"introduction|background|related works?|previous works?|literature review|"
        r"(?:materials?|data|study area)(?: and |, )(?:methods?|materials?|data)|methods?|methodology|"
        r"methods? and materials?|experimental (?:setup|section|design)|experiments?|results?|"
        r"results? and discussions?|discussions?(?: and conclusions?)?|conclusions?(?: and .{3,40})?|"
        r"concluding remarks|limitations?|future work|study (?:area|site|design)|data(?:sets?)?|"
        r"data collection|statistical analys[ie]s|implementation(?: details)?|evaluation",
    ),
    (
        SectionKind.FRONT,
        r"key ?words?|index terms|highlights|abbreviations|article info|correspondence|"
        r"(?:author )?affiliations?|contents",
    ),
)
_KNOWN = tuple((kind, re.compile(rf"^{_NUMBER}(?:{names})\s*[:.]?$", re.IGNORECASE)) for kind, names in _NAMES)
_RUN_IN = tuple(
    (kind, re.compile(rf"^(?P<title>{_NUMBER}(?:{names}))\s*(?:[:.—–]|[-])\s*(?=[A-Z(\[“\"’'h])", re.IGNORECASE))
    for kind, names in _NAMES
    if kind in (SectionKind.ABSTRACT, SectionKind.AVAILABILITY, SectionKind.BACK)
)
_ABSTRACT = re.compile(r"^(?:Abstract|ABSTRACT|Summary|SUMMARY)(?=\s+[A-Z][a-z]+ )")
_NUMBERED = re.compile(r"^(?:\d{1,2}(?:\.\d{1,2}){0,3}\.?|[IVX]{1,5}\.|[A-H][.)])\s+[A-Z]")
_NUMBERED_STRONG = re.compile(r"^\d{1,2}(?:\.\d{1,2}){1,3}\.?\s+[A-Z][^.!?]{2,90}$")
_PROSE_END = re.compile(r"[.;,]$")


_PUBLISHERS = re.compile(
    r"^(?:citation|how to cite|cite this article|academic editors?|edited by|reviewed by|received"
    r"|publisher[’']s note)\s*:",
    re.IGNORECASE,
)


def is_publishers(text: str) -> bool:
    """Whether a paragraph of the first page is the publisher's, not the paper's; licences stay, they are asked for."""
    return bool(_PUBLISHERS.match(text))


def is_known_heading(text: str) -> bool:
    """Whether a short text is a heading that papers use by custom."""
    return len(text) < 90 and any(pattern.match(text.strip()) for _, pattern in _KNOWN)


def is_heading_text(text: str, *, stands_out: bool) -> bool:
    """Whether a short text can be a heading, given whether its type stands out from the body's."""
    text = text.strip()
    if _NUMBERED_STRONG.match(text):
        return True
    if not stands_out or _PROSE_END.search(text) or len(text) < 3:
        return False
    return bool(_NUMBERED.match(text)) or text[0].isupper() or text.isupper()


def is_numbered(text: str) -> bool:
    """Whether a short text begins as a numbered heading does ('2. Methods', 'A. Study area') and is no sentence."""
    return len(text) < 90 and bool(_NUMBERED.match(text)) and not _PROSE_END.search(text)


def section_kind(title: str, current: SectionKind) -> SectionKind:
    """What the section under a heading is for; an unknown heading goes on with what surrounds it.

    After the reference list only a heading known by custom begins something else: a reference may look like a heading.
    """
    for kind, pattern in _KNOWN:
        if pattern.match(title.strip()):
            return kind
    if current in (SectionKind.REFERENCES, SectionKind.APPENDIX):
        return current
    # Titles and authors in large type come before the first heading by custom or number.
    return SectionKind.FRONT if current is SectionKind.FRONT and not is_numbered(title) else SectionKind.BODY


def opens_section(title: str, current: SectionKind) -> bool:
    """Whether a heading begins a section of its own, rather than being an entry of the reference list."""
    return (
        current is not SectionKind.REFERENCES
        or is_known_heading(title)
        or bool(re.match(r"^(?:[A-H]|S\d?)[.)]?\s+[A-Z]", title))
    )


def run_in_heading(text: str) -> tuple[str, SectionKind] | None:
    """The heading that opens a paragraph on its own line ('Funding: This work ...'), and its kind."""
    if not text[:1].isupper() and not text[:1].isdigit():
        return None
    if match := _ABSTRACT.match(text):
        return match.group(), SectionKind.ABSTRACT
    for kind, pattern in _RUN_IN:
        if match := pattern.match(text[:160]):
            return match["title"], kind
    return None
