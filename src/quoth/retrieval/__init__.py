"""Which passages of a paper may answer a question: passages, lexical and dense retrieval, fusion."""

from quoth.retrieval.passages import PASSAGES_VERSION, passages
from quoth.retrieval.search import PaperIndex, Ranking, query, texts_of

__all__ = ["PASSAGES_VERSION", "PaperIndex", "Ranking", "passages", "query", "texts_of"]
