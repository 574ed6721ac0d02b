"""What the scorer and the embedded reader learn from: questions in many wordings, labelled papers, coded whole papers.

`labels/README.md` and the README of the data say who made which label.
"""

import csv
import hashlib
import json
import re
import tomllib
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from quoth.models.encoder import Encoder, part, together
from quoth.models.scorer import Floats, Scorer, Similar, Texts, cues, likeness, matches
from quoth.papers import PageGeometry, join, parse
from quoth.papers.sentences import sentences
from quoth.protocol import load_codebook
from quoth.readers.base import ReadPaper
from quoth.retrieval import PaperIndex, passages, query, texts_of
from quoth.retrieval.late import LateIndex, Tokens
from quoth.retrieval.lexical import LexicalIndex, Words
from quoth.vocabulary import Encoded, Passage, Question, SectionKind

HERE = Path(__file__).parent
DEMO = HERE.parent / "src/quoth/demo"
DEMO_NAMES = frozenset(path.stem for path in (DEMO / "papers").glob("*.pdf"))
CODEBOOKS = ("dl-methods", "study-basics")
BUNDLED = ("cq", "sb")
"""How the ids of their questions begin."""
OTHERS = 40
"""Passages of other questions that stand beside the fourteen of a written one."""
FOLDS = 4
SEED = 20241
KINDS = ("passages", "sentences")

Numbers = np.ndarray


def rows(path: Path) -> list[dict[str, str]]:
    """A CSV file."""
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def records(path: Path) -> list[dict[str, object]]:
    """JSON lines."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def codebook_questions() -> dict[str, Question]:
    """The bundled questions, and those of `labels/questions.csv`, by id."""
    bundled = [question for name in CODEBOOKS for question in load_codebook(name, HERE).questions]
    others = [Question(row["question"], row["question"], row["text"]) for row in rows(HERE / "labels/questions.csv")]
    return {question.id: question for question in [*bundled, *others]}


@dataclass(frozen=True, slots=True, eq=False)
class Wordings:
    """Every wording of every question; `own` and `source` give each question's wording in quoth and in the data."""

    ids: list[str]
    texts: list[str]
    encoded: Encoded
    own: dict[str, int]
    source: dict[str, int]

    def of(self, question: str) -> list[int]:
        """All wordings of a question."""
        return [number for number, name in enumerate(self.ids) if name == question]


def read_wordings(data: Path, encoder: Encoder) -> Wordings:
    """The questions as in the data, as in quoth, and reworded."""
    source = {
        r["question"]: r["text"] for name in ("questions", "questions_general") for r in rows(data / f"{name}.csv")
    }
    own = {name: query(question) for name, question in codebook_questions().items()}
    reworded = tomllib.loads((HERE / "rewordings.toml").read_text(encoding="utf-8"))
    found = [(name, text) for texts in (source, own) for name, text in texts.items()]
    found += [(name, text) for name, texts in reworded.items() for text in texts]
    ids, texts = [name for name, _ in found], [text for _, text in found]
    first = {name: number for number, name in enumerate(source)}
    ours = {name: len(source) + number for number, name in enumerate(own)}
    return Wordings(ids, texts, encoder.encode_tokens(texts), first | ours, first)


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """One paper: its passages and their sentences, what every wording makes of them, and the passages that answer each
    question asked.

    `relevant` has an entry for every question asked of the paper; a question that is not in `wordings` has its own row
    in `asked`.
    """

    name: str
    texts: list[str]
    starts: Numbers
    """Each passage's first sentence, shape (passages,)."""
    vectors: dict[str, Floats]
    """Those of the passages and those of the sentences."""
    surface: dict[str, Floats]
    asked: Floats
    """Vectors of the wordings, shape (wordings, 384)."""
    similar: Similar
    """Of the passages."""
    late: Floats
    """Of the sentences, shape (wordings, sentences)."""
    coverage: Floats
    relevant: dict[str, list[int]] = field(default_factory=dict)
    complete: bool = False
    """Whether every passage that answers is listed, and none of the others does."""

    def compared(self, wordings: Sequence[int]) -> Similar:
        """The similarities of some wordings and the passages."""
        chosen = list(wordings)
        parts = (getattr(self.similar, name)[chosen] for name in ("lexical", "cosine", "late", "coverage"))
        return Similar(*parts)

    def beside(self, kind: str, wordings: Sequence[int]) -> Texts:
        """The `passages` or the `sentences` beside some wordings."""
        chosen, vectors = list(wordings), self.vectors[kind]
        if kind == "passages":
            return Texts(vectors, self.surface[kind], matches(self.compared(chosen)))
        matched = likeness(self.late[chosen], self.asked[chosen] @ vectors.T, self.coverage[chosen])
        return Texts(vectors, self.surface[kind], matched)

    def scores(self, scorer: Scorer, wording: int) -> Floats:
        """Of the passages, for one wording."""
        passages, sentences = (self.beside(kind, [wording]) for kind in KINDS)
        return scorer.scores(self.asked[[wording]], passages, sentences, self.starts)[0]


