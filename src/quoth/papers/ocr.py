"""Reading words off a picture: rapidocr with the models that its package holds (extra `ocr`).

Nothing is ever downloaded: the models are named by their files, and one that is not there is an error. Models run in
one thread and line by line, so that the same picture gives the same words on every machine of a kind.
"""

import hashlib
import importlib.metadata
import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quoth.errors import ModelError

if TYPE_CHECKING:
    from rapidocr import RapidOCR

REMEDY = "pip install 'quoth[ocr]'"
"""How OCR comes to a machine."""

_DETECTION, _RECOGNITION = "PP-OCRv6_det_small.onnx", "PP-OCRv6_rec_small.onnx"
_SETTINGS = {
    "Global.log_level": "critical",
    "Global.use_cls": False,  # lines upside down: whole pages are turned instead
    "Global.max_side_len": 10_000,  # pictures are made in the size that is wanted
    "Global.return_word_box": True,
    "Det.limit_type": "max",
    "Det.limit_side_len": 1280,  # lines are found as well as in twice as many pixels, in a quarter of the time
    "Rec.rec_batch_num": 1,  # a line's words must not depend on its neighbours; and nothing is spent on padding
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
}

Wanted = Literal["needed", "off"] | None
"""What a study says of OCR; None for: where it is installed."""

Picture = NDArray[np.uint8]
Points = NDArray[np.float64]


class ReadWord(NamedTuple):
    """A word of a line, with where it begins and ends along the line, in pixels of the picture."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class ReadLine:
    """A line as OCR reads it.

    `corners`, shape (4, 2), are pixels of the picture: of the line's upper edge, then of its lower edge from the right;
    `score` says how sure the model is, from 0 to 1; `stroke` is how thick the strokes of its letters are, in
    pixels; `words` is empty where their places are not known.
    """

    text: str
    score: float
    corners: Points
    stroke: float
    words: tuple[ReadWord, ...] = ()

    def scaled(self, factor: float) -> "ReadLine":
        """The same line on a picture that is so many times as large."""
        words = tuple(ReadWord(text, start * factor, end * factor) for text, start, end in self.words)
        return ReadLine(self.text, self.score, self.corners * factor, self.stroke * factor, words)


@cache
def installed() -> bool:
    """Whether this machine has OCR, and the models that are used here."""
    try:
        return all(_model(name) for name in (_DETECTION, _RECOGNITION))
    except ModelError:
        return False


def reads_here(wanted: Wanted) -> str:
    """What reads pages that are pictures, on this machine and in a study that wants it so; empty where nothing does."""
    return version() if wanted != "off" and installed() else ""


def check(wanted: Wanted) -> None:
    """See that OCR is there where a study asks for it in so many words.

    Raises:
        ModelError: it is not installed, or its models are not there.
    """
    if wanted == "needed":
        version()


@cache
def version() -> str:
    """What reads here: the package with its version, and the digest of its models and of how they are used.

    Raises:
        ModelError: it is not installed, or its models are not there.
    """
    digest = hashlib.sha256(repr(sorted(_SETTINGS.items())).encode())
    for model in (_DETECTION, _RECOGNITION):
        digest.update(_model(model).read_bytes())
    return f"rapidocr {importlib.metadata.version('rapidocr')} {digest.hexdigest()[:12]}"


def read_lines(picture: Picture) -> list[ReadLine]:
    """The lines on a picture, shape (height, width, 3), blue first.

    Raises:
        ModelError: OCR is not installed, or its models are not there.
    """
    from rapidocr.utils.output import RapidOCROutput

    found = _engine()(picture)
    if not isinstance(found, RapidOCROutput) or not found.txts or found.boxes is None or found.scores is None:
        return []
    texts = found.txts
    words: list[object] = list(found.word_results or ())
    if len(words) != len(texts):
        words = [()] * len(texts)
    grey = picture.min(axis=2).astype(np.float32)
    return [
        ReadLine(text, float(score), np.asarray(corners, float), _stroke(grey, corners), _words(text, corners, own))
        for text, score, corners, own in zip(texts, found.scores, found.boxes, words, strict=True)
    ]


def _stroke(grey: NDArray[np.float32], corners: NDArray[np.float32]) -> float:
    """How thick strokes are: twice their area for each pixel of their outline."""
    (left, top), (right, bottom) = corners.min(axis=0).astype(int).tolist(), corners.max(axis=0).astype(int).tolist()
    part = grey[max(0, top) : bottom, max(0, left) : right]
    if not part.size:
        return 0.0
    ink = np.abs(part - np.median(part))
    outline = np.abs(np.diff(ink, axis=0)).sum() + np.abs(np.diff(ink, axis=1)).sum()
    return float(2 * ink.sum() / max(1.0, outline))


def _words(text: str, corners: NDArray[np.float32], words: object) -> tuple[ReadWord, ...]:
    """The words with their places, unless they are not all of the line's."""
    along = corners[1] - corners[0] if np.ptp(corners[:, 0]) >= np.ptp(corners[:, 1]) else corners[3] - corners[0]
    along = along / max(1.0, float(np.hypot(*along)))
    found = []
    for word, _, box in words if isinstance(words, tuple) else ():
        places = (np.asarray(box, float) - corners[0]) @ along
        found.append(ReadWord(word, float(places.min()), float(places.max())))
    return tuple(found) if "".join(word.text for word in found) == "".join(text.split()) else ()


@cache
def _engine() -> "RapidOCR":
    detection, recognition = _model(_DETECTION), _model(_RECOGNITION)
    from rapidocr import RapidOCR

    return RapidOCR(params={**_SETTINGS, "Det.model_path": str(detection), "Rec.model_path": str(recognition)})


def _model(name: str) -> Path:
    """The file of a model in the package.

    Raises:
        ModelError: there is none.
    """
    package = importlib.util.find_spec("rapidocr")
    if package is None or not package.submodule_search_locations:
        raise ModelError(f"OCR is not installed, and [reading] ocr in study.toml asks for it: {REMEDY}")
    path = Path(package.submodule_search_locations[0]) / "models" / name
    if not path.is_file():
        raise ModelError(f"OCR: rapidocr has no model {name} here; to get the one with it: {REMEDY} --upgrade")
    return path
