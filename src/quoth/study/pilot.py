"""One question, one paper, no study: a pilot before a codebook is written."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from quoth.errors import PaperError, StudyError
from quoth.models.encoder import Encoder
from quoth.pipeline import ReadSettings, read_paper
from quoth.readers.embedded import EmbeddedReader
from quoth.study.workshop import Workshop, cores
from quoth.vocabulary import Failure, File, Finding, Kind, Paper, Question, Verdict


def free_question(text: str, kind: Kind | str) -> Question:
    """A question that stands in no codebook, with the id 'question'.

    Raises:
        StudyError: it is empty, or there is no such kind of answer.
    """
    if not text.strip():
        raise StudyError('the question is empty: quoth ask PAPER.pdf "Which camera was used?"')
    kinds = [known.value for known in Kind if known is not Kind.CHOICE]
    if kind not in kinds:
        raise StudyError(f"a free question has no kind '{kind}': choose one of {', '.join(kinds)}")
    return Question("question", "question", text.strip(), Kind(kind))


def answered(
    reader: EmbeddedReader, question: Question, paper: Paper, places: Mapping[str, Path], shop: Workshop
) -> Finding:
    """What the embedded reader says of a free question of one paper; `failed` where the paper cannot be read."""
    try:
        with read_paper(paper, places, shop.settings, shop.encoder) as read:
            return reader.answer(read, [question])[0]
    except PaperError as error:
        failure = Failure.TRANSIENT if error.transient else Failure.FINAL
        reason = f"not read: {error.reason}"
        return Finding(paper.name, question.id, reader.name, Verdict.FAILED, error=reason, failure=failure)


def ask(pdf: Path | str, text: str, *, kind: Kind | str = Kind.TEXT, reader: str = "embedded") -> Finding:
    """What a reader says of one question of one PDF, with located quotes.

    Raises:
        PaperError: the PDF cannot be read.
        StudyError: the question is empty, or there is no such kind of answer, or reader without a study.
    """
    question = free_question(text, kind)
    if reader != "embedded":
        raise StudyError(f"without a study there is no reader '{reader}': use 'embedded', or a study with that reader")
    path = Path(pdf)
    if path.exists() and not path.is_file():
        raise PaperError(f"{path} is not a file", file=path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PaperError(f"{path} cannot be opened: {error.strerror}", file=path) from None
    digest = hashlib.sha256(content).hexdigest()
    paper = Paper(path.stem, (File(digest, path.name, len(content)),))
    encoder = Encoder(threads=cores())
    with read_paper(paper, {digest: path}, ReadSettings(max_pages=500, cache=None), encoder) as read:
        return EmbeddedReader("embedded", encoder).answer(read, [question])[0]
