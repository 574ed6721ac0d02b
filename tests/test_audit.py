"""`quoth audit`: answers of other systems in, verdicts, sentences and a page out; bad input told and passed over."""

import io
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import quoth as api
from quoth.cli.app import app
from quoth.errors import AuditError
from quoth.grounding.audit import Audit
from quoth.grounding.items import Item, items_in
from quoth.reports.audit_page import pieces, write_audit_page
from test_transcripts import prompt_of

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

OWLS = """\
3.2 Training

The network was  trained for 40 epochs with the Adam opti-
mizer and a learning rate of 0.0004. Batches held 24 spectro-
grams each. When the validation loss had not fallen for six epochs, training ended, and the weights of the best epoch
were kept.

We recorded 212 nights at nine barns (Table 1). Calls of barn owls were cut from the recordings by two ornithologists,
who listened to every file and agreed on 1,904 calls.

â€œCall ratesâ€\x9d fell after midnight (cid:0) see Fig. 4.
"""

ABSTAINS = (
    "What measures were taken against class imbalance?",
    "The provided context does not mention any measures against class imbalance. However, here are some general "
    "approaches.\n\n"
    "1. **Oversampling**: Rare classes can be duplicated, or synthesised with SMOTE, until all are equally frequent.\n"
    "2. **Focal loss**: A modified loss function puts more weight on examples that are hard to classify.\n\n"
    "Combining several of these techniques usually gives the most balanced classifier.",
    ("SMOTE", "modified loss function", "balanced classifier"),
)
DECLARES = (
    "How was the privacy of people protected whose voices were recorded?",
    "The network was trained for 40 epochs with batches of 24 spectrograms. Early stopping protects the privacy of the "
    "recorded people, because their conversations are not memorised. The weights of the best epoch were kept. These "
    "measures guarantee that no human voice can be identified, and comply with data protection law.",
    ("Early stopping protects the privacy", "no human voice can be identified"),
)
FAITHFUL = (
    "Which optimizer was used?",
    "The network was trained with the Adam optimizer and a learning rate of 0.0004.",
)


def transcript(question: str, answer: str) -> str:
    return prompt_of("a prompt inside the question", OWLS, question, answer)


