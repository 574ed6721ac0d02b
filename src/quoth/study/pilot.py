"""One question, one paper, no study: a pilot before a codebook is written."""

import hashlib
from pathlib import Path

from quoth.errors import PaperError, StudyError
from quoth.models.encoder import Encoder
from quoth.pipeline import ReadSettings, read_paper
from quoth.readers.embedded import EmbeddedReader
from quoth.study.execute import cores
from quoth.vocabulary import File, Finding, Kind, Paper, Question


def ask(pdf: Path | str, text: str, *, kind: Kind = Kind.TEXT, reader: str = "embedded") -> Finding:
    """What a reader says of one question of one PDF, with located quotes.

    Raises:
        PaperError: the PDF cannot be read.
        StudyError: the question is empty, or there is no such reader without a study.
    """
    if not text.strip():
        raise StudyError('the question is empty: quoth ask PAPER.pdf "Which camera was used?"')
    if reader != "embedded":
        raise StudyError(f"without a study there is no reader '{reader}': use 'embedded', or a study with that reader")
    path = Path(pdf)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PaperError(f"{path} cannot be opened: {error.strerror}", file=path) from None
    digest = hashlib.sha256(content).hexdigest()
    paper = Paper(path.stem, (File(digest, path.name, len(content)),))
    encoder = Encoder(threads=cores())
    question = Question("question", "question", text.strip(), kind)
    with read_paper(paper, {digest: path}, ReadSettings(max_pages=500, cache=None), encoder) as read:
        return EmbeddedReader("embedded", encoder).answer(read, [question])[0]
