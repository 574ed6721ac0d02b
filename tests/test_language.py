"""A text layer that lies is recognised by what language looks like; no honest page is accused."""

import random
import re
import string
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pikepdf
import pypdfium2 as pdfium
import pytest
from pikepdf import Dictionary, Name

from conftest import DEMO_PAPERS
from quoth.errors import PaperError
from quoth.papers import parse
from quoth.papers.language import lies
from quoth.papers.pdf import Line, RawPage, read_pages

PAPERS = sorted(path.stem for path in DEMO_PAPERS.glob("*.pdf"))
SMALL = string.ascii_lowercase
Cipher = Callable[[str], str]


def mapped(to: str, letters: str = SMALL) -> Cipher:
    table = str.maketrans(letters + letters.upper(), to + to.upper())
    return lambda text: text.translate(table)


def shifted(by: int) -> Cipher:
    """Glyph numbers taken for letters: all codes are off by the same."""
    return lambda text: "".join(chr(max(1, ord(letter) + by)) if " " <= letter <= "~" else letter for letter in text)


def at_random(seed: int) -> Cipher:
    letters = list(SMALL)
    random.Random(seed).shuffle(letters)
    return mapped("".join(letters))


def to_any(first: int, last: int) -> Cipher:
    chance = random.Random(20240229)
    table = {ord(letter): chr(chance.randrange(first, last)) for letter in string.ascii_letters}
    return lambda text: text.translate(table)


CIPHERS: dict[str, Cipher] = {
    "rot13": mapped(SMALL[13:] + SMALL[:13]),
    "Caesar": mapped(SMALL[3:] + SMALL[:3]),
    "mirror": mapped(SMALL[::-1]),
    "glyph numbers": shifted(-29),
    "glyph numbers, the other way": shifted(31),
    "one letter on": shifted(1),
    "vowels for vowels": mapped("ioaue" + "dgpvzbcfhjklmnqrstwxy", "aeiou" + "bcdfghjklmnpqrstvwxyz"),
    "random 1": at_random(1),
    "random 2": at_random(2),
    "random 3": at_random(3),
    "private use": to_any(0xE000, 0xF8FF),
    "all alphabets": to_any(0x100, 0x2FFF),
    "signs": to_any(0x2190, 0x2BFF),
}


@cache
def pages(name: str) -> tuple[RawPage, ...]:
    return tuple(read_pages(DEMO_PAPERS / f"{name}.pdf", max_pages=9))


def garbled(page: RawPage, cipher: Cipher) -> RawPage:
    lines = [Line(cipher(line.text), *(getattr(line, slot) for slot in Line.__slots__[1:])) for line in page.lines]
    return RawPage(page.number, page.width, page.height, cipher(page.text), None, lines, [])


@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize("name", PAPERS)
def test_every_cipher_is_seen_on_every_page(name: str, cipher: str) -> None:
    assert [page.number for page in pages(name) if not lies(garbled(page, CIPHERS[cipher]))] == []


@pytest.mark.parametrize("name", PAPERS)
def test_no_honest_page_is_accused(name: str) -> None:
    assert [page.number for page in pages(name) if lies(page)] == []


def a_page(text: str) -> RawPage:
    lines = [Line(part, 0, len(part), 50, 500, 50, 62, "Serif", False, True) for part in text.split("\n")]
    return RawPage(1, 595, 842, text, None, lines, [])


