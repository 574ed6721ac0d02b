"""A study on disk, and all that can be done with it; the command line does nothing that is not here."""

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import Self

import pandas as pd

from quoth.errors import PaperError, StudyError
from quoth.ledger import Ledger, Present, StoredPaper, Versions
from quoth.models.encoder import Encoder
from quoth.papers import find_papers
from quoth.pipeline import read_paper
from quoth.protocol import EmbeddedReader as EmbeddedSettings
from quoth.protocol import Protocol, load_protocol, question_digest
from quoth.readers import make_reader
from quoth.readers.base import Reader
from quoth.readers.calibration import CALIBRATION_FILE, Calibration
from quoth.readers.embedded import EmbeddedReader
from quoth.readers.model import ModelReader
from quoth.reports import tables
from quoth.reports.pictures import Pictures
from quoth.study.calibrate import CalibrationResult, calibrate
from quoth.study.coding import IMPORTED
from quoth.study.corrections import PAPERS_FILE, corrected, read_corrections
from quoth.study.create import STUDY_FILE
from quoth.study.estimate import Estimate, estimate
from quoth.study.execute import Outcome, check_models, execute, manifest_of, put_versions, worker_count
from quoth.study.exports import Shown, What, shown_of
from quoth.study.gold import read_gold
from quoth.study.judging import Judging, digest_of
from quoth.study.pilot import answered, free_question
from quoth.study.plan import Cells, Selection, Work, first_versions, known_texts, pick, plan, present, second_versions
from quoth.study.replay import Replayed, replay
from quoth.study.report import Pictured, write_report
from quoth.study.scorecard import scorecard
from quoth.study.second_look import Circle, SecondLooks, asked_after, second_looks, still_open
from quoth.study.workshop import Watcher, Workshop, cores
from quoth.vocabulary import Finding, Kind, Paper, Question