def call(*arguments: object, code: int = 0, stdin: str | bytes | None = None) -> tuple[str, str]:
    """The command in this process: standard output and standard error; anything but an orderly end fails the test."""
    result = CliRunner().invoke(app, ["audit", *map(str, arguments)], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code, result.output
    return result.stdout, result.stderr


def rows(*arguments: object, code: int = 0, stdin: str | bytes | None = None) -> list[dict[str, object]]:
    said, _ = call(*arguments, "--json", code=code, stdin=stdin)
    return [json.loads(line) for line in said.splitlines()]


def line(**parts: object) -> str:
    return json.dumps({"question": FAITHFUL[0], "context": OWLS, "answer": FAITHFUL[1]} | parts)


def audited(**parts: object) -> Audit:
    return next(api.audit(json.loads(line(**parts))))


# What is made up


@pytest.mark.parametrize("kind", [ABSTAINS, DECLARES], ids=["abstains, then lectures", "declares what is not"])
def test_made_up_sentences_are_marked(tmp_path: Path, kind: tuple[str, str, tuple[str, ...]]) -> None:
    question, answer, made_up = kind
    (tmp_path / "one.txt").write_text(transcript(question, answer), encoding="utf-8")
    (row,) = rows(tmp_path / "one.txt")
    assert row["id"] == "one"
    assert row["question"] == question
    assert row["verdict"] == "not_reported"
    assert row["faithful"] is False
    assert row["answered"] is (kind is DECLARES)
    unsupported = [one["text"] for one in row["sentences"] if one["label"] == "unsupported"]
    assert len(unsupported) == len(made_up)
    assert all(words in said for words, said in zip(made_up, unsupported, strict=True))


def test_what_the_context_says_is_supported_and_shown() -> None:
    audit = audited()
    assert (audit.answered, audit.verdict, audit.faithful) == (True, "reported", True)
    (sentence,) = audit.sentences
    assert sentence.evidence
    assert "Adam opti-\nmizer" in sentence.evidence.text, "the context is shown as it is"


# The contract


def check(row: dict[str, object], context: str) -> None:
    """One line of `--json` against docs/design.md, Rows."""
    assert list(row) == ["id", "question", "answered", "verdict", "faithful", "sentences"]
    assert type(row["answered"]) is bool
    assert row["verdict"] in ("reported", "not_reported")
    assert isinstance(row["sentences"], list)
    for one in row["sentences"]:
        assert list(one) == ["text", "label", "score", "evidence"]
        assert one["label"] in ("supported", "unsupported", "meta")
        assert 0 <= one["score"] <= 1
        if one["evidence"] is not None:
            assert list(one["evidence"]) == ["text", "start", "end"]
            assert one["evidence"]["text"] == context[one["evidence"]["start"] : one["evidence"]["end"]] != ""
    assert row["faithful"] is all(one["label"] != "unsupported" for one in row["sentences"])
    if row["verdict"] == "reported":
        assert row["answered"]
        assert any(one["label"] == "supported" for one in row["sentences"])


def test_json_is_as_the_contract_says(tmp_path: Path) -> None:
    sentences = ["The network ran for 40 epochs.", "", "It was trained on 212 nights \U0001f989.", "Nine barns – sure?"]
    pieces_of_context = ["\U0001f989 " + OWLS, "Barns stood in Thuringia."]
    (tmp_path / "x.jsonl").write_text(
        "\n".join(
            (
                line(id="a"),
                "",
                line(id=7, context=pieces_of_context),
                line(sentences=sentences, answer=None),
                line(context=""),
                line(context=[]),
            )
        ),
        encoding="utf-8",
    )
    found = rows(tmp_path / "x.jsonl")
    assert [row["id"] for row in found] == ["a", "7", "x-4", "x-5", "x-6"]
    for row, context in zip(found, (OWLS, "\n\n".join(pieces_of_context), OWLS, "", ""), strict=True):
        check(row, context)
    assert [one["text"] for one in found[2]["sentences"]] == sentences
    assert not any(one["evidence"] for row in found[3:] for one in row["sentences"])


def test_a_json_file_holds_one_object_or_a_list(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text(json.dumps(json.loads(line()), indent=1))
    (tmp_path / "many.json").write_text(f"[{line()},\n{line(id='b')}]")
    (tmp_path / "lines.json").write_text(f"{line()}\n{line(id='b')}\n")
    found = rows(tmp_path / "one.json", tmp_path / "many.json", tmp_path / "lines.json")
    assert [row["id"] for row in found] == ["one", "many-1", "b", "lines-1", "b"]


def test_a_folder_gives_its_files_by_name(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a/z.txt", "a/.hidden.txt", ".git/c.txt", "picture.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(line() if name.endswith(".jsonl") else transcript(*FAITHFUL))
    assert [row["id"] for row in rows(tmp_path)] == ["z", "b-1"]


@pytest.mark.parametrize(
    "given", [line(), f"[{line()}]", json.dumps(json.loads(line()), indent=2), transcript(*FAITHFUL)]
)
def test_standard_input_is_what_it_looks_like(given: str) -> None:
    (row,) = rows("-", stdin=given)
    assert str(row["id"]).startswith("stdin")
    assert row["faithful"] is True


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_files_of_windows_are_read(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "x.jsonl").write_bytes(line(id="ü").replace("\\u00fc", "ü").encode(encoding))
    (tmp_path / "y.txt").write_bytes(transcript(*FAITHFUL).replace("\n", "\r\n").encode(encoding))
    assert [row["id"] for row in rows(tmp_path)] == ["ü", "y"]


def test_a_transcript_of_an_old_encoding_is_read(tmp_path: Path) -> None:
    text = prompt_of("LangChain, classic", "Die Eulen flögen nachts.", "Wann flögen sie?", "Sie flögen nachts.")
    (tmp_path / "y.txt").write_bytes(text.encode("cp1252"))
    assert rows(tmp_path)[0]["question"] == "Wann flögen sie?"


def test_python_gives_the_same(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text(line())
    from_file, from_mapping = api.audit(tmp_path, {**json.loads(line()), "id": "x-1"})
    assert from_file == from_mapping
    assert from_file.row() == rows(tmp_path)[0]


def test_answers_are_audited_one_at_a_time() -> None:
    read: list[int] = []

    class Stream(io.BytesIO):
        def readline(self, size: int | None = -1) -> bytes:
            read.append(len(read))
            return line(context="x" * 9000).encode() + b"\n" if len(read) <= 100 else b""

    found = api.audit(Stream())
    assert next(found).item.id == "stdin-1"
    assert len(read) == 1
    assert len(list(found)) == 99


# What people see


def test_the_table_and_its_sums(tmp_path: Path) -> None:
    (tmp_path / "good.jsonl").write_text(line(id="good\x1b[31m\nname"))
    (tmp_path / "lecture.txt").write_text(transcript(*ABSTAINS[:2]), encoding="utf-8")
    said, errors = call(tmp_path)
    lines = said.splitlines()
    assert lines[0].split() == ["id", "answered", "verdict", "faithful", "unsupported"]
    assert re.fullmatch(r"good�\[31m�name +yes +reported +yes +0 of 1", lines[1])
    assert re.fullmatch(r"lecture +no +not reported +no +3 of \d", lines[2])
    assert lines[4] == "2 answers: 1 answered, 1 not; 1 reported, 1 not reported."
    assert re.fullmatch(r"1 faithful, 1 not: the context does not support 3 of \d sentences\.", lines[5])
    assert max(map(len, lines)) <= 80
    assert errors == ""


HOSTILE = '</script><script>document.title="taken"</script><img src=x onerror="alert(1)"><b onclick=alert(2)>&amp;'


class Page(HTMLParser):
    """What a page holds: its tags with their attributes, its text, and the text of each context."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.contexts: list[str] = []
        self._in_context = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "div" and dict(attrs).get("class") == "context":
            self._in_context = True
            self.contexts.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "div":
            self._in_context = False

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self._in_context:
            self.contexts[-1] += data


def page(tmp_path: Path, audits: list[Audit]) -> str:
    write_audit_page(audits, tmp_path / "new folder" / "page.html")
    return (tmp_path / "new folder" / "page.html").read_text(encoding="utf-8")


def test_the_page_shows_a_transcript_as_text(tmp_path: Path) -> None:
    hostile = audited(id=HOSTILE, question=HOSTILE, context=HOSTILE + OWLS, answer=FAITHFUL[1] + " " + HOSTILE)
    parsed = Page(page(tmp_path, [hostile, hostile]))
    tags = [tag for tag, _ in parsed.tags]
    assert tags.count("script") == 1
    assert not {"img", "iframe", "object", "b onclick"} & set(tags)
    attributes = [(name, value or "") for _, attributes in parsed.tags for name, value in attributes.items()]
    assert not [name for name, _ in attributes if name.startswith("on")]
    assert all(value.startswith(("#", "data:,")) for name, value in attributes if name in ("href", "src"))
    assert parsed.contexts == [HOSTILE + OWLS] * 2
    assert "".join(parsed.words).count(HOSTILE) >= 6


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")
def test_a_browser_runs_the_page_and_nothing_of_a_transcript(tmp_path: Path) -> None:
    write_audit_page([audited(id=HOSTILE, question=HOSTILE, context=HOSTILE + OWLS)], tmp_path / "page.html")
    command = (CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}")
    shown = (*command, "--dump-dom", (tmp_path / "page.html").as_uri() + "#a1-s1")
    done = subprocess.run(shown, capture_output=True, encoding="utf-8", timeout=60, check=True)
    assert "<title>Audit of 1 answer</title>" in done.stdout
    assert '<li class="supported on">' in done.stdout
    assert re.search(r'<mark data-s="1" data-n="1" class="on supported">', done.stdout)


def test_the_page_fetches_nothing_and_runs_its_own_script_only(tmp_path: Path) -> None:
    text = page(tmp_path, [audited()])
    assert not re.search(r"https?:|url\(|@import", text)
    assert "default-src 'none'" in text
    assert re.search(r"script-src 'sha256-[\w+/]{43}='", text)


def test_the_page_says_each_label_in_words_too(tmp_path: Path) -> None:
    audit = audited(question=ABSTAINS[0], answer=ABSTAINS[1])
    text = page(tmp_path, [audit])
    labels = re.findall(r'<span class="hidden">(\w+): </span>', text)
    assert labels == [one.label.value for one in audit.sentences]
    assert set(labels) >= {"meta", "unsupported"}


def test_evidence_is_marked_where_it_stands() -> None:
    audit = audited(answer=f"{FAITHFUL[1]} It was trained for 40 epochs. Batches held 24 spectrograms.")
    found = list(pieces(audit))
    assert "".join(piece.text for piece in found) == OWLS
    for number, sentence in enumerate(audit.sentences, start=1):
        marked = "".join(piece.text for piece in found if number in piece.sentences)
        assert marked == (sentence.evidence.text if sentence.evidence else "")
        assert sum(number in piece.begins for piece in found) == bool(sentence.evidence)


def test_the_same_answers_give_the_same_page(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text(line())
    for name in ("a.html", "b.html"):
        said, errors = call(tmp_path / "x.jsonl", "--html", tmp_path / name, "--json")
        assert len(said.splitlines()) == 1
        assert errors == f"Wrote {tmp_path / name}.\n"
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def contrasts() -> Iterator[tuple[str, str, float]]:
    """Every pair of text and ground that the page uses, in both schemes, with its contrast (WCAG 2.2, 1.4.3)."""
    css = files("quoth.reports").joinpath("pages", "audit.css").read_text(encoding="utf-8")
    texts = {
        "ink": ("ground", "paper", "grey-tint", "green-tint", "red-tint", "green-mark", "red-mark", "grey-mark"),
        "soft": ("ground", "paper", "grey-tint", "green-tint", "red-tint"),
        "green": ("paper", "green-tint"),
        "red": ("paper", "red-tint"),
        "grey": ("grey-tint",),
        "paper": ("red", "ink"),
    }
    for scheme in re.findall(r":root \{(.*?)\}", css, re.DOTALL)[:2]:
        colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", scheme))
        for text, grounds in texts.items():
            for ground in grounds:
                high, low = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
                yield text, ground, (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_page_can_be_read_by_people_who_see_less() -> None:
    found = list(contrasts())
    assert len(found) == 40
    assert not [pair for pair in found if pair[2] < 4.5]


# Bad input

BAD_LINES = {
    "{": "is no JSON (Expecting property name",
    "[1]": "is no JSON object with question, context and answer",
    line(question=None): "has no 'question' (its keys: 'context', 'answer')",
    line(question=" "): "'question' is empty",
    line(question=3): "'question' must be a text",
    line(context=None): "has no 'context' (its keys: 'question', 'answer')",
    line(context=[1]): "'context' must be a text or a list of texts",
    line(answer=None): "has no 'answer' (its keys: 'question', 'context')",
    line(answer=""): "'answer' is empty",
    line(sentences=[]): "'sentences' must be a list of texts, at least one",
    line(sentences="x"): "'sentences' must be a list of texts, at least one",
    line(id=[1]): "'id' must be a text or a number",
    line(answer=None, **{"x\x1b": 1}): r"(its keys: 'question', 'context', 'x\x1b')",
    "[" * 100_000: "is no JSON (",
    f'{{"id": {"9" * 5000}}}': "is no JSON (",
}


def test_bad_lines_are_named_and_the_others_audited(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join((line(id="first"), *BAD_LINES, line(id="last"))))
    said, errors = call(path, "--json", code=3)
    assert [json.loads(one)["id"] for one in said.splitlines()] == ["first", "last"]
    told = errors.splitlines()
    for number, (reason, one) in enumerate(zip(BAD_LINES.values(), told, strict=False), start=2):
        assert one.startswith(f"quoth: {path}:{number}: ")
        assert reason in one
    assert told[-1].startswith(f"{len(BAD_LINES)} items could not be audited, 2 could. To try again, ")


def test_bad_files_are_named_and_the_others_audited(tmp_path: Path) -> None:
    bad = {
        "a.txt": (b"Bats are mammals.", "no line starts with 'Question:'"),
        "b.txt": (b"%PDF-1.7\0\0", "is not a text file"),
        "c.txt": (b" \n", "is empty"),
        "d.jsonl": (b"\n\n", "is empty"),
        "e.json": (b"[]", "holds an empty list"),
        "f.json": (b'{"question": "x",\n "context":', "is no JSON ("),
        "g.jsonl": (b'{"question": "\xff"}', "is not UTF-8: save the file as UTF-8"),
        "g2.json": (b'[{"question": "\xff"}]', "is not UTF-8: save the file as UTF-8"),
        "h.json": (b'[{"question": "x"}]', "item 1: has no 'context'"),
    }
    for name, (content, _) in bad.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "z.jsonl").write_text(line())
    said, errors = call(tmp_path, "--json", code=3)
    assert [json.loads(one)["id"] for one in said.splitlines()] == ["z-1"]
    told = errors.splitlines()
    for (name, (_, reason)), one in zip(bad.items(), told, strict=False):
        assert one.startswith(f"quoth: {tmp_path / name}")
        assert reason in one
    assert told[-1].startswith(f"{len(bad)} items could not be audited, 1 could. To try again, ")


def test_a_wrong_name_is_told_before_anything_is_audited(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text(line())
    (tmp_path / "empty").mkdir()
    for wrong, told in (("nowhere.txt", "there is no such file"), ("empty", "holds no file to audit (.txt")):
        said, errors = call(tmp_path / "x.jsonl", tmp_path / wrong, code=1)
        assert said == ""
        assert errors.startswith(f"quoth: {tmp_path / wrong}: ")
        assert told in errors
    assert "'--html'" in call(tmp_path / "x.jsonl", "--html", tmp_path / "empty", code=2)[1]
    assert call(code=2)[1]


def test_without_a_function_for_faults_python_raises() -> None:
    with pytest.raises(AuditError, match="item 1: has no 'context'") as caught:
        list(api.audit({"question": "Why?"}))
    assert caught.value.place == "item 1"
    told: list[str] = []
    assert list(api.audit({"question": "Why?"}, on_fault=lambda error: told.append(error.reason))) == []
    assert told == ["has no 'context' (its keys: 'question')"]


_KEYS = st.sampled_from(("id", "question", "context", "answer", "sentences"))
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS | st.text(max_size=5), inner, max_size=5),
    max_leaves=10,
)
_FILES = st.binary(max_size=200) | st.lists(_JSON, max_size=4).map(
    lambda values: "\n".join(map(json.dumps, values)).encode()
)


@given(content=_FILES, suffix=st.sampled_from(("", ".txt", ".json", ".jsonl")))
def test_any_file_gives_items_or_reasons(content: bytes, suffix: str) -> None:
    found = list(items_in(io.BytesIO(content), "a file", "stem", suffix))
    assert found
    for one in found:
        if isinstance(one, AuditError):
            assert str(one).startswith("a file")
        else:
            assert isinstance(one, Item)
            assert one.question.strip()
            f"{one.id}{one.question}{one.context}{one.answer}{one.sentences}".encode()


@settings(max_examples=40, deadline=None)
@given(context=st.text(max_size=300), answer=st.text(min_size=1, max_size=120).filter(str.strip))
def test_any_answer_is_audited_as_the_contract_says(context: str, answer: str) -> None:
    audit = audited(context=context, answer=answer)
    check(audit.row(), audit.item.context)
    assert audit.sentences
    assert "".join(piece.text for piece in pieces(audit)) == audit.item.context