HONEST = {
    "German": "Die Wirkung des Lichts auf die Pflanzen wurde in zwei Jahren untersucht. Wir haben gezeigt, dass die "
    "Blätter im Schatten langsamer wachsen als in der Sonne, und dass der Boden dabei eine größere Rolle spielt, als "
    "bisher angenommen wurde. Die Ergebnisse stimmen mit früheren Arbeiten überein.",
    "Polish": "W ciągu dwóch lat badaliśmy wpływ światła na wzrost roślin. Wyniki pokazują, że liście rosną wolniej w "
    "cieniu niż w słońcu, a gleba odgrywa większą rolę, niż dotychczas sądzono. Dane te zgadzają się z wcześniejszymi "
    "pracami, chociaż liczba prób była niewielka.",
    "Finnish": "Tutkimme valon vaikutusta kasvien kasvuun kahden vuoden ajan. Tulokset osoittavat, että lehdet "
    "kasvavat varjossa hitaammin kuin auringossa ja että maaperällä on suurempi merkitys kuin on luultu. Aineisto on "
    "sopusoinnussa aikaisempien tutkimusten kanssa.",
    "Turkish": "Işığın bitkilerin büyümesi üzerindeki etkisini iki yıl boyunca inceledik. Sonuçlar, yaprakların "
    "gölgede güneşte olduğundan daha yavaş büyüdüğünü ve toprağın sanılandan daha büyük bir rol oynadığını "
    "göstermektedir. Bu veriler önceki çalışmalarla uyumludur.",
    "Russian": "В течение двух лет мы изучали влияние света на рост растений. Результаты показывают, что листья "
    "растут в тени медленнее, чем на солнце, и что почва играет большую роль, чем считалось до сих пор. Эти данные "
    "согласуются с более ранними работами, хотя число опытов было небольшим.",
    "Japanese": "二年間にわたり、光が植物の成長に与える影響を調べた。その結果、葉は日向よりも日陰でゆっくり成長し、"
    * 6,
    "Latin names": "Quercus robur, Fagus sylvatica, Picea abies, Pinus sylvestris, Betula pendula, Fraxinus excelsior, "
    "Tilia cordata, Ulmus glabra, Carpinus betulus, Alnus glutinosa, Sorbus aucuparia, Prunus avium, Salix caprea, "
    "Populus tremula, Corylus avellana, Crataegus monogyna, Sambucus nigra, Euonymus europaeus",
    "numbers": " ".join(f"{n / 7:.3f} ± {n / 90:.2f}" for n in range(200)),
    "a protein": "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPDAQFEVV " * 12,
    "code": "for i in range(10): x[i] = np.zeros((3, 3))\nif loss.item() < best: torch.save(model.state_dict())\n" * 5,
}


@pytest.mark.parametrize("language", HONEST)
def test_other_languages_and_no_prose_are_not_accused(language: str) -> None:
    assert not lies(a_page(HONEST[language]))
    assert not lies(a_page(HONEST[language] * 3))


def test_a_page_that_lies_in_part_lies() -> None:
    honest = pages("lynx-camera-traps")[1]
    half = len(honest.lines) // 2
    bad = garbled(honest, CIPHERS["random 1"]).lines[half:]
    for line in bad:
        line.font = "ABCDEF+Liar"
    assert lies(RawPage(2, honest.width, honest.height, honest.text, None, honest.lines[:half] + bad, []))


def shuffled(table: bytes) -> bytes:
    """A font's map to letters, with the letters exchanged among the glyphs."""
    letters = re.findall(rb"(?<=> <)00[4-7][0-9A-Fa-f](?=>)", table)
    others = iter(random.Random(20240229).sample(letters, len(letters)))
    return re.sub(rb"(?<=> <)00[4-7][0-9A-Fa-f](?=>)", lambda match: next(others), table)


def liar(path: Path) -> Path:
    """A paper whose second page looks as before; its letters, asked for by a program, are others."""
    with pikepdf.open(DEMO_PAPERS / "lynx-camera-traps.pdf") as pdf:
        page = pdf.pages[1]
        fonts = Dictionary()
        for name, font in page.resources.Font.items():
            lie = Dictionary(font)
            lie.ToUnicode = pdf.make_stream(shuffled(font.ToUnicode.read_bytes()))
            fonts[Name(name)] = pdf.make_indirect(lie)
        page.obj.Resources = Dictionary({**dict(page.resources.items()), "/Font": fonts})
        pdf.save(path)
    return path


def test_a_font_with_a_random_map_makes_the_paper_unreadable(tmp_path: Path) -> None:
    path = liar(tmp_path / "liar.pdf")
    with pdfium.PdfDocument(path) as pdf, pdfium.PdfDocument(DEMO_PAPERS / "lynx-camera-traps.pdf") as good:
        assert pdf[1].render().to_numpy().tobytes() == good[1].render().to_numpy().tobytes()
    with pytest.raises(PaperError, match=r"garbled text on page 2: .*OCR"):
        parse(path, "x")
