"""Calibrating the embedded reader on a study's own coded cells."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

import quoth
from quoth.cli import show
from quoth.errors import StudyError
from quoth.protocol import load_codebook
from quoth.readers.calibration import CALIBRATION_FILE, Calibration
from quoth.study.calibrate import CalibrationResult, calibrate
from quoth.study.create import demo_truth
from quoth.study.gold import CodedCell, read_gold
from quoth.vocabulary import Finding, Verdict


@pytest.fixture(scope="module")
def own_questions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of the demo papers with questions that no model was fitted on by name, and their codes in coded.csv."""
    folder = tmp_path_factory.mktemp("calibrate")
    questions = load_codebook("study-basics", folder).questions
    with (folder / "questions.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "text"])
        rows.writerows((f"own-{question.id}", question.text) for question in questions)
    study = folder / "study"
    quoth.init(study, questions=folder / "questions.csv")
    for paper in (Path(quoth.__file__).parent / "demo" / "papers").glob("*.pdf"):
        (study / "papers" / paper.name).write_bytes(paper.read_bytes())
    with (study / "coded.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["paper", "question", "decision"])
        for (paper_name, question), truth in demo_truth("study-basics").items():
            rows.writerow([paper_name, f"own-{question}", "yes" if truth.reported else "no"])
    return study


@pytest.mark.slow
def test_a_fit_that_helps_is_kept_and_answers_anew(own_questions: Path) -> None:
    with quoth.open(own_questions) as study:
        first = study.run(papers=["lynx-camera-traps"], questions=["own-sb01", "own-sb02"])
        before = study.findings.set_index("question").score
        result = study.calibrate(own_questions / "coded.csv")
        assert result.before.n == result.after.n == result.constant.n == 168
        assert result.helps
        assert result.after.log_loss < result.before.log_loss
        assert (own_questions / CALIBRATION_FILE).exists()
        assert study.findings.empty  # what was said before is stale now
    with quoth.open(own_questions) as study:
        second = study.run(papers=["lynx-camera-traps"], questions=["own-sb01", "own-sb02"])
        assert second.findings == first.findings == 2
        after = study.findings.set_index("question").score
        assert (before - after).abs().max() > 0.001
        # Fitting starts from the reader as it ships, not from the last fit.
        assert study.calibrate(own_questions / "coded.csv") == result


def test_every_faulty_line_is_named_and_nothing_is_kept(own_questions: Path, tmp_path: Path) -> None:
    gold = tmp_path / "gold.csv"
    gold.write_text(
        "paper,question,decision\n"
        "lynx-camera-trap,own-sb01,yes\n"
        "lynx-camera-traps,own-sb99,no\n"
        "lynx-camera-traps,own-sb02,maybe\n"
        "lynx-camera-traps,own-sb03,yes\n"
        "lynx-camera-traps,own-sb03,no\n"
        "lynx-camera-traps,own-sb04,\n",
        encoding="utf-8",
    )
    with quoth.open(own_questions) as study, pytest.raises(StudyError) as caught:
        study.calibrate(gold)
    lines = str(caught.value).splitlines()
    assert len(lines) == 4
    assert "gold.csv:2" in lines[0]
    assert "did you mean 'lynx-camera-traps'" in lines[0]
    assert "gold.csv:4" in lines[2]
    assert "neither yes nor no" in lines[2]
    assert "coded twice" in lines[3]


def made_up(score: Callable[[int, bool], float]) -> CalibrationResult:
    """A fit to 12 papers and four questions, the first two of which nearly all papers report."""
    findings, coded = [], []
    for number in range(48):
        paper, question = f"p{number // 4}", f"q{number % 4}"
        truth = (number % 4 < 2) != (number % 11 == 0)
        said = score(number, truth)
        verdict = Verdict.REPORTED if said >= 0.5 else Verdict.NOT_REPORTED
        findings.append((Finding(paper, question, "embedded", verdict, score=max(said, 1 - said)), question))
        coded.append(CodedCell(paper, question, truth))
    return calibrate(findings, coded)


def test_a_fit_that_tells_no_more_than_the_constant_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    result = made_up(lambda number, truth: 0.3 + 0.4 * (number * 7 % 5) / 4)
    assert result.helps
    assert not result.beats_constant
    show.calibration(result, Path("study"))
    told = " ".join(capsys.readouterr().out.split())
    assert f"{result.changed} of the 48 coded cells get another verdict by it." in told
    assert "They are right no more often than the constant, which reads no paper: code more." in told


def test_a_fit_that_tells_more_is_told_without_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    result = made_up(lambda number, truth: 0.8 if truth else 0.3)
    assert result.helps
    assert result.beats_constant
    show.calibration(result, Path("study"))
    assert "than the constant" not in capsys.readouterr().out


def test_a_paper_named_with_its_ending_is_found(tmp_path: Path) -> None:
    (tmp_path / "coded.csv").write_text("paper,question,decision\n41.pdf,q,yes\n", "utf-8")
    with pytest.raises(StudyError, match=r"no paper '41\.pdf'; did you mean '41'"):
        read_gold(tmp_path / "coded.csv", papers=["40", "41"], questions=["q"])


def test_too_few_cells_are_refused(own_questions: Path, tmp_path: Path) -> None:
    gold = tmp_path / "gold.csv"
    gold.write_text("paper,question,decision\nlynx-camera-traps,own-sb01,yes\n", encoding="utf-8")
    with quoth.open(own_questions) as study, pytest.raises(StudyError, match="at least 30"):
        study.calibrate(gold)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"slope": "x"}', '{"slope": 1, "intercept": 0, "offsets": 3, "cells": 1}']
)
def test_a_damaged_calibration_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / CALIBRATION_FILE).write_text(content)
    with pytest.raises(StudyError, match="delete it"):
        Calibration.load(tmp_path / CALIBRATION_FILE)


def test_no_calibration_changes_nothing() -> None:
    same = Calibration(slope=1.0, intercept=0.0)
    assert same.applied(0.3, "any") == pytest.approx(0.3)
    assert Calibration(1.0, 0.0, {"q": 1.0}).applied(0.3, "q") > 0.3
