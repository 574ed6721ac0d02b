"""Logistic models as plain numbers: small enough to read, the same on every machine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Logistic:
    """A logistic regression over standardised features; arrays have shape (features,)."""

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    weights: NDArray[np.float64]
    intercept: float

    @classmethod
    def of(cls, numbers: Mapping[str, Sequence[float] | float]) -> Self:
        """From its JSON form: `mean`, `scale`, `weights`, `intercept`."""
        mean, scale, weights = (np.asarray(numbers[name], np.float64) for name in ("mean", "scale", "weights"))
        return cls(mean, scale, weights, float(np.asarray(numbers["intercept"])))

    def probability(self, features: NDArray[np.float64], offset: float = 0.0) -> NDArray[np.float64]:
        """Probability for each row of features, shape (rows, features); `offset` is added to the log odds."""
        odds = ((features - self.mean) / self.scale) @ self.weights + (self.intercept + offset)
        result: NDArray[np.float64] = 1 / (1 + np.exp(-odds))
        return result


@dataclass(frozen=True, slots=True)
class Softmax:
    """A multinomial logistic regression over standardised features.

    `mean` and `scale` have shape (features,), `weights` (features, classes), `intercept` (classes,).
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    weights: NDArray[np.float64]
    intercept: NDArray[np.float64]

    def probabilities(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability of each class for each row of features, shape (rows, classes)."""
        odds = ((features - self.mean) / self.scale) @ self.weights + self.intercept
        powers = np.exp(odds - odds.max(axis=1, keepdims=True))
        result: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
        return result
