"""What follows from a study's findings: votes, decisions, and all that is counted over them."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from itertools import groupby
from pathlib import Path

import numpy as np

from quoth.errors import StudyError
from quoth.ledger import Ledger, Present, StoredFinding, StoredPaper, StoredReader, Versions
from quoth.pipeline import ReadSettings
from quoth.protocol import Protocol
from quoth.quorum import RULES, Ruling, Terms, Votes, decisions, rank, rule_on
from quoth.quorum.agreement import Agreement, agreement
from quoth.quorum.evaluation import DRAWS
from quoth.quorum.rules import Weighted
from quoth.quorum.ruling import coded_by_people
from quoth.quorum.votes import NOT_REPORTED, REPORTED
from quoth.readers.embedded import QUOTE_THRESHOLD
from quoth.reports.methods import methods_text
from quoth.study.codes import Known, read_codes
from quoth.study.coding import BY_NAME, CODE, HUMAN, PEOPLE_AND_IMPORTS, type_named
from quoth.study.evaluate import Evaluation, Evidence, Looks, evaluate, gold_of_people
from quoth.study.gold import read_gold
from quoth.study.importing import Imported, Quotes, import_codes
from quoth.study.likeness import Likeness, likeness
from quoth.study.plan import pick
from quoth.study.reporting import facts_of, write_figures
from quoth.study.sampling import How, Sample, sample
from quoth.vocabulary import Decision, Encoder, Outcome, Paper, Question


class Judging(ABC):
    """The part of a study that makes something of its findings; `Study` says where they are."""

    folder: Path
    protocol: Protocol
    ledger: Ledger

    @property
    @abstractmethod
    def encoder(self) -> Encoder:
        """The encoder of passages and questions."""

    @property
    @abstractmethod
    def cache(self) -> Path:
        """Where read papers are kept."""

    @abstractmethod
    def files(self) -> Mapping[Paper, Mapping[str, Path]]:
        """The papers in the folder, with the path of each file by digest."""

    @abstractmethod
    def present(self) -> Present:
        """The versions of papers, questions and readers that runs have now."""

    @abstractmethod
    def second_versions(self) -> Versions:
        """The present versions of models as they look again."""

    @abstractmethod
    def stored_papers(self) -> list[StoredPaper]:
        """The study's papers."""

    def coders(self) -> list[StoredReader]:
        """The readers whose findings were imported: people, and other programs."""
        return [reader for reader in self.ledger.readers() if reader.type in PEOPLE_AND_IMPORTS]

    def everything(self) -> Present:
        """The present versions of all readers, people and imports too."""
        present = self.present()
        names = frozenset((stored.paper.name, BY_NAME) for stored in self.stored_papers())
        coders = frozenset((reader.name, reader.digest) for reader in self.coders())
        return Present(present.papers | names, present.questions, present.readers | coders)

    def current(self) -> Iterator[StoredFinding]:
        """The current findings, by paper, question and reader."""
        return self.ledger.current(self.everything())

    def people(self) -> frozenset[str]:
        """The names of the readers who are people."""
        return frozenset(reader.name for reader in self.coders() if reader.type == HUMAN)

    def votes(self, among: Present | None = None) -> Votes:
        """The standing votes of all readers, or those among some versions."""
        blocks = self.ledger.votes(among or self.everything())
        return Votes.of_columns(blocks, self.people(), threshold=QUOTE_THRESHOLD)

    def looks(self) -> Looks | None:
        """The second looks that were taken; None where there is none."""
        everything, again = self.everything(), self.second_versions()
        second = self.votes(replace(everything, readers=again)) if again else None
        if second is None or not second.readers:
            return None
        first = self.votes(replace(everything, readers=everything.readers - again))
        return Looks(first, second, self.protocol.quorum.second_look)

    def terms(self, rule: str | None = None) -> Terms:
        """The protocol's terms, or the same with another rule."""
        quorum = self.protocol.quorum
        return Terms(rule or quorum.rule, Outcome(quorum.ties), quorum.minimum_votes, quorum.unquoted, quorum.tolerance)

    def questions(self) -> dict[str, Question]:
        """The protocol's questions by id."""
        return {question.id: question for question in self.protocol.questions}

    def ruling(self, votes: Votes) -> Ruling:
        """What the protocol's rule makes of votes."""
        return rule_on(votes, self.terms(), {id_: question.kind for id_, question in self.questions().items()})

    def rule_note(self) -> str | None:
        """What to know of decisions by a rule that has nothing to learn from, and what to do about it; mostly None."""
        if self.protocol.quorum.rule != Weighted.name or (self.people() and (coded_by_people(self.votes()) >= 0).any()):
            return None
        return (
            "rule 'weighted' has no cell that people coded to learn weights from: every reader weighs the same, and "
            "ties stay as [quorum] ties says. Import codes (quoth import), or take another rule in study.toml"
        )

    def standing(self) -> Iterator[StoredFinding]:
        """Of each reader's findings of a cell the one that counts: of the last round that did not fail, the newest."""
        return standing_of(self.current())

    def decide(self) -> list[Decision]:
        """One decision for each cell that has findings."""
        votes = self.votes()
        ruling, tolerance = self.ruling(votes), self.protocol.quorum.tolerance
        findings = (stored.finding for stored in self.standing())
        return list(decisions(findings, votes, ruling, self.questions(), tolerance))

    def import_(
        self,
        file: Path | str,
        *,
        as_: str = HUMAN,
        wide: bool = False,
        add_papers: bool = False,
        reader: str | None = None,
        blind: bool = True,
    ) -> Imported:
        """Take in what people coded or another program found; whole, or not at all.

        Args:
            file: .csv, .jsonl, .json or .xlsx with the columns paper, question, reader, verdict and more, or wide.
            as_: 'human' or 'imported'.
            wide: one column for each question, its cells verdicts.
            add_papers: take papers that the study does not have, by name alone.
            reader: who coded, where no column says so.
            blind: whether people coded without seeing other readers' findings, where no column says so.

        Raises:
            StudyError: the file cannot be read, or rows have faults; every one is named.
        """
        type_ = type_named(as_)
        papers = {stored.paper.name: stored.paper for stored in self.stored_papers()}
        types: dict[str, str] = {settings.name: settings.type for settings in self.protocol.readers}
        types |= {stored.name: stored.type for stored in self.coders()}
        known = Known(papers, self.questions(), types, add_papers)
        found = read_codes(Path(file), known, type_, wide=wide, reader=reader, blind=blind)
        settings = ReadSettings.of(self.protocol.reading, self.cache)
        quotes = Quotes(self.files(), settings, self.encoder)
        return import_codes(found, type_, self.ledger, quotes, papers)

    def evaluate(self, gold: Path | str | None = None, *, rule: str | None = None, draws: int = DRAWS) -> Evaluation:
        """Every reader and every rule against coded cells.

        Args:
            gold: a sheet with columns paper, question, decision (yes or no), and perhaps value and coder; None for what
                people settled or agree on in this study.
            rule: this rule alone.
            draws: of the bootstrap for intervals; 0 for none.

        Raises:
            StudyError: the file does not fit the study, or there is no coded cell or no such rule.
        """
        rules = pick("rule", [rule] if rule else [], list(RULES))
        votes = self.votes()
        if gold is None:
            coded, name = gold_of_people(votes), "people"
        else:
            names = [stored.paper.name for stored in self.stored_papers()]
            coded, name = read_gold(Path(gold), papers=names, questions=list(self.questions())), Path(gold).name
        cells = {(cell.paper, cell.question) for cell in coded}
        scores = {
            (finding.paper, finding.question, finding.reader): finding.score
            for finding in (stored.finding for stored in self.standing())
            if finding.score is not None and (finding.paper, finding.question) in cells
        }
        unverified = self.ledger.unverified(self.everything())
        evidence = Evidence(votes, self.terms(), self.questions(), scores, unverified, self.looks())
        return evaluate(evidence, coded, name, rules, draws=draws)

    def agreement(self, *, not_blind: bool = False, draws: int = DRAWS) -> Agreement:
        """How far the readers agree, on first votes that were given blind.

        Args:
            not_blind: count the codes of people who had seen other readers' findings, too.
            draws: of the bootstrap over papers; 0 for no intervals.

        Raises:
            StudyError: fewer than two readers have such votes.
        """
        blocks = self.ledger.votes(self.everything())
        votes = Votes.of_columns(blocks, self.people(), threshold=QUOTE_THRESHOLD, rounds=[CODE])
        votes = votes.only(np.isin(votes.said, (REPORTED, NOT_REPORTED)) & (votes.blind | not_blind))
        if len(votes.readers) < 2:
            there = ", ".join(votes.readers) or "none"
            raise StudyError(f"agreement needs two readers with first votes given blind; there is {there}")
        return agreement(votes, self.questions(), draws=draws)

    def likeness(self, *, not_blind: bool = False) -> tuple[Likeness, ...]:
        """How alike the readers' answers are, on first findings that were made blind; see `agreement`."""
        first = (
            stored.finding
            for stored in self.current()
            if stored.key.round == 0 and (not_blind or stored.review is None or stored.review.blind)
        )
        return likeness(first, self.encoder)

    def sample(self, n: int, how: How | str = How.RANDOM, *, seed: int = 0) -> Sample:
        """Cells that people should code: none that a person has coded already, none of a paper that cannot be read.

        Args:
            n: how many.
            how: random, stratified (the same number of each question) or disagreement (where readers disagree most).
            seed: the same seed draws the same cells.

        Raises:
            StudyError: there is no such way, or no cell is left.
        """
        papers = [stored.paper.name for stored in self.stored_papers() if stored.reason is None]
        return sample(self.votes(), papers, list(self.questions()), n, how, seed)

    def figures(self, folder: Path | str, gold: Path | str | None = None) -> tuple[list[Path], list[str]]:
        """Write the figures (matrix, shares, agreement, calibration) as SVG and PNG.

        Args:
            folder: where to; made where it is not there.
            gold: coded cells for the calibration; the codes of people in the study without it.

        Returns:
            The files, and for each figure that could not be drawn the reason.
        """
        return write_figures(self, Path(folder), gold)

    def methods(self, gold: Path | str | None = None) -> str:
        """The paragraph for a paper's methods, with the disclosure of AI use and references, in Markdown.

        Args:
            gold: coded cells to validate against; the codes of people in the study without it, if there are any.

        Raises:
            StudyError: there is no finding yet, or the gold cannot be used.
        """
        return methods_text(facts_of(self, gold))


def standing_of(findings: Iterable[StoredFinding]) -> Iterator[StoredFinding]:
    """Of each reader's findings of a cell the one that counts; those of a cell and reader stand next to each other."""
    for _, group in groupby(findings, key=lambda one: (one.key.paper, one.key.question, one.key.reader)):
        # The last of equals: they come oldest first.
        yield max(reversed(list(group)), key=lambda one: rank(one.key.round, one.finding.verdict))


def digest_of(decisions: Iterable[Decision]) -> str:
    """SHA-256, in hex, of decisions."""
    digest = hashlib.sha256()
    for decision in decisions:
        line = json.dumps(asdict(decision), sort_keys=True, ensure_ascii=True)
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()
