"""A study as the review page sees it: what lies on the desk, and people's codes into the ledger."""

import re
import threading
import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import numpy as np

from quoth.errors import CodeError, ConflictError, PaperError
from quoth.ledger import TAKEN_BACK, Batch, NewFinding, Present, StoredFinding, StoredPaper, StoredReader
from quoth.papers import PageGeometry
from quoth.papers.picture import page_picture, page_sizes
from quoth.pipeline import ReadSettings, read_document, read_paper
from quoth.readers.verify import Said, Verifier
from quoth.review import Coded, Hit, Sheet, Word
from quoth.review.desk import Cell, Words
from quoth.study.codes import checked_value
from quoth.study.coding import ADJUDICATION, BY_NAME, CODE, HUMAN, coded_key, name_fault
from quoth.study.coding import coder as coder_named
from quoth.study.plan import known_texts, present
from quoth.study.sights import SIGHTS, add_sight, read_sights
from quoth.study.study import Study
from quoth.vocabulary import Document, Failure, Finding, Key, Located, Paper, Question, Quote, Review, Verdict

PORT = 8765

_OPEN_PAPERS = 4
_MOST_QUOTES = 4
_LONGEST_QUOTE = 600
_LONGEST = 10_000
_MOST_HITS = 200
_WORD = re.compile(r"\S+")


