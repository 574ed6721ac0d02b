"""Late interaction: how well a passage's tokens match those of a question, one by one.

Source: Khattab and Zaharia 2020, 'ColBERT: efficient and effective passage search via contextualized late interaction
over BERT', SIGIR (the sum over the question's tokens of their best match); rare tokens weigh more here.
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from quoth.vocabulary import Encoded


class Tokens:
    """The tokens of some texts, ready to be compared with those of any question."""

    def __init__(self, texts: Encoded) -> None:
        self.vectors = texts.tokens.astype(np.float32) / np.float32(127)
        self.starts = texts.starts


class LateIndex:
    """The tokens of a paper's passages."""

    def __init__(self, passages: Encoded) -> None:
        self._passages = passages
        lengths = np.diff(passages.starts)
        held = np.stack([passages.ids, np.repeat(np.arange(len(lengths)), lengths)])
        self._ids, self._holders = np.unique(np.unique(held, axis=1)[0], return_counts=True)

    def scores(self, questions: Encoded, texts: Tokens | None = None) -> NDArray[np.float32]:
        """Mean over a question's tokens, rare ones weighing more, of their best cosine in a text.

        Args:
            questions: what is asked.
            texts: what to score; the paper's passages without it.

        Returns:
            Shape (questions, texts); 0 where either has no token.
        """
        read = texts or self._tokens
        asked, full = np.diff(questions.starts) > 0, np.diff(read.starts) > 0
        found = np.zeros((len(asked), len(full)), np.float32)
        if not asked.any() or not full.any():
            return found
        best = np.maximum.reduceat(Tokens(questions).vectors @ read.vectors.T, read.starts[:-1][full], axis=1)
        weights, starts = self._rarity(questions.ids), questions.starts[:-1][asked]
        total = np.add.reduceat(weights, starts)
        found[np.ix_(asked, full)] = np.add.reduceat(best * weights[:, None], starts, axis=0) / total[:, None]
        return found

    @cached_property
    def _tokens(self) -> Tokens:
        return Tokens(self._passages)

    def _rarity(self, ids: NDArray[np.int32]) -> NDArray[np.float32]:
        """Logarithm of how many passages there are for each that holds the token."""
        size = len(self._passages.starts)
        if not len(self._ids):
            return np.ones(len(ids), np.float32)
        place = np.minimum(np.searchsorted(self._ids, ids), len(self._ids) - 1)
        holders = np.where(self._ids[place] == ids, self._holders[place], 0)
        return np.log(size / (holders + 0.5)).astype(np.float32)
