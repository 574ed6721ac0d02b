"""Files that are broken or mean harm: each ends in a document or in a reason, and costs none of the others."""

import random
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

import quoth
from conftest import DEMO_PAPERS, SmallStudy
from hostile import HEAVY, KINDS, PROSE, STILL_READ
from quoth.engine.local import Done, run_supervised
from quoth.errors import PaperError
from quoth.papers import check_names, find_papers, parse
from quoth.retrieval import passages

GOOD = DEMO_PAPERS / "lynx-camera-traps.pdf"
SECONDS, MEMORY_MB = 20.0, 700


def outcome_of(path: Path) -> str:
    """What a worker makes of a file: the reason why not, or its text."""
    try:
        document = parse(path, "0" * 64)
    except PaperError as error:
        return f"not read: {error.reason}"
    assert len(document.glyphs) == len(document.text)
    assert all(link.target.isprintable() for link in document.links)
    return " ".join(passage.text for passage in passages(document)) or "nothing"


def outcomes(paths: list[Path]) -> dict[Path, str]:
    done = run_supervised(paths, outcome_of, workers=2, seconds=SECONDS, memory_mb=MEMORY_MB)
    return {one.task: one.result if isinstance(one, Done) else f"not read: {one.error.reason}" for one in done}


def faults(found: Mapping[Path, str]) -> dict[str, str]:
    """The reasons that are no words for a person: the name of an error, or none at all."""
    said = {path.stem: text for path, text in found.items()}
    unsaid = re.compile(r"$|not read: (\w+(Error|Exception)\b|$)")
    return {name: text for name, text in said.items() if unsaid.match(text)}


def written(folder: Path, kinds: Iterable[str]) -> dict[str, Path]:
    """A file of every kind."""
    good, paths = GOOD.read_bytes(), {}
    for kind in kinds:
        paths[kind] = folder / f"{kind}.pdf"
        paths[kind].write_bytes(KINDS[kind](good))
    return paths


@pytest.mark.parametrize("heavy", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_every_kind_of_broken_file_ends_in_words(heavy: bool, tmp_path: Path) -> None:
    paths = written(tmp_path, (kind for kind in KINDS if (kind in HEAVY) == heavy))
    assert heavy or len(paths) >= 100
    found = outcomes(list(paths.values()))
    assert set(found) == set(paths.values())
    assert faults(found) == {}
    ours = {kind: found[path] for kind, path in paths.items()}
    readable = STILL_READ & set(ours)
    assert {kind: ours[kind] for kind in readable if ours[kind].startswith("not read")} == {}
    assert [kind for kind in readable if PROSE.decode() not in ours[kind] and "lynx" not in ours[kind]] == []
    if not heavy:
        assert "password" in ours["password"]
        assert "10000 pages" in ours["ten thousand pages"]


def damaged(number: int, chance: random.Random) -> bytes:
    """A demo paper with bytes flipped, or a piece cut out, moved or doubled."""
    papers = sorted(DEMO_PAPERS.glob("*.pdf"))
    data = bytearray(papers[number % len(papers)].read_bytes())
    start = chance.randrange(len(data))
    end = min(len(data), start + chance.choice((1, 30, 1000, 20_000)))
    match number // len(papers) % 4:
        case 0:
            for _ in range(chance.choice((1, 10, 100, 1000))):
                data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        case 1:
            del data[start:end]
        case 2:
            data[start:start] = data[start:end]
        case _:
            piece = data[start:end]
            del data[start:end]
            place = chance.randrange(len(data))
            data[place:place] = piece
    return bytes(data)


@pytest.mark.slow
def test_five_hundred_damaged_files_are_read_or_refused_in_words(tmp_path: Path) -> None:
    chance = random.Random(20240229)
    paths = []
    for number in range(500):
        paths.append(tmp_path / f"{number}.pdf")
        paths[-1].write_bytes(damaged(number, chance))
    found = outcomes(paths)
    assert len(found) == 500
    assert faults(found) == {}
    refused = [text for text in found.values() if text.startswith("not read")]
    assert 50 < len(refused) < 450
    assert [reason for reason in refused if "took longer" in reason or "memory" in reason] == []


@pytest.mark.slow
def test_a_folder_of_nothing_but_trouble_is_accounted_for(small_study: SmallStudy) -> None:
    folder = small_study(workers=2, seconds=30.0)
    written(folder / "papers", KINDS)
    with quoth.open(folder) as study:
        outcome = study.run()
        table = study.papers.set_index("paper")
        assert outcome.papers == len(table) == len(KINDS) + 1
        assert set(table.status) == {"read", "unreadable"}
        assert table.reason[table.status == "unreadable"].str.len().min() > 5
        assert table.status["lynx-camera-traps"] == "read"
        assert len(study.findings) == 2 * len(table)
        assert study.run().papers < 10  # only what may have been bad luck is tried again


# Names


@pytest.mark.skipif(sys.platform == "win32", reason="Windows takes no such names")
def test_names_with_control_characters_are_written_out(tmp_path: Path) -> None:
    for name in ("a\nb", "red\x1b[31m", "bell\x07", "tab\tstop", "back\u202eward"):
        (tmp_path / f"{name}.pdf").write_bytes(b"x" + name.encode())
    names = [paper.name for paper in find_papers(tmp_path)]
    assert all(name.isprintable() for name in names)
    assert {"a\\nb", "red\\x1b[31m"} <= set(names)
    assert all(file.name.isprintable() for paper in find_papers(tmp_path) for file in paper.files)


def test_a_name_as_long_as_the_system_takes_is_a_name(tmp_path: Path) -> None:
    deep = tmp_path / ("n" * 200) / ("m" * 200)
    deep.mkdir(parents=True)
    (deep / ("o" * 200 + ".pdf")).write_bytes(b"x")
    (paper,) = find_papers(tmp_path)
    assert paper.name == "n" * 200
    assert len(paper.files[0].name) > 400


def test_two_names_that_are_one_are_told_apart(tmp_path: Path) -> None:
    """Composed and decomposed letters look the same, and so do two endings: which is meant, nobody can tell."""
    for name, content in (
        ("caf\u00e9.pdf", b"one"),
        ("cafe\u0301.pdf", b"two"),
        ("plain.pdf", b"3"),
        ("plain/a.pdf", b"4"),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    twice, plain = find_papers(tmp_path)
    check_names(plain)
    assert twice.name == "caf\u00e9"
    with pytest.raises(PaperError, match="2 files with the same name"):
        check_names(twice)