class Shelf:
    """Encodes every text once: the same passages stand on several sheets."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._known: dict[str, Encoded] = {}

    def encoded(self, texts: Sequence[str]) -> Encoded:
        """These texts, in their order."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        found = self._encoder.encode_tokens(new)
        self._known |= {text: part(found, number) for number, text in enumerate(new)}
        return together([self._known[text] for text in texts])


def sheet(name: str, passages_: Sequence[Passage], words: Sequence[str], asked: Encoded, shelf: Shelf) -> Sheet:
    """Work out all that is known of a paper before a scorer reads it."""
    texts, said = [passage.text for passage in passages_], [passage.said for passage in passages_]
    sentences = [text for one in said for text in one]
    first, rest = shelf.encoded(texts), shelf.encoded(sentences)
    lexical, late = LexicalIndex(texts), LateIndex(first)
    held, tokens = Words(sentences), Tokens(rest)
    similar = Similar(
        np.stack([lexical.scores(text) for text in words]),
        asked.vectors @ first.vectors.T,
        np.concatenate([late.scores(some) for some in _batches(asked)]),
        np.stack([lexical.coverage(text) for text in words]),
    )
    return Sheet(
        name,
        texts,
        np.cumsum([0, *map(len, said)])[:-1],
        {"passages": first.vectors, "sentences": rest.vectors},
        {"passages": cues(texts), "sentences": cues(sentences)},
        asked.vectors,
        similar,
        np.concatenate([late.scores(some, tokens) for some in _batches(asked)]),
        np.stack([lexical.coverage(text, held) for text in words]),
    )


def passage(text: str) -> Passage:
    """A text that is no part of a document, with its sentences."""
    return Passage(0, len(text), text, "", 1, "", SectionKind.BODY, sentences=tuple(sentences(text)))


def _batches(encoded: Encoded) -> Iterator[Encoded]:
    """The encoded texts, fifty at a time: all at once would need much memory."""
    numbers = range(len(encoded.vectors))
    return (together([part(encoded, number) for number in numbers[start : start + 50]]) for start in numbers[::50])


def labelled_papers(data: Path, wordings: Wordings, shelf: Shelf) -> list[Sheet]:
    """The papers whose passages were labelled, some under 28 questions, some under all."""
    more = [data / "passage_labels_general.jsonl", HERE / "labels/passages.jsonl"]
    labels = [{paper["paper"]: paper["relevant"] for paper in records(path)} for path in more]
    found = []
    for paper in records(data / "passage_labels.jsonl"):
        one = sheet(paper["paper"], [*map(passage, paper["passages"])], wordings.texts, wordings.encoded, shelf)
        one.relevant.update(paper["relevant"])
        for others in labels:
            one.relevant.update(others.get(paper["paper"], {}))
        found.append(one)
    return found


