"""The gold on whole papers, for measuring the scorer: is the evidence among the passages that come first?"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from quoth.papers import parse
from quoth.retrieval import passages

_SHINGLE, _STEP, _SHARE = 12, 4, 0.6


@dataclass(frozen=True, slots=True)
class GoldCell:
    """A question that a paper answers, and the words that answer it."""

    paper: str
    question: str
    quotes: tuple[str, ...]

    def holds(self, ranked: Iterable[str], characters: int) -> bool:
        """Whether most of one quote stands in the first so many characters of these passages."""
        shown: list[str] = []
        for text in ranked:
            shown.append(text[:characters])
            characters -= len(text)
            if characters <= 0:
                break
        letters = squeezed("\n".join(shown))
        return any(_share(letters, squeezed(quote)) >= _SHARE for quote in self.quotes)


def squeezed(text: str) -> str:
    """Letters and digits alone, in lower case, so that line breaks, hyphenation and ligatures do not count."""
    whole = re.sub(r"[-\u00ad\ufffe\x02]\s*\n\s*", "", text)
    return re.sub(r"[^a-z0-9]+", "", unicodedata.normalize("NFKC", whole).lower())


def _share(letters: str, quote: str) -> float:
    parts = [quote[start : start + _SHINGLE] for start in range(0, max(1, len(quote) - _SHINGLE + 1), _STEP)]
    return sum(part in letters for part in parts) / len(parts) if quote else 0.0


def gold_cells(path: Path) -> list[GoldCell]:
    """The cells with the decision 'yes'."""
    with path.open(encoding="utf-8") as lines:
        cells = [json.loads(line) for line in lines]
    return [
        GoldCell(cell["paper"], cell["question"], tuple(quote["text"] for quote in cell["quotes"]))
        for cell in cells
        if cell["decision"] == "yes"
    ]


def whole_papers(folder: Path) -> dict[str, list[str]]:
    """The passages of every PDF in a folder, cut as quoth cuts them, by the file's name."""
    found = {}
    for file in sorted(folder.glob("*.pdf")):
        document = parse(file, hashlib.sha256(file.read_bytes()).hexdigest())
        found[file.stem] = [passage.text for passage in passages(document)]
    return found
