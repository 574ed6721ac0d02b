"""How often letters follow each other in prose: prints the table of `quoth/papers/language.py`.

Counted in the demo papers, which this project wrote: English, and near enough to what other languages in Latin letters
look like to tell them from letters at random. `python training/letter_pairs.py`
"""

from collections import Counter
from importlib.resources import files
from itertools import pairwise
from math import log
from pathlib import Path

from quoth.papers import parse
from quoth.papers.language import DIGITS, LETTERS, STEP, words_of


def table(papers: Path) -> str:
    """A row for each letter, a digit for each letter that follows: the surprise, in `STEP` nats; the space is last."""
    pairs: Counter[str] = Counter()
    for path in sorted(papers.glob("*.pdf")):
        for word in words_of(parse(path, "").text):
            pairs.update(before + after for before, after in pairwise(f" {word} "))
    rows = []
    for before in LETTERS:
        total = sum(pairs[before + after] for after in LETTERS) + len(LETTERS) / 2
        surprises = (-log((pairs[before + after] + 0.5) / total) for after in LETTERS)
        rows.append("".join(DIGITS[min(len(DIGITS) - 1, round(surprise / STEP))] for surprise in surprises))
    return " ".join(rows)


if __name__ == "__main__":
    print(table(Path(str(files("quoth.demo"))) / "papers"))