class Study(Judging):
    """An open study. Use `quoth.open(DIR)`; close it, or use it as a context manager."""

    def __init__(self, folder: Path | str) -> None:
        """Open the study in `folder`.

        Raises:
            StudyError: the folder holds no study.
            ProtocolError: its study.toml cannot be meant.
            LedgerError: its ledger cannot be opened.
        """
        self.folder = Path(folder)
        path = self.folder / STUDY_FILE
        if not path.is_file():
            raise StudyError(f"{self.folder} is not a study: it has no {STUDY_FILE} (quoth init {self.folder})")
        self.protocol: Protocol = load_protocol(path)
        self.ledger = Ledger.open(self.protocol.ledger, base=self.folder)

    def close(self) -> None:
        """Let go of the ledger."""
        self.ledger.close()

    def __enter__(self) -> Self:
        """Closes when the block ends."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    # What is there

    @cached_property
    def encoder(self) -> Encoder:
        """The encoder of passages and questions."""
        return Encoder()

    @cached_property
    def readers(self) -> tuple[Reader, ...]:
        """The protocol's readers.

        Raises:
            ReaderError: one of them cannot be used.
        """
        calibration = Calibration.load(self.folder / CALIBRATION_FILE)
        characters = self.protocol.retrieval.characters
        return tuple(
            make_reader(settings, self.encoder, calibration, characters=characters, folder=self.folder)
            for settings in self.protocol.readers
        )

    def files(self) -> dict[Paper, dict[str, Path]]:
        """The papers that lie in the study's folder now, with the path of each file by digest."""
        return find_papers(self.protocol.papers)

    def stored_papers(self, selection: Selection = Selection()) -> list[StoredPaper]:  # noqa: B008 (frozen)
        """The papers that lie in the folder now, with what came of reading them, and those known by name alone.

        Raises:
            StudyError: the study's papers.csv cannot be meant.
        """
        there = self._papers(selection)
        texts = self._texts(there)
        known = read_corrections(self.folder / PAPERS_FILE)
        kept = {stored.paper.name: stored for stored in self.ledger.papers()}
        found = {paper.name: kept[paper.name] if paper.name in texts else StoredPaper(paper) for paper in there}
        if not selection.papers:
            found |= {name: stored for name, stored in kept.items() if name not in found and not stored.paper.files}
        return [corrected(found[name], known.get(name)) for name in sorted(found)]

    def present(self, selection: Selection = Selection()) -> Present:  # noqa: B008 (frozen)
        """The versions of papers, questions and readers that the study has now, or of the selected ones."""
        texts = self._texts(self._papers(selection))
        return present(texts, self._questions(selection.questions), self.reader_versions(selection))

    def reader_versions(self, selection: Selection = Selection()) -> Versions:  # noqa: B008 (frozen)
        """The present versions of the protocol's readers, those at a second look among them."""
        return first_versions(self._readers(selection.readers)) | self.second_versions(selection)

    def second_versions(self, selection: Selection = Selection()) -> Versions:  # noqa: B008 (frozen)
        """The present versions of models as they look again; none where the protocol has no second look."""
        return second_versions(self._readers(selection.readers), self.protocol.quorum.second_look)

    def _file_names(self) -> dict[str, str]:
        return {file.digest: file.name for stored in self.ledger.papers() for file in stored.paper.files}

    def _texts(self, papers: Sequence[Paper]) -> dict[str, str]:
        return known_texts(papers, self.ledger.papers(), self.protocol)

    # Tables

    @property
    def papers(self) -> pd.DataFrame:
        """The papers: name, title, files, whether read, pages, reason where not."""
        return tables.papers_frame(self.stored_papers())

    @property
    def findings(self) -> pd.DataFrame:
        """The findings that stand, a row each; see `Judging.standing`."""
        return tables.findings_frame(self.standing())

    @property
    def quotes(self) -> pd.DataFrame:
        """The quotes of the findings that stand, a row each."""
        return tables.quotes_frame(self.standing(), files=self._file_names())

    @property
    def decisions(self) -> pd.DataFrame:
        """The decisions, a row each."""
        return tables.decisions_frame(self.decide())

    @property
    def matrix(self) -> pd.DataFrame:
        """Papers x questions, each cell its decision."""
        names = [stored.paper.name for stored in self.stored_papers()]
        return tables.matrix_frame(self.decide(), names, [question.id for question in self.protocol.questions])

    @property
    def variables(self) -> pd.DataFrame:
        """The scorecard: papers x derived variables, their groups, and the levels that papers reach."""
        names = [stored.paper.name for stored in self.stored_papers()]
        return scorecard(self.decide(), names, self.protocol.variables, self.protocol.levels)

    def table(self, what: What | str, *, history: bool = False) -> pd.DataFrame:
        """One of the tables by name; `history` gives every revision of findings or quotes, with run and time.

        Raises:
            StudyError: there is no such table, or it has no history.
        """
        match what, history:
            case What.PAPERS, False:
                return self.papers
            case What.FINDINGS, _:
                return tables.findings_frame(self.ledger.history(), history=True) if history else self.findings
            case What.QUOTES, _:
                if not history:
                    return self.quotes
                return tables.quotes_frame(self.ledger.history(), history=True, files=self._file_names())
            case What.DECISIONS, False:
                return self.decisions
            case What.MATRIX, False:
                return self.matrix
            case What.VARIABLES, False:
                return self.variables
            case _ if what in list(What):
                raise StudyError(f"'{what}' has no history: it is computed; ask for findings or quotes")
            case _:
                raise StudyError(f"there is no table '{what}': choose one of {', '.join(What)}")

    def export(self, out: Path | str, *, what: What | str = What.DECISIONS, history: bool = False) -> int:
        """Write a table to `out`, by its suffix .csv, .jsonl, .parquet or .xlsx, and give its number of rows."""
        frame = self.table(what, history=history)
        tables.write_table(frame, Path(out), sheet=str(what))
        return len(frame)

    def report(self, out: Path | str, *, pictures: Pictured | str = Pictured.DECISIONS) -> Pictures:
        """Write the report, one HTML file, to `out`.

        Args:
            out: the file.
            pictures: whose quotes are shown as pictures of the page: none, decisions (those that decisions rest on) or
                all, up to 40 MB of them; beyond that, cells show the quote and its page.

        Returns:
            The pictures in it, and how many were left out.

        Raises:
            StudyError: there is no finding yet, or the file cannot be written.
        """
        return write_report(self, Path(out), Pictured(pictures))

    # Work

    def plan(self, selection: Selection = Selection(), *, retry: bool = False) -> list[Work]:  # noqa: B008 (frozen)
        """The papers that are not done, with their open cells.

        Raises:
            StudyError: the selection names what the study does not have, or there is no paper at all.
        """
        files = self.files()
        if not files:
            raise StudyError(f"no PDF in {self.protocol.papers}: copy your papers there and run again")
        names = set(pick("paper", selection.papers, [paper.name for paper in files]))
        return plan(
            {paper: places for paper, places in files.items() if paper.name in names},
            self._questions(selection.questions),
            self._readers(selection.readers),
            texts=self._texts(list(files)),
            ledger=self.ledger,
            retry=retry,
            limit=selection.limit,
        )

    def second_looks(self, selection: Selection = Selection()) -> SecondLooks:  # noqa: B008 (frozen)
        """All that models are to look at once more, or did; raises StudyError for what the study does not have."""
        shown = self.protocol.quorum.second_look
        if shown == "none":
            return SecondLooks()
        coders = (reader for reader in self.coders() if shown == "all" or reader.type == IMPORTED)
        versions = frozenset((reader.name, reader.digest) for reader in coders)
        there = self.files()
        files = {paper: there[paper] for paper in self._papers(selection)}
        circle = Circle(shown, self.readers, versions, self.protocol.quorum.tolerance)
        asked, questions = self._readers(selection.readers), self._questions(selection.questions)
        return second_looks(files, questions, asked, circle, texts=self._texts(list(files)), ledger=self.ledger)

    def run(
        self,
        *,
        papers: Sequence[str] = (),
        questions: Sequence[str] = (),
        readers: Sequence[str] = (),
        limit: int | None = None,
        retry: bool = False,
        watch: Watcher | None = None,
    ) -> Outcome:
        """Do all that is not done, or the named part of it; run again, it resumes.

        Args:
            papers: names of papers; all if empty. So with `questions` (ids) and `readers` (names).
            questions: see `papers`.
            readers: see `papers`.
            limit: at most so many papers.
            retry: ask again what failed for good, too.
            watch: called after every paper.

        Raises:
            LockedError: another run holds the study.
            ReaderError: a model cannot be asked as the protocol describes it.
            StudyError: the selection names what the study does not have, or there is no paper at all.
        """
        selection = Selection(tuple(papers), tuple(questions), tuple(readers), limit)
        with self.ledger.lock():
            work = self.plan(selection, retry=retry)
            later = partial(self._later, selection, retry, work)
            if not work and not later(()):
                return Outcome(None, 0, 0, 0, {})
            asked = self._readers(selection.readers)
            check_models(asked, self.protocol)
            put_versions(self.ledger, self.protocol, self.readers)
            manifest = manifest_of(self.protocol, asked, selection, retry=retry)
            # With fewer papers than workers, the cores that are left encode passages.
            allowed = self.protocol.reading.workers or cores()
            self.encoder.threads = max(1, allowed // worker_count(self.protocol, len(work)))
            outcome = execute(self._shop, work, manifest, watch or (lambda progress: None), later)
            if outcome.run is not None:
                ended = "interrupted" if outcome.interrupted else "stopped" if outcome.stopped else "done"
                digest = None if outcome.interrupted else self.decisions_digest()
                counts = {"papers": outcome.papers, "findings": outcome.findings, "failed": outcome.failed}
                counts |= {"second_looks": outcome.second_looks} if outcome.second_looks else {}
                self.ledger.finish_run(outcome.run, ended, digest, counts)
            return outcome

    def _later(self, selection: Selection, retry: bool, work: Sequence[Work], stopped: Collection[str]) -> list[Work]:
        looks = still_open(self.second_looks(selection), self.ledger, retry=retry)
        return asked_after(work, looks, stopped, selection.limit)

    def estimate(self, selection: Selection = Selection(), *, retry: bool = False) -> list[Estimate]:  # noqa: B008 (frozen)
        """What a run would do and cost, reader by reader; nothing is asked. Raises what `plan` raises.

        Second looks are counted as far as first findings tell by now.
        """
        work = self.plan(selection, retry=retry)
        work += self._later(selection, retry, work, ())
        return estimate(work, self.ledger, self.protocol.retrieval.characters)

    def replay(self, selection: Selection = Selection()) -> Replayed:  # noqa: B008 (frozen)
        """Parse and ground the models' stored replies anew, without a network; what changed is told and written.

        Raises:
            LockedError: another run holds the study.
            StudyError: the selection names what the study does not have.
        """
        models = [reader for reader in self._readers(selection.readers) if isinstance(reader, ModelReader)]
        asked, texts = self._questions(selection.questions), self._texts(self._papers(selection))
        parts = tuple(Cells(reader, tuple(asked)) for reader in models)
        work = [Work(paper, places, parts) for paper, places in self.files().items() if paper.name in texts]
        with self.ledger.lock():
            put_versions(self.ledger, self.protocol, self.readers)
            before = self.ledger.current(present(texts, asked, self.reader_versions(selection)))
            manifest = manifest_of(self.protocol, models, selection, retry=False)
            record = {**manifest, "replay": True}
            replayed = replay(self._shop, record, work, lambda: self.second_looks(selection).work, before)
            if replayed.run is not None:
                counts = {"papers": len(work), "findings": len(replayed.changes)}
                self.ledger.finish_run(replayed.run, "done", self.decisions_digest(), counts)
            return replayed

    def calibrate(self, gold: Path | str) -> CalibrationResult:
        """Fit the embedded reader's scores to cells that people coded, and keep the fit in the study if it helps.

        Args:
            gold: a CSV file with columns paper, question, decision (yes or no).

        Raises:
            StudyError: the file does not fit the study, or holds too few cells.
            PaperError: a coded paper cannot be read.
        """
        files = self.files()
        questions = {question.id: question for question in self.protocol.questions}
        coded = read_gold(Path(gold), papers=[paper.name for paper in files], questions=list(questions))
        reader = EmbeddedReader("embedded", self.encoder)
        self.encoder.threads = cores()
        findings: list[tuple[Finding, str]] = []
        for paper, places in files.items():
            asked = [questions[cell.question] for cell in coded if cell.paper == paper.name]
            if asked:
                with read_paper(paper, places, self._shop.settings, self.encoder) as read:
                    answered = reader.answer(read, asked)
                digests = [question_digest(question) for question in asked]
                findings += zip(answered, digests, strict=True)
        result = calibrate(findings, coded)
        if result.helps:
            result.calibration.save(self.folder / CALIBRATION_FILE)
            self.__dict__.pop("readers", None)
        return result

    def decisions_digest(self) -> str:
        """SHA-256, in hex, of the decisions: two studies with the same digest decided the same."""
        return digest_of(self.decide())

    def ask(self, text: str, *, paper: str | Sequence[str] = (), kind: Kind | str = Kind.TEXT) -> list[Finding]:
        """One free question of the study's papers, answered by its embedded reader: a pilot for the codebook.

        Nothing goes into the ledger.

        Args:
            text: the question.
            paper: the name of a paper, or several; all if empty.
            kind: what kind of answer is wanted: text, number or link.

        Returns:
            A finding for each paper, by name; `failed` where a paper cannot be read.

        Raises:
            StudyError: the question is empty or of no such kind, a paper is not there, or no reader is embedded.
        """
        question = free_question(text, kind)
        settings = next(
            (settings for settings in self.protocol.readers if isinstance(settings, EmbeddedSettings)), None
        )
        if settings is None:
            raise StudyError("the study has no embedded reader, and only that one answers free questions")
        reader = EmbeddedReader(settings.name, Encoder(threads=cores()))
        files = self.files()
        names = set(pick("paper", [paper] if isinstance(paper, str) else paper, [known.name for known in files]))
        return [answered(reader, question, known, files[known], self._shop) for known in files if known.name in names]

    def passages(
        self,
        *,
        papers: Sequence[str] = (),
        questions: Sequence[str] = (),
        characters: int | None = None,
        on_unreadable: Callable[[str], None] | None = None,
    ) -> Iterator[Shown]:
        """What a reader would be shown for each paper and question, best first.

        A passage over a page break carries its first page. A paper that cannot be read is told to `on_unreadable`, as
        `NAME: reason`, and passed over; without that function it raises PaperError.
        """
        files = self.files()
        names = set(pick("paper", papers, [paper.name for paper in files]))
        asked = self._questions(tuple(questions))
        budget = characters or self.protocol.retrieval.characters
        for paper, places in files.items():
            if paper.name not in names:
                continue
            try:
                with read_paper(paper, places, self._shop.settings, self.encoder) as read:
                    for question in asked:
                        yield from shown_of(read, question, self.encoder, budget)
            except PaperError as error:
                if on_unreadable is None:
                    raise
                on_unreadable(f"{paper.name}: {error.reason}")

    @property
    def _shop(self) -> Workshop:
        return Workshop(self.protocol, self.ledger, self.encoder, self.cache)

    @property
    def cache(self) -> Path:
        """Where read papers are kept; may be deleted at any time."""
        return self.folder / ".quoth" / "cache"

    def _papers(self, selection: Selection) -> list[Paper]:
        there = list(self.files())
        names = set(pick("paper", selection.papers, [paper.name for paper in there]))
        return [paper for paper in there if paper.name in names]

    def _questions(self, wanted: Sequence[str]) -> list[Question]:
        ids = set(pick("question", wanted, [question.id for question in self.protocol.questions]))
        return [question for question in self.protocol.questions if question.id in ids]

    def _readers(self, wanted: Sequence[str]) -> list[Reader]:
        names = set(pick("reader", wanted, [reader.name for reader in self.readers]))
        return [reader for reader in self.readers if reader.name in names]


def open_study(folder: Path | str) -> Study:
    """Open the study in a folder; see `Study`."""
    return Study(folder)
