"""A study over its life: what is asked again and what is not, what is stale, what cannot be read, what is equal."""

import getpass
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pandas as pd
import pikepdf
import pytest

import quoth
from quoth.errors import StudyError
from quoth.study import Study
from quoth.study.plan import Selection
from quoth.study.status import status_of
from quoth.vocabulary import Verdict

TABLES = ("papers", "findings", "quotes", "decisions", "matrix")
SUFFIXES = (".csv", ".jsonl", ".parquet", ".xlsx")


def rows(study: Study) -> int:
    """How many rows there are in all tables of the ledger."""
    with closing(sqlite3.connect(study.folder / ".quoth" / "ledger.db")) as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return sum(database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names)


def written(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def exports(folder: Path, out: Path) -> dict[str, bytes]:
    """The bytes of every table in every format."""
    with quoth.open(folder) as study:
        for what in TABLES:
            for suffix in SUFFIXES:
                study.export(out / f"{what}{suffix}", what=what)
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


# Doing things once


def test_the_second_run_does_nothing(demo_copy: Path) -> None:
    with quoth.open(demo_copy) as study:
        before, cached = rows(study), written(study.cache)
        assert cached
        outcome = study.run()
        assert (outcome.run, outcome.papers, outcome.findings) == (None, 0, 0)
        assert len(study.ledger.runs()) == 1
        assert rows(study) == before
        assert written(study.cache) == cached


def test_a_run_is_recorded(demo_study: Path) -> None:
    with quoth.open(demo_study) as study:
        (run,) = study.ledger.runs()
        assert run.outcome == "done"
        assert run.counts == {"papers": 6, "findings": 168, "failed": 0}
        assert run.decisions_digest == study.decisions_digest()
        assert run.manifest["protocol"] == study.protocol.digest
        assert run.finished


def test_a_changed_question_is_asked_again_alone(demo_copy: Path) -> None:
    with (demo_copy / "study.toml").open("a", encoding="utf-8") as file:
        file.write('\n[[question]]\nid = "cq20"\nlabel = "Hardware"\ntext = "Which graphics card was used?"\n')
    with quoth.open(demo_copy) as study:
        status = status_of(study)
        assert (status.stale, status.readers[0].open) == (6, 6)
        assert "cq20" not in set(study.findings.question) | set(study.quotes.question) | set(study.decisions.question)
        assert study.matrix["cq20"].isna().all()
        assert (study.run().papers, study.run().run) == (6, None)
        assert study.ledger.runs()[-1].counts["findings"] == 6
        assert len(study.findings) == 168
        history = study.table("findings", history=True)
        assert len(history) == 174
        assert Counter(history[history.question == "cq20"].run) == {1: 6, 2: 6}
        assert set(history.revision) == {1}
        assert status_of(study).stale == 6


def test_a_replaced_pdf_is_read_again(demo_copy: Path) -> None:
    papers = demo_copy / "papers"
    shutil.copyfile(papers / "flower-strips-aphids.pdf", papers / "lynx-camera-traps.pdf")
    with quoth.open(demo_copy) as study:
        status = status_of(study)
        assert (status.stale, status.unread, status.readers[0].open) == (28, 1, 28)
        assert "lynx-camera-traps" not in set(study.findings.paper)
        assert study.matrix.set_index("paper").loc["lynx-camera-traps"].isna().all()
        outcome = study.run()
        assert (outcome.papers, outcome.findings) == (1, 28)
        quotes = study.quotes.groupby("paper").text.agg(list)
        assert quotes["lynx-camera-traps"] == quotes["flower-strips-aphids"]
        assert len(study.table("findings", history=True)) == 7 * 28


def test_a_removed_paper_leaves_the_tables_and_stays_in_the_ledger(demo_copy: Path) -> None:
    (demo_copy / "papers" / "lynx-camera-traps.pdf").unlink()
    with quoth.open(demo_copy) as study:
        for table in (study.papers, study.findings, study.quotes, study.decisions, study.matrix):
            assert table.paper.nunique() == 5
            assert "lynx-camera-traps" not in set(table.paper)
        assert status_of(study).gone == ("lynx-camera-traps",)
        assert "lynx-camera-traps" in set(study.table("quotes", history=True).paper)
        assert study.run().run is None


SECOND_READER = '\n[[reader]]\nname = "second"\ntype = "embedded"\n'
THREE = ("bean-leaf-disease", "flower-strips-aphids", "lynx-camera-traps")


def test_a_run_does_what_is_selected(small_study: Callable[..., Path]) -> None:
    with quoth.open(small_study(THREE, more=SECOND_READER)) as study:

        def done() -> set[tuple[str, str, str]]:
            return set(study.findings[["paper", "question", "reader"]].itertuples(index=False, name=None))

        assert sum(work.size for work in study.plan()) == 12
        assert sum(work.size for work in study.plan(Selection(limit=2))) == 8
        selected = Selection(papers=("lynx-camera-traps",), questions=("code",), readers=("second",))
        assert sum(work.size for work in study.plan(selected)) == 1
        assert not done(), "a plan does nothing"
        study.run(papers=selected.papers, questions=selected.questions, readers=selected.readers)
        assert done() == {("lynx-camera-traps", "code", "second")}
        outcome = study.run(limit=1, readers=["embedded"])
        assert (outcome.papers, outcome.findings) == (1, 2)
        assert done() >= {("bean-leaf-disease", question, "embedded") for question in ("metrics", "code")}
        assert study.run().findings == 9
        assert len(done()) == 12


def test_what_a_study_does_not_have_is_told_with_the_nearest_name(demo_study: Path) -> None:
    with quoth.open(demo_study) as study:
        for selection, message in (
            ({"papers": ["lynx-camera-trap"]}, "no paper 'lynx-camera-trap'; did you mean 'lynx-camera-traps'"),
            ({"papers": ["lynx"]}, "did you mean 'lynx-camera-traps'"),
            ({"questions": ["cq8"]}, "no question 'cq8'; did you mean 'cq08'"),
            ({"readers": ["embeded"]}, "no reader 'embeded'; did you mean 'embedded'"),
            ({"readers": ["gpt"]}, "no reader 'gpt'; it has embedded"),
        ):
            with pytest.raises(StudyError, match=message):
                study.run(**selection)  # type: ignore[arg-type]
        with pytest.raises(StudyError, match="no paper 'x'"):
            next(study.passages(papers=["x"]))


# Messy folders


@pytest.fixture(scope="module")
def messy(tmp_path_factory: pytest.TempPathFactory, demo_papers: Path) -> Path:
    """A study of two good papers among five that cannot be read, run once."""
    folder = tmp_path_factory.mktemp("messy") / "study"
    quoth.init(folder, questions=_questions(folder.parent))
    toml = folder / "study.toml"
    toml.write_text(toml.read_text("utf-8").replace("max_pages = 500", "max_pages = 4"), "utf-8")
    papers = folder / "papers"
    for name in ("ecg-atrial-fibrillation", "flower-strips-aphids"):
        shutil.copyfile(demo_papers / f"{name}.pdf", papers / f"{name}.pdf")
    whole = (demo_papers / "bean-leaf-disease.pdf").read_bytes()
    (papers / "notes.pdf").write_text("These are notes, and no PDF at all.", "utf-8")
    (papers / "empty.pdf").write_bytes(b"")
    (papers / "cut.pdf").write_bytes(whole[: len(whole) // 2])
    with pikepdf.open(demo_papers / "lynx-camera-traps.pdf") as pdf:
        pdf.save(papers / "secret.pdf", encryption=pikepdf.Encryption(owner="owner", user="user"))
        pdf.pages.extend(pdf.pages)
        pdf.save(papers / "long.pdf")
    with quoth.open(folder) as study:
        study.run()
    return folder


def _questions(folder: Path) -> Path:
    path = folder / "questions.csv"
    path.write_text("id,text\nwhere,Where was the study done?\nhow,By which metrics was it judged?\n", "utf-8")
    return path


BAD = {"notes": "not a PDF", "empty": "empty", "cut": "truncated", "secret": "password", "long": "too long: 6 pages"}
GOOD = {"ecg-atrial-fibrillation", "flower-strips-aphids"}


def test_good_papers_among_bad_ones_are_answered(messy: Path) -> None:
    with quoth.open(messy) as study:
        good = study.findings[study.findings.paper.isin(GOOD)]
        assert len(good) == 4
        assert set(good.verdict) <= {"reported", "not_reported"}


def test_every_cell_of_a_bad_paper_has_failed_with_the_reason(messy: Path) -> None:
    with quoth.open(messy) as study:
        bad = study.findings[~study.findings.paper.isin(GOOD)]
        assert len(bad) == 10
        assert set(bad.verdict) == {"failed"}
        for row in bad.itertuples():
            assert BAD[str(row.paper)] in str(row.error)
        decisions = study.decisions[~study.decisions.paper.isin(GOOD)]
        assert set(decisions.decision) == {"undecided"}
        assert set(decisions.votes_failed) == {1}
        assert set(decisions.votes_not_reported) == {0}
        matrix = study.matrix.set_index("paper")
        assert all((matrix.loc[name] == "failed").all() for name in BAD)


def test_bad_papers_are_listed_with_the_reason(messy: Path) -> None:
    with quoth.open(messy) as study:
        papers = study.papers.set_index("paper")
        assert set(papers.index[papers.status == "read"]) == GOOD
        for name, reason in BAD.items():
            assert papers.status[name] == "unreadable"
            assert reason in papers.reason[name]
        status = status_of(study)
        assert (status.papers, status.read, len(status.unreadable)) == (7, 2, 5)
        assert (status.readers[0].final, status.readers[0].transient, status.readers[0].open) == (10, 0, 0)


@pytest.mark.slow
def test_final_failures_wait_for_retry(messy: Path, tmp_path: Path, demo_papers: Path) -> None:
    folder = Path(shutil.copytree(messy, tmp_path / "study"))
    with quoth.open(folder) as study:
        assert study.run().run is None
        outcome = study.run(retry=True)
        assert (outcome.papers, outcome.failed) == (5, 10)
        assert set(outcome.unreadable) == set(BAD)
        history = study.table("findings", history=True)
        assert set(history[history.paper.isin(BAD)].revision) == {1, 2}
        assert len(study.findings) == 14
        shutil.copyfile(demo_papers / "bird-song-transformer.pdf", folder / "papers" / "cut.pdf")
        outcome = study.run()
        assert (outcome.papers, outcome.failed) == (1, 0)
        assert study.papers.set_index("paper").status["cut"] == "read"


def test_a_raised_page_limit_reads_what_was_too_long(messy: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(messy, tmp_path / "study"))
    toml = folder / "study.toml"
    toml.write_text(toml.read_text("utf-8").replace("max_pages = 4", "max_pages = 6"), "utf-8")
    with quoth.open(folder) as study:
        study.run(papers=["long"])
        assert study.papers.set_index("paper").status["long"] == "read"


@pytest.mark.slow
def test_a_time_limit_fails_for_now_and_is_tried_again(small_study: Callable[..., Path], demo_papers: Path) -> None:
    folder = small_study(["flower-strips-aphids"], seconds=3)
    with pikepdf.new() as long, pikepdf.open(demo_papers / "lynx-camera-traps.pdf") as paper:
        for _ in range(150):
            long.pages.extend(paper.pages)
        long.save(folder / "papers" / "slow.pdf")
    with quoth.open(folder) as study:
        first = study.run()
        assert set(first.unreadable) == {"slow"}
        assert "longer than 3 s" in first.unreadable["slow"]
        assert status_of(study).readers[0].transient == 2
        assert set(study.findings[study.findings.paper == "slow"].verdict) == {"failed"}
        shutil.copyfile(demo_papers / "lynx-camera-traps.pdf", folder / "papers" / "slow.pdf")
        assert set(study.plan()[0].cells[0].questions) == set(study.protocol.questions)
        again = study.run()
        assert (again.papers, again.failed) == (1, 0)


def test_a_transient_failure_is_open_until_it_is_done(small_study: Callable[..., Path]) -> None:
    folder = small_study(["flower-strips-aphids"])
    paper = folder / "papers" / "flower-strips-aphids.pdf"
    away = paper.with_suffix(".away")

    def vanish(step: object) -> None:
        if paper.exists():
            paper.rename(away)

    with quoth.open(folder) as study:
        outcome = study.run(watch=vanish)
        assert "cannot be opened" in outcome.unreadable["flower-strips-aphids"]
        away.rename(paper)
        assert status_of(study).readers[0].transient == 2
        again = study.run()
        assert (again.findings, again.failed) == (2, 0)
        history = study.table("findings", history=True)
        assert [*history.verdict].count("failed") == 2
        assert len(study.findings) == 2


# The same bytes


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, demo_study: Path) -> Path:
    """The demo study again, elsewhere, with one worker and without a cache."""
    folder = tmp_path_factory.mktemp("elsewhere") / "another-name"
    (folder / ".quoth").mkdir(parents=True)
    (folder / ".quoth" / "cache").write_text("no folder", "utf-8")
    shutil.copytree(demo_study / "papers", folder / "papers")
    toml = (demo_study / "study.toml").read_text("utf-8").replace("# workers = 4", "workers = 1")
    (folder / "study.toml").write_text(toml, "utf-8")
    with quoth.open(folder) as study:
        assert study.protocol.reading.workers == 1
        study.run()
    return folder


def test_two_runs_give_the_same_bytes(demo_study: Path, alone: Path, tmp_path: Path) -> None:
    there, here = exports(demo_study, tmp_path / "there"), exports(alone, tmp_path / "here")
    assert len(there) == len(TABLES) * len(SUFFIXES)
    assert [name for name in there if there[name] != here.get(name)] == []


def test_two_runs_have_the_same_decisions_digest(demo_study: Path, alone: Path) -> None:
    digests = set()
    for folder in (demo_study, alone):
        with quoth.open(folder) as study:
            digests.add(study.ledger.runs()[0].decisions_digest)
    assert len(digests) == 1
    assert None not in digests


def test_a_cache_that_cannot_be_written_is_done_without(alone: Path) -> None:
    assert (alone / ".quoth" / "cache").read_text("utf-8") == "no folder"
    with quoth.open(alone) as study:
        assert set(study.papers.status) == {"read"}


def test_a_damaged_cache_is_made_again(demo_copy: Path, demo_study: Path) -> None:
    with quoth.open(demo_copy) as study, quoth.open(demo_study) as whole:
        for path in written(study.cache):
            path.write_bytes(path.read_bytes()[:100])
        asked = {"papers": ["lynx-camera-traps"], "questions": ["cq08"]}
        assert list(study.passages(**asked)) == list(whole.passages(**asked))  # type: ignore[arg-type]


def test_nothing_of_this_machine_is_in_ledger_or_exports(messy: Path, demo_study: Path, tmp_path: Path) -> None:
    home = Path.home()
    secrets = {str(home), str(tmp_path.parent), str(Path(quoth.__file__).parent), os.sep + "study", sys.prefix}
    secrets |= {name for name in (socket.gethostname(),) if len(name) > 4}
    secrets |= {name for name in (getpass.getuser(),) if name not in ("root",)}
    for number, folder in enumerate((messy, demo_study)):
        contents = list(exports(folder, tmp_path / str(number)).items())
        contents += [(path.name, path.read_bytes()) for path in (folder / ".quoth").glob("ledger.db*")]
        with closing(sqlite3.connect(folder / ".quoth" / "ledger.db")) as database:
            contents.append(("dump", "\n".join(database.iterdump()).encode()))
        for name, content in contents:
            assert [secret for secret in secrets | {str(folder.parent)} if secret.encode() in content] == [], name


# Several files


def test_a_paper_of_two_files_is_read_as_one(tmp_path: Path, demo_papers: Path) -> None:
    folder = tmp_path / "study"
    quoth.init(folder, questions=_asked_of_both(tmp_path))
    paper = folder / "papers" / "joint"
    paper.mkdir()
    shutil.copyfile(demo_papers / "lynx-camera-traps.pdf", paper / "main.pdf")
    shutil.copyfile(demo_papers / "flower-strips-aphids.pdf", paper / "appendix.pdf")
    with quoth.open(folder) as study:
        study.run()
        assert study.papers.files.tolist() == [["joint/main.pdf", "joint/appendix.pdf"]]
        assert study.papers.pages.tolist() == [3 + 4]
        (joint,) = study.files()
        best = study.quotes[study.quotes.number == 1].set_index("question")
        assert best.file["lynx"] == "joint/main.pdf"
        assert best.file["aphids"] == "joint/appendix.pdf"
        assert study.papers.digests[0] == [file.digest for file in joint.files]
        assert best.spans["aphids"][0]["file"] == joint.files[1].digest
        assert {shown.page for shown in study.passages()} <= {1, 2, 3, 4}, "pages are those of the file"
        (paper / "appendix.pdf").write_bytes(b"")
        study.run()
        assert set(study.findings.verdict) == {"failed"}, "a paper is not read by half"
        assert "joint/appendix.pdf: empty" in study.papers.reason[0]


def _asked_of_both(folder: Path) -> Path:
    path = folder / "questions.csv"
    path.write_text(
        "id,text\nlynx,How many cameras took photographs of lynx?\naphids,On how many farms were aphids counted?\n",
        "utf-8",
    )
    return path


# The Python API


def test_frames_have_the_columns_of_the_contract(demo_study: Path) -> None:
    with quoth.open(demo_study) as study:
        assert list(study.findings.columns) == (
            "paper question reader verdict value unit answer score quotes seconds input_tokens output_tokens cost_usd "
            "error unquoted"
        ).split(" ")
        assert list(study.decisions.columns) == (
            "paper question decision value score votes_reported votes_not_reported votes_failed basis answer quotes "
            "unquoted"
        ).split(" ")
        assert list(study.table("findings", history=True).columns)[-4:] == ["revision", "round", "run", "at"]
        assert (len(study.papers), len(study.findings), len(study.decisions)) == (6, 168, 168)
        assert len(study.quotes) == sum(len(quotes) for quotes in study.findings.quotes)
        assert list(study.matrix.columns) == ["paper", *(question.id for question in study.protocol.questions)]


def test_decisions_are_what_the_only_reader_found(demo_study: Path) -> None:
    with quoth.open(demo_study) as study:
        both = study.decisions.merge(study.findings, on=["paper", "question"], suffixes=("", "_found"))
        assert len(both) == 168
        assert (both.decision == both.verdict).all()
        for column in ("answer", "score"):
            pd.testing.assert_series_equal(both[column], both[f"{column}_found"], check_names=False)
        assert set(both.basis) == {"majority"}


def test_a_free_question_to_a_study_writes_nothing(demo_copy: Path) -> None:
    with quoth.open(demo_copy) as study:
        before = rows(study)
        answers = study.ask("On which graphics card was the network trained?")
        assert [answer.paper for answer in answers] == sorted(paper.name for paper in study.files())
        assert {answer.question for answer in answers} == {"question"}
        assert any(answer.verdict is Verdict.REPORTED and answer.quotes for answer in answers)
        asked = "How many examples were there after preparation?"
        (one,) = study.ask(asked, paper="seismic-phase-picking", kind="number")
        pilot = quoth.ask(demo_copy / "papers" / "seismic-phase-picking.pdf", asked, kind="number")
        assert (one.verdict, one.value, one.quotes) == (pilot.verdict, pilot.value, pilot.quotes)
        assert rows(study) == before
        with pytest.raises(StudyError, match="did you mean 'lynx-camera-traps'"):
            study.ask("Which camera?", paper="lynx-camera-trap")
        with pytest.raises(StudyError, match="empty"):
            study.ask(" ")
        with pytest.raises(StudyError, match="no kind 'choice'"):
            study.ask("Which one?", kind="choice")
        (demo_copy / "papers" / "lynx-camera-traps.pdf").write_bytes(b"")
        (failed,) = study.ask("Which camera?", paper="lynx-camera-traps")
        assert failed.verdict is Verdict.FAILED
        assert "empty" in (failed.error or "")


def test_a_study_before_its_first_run_has_empty_tables(small_study: Callable[..., Path], tmp_path: Path) -> None:
    with quoth.open(small_study()) as study:
        assert study.papers.status.tolist() == ["not read yet"]
        assert (len(study.findings), len(study.quotes), len(study.decisions)) == (0, 0, 0)
        assert study.matrix.shape == (1, 3)
        for what in TABLES:
            study.export(tmp_path / f"{what}.xlsx", what=what)


def test_passages_are_best_first_within_the_budget(demo_study: Path) -> None:
    with quoth.open(demo_study) as study:
        shown = list(study.passages(papers=["lynx-camera-traps"], questions=["cq01", "cq08"], characters=2000))
    for question in ("cq01", "cq08"):
        mine = [passage for passage in shown if passage.question == question]
        assert [passage.rank for passage in mine] == list(range(1, len(mine) + 1))
        assert 1000 < sum(len(passage.text) for passage in mine) <= 2000
        scores = [passage.score for passage in mine]
        assert scores == sorted(scores, reverse=True)
        assert all(0 < score <= 1 for score in scores)
    assert {passage.question for passage in shown} == {"cq01", "cq08"}


LAZY = ("pandas", "numpy", "onnxruntime", "pypdfium2", "sqlalchemy", "pydantic")


@pytest.mark.parametrize(
    "code", ["import quoth", "from quoth.cli import main; import sys; sys.argv[1:] = ['-h']; main()"]
)
def test_what_is_heavy_is_not_imported_before_it_is_needed(code: str) -> None:
    loaded = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); "
    done = subprocess.run([sys.executable, "-c", loaded + code], capture_output=True, text=True, timeout=60)
    modules = set(done.stderr.split())
    assert "quoth" in modules
    assert [name for name in LAZY if name in modules] == []
