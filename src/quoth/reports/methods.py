"""The paragraph for a paper's methods section, and the disclosure of AI use that evidence synthesis asks of authors.

Which step, which tool and version, which human oversight, which validation on which sample: as the position statement
of Cochrane, the Campbell Collaboration, JBI and CEE on the RAISE recommendations asks (Flemyng et al. 2025), and item 9
of PRISMA 2020 (Page et al. 2021).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from quoth.quorum import RULES, Terms
from quoth.quorum.agreement import Agreement, Statistic
from quoth.quorum.evaluation import LEVEL, Figures, Interval

CITATIONS = {
    "raise": "Flemyng E et al. Position statement on artificial intelligence (AI) use in evidence synthesis across "
    "Cochrane, the Campbell Collaboration, JBI and the Collaboration for Environmental Evidence 2025. Environmental "
    "Evidence 14:20 (2025). https://doi.org/10.1186/s13750-025-00374-5",
    "prisma": "Page MJ et al. The PRISMA 2020 statement: an updated guideline for reporting systematic reviews. BMJ "
    "372:n71 (2021). https://doi.org/10.1136/bmj.n71",
    "cohen": "Cohen J. A coefficient of agreement for nominal scales. Educational and Psychological Measurement "
    "20:37-46 (1960).",
    "fleiss": "Fleiss JL. Measuring nominal scale agreement among many raters. Psychological Bulletin 76:378-382 "
    "(1971).",
    "krippendorff": "Krippendorff K. Content Analysis: An Introduction to Its Methodology, 4th ed. SAGE (2018).",
    "gwet": "Gwet KL. Computing inter-rater reliability and its variance in the presence of high agreement. British "
    "Journal of Mathematical and Statistical Psychology 61:29-48 (2008).",
    "dawid-skene": "Dawid AP, Skene AM. Maximum likelihood estimation of observer error-rates using the EM algorithm. "
    "Applied Statistics 28:20-28 (1979).",
    "weighted": "Nitzan S, Paroush J. Optimal decision rules in uncertain dichotomous choice situations. International "
    "Economic Review 23:289-297 (1982).",
    "khan": "Khan MA et al. Collaborative large language models for automated data extraction in living systematic "
    "reviews. Journal of the American Medical Informatics Association 32:638-647 (2025). "
    "https://doi.org/10.1093/jamia/ocae325",
    "bootstrap": "Efron B, Tibshirani RJ. An Introduction to the Bootstrap. Chapman & Hall (1993).",
}


@dataclass(frozen=True, slots=True)
class ReaderFacts:
    """One reader: what it is, in its manifest's words, and how many cells it spoke of; `blind` is of people."""

    name: str
    type: str
    manifest: Mapping[str, object]
    cells: int
    blind: int = 0
    settled: int = 0


@dataclass(frozen=True, slots=True)
class SecondLookFacts:
    """Second looks: at how many cells, how many, how many failed or changed a verdict; `shown`, whose quotes."""

    cells: int
    taken: int
    failed: int
    changed: int
    shown: str


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the paragraph says."""

    version: str
    parser: str
    protocol: str
    codebook: str
    questions: int
    papers: int
    unreadable: int
    by_name: int
    characters: int
    readers: tuple[ReaderFacts, ...]
    threshold: float
    terms: Terms
    cells: int
    decided_by: Mapping[str, int]
    undecided: int
    failed: int
    not_counted: int
    unquoted: int
    agreement: Agreement | None
    gold: str | None
    gold_cells: int
    gold_papers: int
    left_out: tuple[str, ...]
    validated: Figures | None
    unproven: tuple[str, ...]
    second_looks: SecondLookFacts | None = None
    equal_weights: bool = False
    """Whether a rule that learns weights had no coded cell to learn from."""


def methods_text(facts: Facts) -> str:
    """The paragraphs and the references, in Markdown; every number is of this study, and what is not known is said."""
    cited = _Cited()
    parts = [
        "## Data extraction",
        " ".join(_extraction(facts)),
        " ".join(_readers(facts)),
        " ".join(_decisions(facts, cited)),
        " ".join(_agreement(facts, cited)),
        " ".join(_validation(facts, cited)),
        "## Disclosure of the use of AI and automation",
        " ".join(_disclosure(facts, cited)),
    ]
    references = [f"{number}. {CITATIONS[key]}" for number, key in enumerate(cited.keys, start=1)]
    return "\n\n".join([part for part in parts if part] + ["## References\n\n" + "\n".join(references)]) + "\n"


class _Cited:
    """Numbers the references in the order of their first mention."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def __call__(self, *keys: str) -> str:
        self.keys += [key for key in keys if key not in self.keys]
        return f"[{', '.join(str(self.keys.index(key) + 1) for key in keys)}]"


