"""Who answers: readers take a paper as it was read and a question, and give a finding."""

from pathlib import Path

from quoth.protocol import ChatReader as ChatSettings
from quoth.protocol import GgufReader as GgufSettings
from quoth.protocol import ReaderSettings
from quoth.readers.base import Reader
from quoth.readers.calibration import Calibration
from quoth.readers.chat import ChatReader
from quoth.readers.embedded import EmbeddedReader
from quoth.readers.gguf import GgufReader
from quoth.vocabulary import Encoder


def make_reader(
    settings: ReaderSettings,
    encoder: Encoder,
    calibration: Calibration | None = None,
    *,
    characters: int = 3000,
    folder: Path = Path(),
) -> Reader:
    """The reader that a `[[reader]]` of the protocol describes.

    Args:
        settings: the reader's table.
        encoder: what makes vectors.
        calibration: the study's own, if it has one.
        characters: shown to a model for each question.
        folder: the study's, which a model's file is relative to.

    Raises:
        ReaderError: it cannot be used as it is described.
    """
    match settings:
        case ChatSettings():
            return ChatReader(settings, encoder, characters)
        case GgufSettings():
            memo = folder / ".quoth" / "models.json"
            return GgufReader(settings, encoder, characters, file=folder / settings.model, memo=memo)
        case _:
            return EmbeddedReader(settings.name, encoder, calibration)
