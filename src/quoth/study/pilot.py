"""One question, one paper, no study: a pilot before a codebook is written."""

import hashlib
from pathlib import Path

from quoth.errors import PaperError, StudyError
from quoth.models.encoder import Encoder
from quoth.pipeline import ReadSettings, read_paper
from quoth.protocol.models import Reading
from quoth.readers.embedded import EmbeddedReader
from quoth.study.workshop import cores
from quoth.vocabulary import File, Finding, Kind, Paper, Question


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
    with read_paper(paper, {digest: path}, ReadSettings.of(Reading(), None), encoder) as read:
        return EmbeddedReader("embedded", encoder).answer(read, [question])[0]
