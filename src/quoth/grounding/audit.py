"""Audits: was the question answered at all, and does the context that a model was given support what it says?

Nothing here knows who answered: an audit needs the question, the context and the answer (`items`), and asks two local
models, one about each sentence (`support`) and one about the answer as a whole (`answers`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from quoth.errors import AuditError
from quoth.grounding.answers import AnswerJudge
from quoth.grounding.cut import sentences_of
from quoth.grounding.items import Item, files_of, item_of, items_in, items_of
from quoth.grounding.support import Judged, Label, SupportJudge
from quoth.grounding.vectors import meanings
from quoth.models.encoder import Encoder
from quoth.vocabulary import Verdict

Source = Path | str | BinaryIO | Mapping[str, object]
"""A file or folder, an open binary stream, or one item as a mapping with question, context and answer."""


_NEAR = 0.18
"""Least cosine with the question of a sentence that may answer it, or of its evidence.

Set by hand between what answers (0.20 and more, terse answers included) and true words beside the point (0.15 and less)
on the few coded answers that tell the two apart.
"""


@dataclass(frozen=True, slots=True)
class Audit:
    """What is to be said of one answer."""

    item: Item
    answered: bool
    """Whether it gives information, rather than abstaining."""
    verdict: Verdict
    """`reported` only where it answers and at least one supported sentence answers the question."""
    sentences: tuple[Judged, ...]

    @property
    def unsupported(self) -> int:
        """How many of its sentences the context does not support."""
        return sum(one.label is Label.UNSUPPORTED for one in self.sentences)

    @property
    def faithful(self) -> bool:
        """Whether no sentence is unsupported."""
        return self.unsupported == 0

    def row(self) -> dict[str, object]:
        """The audit as `quoth audit --json` prints it (`docs/design.md`, Rows)."""
        return {
            "id": self.item.id,
            "question": self.item.question,
            "answered": self.answered,
            "verdict": self.verdict.value,
            "faithful": self.faithful,
            "sentences": [_sentence(one) for one in self.sentences],
        }


class Auditor:
    """Audits one item after the other with models that are loaded once."""

    def __init__(self, encoder: Encoder | None = None) -> None:
        encoder = encoder or Encoder()
        self._meanings = meanings(encoder)
        self._support = SupportJudge(encoder)
        self._answers = AnswerJudge(encoder)

    def audit(self, item: Item) -> Audit:
        """What is to be said of one answer; the sentences are cut here where they are not yet."""
        sentences = item.sentences or sentences_of(item.answer) or [item.answer]
        judged = self._support.judge(item.question, item.context, sentences)
        reading = self._answers.read(item.question, item.answer)
        verdict = self._answers.verdict(item.question, self._to_the_point(item.question, judged), reading)
        return Audit(item, reading.answered, verdict, tuple(judged))

    def _to_the_point(self, question: str, judged: Sequence[Judged]) -> list[Judged]:
        """Without the supported sentences that, with their evidence, are about something else than the question.

        An answer may wrap what it makes up in true words of the context: those do not make it `reported`.
        """
        asked = self._meanings.of([question])[0].vector

        def near(one: Judged) -> bool:
            texts = [one.text, *([one.evidence.text] if one.evidence else [])]
            return max(float(meaning.vector @ asked) for meaning in self._meanings.of(texts)) >= _NEAR

        return [one for one in judged if one.label is not Label.SUPPORTED or near(one)]


def audit(*sources: Source, on_fault: Callable[[AuditError], None] | None = None) -> Iterator[Audit]:
    """Audits answers, one at a time, in the order of the sources.

    What cannot be read is told to `on_fault` and passed over; without that function it is raised.

    Raises:
        AuditError: a file is not there, a folder holds none, or, without `on_fault`, an item cannot be read.
        ModelError: a packaged model is missing or altered.
    """
    places = [source if isinstance(source, Mapping) else _opened(source) for source in sources]

    def audits() -> Iterator[Audit]:
        auditor = Auditor()
        for item in _items(places):
            if isinstance(item, Item):
                yield auditor.audit(item)
            elif on_fault is None:
                raise item
            else:
                on_fault(item)

    return audits()


def _opened(source: Path | str | BinaryIO) -> list[Path] | BinaryIO:
    return files_of([Path(source)]) if isinstance(source, Path | str) else source


def _items(places: list[list[Path] | BinaryIO | Mapping[str, object]]) -> Iterator[Item | AuditError]:
    for number, place in enumerate(places, start=1):
        if isinstance(place, list):
            for path in place:
                yield from items_of(path)
        elif isinstance(place, Mapping):
            try:
                yield item_of(place, f"item {number}", str(number))
            except AuditError as error:
                yield error
        else:
            yield from items_in(place, "standard input", "stdin")


def _sentence(judged: Judged) -> dict[str, object]:
    evidence = judged.evidence
    return {
        "text": judged.text,
        "label": judged.label.value,
        "score": round(judged.score, 4),
        "evidence": evidence and {"text": evidence.text, "start": evidence.start, "end": evidence.end},
    }
