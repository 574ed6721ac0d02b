"""What one character becomes in a folded text before its neighbours are looked at."""

import unicodedata

import numpy as np
from numpy.typing import NDArray

_EXPLICIT = {
    **dict.fromkeys("‐‑‒–−﹘﹣－˗", "-"),
    **dict.fromkeys("—―⸺⸻", "—"),
    **dict.fromkeys("‘’‚‛′ʹʼ`´＇", "'"),
    **dict.fromkeys("“”„‟″«»＂", '"'),
    **dict.fromkeys("\u00ad\ufffe", "\u00ad"),
    **dict.fromkeys("™®\ufeff", ""),
    **dict.fromkeys("º˚", "°"),
    **dict.fromkeys("∙⋅", "·"),
    "⩾": ">=",
    "≥": ">=",
    "⩽": "<=",
    "≤": "<=",
    "∼": "~",
    "∗": "*",
    "⁄": "/",
    "∕": "/",
    "ß": "ss",
    "æ": "ae",
    "Æ": "AE",
    "œ": "oe",
    "Œ": "OE",
    "ø": "o",
    "Ø": "O",
    "ł": "l",
    "Ł": "L",
    "đ": "d",
    "ı": "i",
    "ς": "σ",
}
_SAME_GLYPH = ("<font>", "<wide>", "<narrow>", "<small>", "<vertical>", "<noBreak>")
_SAME_LETTERS = ("<compat>", "<square>", "<initial>", "<medial>", "<final>", "<isolated>")


def _folded_character(character: str) -> str:
    """What one character becomes before its neighbours are looked at."""
    if character in _EXPLICIT:
        return _EXPLICIT[character]
    if character.isspace():
        return " "
    if unicodedata.category(character) == "Cf":
        return ""
    apart = unicodedata.normalize("NFD", character)
    if apart == character:
        tag = unicodedata.decomposition(character).partition(" ")[0]
        compatible = unicodedata.normalize("NFKD", character)
        letters_only = not any(one.isnumeric() for one in compatible)
        # A superscript, a fraction or a circled digit would run into the digits before it.
        if tag in _SAME_GLYPH or (tag in _SAME_LETTERS and letters_only):
            apart = compatible
    return "".join(_EXPLICIT.get(one, one) for one in apart)


class _Table(dict[int, str]):
    """For `str.translate`: what each code point becomes, found out once."""

    def __missing__(self, code: int) -> str:
        self[code] = folded = _folded_character(chr(code))
        return folded


CHARACTERS = _Table({code: chr(code) for code in range(33, 127) if chr(code) not in _EXPLICIT})
"""For `str.translate`: folds characters one by one."""


def translated_origins(original: str) -> NDArray[np.int32]:
    """For every character of the translated text the offset of the one that it comes from."""
    codes = np.frombuffer(original.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    counts = np.ones(len(codes), dtype=np.int32)
    beyond = np.flatnonzero(codes > 126)
    if len(beyond):
        kinds, which = np.unique(codes[beyond], return_inverse=True)
        counts[beyond] = np.array([len(CHARACTERS[int(kind)]) for kind in kinds], dtype=np.int32)[which]
    return np.repeat(np.arange(len(codes), dtype=np.int32), counts)