class StudyDesk:
    """The desk of one study; the papers are those that lie in its folder when it is made. Meets `review.Desk`."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._ledger = study.ledger
        self._sights = study.cache.parent / SIGHTS
        self._files = {paper.name: (paper, places) for paper, places in study.files().items()}
        self._paths = {digest: path for _, places in self._files.values() for digest, path in places.items()}
        self._names = {file.digest: file.name for paper, _ in self._files.values() for file in paper.files}
        self._lock = threading.RLock()
        self._coding = threading.Lock()
        # pdfium may be used by one thread at a time.
        self._pdfium = threading.RLock()
        self._as_of = (-1, -1)
        self._present = Present(frozenset(), frozenset(), frozenset())
        self._papers: dict[str, StoredPaper] = {}
        self._people: frozenset[str] = frozenset()
        self._sheets: dict[str, tuple[Sheet, ...]] = {}
        self._open: OrderedDict[str, _OpenPaper] = OrderedDict()
        self._look_again(self._ledger.newest_rows()[1:])

    def close(self) -> None:
        """Close the papers' files."""
        with self._pdfium:
            while self._open:
                self._open.popitem()[1].close()

    # What lies on the desk

    @property
    def title(self) -> str:
        """What the study is called."""
        return self._study.protocol.title or "quoth"

    @property
    def questions(self) -> Mapping[str, Question]:
        """By id, in the protocol's order."""
        return self._study.questions()

    def papers(self) -> Mapping[str, StoredPaper]:
        """See `review.Desk`."""
        return self._papers

    def people(self) -> frozenset[str]:
        """See `review.Desk`."""
        return self._people

    def news(self, after: int) -> tuple[list[NewFinding], int]:
        """See `review.Desk`."""
        newest, *others = self._ledger.newest_rows()
        # In this order: a finding comes after the row that says of which text and reader it is.
        self._look_again((others[0], others[1]))
        if newest <= after:
            return [], after
        return self._ledger.new_findings(self._present, after, newest), newest

    def _look_again(self, as_of: tuple[int, int]) -> None:
        """Take in what runs have read and who has coded since."""
        with self._lock:
            if as_of == self._as_of:
                return
            stored = {entry.paper.name: entry for entry in self._ledger.papers()}
            there = [paper for paper, _ in self._files.values()]
            texts = known_texts(there, list(stored.values()), self._study.protocol)
            papers = {paper.name: stored[paper.name] if paper.name in texts else StoredPaper(paper) for paper in there}
            papers |= {name: entry for name, entry in stored.items() if not entry.paper.files and name not in papers}
            coders = self._study.coders()
            of_runs = present(texts, self._study.protocol.questions, self._study.reader_versions())
            self._present = Present(
                of_runs.papers | {(name, BY_NAME) for name in papers},
                of_runs.questions,
                of_runs.readers | {(reader.name, reader.digest) for reader in coders},
            )
            self._people = frozenset(reader.name for reader in coders if reader.type == HUMAN)
            self._papers = dict(sorted(papers.items()))
            self._as_of = as_of

    def findings(self, cell: Cell) -> list[StoredFinding]:
        """See `review.Desk`."""
        self._look_again(self._ledger.newest_rows()[1:])
        of_cell = Present(
            frozenset(version for version in self._present.papers if version[0] == cell.paper),
            frozenset(version for version in self._present.questions if version[0] == cell.question),
            self._present.readers,
        )
        return list(self._ledger.revisions(of_cell))

    def codes(self, coder: str) -> list[StoredFinding]:
        """See `review.Desk`."""
        self._look_again(self._ledger.newest_rows()[1:])
        who = coder_named(coder, HUMAN)
        own = Present(self._present.papers, self._present.questions, frozenset({(who.name, who.digest)}))
        return sorted(self._ledger.revisions(own), key=lambda stored: stored.id)

    def sights(self) -> Iterable[tuple[str, Cell]]:
        """See `review.Desk`."""
        return read_sights(self._sights)

    def saw(self, coder: str, cell: Cell) -> None:
        """See `review.Desk`."""
        add_sight(self._sights, coder, cell)

    # Pages

    def sheets(self, paper: str) -> Sequence[Sheet]:
        """See `review.Desk`."""
        if paper not in self._sheets:
            found: list[Sheet] = []
            for file in self._files[paper][0].files if paper in self._files else ():
                try:
                    with self._pdfium:
                        sizes = page_sizes(self._paths[file.digest])
                except PaperError:
                    continue
                found += (Sheet(file.digest, file.name, number, *size) for number, size in enumerate(sizes, start=1))
            self._sheets[paper] = tuple(found)
        return self._sheets[paper]

    def picture(self, file: str, page: int, scale: float) -> bytes:
        """See `review.Desk`."""
        if file not in self._paths:
            raise PaperError("the study has no such file")
        with self._pdfium:
            return page_picture(self._paths[file], page, scale)

    def words(self, paper: str, file: str, page: int) -> list[Word]:
        """See `review.Desk`."""
        with self._pdfium:
            opened = self._opened(paper)
            return opened.words(file, page) if opened else []

    def find(self, paper: str, words: str) -> list[Hit]:
        """See `review.Desk`."""
        with self._pdfium:
            opened = self._opened(paper)
            return list(islice(opened.find(words), _MOST_HITS)) if opened and words.strip() else []

    def _opened(self, name: str) -> "_OpenPaper | None":
        """A paper with its text at hand; None where a run has not read it yet, or could not."""
        stored = self.papers().get(name)
        if name not in self._files or stored is None or stored.text_digest is None:
            return None
        if name not in self._open:
            paper, places = self._files[name]
            settings = ReadSettings.of(self._study.protocol.reading, self._study.cache)
            try:
                self._open[name] = _OpenPaper(paper, places, settings)
            except PaperError:
                return None
            if len(self._open) > _OPEN_PAPERS:
                self._open.popitem(last=False)[1].close()
        self._open.move_to_end(name)
        return self._open[name]

    # Codes

    def check_name(self, name: str) -> str:
        """See `review.Desk`."""
        name = unicodedata.normalize("NFC", " ".join(name.split()))
        types: dict[str, str] = {settings.name: settings.type for settings in self._study.protocol.readers}
        types |= {stored.name: stored.type for stored in self._study.coders()}
        if fault := name_fault(name, HUMAN, types):
            raise CodeError(fault)
        return name

    def code(self, coded: Coded) -> StoredFinding:
        """See `review.Desk`."""
        who = coder_named(self.check_name(coded.coder), HUMAN)
        question = self.questions[coded.cell.question]
        faults: list[str] = []
        value = checked_value(question, coded.value, faults)
        faults += _too_much(coded)
        if faults:
            raise CodeError("; ".join(faults))
        finding = Finding(
            coded.cell.paper,
            question.id,
            who.name,
            coded.verdict,
            value=value,
            unit=question.unit if value is not None else None,
            quotes=self._located(coded.cell.paper, question, coded.quotes),
        )
        key = coded_key(coded.cell.paper, question, who, ADJUDICATION if coded.settles else CODE)
        return self._put(key, who, coded.seen, finding, Review(coded.blind, coded.note))

    def undo(self, coder: str, cell: Cell, *, settles: bool, seen: int, before: int) -> StoredFinding:
        """See `review.Desk`."""
        who = coder_named(coder, HUMAN)
        key = coded_key(cell.paper, self.questions[cell.question], who, ADJUDICATION if settles else CODE)
        for stored in self.findings(cell):
            if stored.key == key and stored.revision == before:
                return self._put(key, who, seen, stored.finding, stored.review or Review())
        gone = Finding(*cell, who.name, Verdict.FAILED, error=TAKEN_BACK, failure=Failure.TRANSIENT)
        return self._put(key, who, seen, gone, Review())

    def _put(self, key: Key, who: StoredReader, seen: int, finding: Finding, review: Review) -> StoredFinding:
        question = self.questions[key.question]
        with self._coding:
            cell = Cell(key.paper, key.question)
            last = [stored.revision for stored in self.findings(cell) if stored.key == key]
            if max(last, default=0) != seen:
                raise ConflictError("you coded this cell in another window meanwhile: look, and say it again")
            batch = Batch([], [(question, key.question_digest)], [who], [(key, finding)], [review])
            self._ledger.put_batch(batch)
        return StoredFinding(0, key, finding, seen + 1, None, datetime.now(UTC), review)

    def _located(self, paper: str, question: Question, said: Sequence[Words]) -> tuple[Quote, ...]:
        """Quotes as they stand in the paper, scored for the question; unchecked where there is no text to look in."""
        if not said:
            return ()
        with self._pdfium:
            opened = self._opened(paper)
            if opened is None:
                return tuple(Quote(words.text, "", Located.MISSING) for words in said)
            verifier = opened.verifier(self._study)
            return verifier.quotes(question, [Said(words.text, words.near) for words in said])


