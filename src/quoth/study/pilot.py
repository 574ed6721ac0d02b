"""One question, one paper, nothing kept: a pilot before a codebook is written."""

import asyncio
import hashlib
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path

from quoth.engine.asking import Asker
from quoth.errors import BusyError, PaperError, ReaderError, RejectedError, StudyError
from quoth.models.encoder import Encoder
from quoth.pipeline import ReadSettings, read_paper
from quoth.protocol import load_protocol
from quoth.protocol.models import Reading
from quoth.readers import make_reader
from quoth.readers.base import Conclusion, PureReader, Reader, ReadPaper
from quoth.readers.calibration import CALIBRATION_FILE, Calibration
from quoth.readers.embedded import EmbeddedReader
from quoth.readers.model import ModelReader
from quoth.study.bill import Bill, cost_of
from quoth.study.create import STUDY_FILE
from quoth.study.desk import limits_of, recorded
from quoth.study.plan import pick
from quoth.study.workshop import Workshop, cores
from quoth.vocabulary import Failure, File, Finding, Kind, Paper, Question, Verdict


def free_question(text: str, kind: Kind | str) -> Question:
    """A question that stands in no codebook, with the id 'question'.

    Raises:
        StudyError: it is empty, or there is no such kind of answer.
    """
    if not any(letter.isalnum() for letter in text):
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


def ask(
    pdf: Path | str,
    text: str,
    *,
    kind: Kind | str = Kind.TEXT,
    reader: str = "embedded",
    study: Path | str | None = None,
) -> Finding:
    """What a reader says of one question of one PDF, with located quotes; nothing goes into a ledger.

    Args:
        pdf: the paper.
        text: the question.
        kind: what kind of answer is wanted: text, number or link.
        reader: who answers: `embedded`, or one that `study` describes.
        study: a study's folder; of it nothing but the `[[reader]]` and `[retrieval]` in study.toml is used.

    Raises:
        PaperError: the PDF cannot be read.
        ProtocolError: the study's study.toml cannot be meant.
        ReaderError: the reader cannot be reached, or refuses whatever it is asked.
        StudyError: the question is empty, or there is no such kind of answer, study or reader.
    """
    question = free_question(text, kind)
    encoder = Encoder(threads=cores())
    answers = _reader(reader, study, encoder)
    path = Path(pdf)
    if path.exists() and not path.is_file():
        raise PaperError(f"{path} is not a file", file=path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PaperError(f"{path} cannot be opened: {error.strerror}", file=path) from None
    digest = hashlib.sha256(content).hexdigest()
    paper = Paper(path.stem, (File(digest, path.name, len(content)),))

    def finding() -> Finding:
        with read_paper(paper, {digest: path}, ReadSettings.of(Reading(), None), encoder) as read:
            if isinstance(answers, ModelReader):
                return asyncio.run(_asked(answers, read, question))
            return answers.answer(read, [question])[0]

    return _beside(finding) if isinstance(answers, ModelReader) else finding()


def _reader(name: str, study: Path | str | None, encoder: Encoder) -> ModelReader | PureReader:
    if study is None:
        if name != "embedded":
            raise StudyError(
                f"without a study there is no reader '{name}': use 'embedded', or name the study whose study.toml "
                f"describes it: quoth ask PAPER.pdf QUESTION --reader {name} --study DIR"
            )
        return EmbeddedReader("embedded", encoder)
    folder = Path(study)
    if not (folder / STUDY_FILE).is_file():
        raise StudyError(f"{folder} is not a study: it has no {STUDY_FILE} (quoth init {folder})")
    protocol = load_protocol(folder / STUDY_FILE)
    pick("reader", [name], [settings.name for settings in protocol.readers])
    made: Reader = make_reader(
        next(settings for settings in protocol.readers if settings.name == name),
        encoder,
        Calibration.load(folder / CALIBRATION_FILE),
        characters=protocol.retrieval.characters,
        folder=folder,
    )
    assert isinstance(made, ModelReader | EmbeddedReader)
    return made


def _beside(answered: Callable[[], Finding]) -> Finding:
    """What a function gives in a thread of its own: a notebook runs a loop in this one, and Ctrl-C waits for nobody."""
    done: Future[Finding] = Future()

    def run() -> None:
        try:
            done.set_result(answered())
        except BaseException as error:  # raised again where it is waited for
            done.set_exception(error)

    threading.Thread(target=run, name="pilot", daemon=True).start()
    return done.result()


async def _asked(reader: ModelReader, paper: ReadPaper, question: Question) -> Finding:
    """What a model says of a question, and what that cost."""
    asker, bill = Asker(reader.connect(), limits_of(reader)), Bill()
    dialogue = reader.sit(paper).dialogue([question])
    try:
        request = next(dialogue)
        while True:
            async with asker.place():
                completion, seconds = await asker.ask(request)
            reply = recorded(reader, request, completion, seconds)
            bill.add(reply, cost_of(reader, reply))
            request = dialogue.send(reply)
    except StopIteration as stop:
        concluded: dict[str, Conclusion] = stop.value
        return bill.shared(concluded)[question.id].finding
    except (BusyError, RejectedError) as error:
        failure = Failure.FINAL if isinstance(error, RejectedError) else Failure.TRANSIENT
        return Finding(paper.name, question.id, reader.name, Verdict.FAILED, error=str(error), failure=failure)
    except ReaderError as error:
        raise ReaderError(f"reader '{reader.name}': {error}") from None
    finally:
        await asker.close()
