"""How long decisions and statistics take: 20,000 papers x 28 questions x 7 readers, and the bootstrap over 500 papers.

python benchmarks/quorum.py [PAPERS]: makes a ledger of random findings in a temporary folder (some minutes, not
counted), then times from opening the ledger to the decisions of every rule and the agreement of the readers.
"""

import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np

import quoth
from quoth.ledger import Batch
from quoth.protocol import question_digest
from quoth.quorum import RULES, Terms, Votes, rule_on
from quoth.quorum.agreement import agreement
from quoth.study.coding import coded_key, coder
from quoth.vocabulary import Finding, Paper, Verdict, Vote

READERS = 7
PREVALENCE, ACCURACY = 0.55, np.linspace(0.65, 0.95, READERS)


@contextmanager
def timed(what: str) -> Iterator[None]:
    began, busy = time.perf_counter(), time.process_time()
    yield
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    took, worked = time.perf_counter() - began, time.process_time() - busy
    print(f"{what}: {took:.1f} s, of which the processor worked {worked:.1f} s (peak memory so far {peak:.2f} GB)")


def filled(folder: Path, papers: int) -> None:
    """A study whose ledger holds random findings with quotes, written straight into its tables."""
    quoth.init(folder, codebook="dl-methods")
    with quoth.open(folder) as study:
        questions = study.protocol.questions
        readers = [coder(f"reader-{number}", "imported") for number in range(READERS)]
        named = [Paper(f"paper-{number:05}") for number in range(papers)]
        one = [
            (coded_key(named[0].name, question, who), Finding(named[0].name, question.id, who.name, Verdict.REPORTED))
            for question in questions
            for who in readers
        ]
        versions = [(question, question_digest(question)) for question in questions]
        study.ledger.put_batch(Batch(named, versions, readers, one, [None] * len(one)))
    with closing(sqlite3.connect(folder / ".quoth" / "ledger.db")) as database:
        _fill(database, papers, len(questions))


def _fill(database: sqlite3.Connection, papers: int, questions: int) -> None:
    rng = np.random.default_rng(1)
    at = "2026-01-01 00:00:00.000000"
    database.executemany(
        "INSERT INTO texts (paper, digest) VALUES (?, 'by-name')", ((f"paper-{n:05}",) for n in range(1, papers))
    )
    number = questions * READERS
    for start in range(1, papers, 1000):
        size = min(1000, papers - start)
        truth = rng.random((size, questions)) < PREVALENCE
        said = np.where(rng.random((size, questions, READERS)) < ACCURACY, truth[..., None], ~truth[..., None])
        failed = rng.random(said.shape) < 0.02
        rows, quotes = [], []
        for (paper, question, reader), yes in np.ndenumerate(said):
            number += 1
            verdict = "failed" if failed[paper, question, reader] else "reported" if yes else "not_reported"
            rows.append((number, start + paper + 1, question + 1, reader + 1, verdict, "an answer in words", at))
            if verdict == "reported":
                quotes.append((number, "words", "words", "exact", 0.2 + 0.6 * rng.random(), "[]"))
        database.executemany(
            "INSERT INTO findings (id, text_id, question_id, reader_id, round, revision, verdict, answer, at) "
            "VALUES (?, ?, ?, ?, 0, 1, ?, ?, ?)",
            rows,
        )
        database.executemany("INSERT INTO quotes VALUES (?, 1, ?, ?, ?, ?, ?)", quotes)
    database.commit()


def votes_of(papers: int) -> Votes:
    rng = np.random.default_rng(2)
    names = ("not_reported", "reported")
    said = (rng.random((papers, 28, READERS)) < PREVALENCE).astype(int)
    return Votes.of(Vote(f"p{p:03}", f"q{q:02}", f"r{r}", 0, names[value]) for (p, q, r), value in np.ndenumerate(said))


def main(papers: int, folder: Path) -> None:
    small = votes_of(500)
    with timed("1,000 draws for 500 papers x 28 questions x 7 readers, all statistics, overall and by question"):
        agreement(small, {}, draws=1000)
    with timed(f"(making {papers:,} papers)"):
        filled(folder, papers)
    with timed("together"), quoth.open(folder) as study:
        with timed(f"votes of {papers:,} papers x 28 questions x {READERS} readers out of the ledger"):
            votes = study.votes()
        for rule in RULES:
            with timed(f"  {len(votes):,} cells decided by {rule}"):
                rule_on(votes, Terms(rule=rule))
        with timed("  agreement without intervals"):
            agreement(votes, study.questions(), draws=0)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000, Path(scratch) / "study")
