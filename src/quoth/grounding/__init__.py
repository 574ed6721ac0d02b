"""Grounding: are these words in the paper, and where."""

from quoth.grounding.locate import Locator

__all__ = ["Locator"]
