"""A study's own calibration of the embedded reader: its log odds, moved by what people coded in this very study."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from quoth.errors import StudyError

CALIBRATION_FILE = "calibration.json"
"""Its name in a study's folder."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Log odds of 'reported' become `slope * odds + intercept + offsets.get(question digest, 0)`.

    `cells` says how many coded cells it was fitted on.
    """

    slope: float
    intercept: float
    offsets: Mapping[str, float] = field(default_factory=dict)
    cells: int = 0

    @property
    def digest(self) -> str:
        """SHA-256, in hex, of its numbers."""
        return hashlib.sha256(self.text().encode()).hexdigest()

    def applied(self, probability: float, question: str) -> float:
        """The probability of 'reported', moved, for the question with this digest."""
        odds = log_odds(probability)
        return 1 / (1 + math.exp(-(self.slope * odds + self.intercept + self.offsets.get(question, 0.0))))

    def text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"

    def save(self, path: Path) -> None:
        """Write it to a file, whole or not at all."""
        new = path.with_name(f".{path.name}.new")
        new.write_text(self.text(), encoding="utf-8", newline="\n")
        new.replace(path)

    @classmethod
    def load(cls, path: Path) -> "Calibration | None":
        """The calibration in a file, or None where there is no file.

        Raises:
            StudyError: the file is none; the message says how to be rid of it.
        """
        if not path.exists():
            return None
        try:
            numbers = json.loads(path.read_text(encoding="utf-8"))
            offsets = {str(name): float(value) for name, value in numbers["offsets"].items()}
            return cls(float(numbers["slope"]), float(numbers["intercept"]), offsets, int(numbers["cells"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise StudyError(
                f"{path} is no calibration ({error}): make it anew (quoth calibrate) or delete it"
            ) from None


def log_odds(probability: float) -> float:
    """Natural logarithm of the odds; probabilities are kept off 0 and 1 by a millionth."""
    kept = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(kept / (1 - kept))
