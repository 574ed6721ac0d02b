"""The published headline, from the published labels; then rules and the embedded reader on the papers at hand.

python benchmarks/replication.py DATA: DATA holds contexts.parquet (a yes or no of each of five models for each
publication and question), human_variables.csv (people's codes of the publications), papers/ and gold/text_gold.csv
(codes of these papers' own text). docs/replication.md explains each step.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import pandas as pd

import quoth
from quoth.quorum.evaluation import Figures

VARIABLES = {
    "Dataset": "cq09",
    "Source Code": "cq08",
    "Open source frameworks or environment": "cq19",
    "Model architecture": "cq12",
    "Software and Hardware Specification": "cq20",
    "Evaluation metrics": "cq22",
}
"""The variables of the headline, and the question that stands for each."""


def gold(data: Path) -> pd.DataFrame:
    """People's codes as paper, question, decision."""
    coded = pd.read_csv(data / "human_variables.csv")
    coded["paper"] = coded.no.astype(str)
    long = coded.melt("paper", list(VARIABLES), var_name="question", value_name="decision")
    return long.assign(question=long.question.map(VARIABLES), decision=long.decision.map({"y": "yes", "n": "no"}))


def labels(data: Path, wanted: pd.DataFrame) -> pd.DataFrame:
    """The models' labels for the coded cells as paper, question, reader, verdict."""
    table = pd.read_parquet(data / "contexts.parquet").drop(columns="context")
    long = table.melt(["paper", "question"], var_name="reader", value_name="verdict").dropna()
    return long.merge(wanted[["paper", "question"]]).sort_values(["paper", "question", "reader"])


def set_quorum(folder: Path, **settings: str) -> None:
    """Write [quorum] anew."""
    path = folder / "study.toml"
    head, _, rest = path.read_text(encoding="utf-8").partition("[quorum]")
    rest = rest.partition("\n# [budget]")
    lines = [f'{key} = "{value}"' for key, value in settings.items()]
    path.write_text("\n".join([f"{head}[quorum]", *lines, *rest[1:]]), encoding="utf-8")


def line(found: Figures) -> str:
    scores = found.as_errors
    wrong = found.n - found.correct - found.undecided - found.failed
    counts = f"{found.correct} right, {wrong} wrong, {found.undecided} undecided, {found.failed} failed of {found.n}"
    constant = f"constant {found.constant_accuracy:.3f}, {found.constant_kappa:.3f}"
    return f"{found.name:20} {counts}; accuracy {scores.accuracy:.3f}, kappa {scores.kappa:.3f} of all ({constant})"


def headline(data: Path, folder: Path) -> None:
    """Five models' labels of 85 publications known by name alone, against people."""
    people = gold(data)
    quoth.init(folder, codebook="dl-methods", title="Published labels")
    people.to_csv(folder / "gold.csv", index=False)
    labels(data, people).to_csv(folder / "labels.csv", index=False)
    with quoth.open(folder) as study:
        study.import_(folder / "labels.csv", as_="imported", add_papers=True)
    for ties in ("undecided", "not_reported"):
        set_quorum(folder, rule="majority", ties=ties)
        with quoth.open(folder) as study:
            print(f"ties {ties}:", line(study.evaluate(folder / "gold.csv", rule="majority").rules[0]))
    set_quorum(folder, rule="majority", ties="not_reported", unquoted="all")
    print("with unquoted = all:")
    with quoth.open(folder) as study:
        found = study.evaluate(folder / "gold.csv")
    for one in (*found.readers, *found.rules):
        print(" ", line(one))


def at_hand(data: Path, folder: Path) -> None:
    """The same labels and the embedded reader on papers that are there, against the coded text."""
    quoth.init(folder, codebook="dl-methods", title="Papers at hand")
    for paper in sorted((data / "papers").glob("*.pdf")):
        shutil.copyfile(paper, folder / "papers" / paper.name)
    coded = pd.read_csv(data / "gold" / "text_gold.csv", dtype={"paper": str})
    labels(data, coded).to_csv(folder / "labels.csv", index=False)
    for unquoted in ("majority", "all"):
        set_quorum(folder, rule="majority", ties="not_reported", unquoted=unquoted)
        with quoth.open(folder) as study:
            study.run()
            study.import_(folder / "labels.csv", as_="imported")
            found = study.evaluate(data / "gold" / "text_gold.csv")
        print(f"with unquoted = {unquoted}:")
        for one in (*(found.readers if unquoted == "majority" else ()), *found.rules):
            print(" ", line(one))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        headline(Path(sys.argv[1]), Path(scratch) / "published")
        print("\npapers at hand:")
        at_hand(Path(sys.argv[1]), Path(scratch) / "papers")