class _OpenPaper:
    """A paper that somebody looks at: its text, its boxes, and what finds quotes in it."""

    def __init__(self, paper: Paper, places: Mapping[str, Path], settings: ReadSettings) -> None:
        self._paper, self._places, self._settings = paper, places, settings
        self._document: Document = read_document(paper, places, settings)
        self._stack = ExitStack()
        self._geometry = self._stack.enter_context(PageGeometry(self._document, dict(places)))
        self._verifier: Verifier | None = None
        self._words: dict[tuple[str, int], list[Word]] = {}

    def close(self) -> None:
        """Close its files."""
        self._stack.close()

    def verifier(self, study: Study) -> Verifier:
        """What locates and scores quotes; its passages and their vectors are there since the run."""
        if self._verifier is None:
            read = read_paper(self._paper, self._places, self._settings, study.encoder)
            self._verifier = Verifier(self._stack.enter_context(read), study.encoder)
        return self._verifier

    def words(self, file: str, page: int) -> list[Word]:
        """The words on a page, in reading order."""
        if (file, page) not in self._words:
            self._words[file, page] = self._found(file, page)
        return self._words[file, page]

    def find(self, words: str) -> Iterator[Hit]:
        """Where these words stand, in reading order."""
        wanted = re.compile(r"\s+".join(map(re.escape, words.split())), re.IGNORECASE)
        for match in wanted.finditer(self._document.text):
            if spans := self._geometry.spans(*match.span()):
                yield Hit(spans[0].file, spans[0].page, spans[0].boxes)

    def _found(self, file: str, page: int) -> list[Word]:
        document = self._document
        shown = next((one for one in document.pages if (one.file, one.number) == (file, page)), None)
        if shown is None:
            return []
        here = (document.glyphs >= shown.start) & (document.glyphs < shown.end)
        held = np.flatnonzero(here)
        if not len(held):
            return []
        words = []
        for match in _WORD.finditer(document.text, int(held[0]), int(held[-1]) + 1):
            if here[match.start() : match.end()].any():
                spans = self._geometry.spans(match.start(), match.end())
                boxes = [box for span in spans if (span.file, span.page) == (file, page) for box in span.boxes]
                words.append(Word(match.group(), match.start(), match.end(), tuple(boxes)))
        return words


def _too_much(coded: Coded) -> list[str]:
    faults = []
    if len(coded.quotes) > _MOST_QUOTES:
        faults.append(f"at most {_MOST_QUOTES} quotes")
    if any(len(words.text) > _LONGEST_QUOTE for words in coded.quotes):
        faults.append(f"a quote is longer than {_LONGEST_QUOTE} characters: mark the words that matter")
    if len(coded.value or "") > _LONGEST or len(coded.note) > _LONGEST:
        faults.append(f"a value or a note is longer than {_LONGEST} characters")
    return faults


def review(
    study: Study,
    ready: Callable[[str], None],
    *,
    host: str = "127.0.0.1",
    port: int = PORT,
    coder: str | None = None,
    blind: bool = False,
) -> None:
    """Serve the review page of a study until somebody presses Ctrl-C; a run may go on meanwhile.

    Args:
        study: open; its papers are those that lie in its folder now.
        ready: is told the address to open, with its token where other machines can reach it.
        host: where to listen.
        port: 0 takes any that is free.
        coder: who codes, unless they say otherwise.
        blind: nobody sees what other readers said of a cell before having coded it.

    Raises:
        StudyError: nobody can listen there.
        CodeError: nobody can be called so.
    """
    # A web server is no business of those who only open a study.
    from quoth.review.app import Rules, make_app
    from quoth.review.guard import Door
    from quoth.review.serve import listen, serve

    desk = StudyDesk(study)
    rules = Rules(desk.check_name(coder) if coder else None, blind)
    with closing(desk), closing(listen(host, port)) as listener:
        door = Door.at(host, listener.getsockname()[1])
        serve(make_app(desk, door, rules), listener, door, ready)
