"""study.toml with its codebook: what a study asks, and how it is decided."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PureWindowsPath

from quoth.errors import ProtocolError
from quoth.protocol.checks import (
    check_levels,
    check_questions,
    check_readers,
    check_variables,
    written_groups,
    written_ids,
)
from quoth.protocol.codebook import Codebook, load_codebook, missing_codebook
from quoth.protocol.faults import parsed
from quoth.protocol.models import (
    Budget,
    EmbeddedReader,
    GgufReader,
    Level,
    Quorum,
    ReaderSettings,
    Reading,
    Retrieval,
    StudyFile,
    Variable,
)
from quoth.protocol.source import Fault, Source
from quoth.vocabulary import Question

# Where a model runs and how fast it may be asked changes no answer; nor does what it costs.
_OPERATION = {
    "base_url",
    "api_key_env",
    "concurrency",
    "requests_per_minute",
    "tokens_per_minute",
    "seconds_per_request",
    "patience_seconds",
    "price_per_million",
    "threads",
    "watts",
}

_LATER = {"unquoted", "tolerance", "second_look"}
_LATER_READING = {"ocr", "seconds_per_ocr_page"}


@dataclass(frozen=True)
class Protocol:
    """What is asked and how it is decided."""

    title: str
    papers: Path
    """The folder of the papers."""
    ledger: str
    """The database's URL as it stands in study.toml: a path in it is relative to the study."""
    codebook: Codebook | None
    questions: tuple[Question, ...]
    """In the codebook's order, those of study.toml in the place of what they replace, or at the end."""
    variables: tuple[Variable, ...]
    levels: tuple[Level, ...]
    """Those of study.toml take the place of the codebook's, all together: a ladder is not mixed."""
    readers: tuple[ReaderSettings, ...]
    retrieval: Retrieval
    reading: Reading
    quorum: Quorum
    budget: Budget

    @cached_property
    def digest(self) -> str:
        """SHA-256, in hex, of all that changes results: neither names and places, nor speed and cost."""
        return _sha256(
            {
                "questions": [question_digest(question) for question in self.questions],
                "variables": [variable.model_dump() for variable in self.variables],
                "readers": [_canonical_reader(reader) for reader in self.readers],
                "retrieval": self.retrieval.model_dump(),
                "reading": self.reading.model_dump(exclude={"workers", *_LATER_READING}),
                "quorum": self.quorum.model_dump(exclude=_LATER),
                # What came with a later version counts where it is used: older digests stay true.
                **({"levels": [level.model_dump() for level in self.levels]} if self.levels else {}),
                **self.quorum.model_dump(include=_LATER, exclude_defaults=True),
                **self.reading.model_dump(include=_LATER_READING, exclude_defaults=True),
            }
        )


def question_digest(question: Question) -> str:
    """SHA-256, in hex, of a question's id and of everything that is asked: a change of these needs a new answer.

    The id is in it so that two questions in the same words stay two; the label and the order are not.
    """
    return _sha256(
        {
            "id": question.id,
            "text": question.text,
            "guidance": question.guidance,
            "kind": question.kind.value,
            "choices": list(question.choices),
            "unit": question.unit,
        }
    )


def load_protocol(path: Path) -> Protocol:
    """The protocol that a study.toml describes. Raises `ProtocolError` with all that is wrong with it."""
    source = Source.read(path)
    file, faults = parsed(StudyFile, source)
    faults += check_questions(source) + check_readers(source)
    codebook, codebook_faults, elsewhere = _codebook(source, path.parent)
    faults += codebook_faults
    known = {question.id for question in codebook.questions} if codebook else set()
    whole = codebook is not None or "codebook" not in _study_table(source)
    faults += check_variables(source, known.union(written_ids(source)) if whole else None)
    groups = {variable.group for variable in codebook.variables if variable.group} if codebook else set()
    faults += check_levels(source, groups.union(written_groups(source)) if whole else None)
    if whole and codebook is None and not source.data.get("question"):
        faults.append(Fault(("study",), "the study asks nothing: name a 'codebook' in [study], or add a [[question]]"))
    if file is None or faults or elsewhere:
        raise ProtocolError(source.render(faults) + elsewhere)
    own = [table.question() for table in file.question]
    return Protocol(
        title=file.study.title,
        papers=path.parent / file.study.papers,
        ledger=file.study.ledger,
        codebook=codebook,
        questions=_merged(codebook.questions if codebook else (), own),
        variables=_merged_variables(codebook.variables if codebook else (), file.variable),
        levels=file.level or (codebook.levels if codebook else ()),
        readers=file.reader or (EmbeddedReader(name="embedded", type="embedded"),),
        retrieval=file.retrieval,
        reading=file.reading,
        quorum=file.quorum,
        budget=file.budget,
    )


def _study_table(source: Source) -> dict[str, object]:
    table = source.data.get("study")
    return table if isinstance(table, dict) else {}


def _codebook(source: Source, base: Path) -> tuple[Codebook | None, list[Fault], list[str]]:
    """The codebook that the study names, the faults of the name, and those of the codebook's own file."""
    name = _study_table(source).get("codebook")
    if not isinstance(name, str) or not name.strip():
        return None, [], []
    if missing := missing_codebook(name, base):
        return None, [Fault(("study", "codebook"), missing)], []
    try:
        return load_codebook(name, base), [], []
    except ProtocolError as error:
        return None, [], error.faults


def _merged(questions: Sequence[Question], own: Sequence[Question]) -> tuple[Question, ...]:
    """The questions by id, in their order; one of the study's own takes the place of its namesake."""
    return tuple({question.id: question for question in (*questions, *own)}.values())


def _merged_variables(variables: Sequence[Variable], own: Sequence[Variable]) -> tuple[Variable, ...]:
    return tuple({variable.name: variable for variable in (*variables, *own)}.values())


def _canonical_reader(reader: ReaderSettings) -> dict[str, object]:
    content: dict[str, object] = reader.model_dump(exclude=_OPERATION)
    if isinstance(reader, GgufReader):  # the file's name says which model; its folder is one machine's business
        content["model"] = PureWindowsPath(reader.model).name
    return content


def _sha256(content: dict[str, object]) -> str:
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
