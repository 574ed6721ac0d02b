"""The page for people: they code cells with the paper's page before them, disagree, and let a third settle it.

It knows of the study only what `Desk` says; the study provides one.
"""

from quoth.review.desk import Coded, Desk, Hit, Sheet, Word

__all__ = ["Coded", "Desk", "Hit", "Sheet", "Word"]