def _extraction(facts: Facts) -> Iterator[str]:
    yield (
        f"Information was extracted from {_count(facts.papers, 'publication')} with quoth {facts.version} (PDF parser "
        f"{facts.parser}; protocol, SHA-256 {facts.protocol[:12]})."
    )
    if facts.unreadable:
        yield f"{_count(facts.unreadable, 'publication')} could not be read and {_were(facts.unreadable)} left out."
    if facts.by_name:
        yield f"{_count(facts.by_name, 'publication')} {_were(facts.by_name)} known by name alone, without full text."
    yield f"Each publication was asked {_count(facts.questions, 'question')} ({facts.codebook})."
    yield (
        "A model's 'reported' counted only with a verbatim quotation that was located on its page and scored at least "
        f"{facts.threshold:g} by a local model for answering the question; otherwise it counted as failed. Failed "
        "cells were never taken for 'not reported'."
    )


def _readers(facts: Facts) -> Iterator[str]:
    machines = [reader for reader in facts.readers if reader.type not in ("human", "imported")]
    imports = [reader for reader in facts.readers if reader.type == "imported"]
    people = [reader for reader in facts.readers if reader.type == "human"]
    if machines:
        yield f"Questions were answered by {_listed([_machine(reader, facts.characters) for reader in machines])}."
    if imports:
        named = _listed([f"{reader.name} ({_count(reader.cells, 'cell')})" for reader in imports])
        yield f"Findings of other programs were imported: {named}."
    if facts.unquoted:
        yield f"{_count(facts.unquoted, 'decision')} 'reported' rest on no located quotation and are marked so."
    yield from facts.unproven
    if not people:
        yield "No person coded any cell."
        return
    coded = _listed([f"{reader.name} {_count(reader.cells, 'cell')}" for reader in people])
    blind = sum(reader.blind for reader in people)
    total = sum(reader.cells for reader in people)
    yield (
        f"{_count(len(people), 'person', 'people')} coded ({coded}), {blind:,} of {total:,} codes without sight of any "
        "reader's findings."
    )
    if settled := sum(reader.settled for reader in people):
        yield f"{_count(settled, 'cell')} {_were(settled)} settled by adjudication."


def _machine(reader: ReaderFacts, characters: int) -> str:
    told = [f"{key.replace('_', ' ')} {_short(value)}" for key, value in reader.manifest.items() if _tells(key, value)]
    shown = f"shown up to {characters:,} characters of retrieved passages for each question"
    kind = {"embedded": "quoth's embedded model, run locally", "chat": "a large language model behind an API"}.get(
        reader.type, "a large language model run locally"
    )
    return f"'{reader.name}' ({kind}; {', '.join(told)}; {shown})"


def _tells(key: str, value: object) -> bool:
    return key != "type" and isinstance(value, str | int | float) and not isinstance(value, bool)


def _short(value: object) -> str:
    text = str(value)
    return text[:12] if len(text) == 64 and all(letter in "0123456789abcdef" for letter in text) else text


def _second_looks(looks: SecondLookFacts, cited: _Cited) -> Iterator[str]:
    whose = "people's among them" if looks.shown == "all" else "but no person's"
    yield (
        "Where first answers to a question about a publication disagreed, a model that had not given what another "
        f"reader proved was shown the located quotations of the other readers ({whose}), without their verdicts, "
        "answers or names, and asked once more, in the manner of two reviewers who see each other's evidence "
        f"{cited('khan')}."
    )
    yield (
        f"There were {_count(looks.taken, 'second look')} at {_count(looks.cells, 'cell')}: {looks.changed:,} changed "
        f"the verdict, {looks.failed:,} failed and left the first answer standing."
    )


def _decisions(facts: Facts, cited: _Cited) -> Iterator[str]:
    if facts.second_looks:
        yield from _second_looks(facts.second_looks, cited)
    terms = facts.terms
    rule = RULES[terms.rule].title
    source = f" {cited(terms.rule)}" if terms.rule in CITATIONS else ""
    ties = "left undecided" if terms.ties.value == "undecided" else "decided as 'not reported'"
    yield (
        f"Each cell (a publication and a question) was decided by an adjudicated code where there was one, else by "
        f"coders who agreed, else by {rule}{source}; ties were {ties}."
    )
    if facts.equal_weights:
        yield "No cell was coded by people within the tool, so that all readers weighed the same."
    if terms.minimum_votes > 1:
        yield f"Cells with fewer than {terms.minimum_votes} votes stayed undecided."
    by = _listed([f"{number:,} by {name}" for name, number in facts.decided_by.items() if number])
    yield f"Of {_count(facts.cells, 'cell')}, {by or 'none'} {'was' if facts.cells == 1 else 'were'} decided;"
    yield f"{facts.undecided:,} stayed undecided and {facts.failed:,} failed."
    if facts.not_counted:
        yield f"{_count(facts.not_counted, 'cell')} {_were(facts.not_counted)} excluded or not applicable."


