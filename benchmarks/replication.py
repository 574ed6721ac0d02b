"""The published headline, from the published labels: five models' majority against people's codes of six variables.

python benchmarks/replication.py DATA [FOLDER]: DATA holds contexts.parquet (a yes or no of each of five models for each
publication and question) and human_variables.csv (people's codes of the publications). Makes a study in FOLDER (a
temporary one without it) from nothing but names, imports the labels as five readers, and evaluates them.
docs/replication.md explains each step.
"""

import sys
import tempfile
from pathlib import Path

import pandas as pd

import quoth

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


def main(data: Path, folder: Path) -> None:
    people = gold(data)
    quoth.init(folder, codebook="dl-methods", title="Published labels")
    people.to_csv(folder / "gold.csv", index=False)
    labels(data, people).to_csv(folder / "labels.csv", index=False)
    for ties in ("undecided", "not_reported"):
        settings = (folder / "study.toml").read_text(encoding="utf-8")
        for other in ("undecided", "not_reported"):
            settings = settings.replace(f'ties = "{other}"', f'ties = "{ties}"')
        (folder / "study.toml").write_text(settings, encoding="utf-8")
        with quoth.open(folder) as study:
            study.import_(folder / "labels.csv", as_="imported", add_papers=True)
            found = study.evaluate(folder / "gold.csv", rule="majority")
        rule = found.rules[0]
        wrong = rule.n - rule.correct - rule.undecided
        print(f"ties {ties}: {rule.correct} of {rule.n} right, {wrong} wrong, {rule.undecided} undecided")
        print(f"  accuracy {rule.as_errors.accuracy:.3f} of all; the constant {rule.constant_accuracy:.3f}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else Path(scratch) / "published")