def written_pairs(shelf: Shelf) -> list[Sheet]:
    """The written questions, each a small paper: its own passages, and some of other questions, drawn by chance."""
    written = records(HERE / "labels/pairs.jsonl")
    chance = np.random.default_rng(SEED)
    texts = [text for one in written for text in (*one["answers"], *one["near"])]
    owners = np.repeat(np.arange(len(written)), [len(one["answers"]) + len(one["near"]) for one in written])
    found = []
    for number, one in enumerate(written):
        others = chance.choice(np.flatnonzero(owners != number), OTHERS, replace=False)
        chosen = [*np.flatnonzero(owners == number), *others]
        words, held = [one["question"]], [passage(texts[place]) for place in chosen]
        small = sheet(f"written-{number}", held, words, shelf.encoded(words), shelf)
        small.relevant[small.name] = list(range(len(one["answers"])))
        found.append(replace(small, complete=True))
    return found


def invented_papers(wordings: Wordings, shelf: Shelf) -> list[Sheet]:
    """The papers that were written for the purpose, under all questions or all but those written for others."""
    found = []
    for paper in records(HERE / "labels/invented.jsonl"):
        one = sheet(paper["paper"], [*map(passage, paper["passages"])], wordings.texts, wordings.encoded, shelf)
        found.append(replace(one, relevant=paper["relevant"], complete=True))
    return found


def invented_cells(encoder: Encoder) -> tuple[list["Cell"], dict[str, PaperIndex]]:
    """The same papers as cells, and what the reader sees of them."""
    questions = codebook_questions()
    cells, indexes = [], {}
    for paper in records(HERE / "labels/invented.jsonl"):
        name, found = paper["paper"], [*map(passage, paper["passages"])]
        indexes[name] = PaperIndex(found, encoder.encode_tokens(texts_of(found)))
        cells += [Cell(name, questions[key], bool(listed), ()) for key, listed in paper["relevant"].items()]
    return cells, indexes


def demo_papers(papers: dict[str, ReadPaper], cells: Sequence["Cell"], wordings: Wordings, shelf: Shelf) -> list[Sheet]:
    """The demo papers; their labels are true by construction, but those of the v questions, which a model made."""
    found = []
    for name in sorted(name for name in papers if not name.isdigit()):
        held = papers[name].index.passages
        letters = [squeezed(one.text) for one in held]
        relevant = {
            cell.question.id: [n for n, text in enumerate(letters) if any(holds(text, quote) for quote in cell.quotes)]
            for cell in cells
            if cell.paper == name
        }
        # Evidence that no passage holds whole says nothing of the passages.
        torn = {cell.question.id for cell in cells if cell.paper == name and cell.reported}
        asked = {name: listed for name, listed in relevant.items() if listed or name not in torn}
        one = sheet(name, held, wordings.texts, wordings.encoded, shelf)
        found.append(replace(one, relevant=asked, complete=True))
    return found


def training_papers(
    data: Path, whole: dict[str, ReadPaper], cells: Sequence["Cell"], wordings: Wordings, shelf: Shelf
) -> list[Sheet]:
    """All that the scorer learns from; the gold's papers are not among it."""
    return [
        *labelled_papers(data, wordings, shelf),
        *written_pairs(shelf),
        *invented_papers(wordings, shelf),
        *demo_papers(whole, cells, wordings, shelf),
    ]


def part_of(papers: Collection[str]) -> dict[str, int]:
    """The part of the papers with complete labels that each belongs to: a half of the demo's (0 and 1) or of the
    invented ones (2 and 3); 0 for one of the gold, which no scorer knows.

    What is told of a paper comes from a scorer that did not learn from its part.
    """
    found = dict.fromkeys(papers, 0)
    known = sorted(name for name in papers if not name.isdigit())
    for first, whose in ((0, DEMO_NAMES.intersection(known)), (2, set(known) - DEMO_NAMES)):
        found |= {name: first + number % 2 for number, name in enumerate(sorted(whose))}
    return found