def _agreement(facts: Facts, cited: _Cited) -> Iterator[str]:
    found = facts.agreement
    if found is None:
        yield "Agreement between readers could not be measured: fewer than two of them answered blind."
        return
    overall = found.overall
    readers = f"{len(found.readers)} readers ({_and(found.readers)})"
    yield (
        f"Agreement among {readers} in their blind first answers ({_count(overall.cells, 'cell')}) was "
        f"{_value(overall.percent)}, Fleiss' kappa {_value(overall.fleiss)} {cited('fleiss')}, Krippendorff's alpha "
        f"{_value(overall.alpha)} {cited('krippendorff')}, Gwet's AC1 {_value(overall.ac1)} {cited('gwet')}."
    )
    if found.draws:
        draws = f"{found.draws:,} bootstrap draws of publications {cited('bootstrap')}"
        yield f"Square brackets hold {LEVEL:.0%} intervals from {draws}."


def _validation(facts: Facts, cited: _Cited) -> Iterator[str]:
    figures = facts.validated
    if figures is None:
        yield "The decisions were not validated against coded cells."
        return
    source = "the codes of people in this study" if facts.gold == "people" else f"an independent coding ({facts.gold})"
    yield (
        f"The rule was validated on {_count(facts.gold_cells, 'cell')} of {_count(facts.gold_papers, 'publication')} "
        f"against {source}."
    )
    if facts.left_out:
        yield f"The coders of that sample ({_listed(list(facts.left_out))}) had no vote in these decisions."
    yield (
        f"Accuracy was {_number(figures.accuracy)}{_ci(figures.accuracy_ci)}, Cohen's kappa {_number(figures.kappa)}"
        f"{_ci(figures.kappa_ci)} {cited('cohen')}, precision {_number(figures.precision)}{_ci(figures.precision_ci)}, "
        f"recall {_number(figures.recall)}{_ci(figures.recall_ci)}; {figures.undecided:,} undecided and "
        f"{figures.failed:,} failed cells are left out (with them as errors, accuracy "
        f"{_number(figures.as_errors.accuracy)})."
    )
    yield (
        "A constant that answers each question with the majority of the other publications reaches accuracy "
        f"{_number(figures.constant_accuracy)} and kappa {_number(figures.constant_kappa)} on the same cells."
    )


def _disclosure(facts: Facts, cited: _Cited) -> Iterator[str]:
    machines = [reader for reader in facts.readers if reader.type != "human"]
    yield (
        f"As the RAISE recommendations {cited('raise')} and PRISMA 2020 (item 9) {cited('prisma')} ask, we state that "
        "AI was used in data collection: for answering the questions of the codebook, and for locating and scoring the "
        "quotations that support the answers."
    )
    tools = _and([f"{one.name} ({one.type})" for one in machines]) or "no model"
    yield f"Tools: quoth {facts.version} with {tools}."
    people = sum(reader.type == "human" for reader in facts.readers)
    overseen = facts.decided_by.get("adjudicated", 0) + facts.decided_by.get("people", 0)
    if people:
        yield (
            f"Human oversight: {_count(people, 'person', 'people')} coded cells by hand; {overseen:,} of "
            f"{facts.cells:,} cells were decided by people, the others by the readers named above."
        )
    else:
        yield "Human oversight: no cell was coded or checked by a person within the tool."
    yield (
        "Validation: see the figures above."
        if facts.validated
        else "Validation: none within the tool; figures of other studies do not carry over."
    )
    yield "The authors take responsibility for the results."


def _count(number: int, noun: str, plural: str = "") -> str:
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def _listed(words: Sequence[str]) -> str:
    return "; ".join(words) if any("," in word for word in words) else _and(words)


def _and(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def _number(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.2f}"


def _ci(interval: Interval) -> str:
    return "" if interval is None else f" [{interval[0]:.2f}, {interval[1]:.2f}]"


def _value(statistic: Statistic) -> str:
    return _number(statistic.value) + _ci(statistic.ci)
