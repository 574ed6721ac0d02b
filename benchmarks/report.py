"""How large and how fast a report is: 500 papers x 28 questions x 6 readers, without pictures, in Chromium.

python benchmarks/report.py [PAPERS]: makes a ledger of made-up findings in a temporary folder (a minute or two, not
counted), writes its report, opens it and times what people wait for. Without Playwright or Chromium it times only the
writing.
"""

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import quoth
from quoth.ledger import Batch
from quoth.protocol import question_digest
from quoth.study import Study
from quoth.study.coding import coded_key, coder
from quoth.vocabulary import Failure, Finding, Located, Paper, Question, Quote, Span, Verdict

if TYPE_CHECKING:
    from playwright.sync_api import Browser

READERS, PREVALENCE, WRONG, FAILED = 6, 0.55, 0.15, 0.02
_TOGETHER = 20

FILTERS = {
    "a word, typed": ("#text", "metrics"),
    "a phrase": ("#text", '"of the"'),
    "a rare word": ("#text", "zzzz"),
    "a question": ("#question", "3"),
    "a decision": ("#state", "n"),
    "disagreement": ("#say", "split"),
    "order by disagreement": ("#order", "split"),
}


class Prose:
    """Sentences of made-up words, as frequent as words of a language are (Zipf), so that they deflate like one."""

    def __init__(self, seed: int = 1) -> None:
        self.rng = np.random.default_rng(seed)
        letters, weights = list("etaoinshrdlucmfwypvbgkqjxz"), np.arange(27, 1, -1.0)
        lengths = self.rng.integers(2, 12, 9000)
        self.words = ["of", "the", *("".join(self.rng.choice(letters, n, p=weights / weights.sum())) for n in lengths)]
        ranks = 1 / np.arange(1, len(self.words) + 1)
        self.frequency = ranks / ranks.sum()

    def sentence(self, words: int) -> str:
        return " ".join(self.rng.choice(self.words, words, p=self.frequency)).capitalize() + "."


def filled(study: Study, papers: int) -> None:
    """Findings with answers of some 20 words and one to three quotes of some 25, of which readers share many."""
    questions = study.protocol.questions
    readers = [coder(f"reader-{number}", "imported") for number in range(READERS)]
    versions = [(question, question_digest(question)) for question in questions]
    prose = Prose()
    for start in range(0, papers, _TOGETHER):
        named = [
            Paper(f"paper-{number:05}", title=prose.sentence(9), year=2010 + number % 15)
            for number in range(start, min(start + _TOGETHER, papers))
        ]
        rows = [
            (coded_key(paper.name, question, who), finding)
            for paper in named
            for question in questions
            for who, finding in zip(readers, cell(prose, paper, question), strict=True)
        ]
        study.ledger.put_batch(Batch(named, versions, readers, rows, [None] * len(rows)))


def cell(prose: Prose, paper: Paper, question: Question) -> Iterator[Finding]:
    truth = prose.rng.random() < PREVALENCE
    pool = [prose.sentence(25) for _ in range(4)]
    for number in range(READERS):
        name, reader = (paper.name, question.id), f"reader-{number}"
        took = {"seconds": 2.5, "input_tokens": 1200, "output_tokens": 90, "cost_usd": 0.0007}
        if prose.rng.random() < FAILED:
            yield Finding(*name, reader, Verdict.FAILED, error="unverified: no words", failure=Failure.FINAL, **took)
        elif truth != (prose.rng.random() < WRONG):
            chosen = prose.rng.choice(4, int(prose.rng.integers(1, 4)), replace=False)
            quotes = tuple(quote(pool[place], place) for place in chosen)
            yield Finding(*name, reader, Verdict.REPORTED, answer=prose.sentence(20), quotes=quotes, **took)
        else:
            yield Finding(*name, reader, Verdict.NOT_REPORTED, **took)


def quote(text: str, place: int) -> Quote:
    span = Span("0" * 64, 1 + int(place), 0, len(text), ((72.0, 100.0, 300.0, 110.0), (72.0, 112.0, 250.0, 122.0)))
    return Quote(text, text, Located.EXACT, 0.7, (span,))


def measured(page: Path, browser: "Browser") -> Iterator[tuple[str, float]]:
    """Milliseconds, as Chromium counts them: to the first paint, to the matrix, until all is searched, by filter."""
    with browser.new_page(viewport={"width": 1440, "height": 1000}) as tab:
        tab.goto(page.as_uri(), wait_until="commit")
        tab.wait_for_selector("body[data-ready]", timeout=60_000)
        yield "first paint", tab.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        for name in ("drawn", "ready"):
            yield f"matrix {name}", tab.evaluate(f"performance.getEntriesByName('{name}')[0].startTime")
        for what, (selector, value) in FILTERS.items():
            yield f"filter by {what}", tab.evaluate(_CHANGE, [selector, value])
        yield "a cell opens", tab.evaluate(_OPEN)


_CHANGE = """([selector, value]) => new Promise((done) => {
  const field = document.querySelector(selector), before = field.value, begun = performance.now();
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  document.body.offsetHeight;
  const took = performance.now() - begun;
  field.value = before;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  requestAnimationFrame(() => done(took));
})"""

_OPEN = """() => {
  const begun = performance.now();
  document.querySelector("#rows .s-r").click();
  document.body.offsetHeight;
  return performance.now() - begun;
}"""


def main(papers: int, folder: Path) -> None:
    quoth.init(folder, codebook="dl-methods")
    with quoth.open(folder) as study:
        filled(study, papers)
        began = time.perf_counter()
        study.report(folder / "report.html", pictures="none")
        print(f"report of {papers:,} papers x 28 questions x {READERS} readers: {time.perf_counter() - began:.1f} s")
    print(f"  size: {(folder / 'report.html').stat().st_size / 1e6:.1f} MB")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        print("  (no Playwright: not opened)")
        return
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as play, play.chromium.launch(executable_path=chromium, args=["--no-sandbox"]) as browser:
        for what, milliseconds in measured(folder / "report.html", browser):
            print(f"  {what}: {milliseconds:.0f} ms")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 500, Path(scratch) / "study")
