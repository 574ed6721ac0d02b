"""LangExtract's aligner as a finder of planted quotes, to compare with the locator.

Each quote is one extraction, aligned on its own against the whole document: what LangExtract does with it inside a
longer reply depends on its neighbours. Whatever status it gives (exact, lesser, fuzzy) counts as located, as it does in
LangExtract's own output; the pages are those of the characters that it names.

    pip install --group benchmarks
"""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version

from langextract.core.data import Extraction
from langextract.core.tokenizer import RegexTokenizer, TokenizedText
from langextract.resolver import WordAligner
from planting import Pages, pages_of

from quoth.vocabulary import Document


class _Remembering(RegexTokenizer):
    """LangExtract's own tokenizer, which cuts each document once rather than for every quote."""

    @lru_cache(maxsize=64)  # noqa: B019 (one tokenizer for as long as the program runs)
    def tokenize(self, text: str) -> TokenizedText:
        return super().tokenize(text)


class Aligned:
    """Finds with `WordAligner`; `partial` accepts a match of some of the quote's first words, as the default does."""

    version = version("langextract")

    def __init__(self, documents: Sequence[Document], *, partial: bool) -> None:
        self._documents = documents
        self._partial = partial
        self._tokenizer = _Remembering()
        self.statuses: Counter[str] = Counter()
        """How many quotes got each status so far."""

    def __call__(self, document: int, said: str) -> Pages | None:
        quote = Extraction("quote", said)
        WordAligner().align_extractions(
            [[quote]],
            self._documents[document].text,
            accept_match_lesser=self._partial,
            tokenizer_impl=self._tokenizer,
        )
        status, place = quote.alignment_status, quote.char_interval
        self.statuses[status.value if status else "none"] += 1
        if status is None or place is None or place.start_pos is None or place.end_pos is None:
            return None
        return pages_of(self._documents[document], place.start_pos, place.end_pos)
