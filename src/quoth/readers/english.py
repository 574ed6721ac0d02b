"""Whether a question is English: the embedded reader knows no other language, and answers all the same."""

import re
import unicodedata

_ENGLISH = frozenset("and are did does for has have how of the to were what when where which who why".split())
_OTHERS = frozenset(
    (
        "das der einer eines für gibt ist mit nicht sind und viele welche welchem welchen welcher welches werden wie "
        "wird woher womit wurde wurden "  # German
        "avec combien dans des les où quel quelle quelles quels qui sont sur une été "  # French
        "cuál cuáles cuántas cuántos cómo dónde fue fueron qué quién una utilizó "  # Spanish
        "como foi foram não onde quais qual quantas quantos são uma "  # Portuguese
        "che come della delle dove gli quale quali quante quanti sono stata stati stato "  # Italian
        "een hoeveel waar welk welke werd zijn"  # Dutch
    ).split()
)
"""Small words that are no English ones, and no abbreviation that scientists write."""

_ENOUGH = 4
"""Letters of another script that are more than a symbol."""


def is_foreign(text: str) -> bool:
    """Whether a text is most likely not English: its small words are of other languages alone, or its letters are."""
    letters = [letter for letter in text if letter.isalpha()]
    others = sum(not unicodedata.name(letter, "").startswith("LATIN") for letter in letters)
    if others >= _ENOUGH and 2 * others > len(letters):
        return True
    words = set(re.findall(r"[^\W\d_]+", text.lower()))
    return not words & _ENGLISH and bool(words & _OTHERS)
