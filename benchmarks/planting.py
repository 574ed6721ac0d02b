"""Makes planted quotes out of documents: true ones as careless copying changes sentences, and false ones.

A false quote differs from every sentence of its document in what it claims; one that is true by accident is thrown
away. Nothing here shares code with the locator that the quotes are meant to judge.
"""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz import fuzz

from quoth.vocabulary import BlockKind, Document, SectionKind

SEED = 20240229
NUMBER = 2000

Pages = frozenset[tuple[str, int]]
"""The (file, page) pairs on which a quote stands."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A quote said of one document: true with the pages where it stands, false with none."""

    document: int
    kind: str
    said: str
    pages: Pages | None


def plant(documents: Sequence[Document], number: int = NUMBER, seed: int = SEED) -> list[Planted]:
    """As many true and as many false quotes, the same for the same documents and seed.

    The kinds have equal shares; what one cannot fill, because few sentences offer it, goes to those after it.
    """
    rng = random.Random(seed)
    sources = [_Source(index, document) for index, document in enumerate(documents)]
    sources = [source for source in sources if source.sentences]
    planted: list[Planted] = []
    for makers, true in ((_TRUE, True), (_FALSE, False)):
        left = number
        for position, (kind, make) in enumerate(makers.items()):
            made = list(_some(rng, sources, kind, make, left // (len(makers) - position), true=true))
            left -= len(made)
            planted += made
    return planted


def pages_of(document: Document, start: int, end: int) -> Pages:
    """The pages that draw a stretch of a document."""
    drawn = document.glyphs[start:end]
    starts = np.array([page.start for page in document.pages])
    numbers = np.searchsorted(starts, drawn[drawn >= 0], side="right") - 1
    return frozenset((document.pages[at].file, document.pages[at].number) for at in set(numbers.tolist()))


_WORD = re.compile(r"[^\W\d_]+")
_NEGATION = re.compile(r"\b(?:not|no|never|without|cannot|nor|neither|none)\b", re.IGNORECASE)
_WEIGHTY = re.compile(
    r"[0-9<>=≤≥±×%≈]|n['’]t\b|\b(?:not|no|nor|neither|never|none|nothing|without|cannot|hardly|barely|rarely|seldom|unless"
    r"|except|fail\w*|lack\w*|absen\w*|unable|more|less|fewer|few|least|most|than|above|below|beyond|over|under|best"
    r"|worst|bett?er|worse|\w{3,}(?:er|est)|equal\w*|same|compar\w*|versus|vs|unlike|exceed\w*|outperform\w*|surpass\w*"
    r"|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty|forty|fifty|sixty|seventy"
    r"|eighty|ninety|hundreds?|thousands?|millions?|billions?|zero|half|third|quarter|twice|double|dozens?)\b",
    re.IGNORECASE,
)


def _squashed(text: str) -> str:
    """Letters, digits and operators alone, in lower case: the coarsest sense in which two quotes may be the same."""
    return re.sub(r"[^\w<>=±%+−-]|_|(?<=[^\W\d])[-−]", "", text.casefold())


class _Source:
    """A document's sentences that can be quoted: prose, of one place only, outside the reference list."""

    def __init__(self, index: int, document: Document) -> None:
        self.index = index
        self.document = document
        self.squashed = _squashed(document.text)
        self.folded = " ".join(document.text.casefold().split())
        lists = [(part.start, part.end) for part in document.sections if part.kind is SectionKind.REFERENCES]
        self.sentences = [
            (sentence.start, sentence.end)
            for sentence in document.sentences
            if not any(start <= sentence.start < end for start, end in lists)
            and self._is_prose(document.text[sentence.start : sentence.end])
            and document.blocks[sentence.block].kind is not BlockKind.TABLE_ROW
        ]
        words = Counter(word for word in _WORD.findall(document.text) if word.islower())
        self.words = frozenset(words)
        self.topic = [word for word, _ in words.most_common(400) if len(word) > 6]
        names = re.findall(r"(?<=[a-z,] )(?:[A-Z][\w-]*[A-Z0-9][\w-]*|[A-Z][a-z]{2,})\b", document.text)
        self.names = sorted(name for name, count in Counter(names).items() if count > 1 and name.lower() not in words)

    def _is_prose(self, text: str) -> bool:
        letters = sum(character.isalpha() or character.isspace() for character in text)
        return (
            8 <= len(text.split()) <= 70
            and letters >= 0.8 * len(text)
            and text[0].isupper()
            and text.rstrip()[-1] in ".?!"
            and not re.search(r"\.\.|…|https?:|www\.|\bdoi", text)
            and self.squashed.count(_squashed(text)) == 1
        )

    def text(self, sentence: tuple[int, int]) -> str:
        return " ".join(self.document.text[sentence[0] : sentence[1]].split())


Maker = Callable[[random.Random, Sequence[_Source], _Source, tuple[int, int]], str | None]


def _some(
    rng: random.Random, sources: Sequence[_Source], kind: str, make: Maker, wanted: int, *, true: bool
) -> Iterator[Planted]:
    seen: set[tuple[int, str]] = set()
    for _ in range(wanted * 60):
        if len(seen) == wanted:
            return
        source = rng.choice(sources)
        sentence = rng.choice(source.sentences)
        said = make(rng, sources, source, sentence)
        if said is None or (source.index, said) in seen or not (true or _is_false(source, said)):
            continue
        seen.add((source.index, said))
        yield Planted(source.index, kind, said, pages_of(source.document, *sentence) if true else None)


def _is_false(source: _Source, said: str) -> bool:
    """Whether a quote made to be false is not true by accident."""
    parts = [_squashed(part) for part in said.split(" ... ")]
    if len(parts) == 1:
        return parts[0] not in source.squashed
    gap = ".{0,250}?".join(re.escape(part) for part in parts)
    return all(_NEGATION.search(match.group()) for match in re.finditer(gap, source.folded))


# --- true quotes ------------------------------------------------------------------------------------------------------


def _recased(rng: random.Random, _: Sequence[_Source], source: _Source, sentence: tuple[int, int]) -> str:
    return rng.choice((str.upper, str.lower, str.title))(source.text(sentence))


def _hyphenated(rng: random.Random, _: Sequence[_Source], source: _Source, sentence: tuple[int, int]) -> str | None:
    """Some long words broken as at a line's end, or their hyphens dropped."""
    text = source.text(sentence)
    spots = [match.start() + rng.randint(3, len(match.group()) - 3) for match in re.finditer(r"\b[a-z]{7,}\b", text)]
    if not spots:
        return None
    for spot in sorted(rng.sample(spots, min(len(spots), rng.randint(1, 3))), reverse=True):
        text = text[:spot] + rng.choice(("-\n", "\u00ad", "\ufffe", "-\r\n", "\u2010\n")) + text[spot:]
    return text


def _rewrapped(rng: random.Random, _: Sequence[_Source], source: _Source, sentence: tuple[int, int]) -> str:
    spaces = (" ", " ", "\n", "\r\n", "  ", "\t", "\u00a0", " \n ", "\u2009")
    words = source.text(sentence).split(" ")
    return "".join(word + rng.choice(spaces) for word in words).strip()


def _typeset(rng: random.Random, _: Sequence[_Source], source: _Source, sentence: tuple[int, int]) -> str | None:
    """Ligatures, and quotation marks and dashes of another kind."""
    text = source.text(sentence)
    changed = text
    for plain, set_as in (("ffi", "ﬃ"), ("ffl", "ﬄ"), ("ff", "ﬀ"), ("fi", "ﬁ"), ("fl", "ﬂ")):
        changed = changed.replace(plain, set_as)
    for these, those in (("“”", '""'), ("‘’", "''"), ("–", "-"), ("-", rng.choice("-‐‑"))):
        for this, that in zip(these, those.ljust(len(these), those[-1]), strict=False):
            changed = changed.replace(this, that)
    return changed if changed != text else None


def _honest_ellipsis(
    rng: random.Random, _: Sequence[_Source], source: _Source, sentence: tuple[int, int]
) -> str | None:
    """Leaves out a stretch that holds no negation, number or comparison."""
    words = source.text(sentence).split(" ")
    start = rng.randint(3, max(3, len(words) - 4))
    end = start + rng.randint(1, 30)
    if end > len(words) - 3 or _WEIGHTY.search(" ".join(words[start:end])):
        return None
    parts = [" ".join(part).casefold() for part in (words[:start], words[end:])]
    if len(re.findall(".{0,400}?".join(map(re.escape, parts)), source.folded)) != 1:
        return None  # it may be said of another sentence too
    mark = rng.choice(("...", "…", "[...]", "[…]", "(...)", ". . ."))
    return " ".join((*words[:start], mark, *words[end:]))


def _misspelt(rng: random.Random, _: Sequence[_Source], source: _Source, sentence: tuple[int, int]) -> str | None:
    """One wrong letter in a lower-case word of six or more letters, and no other word of the document by it."""
    text = source.text(sentence)
    words = [m for m in re.finditer(r"(?<![\w-])[a-z]{6,}(?![\w-])", text) if not _WEIGHTY.search(m.group())]
    if not words:
        return None
    word = rng.choice(words)
    spot = rng.randrange(word.start(), word.end())
    letter = rng.choice([letter for letter in "abcdefghijklmnopqrstuvwxyz" if letter != text[spot]])
    changed = text[:spot] + letter + text[spot + 1 :]
    return None if changed[word.start() : word.end()] in source.words else changed


# --- false quotes -----------------------------------------------------------------------------------------------------


def _replaced(rng: random.Random, text: str, pattern: str, change: Callable[[re.Match[str]], str]) -> str | None:
    matches = list(re.finditer(pattern, text))
    if not matches:
        return None
    match = rng.choice(matches)
    return text[: match.start()] + change(match) + text[match.end() :]


def _other_number(rng: random.Random, _: Sequence[_Source], source: _Source, sentence: tuple[int, int]) -> str | None:
    def change(match: re.Match[str]) -> str:
        number = match.group()
        spot = rng.choice([at for at, character in enumerate(number) if character.isdigit()])
        other = rng.choice([digit for digit in "0123456789" if digit != number[spot]])
        ways = [number[:spot] + other + number[spot + 1 :], number[:spot] + other + number[spot:], "-" + number]
        if sum(map(str.isdigit, number)) > 1:
            ways.append(number[:spot] + number[spot + 1 :])
        if "." in number:
            ways.append(number.replace(".", "", 1))
        return rng.choice(ways)

    return _replaced(rng, source.text(sentence), r"(?<![\w.,])\d+(?:[.,]\d+)*(?![\w])", change)


_UNITS = [
    ["nm", "μm", "mm", "cm", "m", "km"],
    ["μg", "mg", "g", "kg"],
    ["ms", "s", "min", "h"],
    ["KB", "MB", "GB", "TB"],
    ["Hz", "kHz", "MHz", "GHz"],
    ["mW", "W", "kW", "MW"],
    ["seconds", "minutes", "hours", "days", "weeks", "months", "years"],
    ["millimeters", "centimeters", "meters", "kilometers"],
    ["%", "‰", "°"],
    ["°C", "°F", "K"],
    ["pixels", "bits", "points"],
    ["epochs", "steps", "batches"],
    ["images", "videos", "pixels"],
    ["species", "genera", "families"],
]


def _other_unit(rng: random.Random, _: Sequence[_Source], source: _Source, sentence: tuple[int, int]) -> str | None:
    groups = {unit: group for group in _UNITS for unit in group}
    units = "|".join(re.escape(unit) for unit in sorted(groups, key=len, reverse=True))

    def change(match: re.Match[str]) -> str:
        return str(match.group(1)) + rng.choice([unit for unit in groups[match.group(2)] if unit != match.group(2)])

    return _replaced(rng, source.text(sentence), rf"(\d ?)({units})(?!\w)", change)


def _negated(rng: random.Random, _: Sequence[_Source], source: _Source, sentence: tuple[int, int]) -> str | None:
    auxiliary = r"\b(?:is|are|was|were|can|could|may|might|will|would|should|has|have|had|did|does|do)\b(?! not)"
    return _replaced(rng, source.text(sentence), auxiliary, lambda match: match.group() + " not")


def _affirmed(rng: random.Random, _: Sequence[_Source], source: _Source, sentence: tuple[int, int]) -> str | None:
    ways = {"not ": "", "no ": "", "without": "with", "cannot": "can", "never ": "", "neither": "either", "nor": "or"}
    return _replaced(
        rng,
        source.text(sentence),
        r"\b(?:(?:not|no|never) |without\b|cannot\b|neither\b|nor\b)",
        lambda m: ways[m.group()],
    )


_OPPOSITES = """
more/less higher/lower larger/smaller greater/smaller above/below fewer/more better/worse before/after increase/decrease
increased/decreased increases/decreases increasing/decreasing highest/lowest largest/smallest best/worst most/least
all/some many/few always/often every/some may/will can/must longer/shorter faster/slower maximum/minimum first/last
with/without significant/insignificant supervised/unsupervised similar/dissimilar balanced/imbalanced known/unknown
training/testing minimum/maximum positive/negative include/exclude including/excluding and/or reduce/increase
"""


def _other_comparison(
    rng: random.Random, _: Sequence[_Source], source: _Source, sentence: tuple[int, int]
) -> str | None:
    opposite: dict[str, str] = {}
    for this, that in (pair.split("/") for pair in _OPPOSITES.split()):
        opposite.setdefault(this, that)
        opposite.setdefault(that, this)
    words = "|".join(sorted(opposite, key=len, reverse=True))
    return _replaced(
        rng, source.text(sentence), rf"(?<![\w-])(?:{words})(?![\w-])", lambda match: opposite[match.group()]
    )


def _added_comparison(
    rng: random.Random, _: Sequence[_Source], source: _Source, sentence: tuple[int, int]
) -> str | None:
    text = source.text(sentence)
    if rng.random() < 0.3:
        return _replaced(
            rng, text, r"\b(?:more than|less than|at least|at most|up to|over|about|almost|only) ", lambda _: ""
        )
    if rng.random() < 0.5:
        added = ("more than ", "less than ", "at least ", "at most ", "only ")
        return _replaced(rng, text, r"(?<= )(?=\d)(?![^(]*\))", lambda _: rng.choice(added))
    return _replaced(
        rng, text, r"(?<=(?:was|ere|are) )(?=[a-z]{4})", lambda _: rng.choice(("more ", "less ", "rarely "))
    )


def _other_name(rng: random.Random, _: Sequence[_Source], source: _Source, sentence: tuple[int, int]) -> str | None:
    def change(match: re.Match[str]) -> str:
        return str(rng.choice([name for name in source.names if name != match.group()]))

    names = [
        name for name in source.names if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", source.text(sentence)[1:])
    ]
    if not names or len(source.names) < 2:
        return None
    return _replaced(rng, source.text(sentence), rf"(?<=\w )(?<![\w-]){re.escape(rng.choice(names))}(?![\w-])", change)


def _spliced(rng: random.Random, _: Sequence[_Source], source: _Source, sentence: tuple[int, int]) -> str | None:
    other = rng.choice(source.sentences)
    head, tail = source.text(sentence).split(" "), source.text(other).split(" ")
    if other == sentence or len(head) < 10 or len(tail) < 10:
        return None
    mark = rng.choice(([], [], ["..."]))
    return " ".join((*head[: rng.randint(4, len(head) - 5)], *mark, *tail[rng.randint(4, len(tail) - 5) :]))


def _dishonest_ellipsis(
    rng: random.Random, _: Sequence[_Source], source: _Source, sentence: tuple[int, int]
) -> str | None:
    words = source.text(sentence).split(" ")
    spots = [
        at for at, word in enumerate(words) if _NEGATION.fullmatch(word.strip(",.;()")) and 3 <= at < len(words) - 3
    ]
    if not spots:
        return None
    spot = rng.choice(spots)
    start, end = spot - rng.randint(0, min(3, spot - 3)), spot + 1 + rng.randint(0, min(3, len(words) - 4 - spot))
    return " ".join((*words[:start], "...", *words[end:]))


_FABRICATED = (
    "We used {} and {} to improve the {} of the {} in all experiments.",
    "The {} was evaluated with {} on a held-out set of {} and {}.",
    "Our results show that {} depends on the {} rather than on {}.",
    "All {} and {} are publicly available together with the {} used for {}.",
    "To ensure reproducibility, the {} were repeated with different {} and the mean {} is reported.",
)


def _fabricated(rng: random.Random, sources: Sequence[_Source], source: _Source, _: tuple[int, int]) -> str | None:
    """A sentence of another document, or one made of this document's words."""
    other = rng.choice(sources)
    if other.index != source.index and rng.random() < 0.6:
        said = other.text(rng.choice(other.sentences))
    elif len(source.topic) >= 5:
        template = rng.choice(_FABRICATED)
        said = template.format(*rng.sample(source.topic, template.count("{}")))
    else:
        return None
    return said if fuzz.partial_ratio(said.casefold(), source.folded) < 80 else None


_TRUE: dict[str, Maker] = {
    "case": _recased,
    "hyphenation": _hyphenated,
    "line breaks": _rewrapped,
    "ligatures and signs": _typeset,
    "legal ellipsis": _honest_ellipsis,
    "one wrong letter": _misspelt,
}
_FALSE: dict[str, Maker] = {
    "negation dropped": _affirmed,
    "ellipsis drops 'not'": _dishonest_ellipsis,
    "unit changed": _other_unit,
    "number changed": _other_number,
    "negation added": _negated,
    "opposite word": _other_comparison,
    "comparison added": _added_comparison,
    "name swapped": _other_name,
    "sentences spliced": _spliced,
    "fabricated": _fabricated,
}
