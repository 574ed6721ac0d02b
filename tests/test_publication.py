"""What ends in a publication: evaluation, samples, the scorecard, figures and the methods paragraph."""

import json
import math
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest
from PIL import Image

import quoth
import quoth as api
from conftest import Quoth
from quoth.errors import ProtocolError, StudyError
from quoth.protocol import Level, Variable, load_codebook, load_protocol
from quoth.study import Study
from quoth.study.create import demo_truth
from quoth.study.sampling import width
from quoth.study.scorecard import scorecard
from quoth.vocabulary import Decision, Outcome

FIGURES = (
    *("name", "n", "correct", "undecided", "failed", "accuracy", "kappa", "kappa_ci", "precision", "recall", "f1"),
    *("constant_accuracy", "constant_kappa"),
)


@pytest.fixture(scope="module")
def coded(demo_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo study with the codes of two people who err differently, and the truth as gold.csv."""

    folder = Path(shutil.copytree(demo_study, tmp_path_factory.mktemp("coded") / "study"))
    truth = {cell: found.reported for cell, found in demo_truth("dl-methods").items()}
    codes = [
        (*cell, coder, "yes" if reported != (number % off == 0) else "no")
        for coder, off in (("ann", 11), ("bob", 7))
        for number, (cell, reported) in enumerate(truth.items())
    ]
    gold = [(*cell, "yes" if reported else "no") for cell, reported in truth.items()]
    pd.DataFrame(codes, columns=["paper", "question", "coder", "verdict"]).to_csv(folder / "codes.csv", index=False)
    pd.DataFrame(gold, columns=["paper", "question", "decision"]).to_csv(folder / "gold.csv", index=False)
    with quoth.open(folder) as study:
        study.import_(folder / "codes.csv")
    return folder


# Evaluation


@pytest.mark.slow
def test_evaluate_prints_the_contract_as_json(coded: Path, quoth: Quoth) -> None:
    found = json.loads(quoth("evaluate", coded, coded / "gold.csv", "--json", "--draws", "100").stdout)
    assert [row["name"] for row in found["rules"]] == ["majority", "weighted", "dawid-skene", "evidence"]
    assert [row["name"] for row in found["readers"]] == ["embedded"]
    assert found["left_out"] == ["ann", "bob"], "no coder is named, so no person takes part"
    for row in (*found["readers"], *found["rules"]):
        assert row.keys() >= set(FIGURES)
        assert row["n"] == 168
        low, high = row["kappa_ci"]
        assert low < row["kappa"] < high
        assert len(row["questions"]) == 28
    alone = json.loads(quoth("evaluate", coded, coded / "gold.csv", "--rule", "evidence", "--json").stdout)
    assert [row["name"] for row in alone["rules"]] == ["evidence"]


def test_a_gold_that_names_its_coders_leaves_them_alone_out(coded: Path) -> None:
    gold = pd.read_csv(coded / "gold.csv").assign(coder="ann")
    gold.to_csv(coded / "ann.csv", index=False)
    with quoth.open(coded) as study:
        found = study.evaluate(coded / "ann.csv", draws=0)
        assert found.left_out == ("ann",)
        assert [row.name for row in found.readers] == ["bob", "embedded"]
        # Bob alone codes: he decides all cells, and errs in every seventh.
        assert found.rules[0].correct == 168 - math.ceil(168 / 7)
        assert found.comparisons[0].n == 168


def test_without_a_gold_the_people_of_the_study_are_it(coded: Path) -> None:
    with quoth.open(coded) as study:
        found = study.evaluate(draws=0)
        agree = sum(number % 7 != 0 and number % 11 != 0 for number in range(168)) + len(range(0, 168, 77))
        assert (found.gold, found.cells) == ("people", agree)
        assert found.left_out == ("ann", "bob")


def test_values_are_compared_where_the_gold_has_them(demo_copy: Path) -> None:
    with quoth.open(demo_copy) as study:
        row = study.findings[study.findings.value.notna()].iloc[0]
        for value, right in ((row.value, 1), ("something else", 0)):
            gold = demo_copy / "gold.csv"
            gold.write_text(f"paper,question,decision,value\n{row.paper},{row.question},yes,{value}\n")
            figures = study.evaluate(gold).readers[0]
            assert (figures.values, figures.values_correct) == (1, right)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("paper,question\n", "no column decision"),
        ("paper,question,decision\nlynx-camera-traps,cq99,yes\n", "gold.csv:2: the study has no question 'cq99'"),
        ("paper,question,decision\nlynx-camera-traps,cq01,perhaps\n", "gold.csv:2: decision 'perhaps' is neither"),
        ("paper,question,decision\nlynx-camera-traps,cq01,=A1\n", "gold.csv:2: the cell 'decision' is a formula"),
    ],
)
def test_a_gold_with_faults(demo_study: Path, tmp_path: Path, text: str, hint: str) -> None:
    (tmp_path / "gold.csv").write_text(text)
    with quoth.open(demo_study) as study, pytest.raises(StudyError) as caught:
        study.evaluate(tmp_path / "gold.csv")
    assert hint in str(caught.value)


# Agreement


@pytest.mark.slow
def test_agreement_of_those_who_could_not_see_each_other(coded: Path, tmp_path: Path, quoth: Quoth) -> None:
    found = json.loads(quoth("agreement", coded, "--json", "--draws", "50").stdout)
    assert found["readers"] == ["ann", "bob", "embedded"]
    (pair,) = (pair for pair in found["overall"]["pairs"] if pair["second"] == "bob")
    errors = sum((number % 7 == 0) != (number % 11 == 0) for number in range(168))
    assert pair["percent"]["value"] == pytest.approx(1 - errors / 168)
    study = shutil.copytree(coded, tmp_path / "copy")
    seen = study / "seen.csv"
    seen.write_text("paper,question,reader,verdict\nlynx-camera-traps,cq01,cat,yes\n")
    quoth("import", study, seen, "--not-blind")
    assert "cat" not in json.loads(quoth("agreement", study, "--json", "--draws", "0").stdout)["readers"]
    told = json.loads(quoth("agreement", study, "--json", "--draws", "0", "--not-blind").stdout)
    assert "cat" in told["readers"]


def test_answers_that_mean_the_same_are_near_each_other(demo_copy: Path) -> None:
    with quoth.open(demo_copy) as study:
        own = study.findings[study.findings.answer != ""].head(3)
        rows = own.assign(reader="same")[["paper", "question", "reader", "verdict", "answer"]]
        rows.to_csv(demo_copy / "same.csv", index=False)
        study.import_(demo_copy / "same.csv", as_="imported")
        (found,) = study.likeness()
        assert (found.first, found.second, found.n) == ("embedded", "same", 3)
        assert found.cosine == pytest.approx(1.0, abs=1e-3)


def test_one_reader_agrees_with_nobody(demo_study: Path, quoth: Quoth) -> None:
    assert "needs two readers" in quoth("agreement", demo_study, code=1).stderr


# Samples


@pytest.mark.slow
def test_a_sample_is_a_sheet_that_comes_back_as_codes(demo_copy: Path, quoth: Quoth) -> None:
    sheet = demo_copy / "to-code.csv"
    said = quoth("sample", demo_copy, "--n", "30", "--out", sheet).stderr
    assert "Drew 30 cells of 168" in said
    assert "62.7 % to 90.5 %" in said
    frame = pd.read_csv(sheet)
    assert list(frame.columns)[:4] == ["paper", "question", "label", "text"]
    frame.assign(verdict=["yes", "no"] * 15).to_csv(sheet, index=False)
    quoth("import", demo_copy, sheet, "--reader", "ann")
    again = quoth("sample", demo_copy, "--n", "200").stderr
    assert "Drew 138 cells of 138" in again


def test_samples_are_what_they_say(coded: Path, demo_study: Path) -> None:
    with quoth.open(demo_study) as study:
        random = study.sample(40)
        assert random == study.sample(40) != study.sample(40, seed=1)
        stratified = pd.Series([question for _, question in study.sample(56, "stratified").cells])
        assert set(stratified.value_counts()) == {2}
        assert len(set(study.sample(20, "stratified").cells)) == 20
        with pytest.raises(StudyError, match="no sample 'best'"):
            study.sample(3, "best")
    with quoth.open(coded) as study, pytest.raises(StudyError, match="no cell is left"):
        study.sample(5)


def test_disputed_cells_come_first(demo_copy: Path) -> None:
    with quoth.open(demo_copy) as study:
        said = study.findings.set_index(["paper", "question"]).verdict
        against = [(p, q, "other", "no" if v == "reported" else "yes") for (p, q), v in said.head(5).items()]
        alike = [(p, q, "other", "yes" if v == "reported" else "no") for (p, q), v in said.tail(163).items()]
        frame = pd.DataFrame(against + alike, columns=["paper", "question", "reader", "verdict"])
        frame.to_csv(demo_copy / "other.csv", index=False)
        study.import_(demo_copy / "other.csv", as_="imported")
        assert set(study.sample(5, "disagreement").cells) == set(said.head(5).index)


def test_more_cells_buy_narrower_intervals() -> None:
    """Wilson's interval for 80 of 100: 0.711 to 0.867."""
    assert (width(100, 0.8).low, width(100, 0.8).high) == (0.7112, 0.8666)
    assert width(400, 0.8).high - width(400, 0.8).low < width(100, 0.8).high - width(100, 0.8).low


# The scorecard


def test_variables_groups_and_levels() -> None:
    variables = [
        Variable(name="Data", group="resources", any=("a", "b")),
        Variable(name="Methods", group="methods", all=("c", "d")),
        Variable(name="Averaging", group="statistics", any=()),
    ]
    levels = [Level(name="Level 1", groups=("resources",)), Level(name="Level 2", groups=("resources", "methods"))]
    levels.append(Level(name="Level 3", groups=("resources", "statistics")))
    states = {
        "all": {"a": "reported", "b": "not_reported", "c": "reported", "d": "reported"},
        "some": {"a": "not_reported", "b": "undecided", "c": "reported", "d": "not_reported"},
        "off": {"a": "not_applicable", "b": "reported", "c": "reported", "d": "excluded"},
        "none": {"a": "not_reported", "b": "not_reported", "c": "not_reported", "d": "undecided"},
    }
    decisions = [
        Decision(paper, question, Outcome(state), None, None, 0, 0, 0, "majority")
        for paper, cells in states.items()
        for question, state in cells.items()
    ]
    card = scorecard(decisions, list(states), variables, levels).set_index("paper").astype(object)
    card = card.where(card.notna(), None)
    assert card.loc["all"].tolist() == [
        *("reported", "reported", None, "reported", "reported", None, "reported", "reported", None, "Level 2"),
    ]
    assert card.loc["some", "Data"] == "undecided"
    assert card.loc["some", "Methods"] == "not_reported"
    assert card.loc["off", ["Data", "Methods", "level"]].tolist() == ["reported", "reported", "Level 2"]
    assert card.loc["none", ["Level 1", "Level 3", "level"]].tolist() == ["not_reported", "not_reported", "none"]


def test_dl_methods_ends_in_the_five_levels(demo_study: Path) -> None:
    book = load_codebook("dl-methods", Path())
    assert [level.name for level in book.levels] == [f"Level {n}" for n in range(1, 6)]
    with quoth.open(demo_study) as study:
        card = study.variables
        assert list(card.columns)[1:11] == [variable.name for variable in book.variables]
        assert card["Averaging result"].isna().all(), "no question asks it alone"
        decided = study.decisions.set_index(["paper", "question"]).decision
        for paper, state in card.set_index("paper")["Dataset"].items():
            either = [decided[paper, question] == "reported" for question in ("cq09", "cq11")]
            assert (state == "reported") == any(either)


def test_a_level_of_no_group_is_told(tmp_path: Path) -> None:
    text = '[study]\ntitle = "T"\n[[question]]\nid = "a"\ntext = "A?"\n[[variable]]\nname = "V"\ngroup = "resources"\n'
    text += 'any = ["a"]\n[[level]]\nname = "One"\ngroups = ["resource"]\n'
    (tmp_path / "study.toml").write_text(text)
    with pytest.raises(ProtocolError, match=r":12: .*group 'resource'.*did you mean 'resources'"):
        load_protocol(tmp_path / "study.toml")


# Figures and words


@pytest.mark.slow
def test_four_figures_as_svg_and_png(coded: Path, tmp_path: Path, quoth: Quoth) -> None:
    for folder in ("one", "two"):
        quoth("report", coded, "--figures", tmp_path / folder, "--gold", coded / "gold.csv")
    names = {path.name for path in (tmp_path / "one").iterdir()}
    assert names == {f"{name}.{s}" for name in ("matrix", "shares", "agreement", "calibration") for s in ("svg", "png")}
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
        if name.endswith("svg"):
            assert ElementTree.parse(tmp_path / "one" / name).getroot().tag.endswith("svg")
        else:
            with Image.open(tmp_path / "one" / name) as picture:
                assert min(picture.size) > 600
                # In greyscale, too, there is light and dark.
                low, high = picture.convert("L").getextrema()
                assert low < 80
                assert high > 240


@pytest.mark.slow
def test_a_figure_that_cannot_be_drawn_is_told(demo_study: Path, tmp_path: Path, quoth: Quoth) -> None:
    said = quoth("report", demo_study, "--figures", tmp_path / "figures").stderr
    assert "no figure of agreement" in said
    assert "no figure of calibration" in said
    assert {path.stem for path in (tmp_path / "figures").iterdir()} == {"matrix", "shares"}


def test_the_methods_say_what_was_done(coded: Path, tmp_path: Path, quoth: Quoth) -> None:
    quoth("report", coded, "--methods", "--gold", coded / "gold.csv", "--out", tmp_path / "methods.md")
    text = (tmp_path / "methods.md").read_text("utf-8")
    with quoth_open(coded) as study:
        majority = study.evaluate(coded / "gold.csv", rule="majority").rules[0]
        protocol = study.protocol.digest
    for words in (
        "6 publications",
        "28 questions (codebook 'dl-methods' version 1.0)",
        protocol[:12],
        "ann 168 cells and bob 168 cells",
        "simple majority",
        f"Accuracy was {majority.accuracy:.2f}",
        f"kappa {majority.constant_kappa:.2f}",
        "168 cells of 6 publications against an independent coding (gold.csv)",
        "RAISE",
        "PRISMA",
        "Human oversight",
    ):
        assert words in text, words
    references = text.split("## References")[1]
    cited = {int(number) for number in re.findall(r"\[(\d+)\]", text)}
    assert cited == set(range(1, references.strip().count("\n") + 2)), (
        "each reference is cited, and each citation is one"
    )
    assert str(coded) not in text


def quoth_open(folder: Path) -> Study:
    return Study(folder)


def test_without_people_the_methods_say_so(demo_study: Path, quoth: Quoth) -> None:
    text = quoth("report", demo_study, "--methods").stdout
    assert "No person coded any cell." in text
    assert "not validated" in text


@pytest.mark.slow
def test_a_kappa_that_is_not_defined_is_a_dash_with_its_reason(demo_study: Path, tmp_path: Path, quoth: Quoth) -> None:
    with api.open(demo_study) as study:
        said = study.findings[study.findings.verdict == "reported"].head(3)
    gold = tmp_path / "gold.csv"
    said.assign(decision="yes")[["paper", "question", "decision"]].to_csv(gold, index=False)
    found = json.loads(quoth("evaluate", demo_study, gold, "--json").stdout)
    assert (found["readers"][0]["accuracy"], found["readers"][0]["kappa"]) == (1.0, None)
    told = quoth("evaluate", demo_study, gold).stdout
    assert "0.000" not in told.split("Undecided and failed")[0]
    assert "Kappa '-' is not defined" in told


@pytest.mark.slow
def test_weights_without_a_coded_cell_are_told_wherever_decisions_are(
    demo_copy: Path, tmp_path: Path, quoth: Quoth
) -> None:
    protocol = demo_copy / "study.toml"
    text = protocol.read_text()
    assert 'rule = "majority"' in text
    protocol.write_text(text.replace('rule = "majority"', 'rule = "weighted"'))
    note = "rule 'weighted' has no cell that people coded to learn weights from"
    with api.open(demo_copy) as study:
        assert "so that all readers weighed the same" in study.methods()
    assert note in quoth("export", demo_copy, tmp_path / "decisions.csv").stderr
    assert note not in quoth("export", demo_copy, tmp_path / "findings.csv", "--what", "findings").stderr
    assert note in quoth("report", demo_copy, "--out", tmp_path / "report.html", "--pictures", "none").stderr
    (tmp_path / "codes.csv").write_text("paper,question,coder,verdict\nlynx-camera-traps,cq01,ann,yes\n")
    quoth("import", demo_copy, tmp_path / "codes.csv")
    assert note not in quoth("export", demo_copy, tmp_path / "decisions.csv").stderr
    with api.open(demo_copy) as study:
        assert "so that all readers weighed the same" not in study.methods()