@dataclass(frozen=True, slots=True)
class Cell:
    """One coded cell of a whole paper: whether it reports what the question asks, and the words that prove it.

    Papers of the gold have numbers for names, others have words.
    """

    paper: str
    question: Question
    reported: bool
    quotes: tuple[str, ...]

    @property
    def group(self) -> str:
        """Where it belongs in the figures: whose paper, which questions."""
        whose = "gold" if self.paper.isdigit() else "demo" if self.paper in DEMO_NAMES else "invented"
        return f"{whose} {self.question.id[:2].rstrip('0123456789')}"


def whole_papers(data: Path, encoder: Encoder) -> dict[str, ReadPaper]:
    """The gold's papers and the demo's, by name."""
    paths = [*sorted((data / "papers").glob("*.pdf")), *sorted((DEMO / "papers").glob("*.pdf"))]
    return {path.stem: read(path, encoder) for path in paths}


def read(path: Path, encoder: Encoder) -> ReadPaper:
    """A PDF, as a reader meets it."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    document = join([parse(path, digest)])
    found = passages(document)
    index = PaperIndex(found, encoder.encode_tokens(texts_of(found)))
    return ReadPaper(path.stem, document, index, PageGeometry(document, {digest: path}))


def coded_cells(data: Path, papers: dict[str, ReadPaper]) -> list[Cell]:
    """The gold, the truth of the demo papers, and the cells of `labels/whole.jsonl`; none that is borderline."""
    return [*_gold(data), *_truth(), *_coded(papers)]


def _gold(data: Path) -> Iterator[Cell]:
    questions = codebook_questions()
    for row in records(data / "gold/text_gold.jsonl"):
        if row["decision"] in ("yes", "no"):
            quotes = tuple(quote["text"] for quote in row["quotes"])
            yield Cell(row["paper"], questions[row["question"]], row["decision"] == "yes", quotes)


def _truth() -> Iterator[Cell]:
    questions = codebook_questions()
    quotes: dict[tuple[str, str, str], list[str]] = {}
    for row in rows(DEMO / "truth.csv"):
        key = row["paper"], row["question"], row["decision"]
        quotes.setdefault(key, []).extend([row["quote"]] if row["quote"] else [])
    for (paper, question, decision), texts in quotes.items():
        yield Cell(paper, questions[question], decision == "yes", tuple(texts))


def _coded(papers: dict[str, ReadPaper]) -> Iterator[Cell]:
    questions = codebook_questions()
    sentences = {name: _sentences(paper) for name, paper in papers.items()}
    for row in records(HERE / "labels/whole.jsonl"):
        if row["decision"] in ("yes", "no") and row["paper"] in papers:
            quotes = tuple(filter(None, map(sentences[row["paper"]].get, row["sentences"])))
            yield Cell(row["paper"], questions[row["question"]], row["decision"] == "yes", quotes)


def _sentences(paper: ReadPaper) -> dict[str, str]:
    texts = (paper.document.text[one.start : one.end] for one in paper.document.sentences)
    return {hashlib.sha256(_letters(text).encode()).hexdigest()[:12]: text for text in texts}


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", text.lower())


def squeezed(text: str) -> str:
    """Letters and digits alone, in lower case, so that line breaks, hyphenation and ligatures do not count."""
    whole = re.sub(r"[-\u00ad\ufffe\x02]\s*\n\s*", "", text)
    return _letters(unicodedata.normalize("NFKC", whole))


def holds(letters: str, quote: str) -> bool:
    """Whether 60 % of the quote's runs of 12 letters stand in a squeezed text (as the evidence recall is defined)."""
    text = squeezed(quote)
    runs = [text[start : start + 12] for start in range(0, max(1, len(text) - 11), 4)]
    return bool(text) and sum(run in letters for run in runs) >= 0.6 * len(runs)


def fold_of(data: Path, others: Collection[str] = ()) -> dict[str, int]:
    """The fold of each question of the gold, and of others, dealt by chance."""
    folds = json.loads((data / "folds.json").read_text(encoding="utf-8"))
    found = {name: number for number, names in enumerate(folds.values()) for name in names}
    rest = sorted(set(others) - set(found))
    dealt = np.random.default_rng(SEED).permutation(len(rest)) % FOLDS
    return found | dict(zip(rest, dealt.tolist(), strict=True))
