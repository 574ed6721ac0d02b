"""Who answers: readers take a paper as it was read and a question, and give a finding."""

from quoth.errors import ReaderError
from quoth.protocol import EmbeddedReader as EmbeddedSettings
from quoth.protocol import ReaderSettings
from quoth.readers.base import Reader
from quoth.readers.calibration import Calibration
from quoth.readers.embedded import EmbeddedReader
from quoth.vocabulary import Encoder


def make_reader(settings: ReaderSettings, encoder: Encoder, calibration: Calibration | None = None) -> Reader:
    """The reader that a `[[reader]]` of the protocol describes; `calibration` is the study's own, if it has one.

    Raises:
        ReaderError: it is of a type that this version does not have.
    """
    if isinstance(settings, EmbeddedSettings):
        return EmbeddedReader(settings.name, encoder, calibration)
    raise ReaderError(
        f"reader '{settings.name}': readers of type '{settings.type}' are not part of this version of quoth; "
        'take its [[reader]] out of study.toml, or set type = "embedded"'
    )
