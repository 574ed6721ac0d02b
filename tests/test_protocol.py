"""study.toml and codebooks: what loads, what is refused, and with which words on which "
"line."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quoth.errors import ProtocolError
from quoth.protocol import (
    ChatReader,
    EmbeddedReader,
    GgufReader,
    Price,
    Protocol,
    bundled_codebooks,
    codebook_toml,
    load_codebook,
    load_protocol,
    question_digest,
    read_questions_csv,
    study_toml,
)
from quoth.protocol.positions import KeyPath, Positions
from quoth.vocabulary import Kind, Question

CODEBOOK = """\
[codebook]
name = "garden"
title = "Gardens"
version = "2"
description = "What grows."
source = "Own."

[[question]]
id = "g1"
label = "Soil"
text = "Which soil?"
guidance = "Clay, sand."

[[question]]
id = "g2"
label = "Beds"
text = "How many beds?"
kind = "number"
unit = "beds"

[[question]]
id = "g3"
label = "Fence"
text = "Which fence?"
kind = "choice"
choices = ["wood", "wire"]

[[variable]]
name = "Ground"
group = "basics"
any = ["g1", "g2"]

[[variable]]
name = "Not asked"
any = []
"""

GOOD = """\
[study]
title = "Gardens of the north"      # a note
codebook = "garden.toml"
papers = "pdfs"
ledger = "sqlite:///other.db"

[retrieval]
characters = 4_000

[reading]
max_pages = 50
seconds_per_paper = 12.5
memory_mb = 900
workers = 3

[[question]]
id = "g2"
label = "Number of beds"
text = '''How many
beds, in all?'''
kind = "number"

[[question]]
id = "g4"
text = "Where is the plan?"
kind = "link"

[[reader]]
name = "small"
type = "embedded"

[[reader]]
name = "llama-3.1"
type = "chat"
base_url = "http://127.0.0.1:8000/v1"
model = "meta-llama/Llama-3.1-70B-Instruct"
api_key_env = "LLM_KEY"
style = "classic"
context = "paper"
concurrency = 4
requests_per_minute = 60
tokens_per_minute = 100000
price_per_million = { input = 0.59, output = 1 }

[[reader]]
name = "local"
type = "gguf"
model = "models/tiny.gguf"

[quorum]
rule = "weighted"
ties = "not_reported"
minimum_votes = 2

[[variable]]
name = "Ground"
all = ["g1", "g4"]

[budget]
max_cost_usd = 20
max_tokens = 50000000
"""

HEAD = '[study]\ntitle = "T"\ncodebook = "garden.toml"\n'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("garden.toml").write_text(CODEBOOK, "utf-8")
    return tmp_path


def load(text: str) -> Protocol:
    Path("study.toml").write_text(text, "utf-8")
    return load_protocol(Path("study.toml"))


def faults(text: str) -> list[str]:
    with pytest.raises(ProtocolError) as caught:
        load(text)
    assert str(caught.value) == "\n".join(caught.value.faults)
    return caught.value.faults


def changed(old: str, new: str, text: str = GOOD) -> str:
    assert text.count(old) == 1
    return text.replace(old, new)


# What loads


def test_everything_that_the_contract_names_is_read() -> None:
    protocol = load(GOOD)
    assert protocol.title == "Gardens of the north"
    assert (protocol.papers, protocol.ledger) == (Path("pdfs"), "sqlite:///other.db")
    assert protocol.retrieval.characters == 4000
    reading = protocol.reading
    assert (reading.max_pages, reading.seconds_per_paper, reading.memory_mb, reading.workers) == (50, 12.5, 900, 3)
    quorum = protocol.quorum
    assert (quorum.rule, quorum.ties, quorum.minimum_votes) == ("weighted", "not_reported", 2)
    assert (protocol.budget.max_cost_usd, protocol.budget.max_tokens) == (20, 50_000_000)
    small, llama, local = protocol.readers
    assert small == EmbeddedReader(name="small", type="embedded")
    assert isinstance(llama, ChatReader)
    assert (llama.style, llama.context, llama.concurrency, llama.requests_per_minute) == ("classic", "paper", 4, 60)
    assert llama.price_per_million == Price(input=0.59, output=1)
    assert isinstance(local, GgufReader)
    assert protocol.codebook is not None
    assert protocol.codebook.title == "Gardens"


def test_own_questions_take_the_place_of_their_namesakes_or_come_last() -> None:
    protocol = load(GOOD)
    assert [question.id for question in protocol.questions] == ["g1", "g2", "g3", "g4"]
    assert protocol.questions[1] == Question("g2", "Number of beds", "How many\nbeds, in all?", Kind.NUMBER)
    assert protocol.questions[2].choices == ("wood", "wire")
    assert protocol.questions[3] == Question("g4", "g4", "Where is the plan?", Kind.LINK)
    assert [(one.name, one.any, one.all) for one in protocol.variables] == [
        ("Ground", None, ("g1", "g4")),
        ("Not asked", (), None),
    ]


def test_a_short_file_has_the_defaults_of_the_design() -> None:
    protocol = load('[study]\ntitle = "T"\ncodebook = "dl-methods"\n')
    assert protocol.readers == (EmbeddedReader(name="embedded", type="embedded"),)
    assert (protocol.papers, protocol.ledger) == (Path("papers"), "sqlite:///.quoth/ledger.db")
    assert protocol.retrieval.characters == 3000
    reading = protocol.reading
    assert (reading.max_pages, reading.seconds_per_paper, reading.memory_mb, reading.workers) == (500, 120, 2000, None)
    assert (protocol.quorum.rule, protocol.quorum.ties, protocol.quorum.minimum_votes) == ("majority", "undecided", 1)
    assert (protocol.budget.max_cost_usd, protocol.budget.max_tokens) == (None, None)
    assert [question.id for question in protocol.questions] == [f"cq{number:02d}" for number in range(1, 29)]


def test_papers_and_codebook_are_found_from_where_the_file_lies(folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "deep" / "study.toml").write_text('[study]\ntitle = "T"\ncodebook = "../garden.toml"\n', "utf-8")
    protocol = load_protocol(folder / "deep" / "study.toml")
    assert protocol.papers == folder / "deep" / "papers"
    assert len(protocol.questions) == 3


@pytest.mark.parametrize("ends", ["\r\n", "\n"])
def test_a_byte_order_mark_and_line_ends_of_windows_are_fine(ends: str) -> None:
    Path("study.toml").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", ends).encode())
    assert load_protocol(Path("study.toml")).digest == load(GOOD).digest


@pytest.mark.parametrize("name", bundled_codebooks())
def test_bundled_codebooks_load_and_make_studies(name: str) -> None:
    codebook = load_codebook(name, Path())
    assert codebook.name == name
    assert codebook.questions == load(study_toml("T", name)).questions
    assert all(question.guidance and question.label for question in codebook.questions)


def test_both_codebooks_are_bundled() -> None:
    assert bundled_codebooks() == ("dl-methods", "study-basics")


# What is refused, where, and in which words

WRONG = [
    (changed("ties =", "tie ="), "study.toml:52: [quorum] has no key 'tie'; did you mean 'ties'?"),
    (
        changed("characters", "charactres"),
        "study.toml:8: [retrieval] has no key 'charactres'; did you mean 'characters'?",
    ),
    (
        changed("4_000", '"4000"'),
        "study.toml:8: 'characters' in [retrieval] must be a whole number, not the text '4000': "
        "write it without quotation marks",
    ),
    (
        changed("4_000", "4000.0"),
        "study.toml:8: 'characters' in [retrieval] must be a whole number, not the number 4000.0",
    ),
    (changed("4_000", "12"), "study.toml:8: 'characters' in [retrieval] must be at least 300, not 12"),
    (changed("4_000", "true"), "study.toml:8: 'characters' in [retrieval] must be a whole number, not true"),
    (
        changed("12.5", "inf"),
        ("study.toml:12: 'seconds_per_paper' in [reading] must be an ordinary number, not the number inf"),
    ),
    (
        changed('"Gardens of the north"', "1979-05-27"),
        "study.toml:2: 'title' in [study] must be a text in quotation marks, not a date or time",
    ),
    (changed('title = "Gardens of the north"', "# nothing"), "study.toml:1: [study] lacks the key 'title'"),
    (changed('"Gardens of the north"', '" "'), "study.toml:2: 'title' in [study] must not be empty"),
    (
        changed('"Where is the plan?"', '"?"'),
        "study.toml:25: 'text' in [[question]] 'g4' must hold a letter or a digit",
    ),
    (changed("[quorum]", "[quorums]"), "study.toml:50: there is no table [quorums]; did you mean [quorum]?"),
    (
        changed('"weighted"', '"Majorty"'),
        "study.toml:51: 'rule' in [quorum] must be 'majority', 'weighted', 'dawid-skene' or "
        "'evidence', "
        "not the text 'Majorty'; did you mean 'majority'?",
    ),
    (
        changed('type = "embedded"', 'type = "embeded"'),
        (
            "study.toml:30: 'type' in [[reader]] 'small' must be 'embedded', 'chat' or 'gguf', not the "
            "text 'embeded'; did you mean 'embedded'?"
        ),
    ),
    (
        changed('type = "embedded"', ""),
        "study.toml:28: [[reader]] 'small' lacks the key 'type': 'embedded', 'chat' or 'gguf'",
    ),
    (
        changed('type = "embedded"', 'type = "embedded"\nmodel = "m"'),
        (
            "study.toml:31: [[reader]] 'small' has no key 'model'; it belongs in a reader of type "
            "'chat' or a reader of type 'gguf'"
        ),
    ),
    (changed('"small"', '"local"'), "study.toml:46: [[reader]] 'local' stands twice; the first is on line 29"),
    (
        changed('"small"', '"my reader"'),
        (
            "study.toml:29: 'name' in [[reader]] 'my reader' must be a short identifier: letters, "
            "digits, '.', '_' and '-', at most 64, starting with a letter or a digit"
        ),
    ),
    (
        changed("input = 0.59", "inputs = 0.59"),
        ("study.toml:43: 'price_per_million' of [[reader]] 'llama-3.1' has no key 'inputs'; did you mean 'input'?"),
    ),
    (
        changed("output = 1 ", 'output = "1" '),
        (
            "study.toml:43: 'output' in 'price_per_million' of [[reader]] 'llama-3.1' must be a "
            "number, not the text '1': write it without quotation marks"
        ),
    ),
    (
        changed("{ input = 0.59, output = 1 }", "0.59"),
        (
            "study.toml:43: 'price_per_million' in [[reader]] 'llama-3.1' must be a table such as { "
            "input = 0.5, output = 1.5 }, not the number 0.59"
        ),
    ),
    (
        changed("concurrency = 4", "concurrency = 0"),
        "study.toml:40: 'concurrency' in [[reader]] 'llama-3.1' must be at least 1, not 0",
    ),
    (
        changed('"http://127.0.0.1:8000/v1"', '"127.0.0.1:8000"'),
        (
            "study.toml:35: 'base_url' in [[reader]] 'llama-3.1' must be a web address such as "
            "\"http://127.0.0.1:8000/v1\", without user name, '?' or '#'"
        ),
    ),
    (
        changed('"http://127.0.0.1:8000/v1"', '"http://127.0.0.1:80000/v1"'),
        (
            "study.toml:35: 'base_url' in [[reader]] 'llama-3.1' must be a web address such as "
            '"http://127.0.0.1:8000/v1"'
        ),
    ),
    (
        changed('all = ["g1", "g4"]', 'all = [\n  "g1",\n  "g5", # no\n]'),
        "study.toml:59: [[variable]] 'Ground' names the question 'g5', which there is not",
    ),
    (
        changed('all = ["g1", "g4"]', 'all = ["g1"]\nany = ["g2"]'),
        "study.toml:57: [[variable]] 'Ground' has both 'any' and 'all'; keep one",
    ),
    (
        changed('all = ["g1", "g4"]', ""),
        ("study.toml:55: [[variable]] 'Ground' has neither 'any' nor 'all': name the questions it needs"),
    ),
    (
        changed('all = ["g1", "g4"]', "all = [7]"),
        ("study.toml:57: item 1 of 'all' of [[variable]] 'Ground' must be a text in quotation marks, not the number 7"),
    ),
    (
        changed('kind = "link"', 'kind = "choice"'),
        "study.toml:26: [[question]] 'g4' is of kind \"choice\" and lacks its 'choices'",
    ),
    (
        changed('kind = "link"', 'kind = "choice"\nchoices = ["a"]'),
        "study.toml:27: [[question]] 'g4' needs at least two 'choices'",
    ),
    (
        changed('kind = "link"', 'kind = "choice"\nchoices = ["a", "b",\n"a"]'),
        "study.toml:28: [[question]] 'g4' has the choice 'a' twice",
    ),
    (
        changed('kind = "link"', 'choices = ["a", "b"]'),
        (
            "study.toml:26: [[question]] 'g4' has 'choices', and its kind is 'text'; write kind = "
            '"choice" or leave the choices out'
        ),
    ),
    (
        changed('kind = "link"', 'kind = "link"\nunit = "km"'),
        (
            "study.toml:27: [[question]] 'g4' has a 'unit', and its kind is 'link'; write kind = "
            '"number" or leave the unit out'
        ),
    ),
    (changed('id = "g4"', 'id = "g2"'), "study.toml:24: [[question]] 'g2' stands twice; the first is on line 17"),
    (changed('id = "g4"\n', ""), "study.toml:23: [[question]] number 2 lacks the key 'id'"),
    (
        changed("garden.toml", "dl-method"),
        (
            "study.toml:3: there is no codebook 'dl-method': neither a file of that name, nor one of "
            "the bundled dl-methods, study-basics; did you mean 'dl-methods'?"
        ),
    ),
    (
        '[study]\ntitle = "T"\n',
        ("study.toml:1: the study asks nothing: name a 'codebook' in [study], or add a [[question]]"),
    ),
    (HEAD + 'rule = "majority"\n', "study.toml:4: [study] has no key 'rule'; it belongs in [quorum]"),
    ('title = "T"\n\n' + HEAD, "study.toml:1: the key 'title' stands in no table; it belongs in [study]"),
    (
        HEAD + '[reader]\nname = "a"\ntype = "embedded"\n',
        "study.toml:4: each reader has a table of its own: write [[reader]] with double brackets",
    ),
    (HEAD + "[[quorum]]\nties = 1\n", "study.toml:4: there is only one [quorum]: write it with single brackets"),
    (
        HEAD.replace("[study]", "quorum = 3\n[study]"),
        ("study.toml:1: 'quorum' must be a table, not the number 3: write [quorum] on a line of its own"),
    ),
    (
        HEAD + "[weather]\nrain = 1\n",
        (
            "study.toml:4: there is no table [weather]; the tables are [study], [retrieval], "
            "[reading], [[question]], [[reader]], [quorum], [[variable]], [[level]] and [budget]"
        ),
    ),
    (
        HEAD + 'quorum.tie = "x"\n',
        ("study.toml:4: [study] has no key 'quorum'; its keys are title, codebook, papers and ledger"),
    ),
    (
        'study = { title = "T", codebook = "garden.toml",\n  paper = "p" }\n'.replace("\n  ", " "),
        "study.toml:1: [study] has no key 'paper'; did you mean 'papers'?",
    ),
    (
        'study.title = "T"\nstudy."codebooks" = "garden.toml"\n',
        "study.toml:2: [study] has no key 'codebooks'; did you mean 'codebook'?",
    ),
    (
        HEAD
        + (
            '[["quorum"]]\n[[reader]]\nname="a"\ntype="chat"\nmodel="m"\nbase_url="http://h"\n[reader.pr'
            "ice_per_million]\ninput=1\n"
        ),
        "study.toml:10: 'price_per_million' of [[reader]] 'a' lacks the key 'output'",
    ),
    ("", "study.toml:1: the table [study] is missing"),
]


@pytest.mark.parametrize(("text", "expected"), WRONG)
def test_a_fault_has_its_line_its_place_and_the_nearest_right_name(text: str, expected: str) -> None:
    assert expected in faults(text)


SYNTAX = [
    (
        HEAD + "papers = my papers\n",
        ("study.toml:4: not valid TOML at column 10: this is no value: a text needs quotation marks around it"),
    ),
    (HEAD + "papers\n", "study.toml:4: not valid TOML at column 7: an '=' is expected after the key"),
    (
        HEAD + 'papers = "p\n',
        ("study.toml:4: not valid TOML at column 12: a text is not closed on its line: a quotation mark is missing"),
    ),
    (
        HEAD + 'papers = "C:\\papers"\n',
        (
            "study.toml:4: not valid TOML at column 15: write a backslash twice, or put the text in "
            "single quotation marks: 'C:\\papers'"
        ),
    ),
    (HEAD + "title = 'again'\n", "study.toml:4: not valid TOML at column 16: this key or table has been given before"),
    (HEAD + "[question]\nid='a'\n[[question]]\n", "study.toml:6:"),
    (
        HEAD + "[reader]\n[reader]\n",
        (
            "study.toml:5: not valid TOML at column 8: the table [reader] has been given before; one "
            "of several tables is written [[reader]]"
        ),
    ),
    (
        HEAD + "papers = '''\nx",
        ("study.toml:5: not valid TOML at the end of the file: a text is not closed: a quotation mark is missing"),
    ),
    (HEAD + "papers = " + "[" * 5000, "study.toml:1: not valid TOML: lists or tables are nested too deeply"),
    (HEAD + "papers = " + "9" * 5000, "study.toml:1: not valid TOML: a number in this file has too many digits"),
]


@pytest.mark.parametrize(("text", "expected"), SYNTAX)
def test_what_is_not_toml_has_its_line_and_column(text: str, expected: str) -> None:
    (fault,) = faults(text)
    assert fault.startswith(expected)


def test_all_faults_are_told_at_once_in_the_order_of_the_file() -> None:
    text = GOOD
    for old, new in [
        ("codebook =", "codebok ="),
        ("max_pages = 50", "max_pages = 0"),
        ("ties =", "tie ="),
        ('"g1", "g4"', '"g9"'),
    ]:
        text = changed(old, new, text)
    lines = [int(fault.split(":")[1]) for fault in faults(text)]
    assert lines == [3, 11, 52, 57]


def test_a_key_misspelt_and_therefore_missing_is_one_fault() -> None:
    assert faults(changed("title =", "titel =")) == ["study.toml:2: [study] has no key 'titel'; did you mean 'title'?"]


def test_faults_of_the_codebook_are_told_with_its_own_name_and_lines() -> None:
    Path("garden.toml").write_text(changed('kind = "number"', 'kind = "numbers"', CODEBOOK), "utf-8")
    assert faults(changed("ties =", "tie =")) == [
        "study.toml:52: [quorum] has no key 'tie'; did you mean 'ties'?",
        "garden.toml:18: 'kind' in [[question]] 'g2' must be 'text', 'choice', 'number' or 'link', "
        "not the text 'numbers'; did you mean 'number'?",
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('version = "2"', "version = 2", "garden.toml:4: 'version' in [codebook] must be a text in quotation marks"),
        ('any = ["g1", "g2"]', 'any = ["g7"]', "garden.toml:31: [[variable]] 'Ground' names the question 'g7', which"),
        (
            'name = "Not asked"',
            'name = "Ground"',
            "garden.toml:34: [[variable]] 'Ground' stands twice; the first is on line 29",
        ),
    ],
)
def test_codebooks_are_as_strict(old: str, new: str, expected: str) -> None:
    Path("garden.toml").write_text(changed(old, new, CODEBOOK), "utf-8")
    with pytest.raises(ProtocolError) as caught:
        load_codebook("garden.toml", Path())
    assert [fault.startswith(expected) for fault in caught.value.faults] == [True]


def test_files_that_cannot_be_read_are_faults_too(folder: Path) -> None:
    for path, words in [(Path("none.toml"), "there is no such file"), (folder, "cannot be read")]:
        with pytest.raises(ProtocolError, match=words):
            load_protocol(path)
    Path("study.toml").write_bytes(b'[study]\ntitle = "M\xfcnchen"\n')
    with pytest.raises(ProtocolError, match=r"^study.toml:2: not UTF-8 text"):
        load_protocol(Path("study.toml"))


def test_files_are_named_from_the_working_directory(folder: Path) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / "study.toml").write_text("[study]\n", "utf-8")
    with pytest.raises(ProtocolError) as caught:
        load_protocol(folder / "mine" / "study.toml")
    assert str(caught.value).startswith(f"{Path('mine', 'study.toml')}:1: ")


SECRET = "sk-proj-4fTzQ81bbLmX"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (changed('"LLM_KEY"', f'"{SECRET}"'), 37),
        (changed('api_key_env = "LLM_KEY"', f'api_key = "{SECRET}"'), 37),
        (changed('api_key_env = "LLM_KEY"', f'token = "{SECRET}"'), 37),
        (changed('api_key_env = "LLM_KEY"', f'api_key_env = ["{SECRET}"]'), 37),
        (changed('api_key_env = "LLM_KEY"', f'"{SECRET}" = 1'), 37),
        (changed('style = "classic"', f'style = "{SECRET}"'), 38),
        (changed("concurrency = 4", f'concurrency = "{SECRET}"'), 40),
        (changed('"llama-3.1"', f'"{SECRET} x"'), 33),
        (changed("http://127.0.0.1:8000/v1", f"http://me:{SECRET}@127.0.0.1:8000/v1"), 35),
        (changed("http://127.0.0.1:8000/v1", f"http://127.0.0.1:8000/v1?key={SECRET}"), 35),
    ],
)
def test_a_key_to_an_api_is_refused_and_never_repeated(text: str, line: int) -> None:
    (fault,) = faults(text)
    assert fault.startswith(f"study.toml:{line}: ")
    assert SECRET not in fault
    if "api_key" in text.splitlines()[line - 1]:
        assert "environment variable" in fault or "must be a text" in fault


@pytest.mark.parametrize("key", ["hf_AbCdEfGhIjKlMnOp", "Zq81bbLmX4fTzQ0kPw72", "0123456789abcdef0123456789abcdef"])
def test_keys_of_many_providers_are_known(key: str) -> None:
    (fault,) = faults(changed('"LLM_KEY"', f'"{key}"'))
    assert "environment variable" in fault
    assert key not in fault


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "hf_token", "MY_VERY_OWN_KEY_FOR_Llama_3_70B"])
def test_names_of_environment_variables_are_no_keys(name: str) -> None:
    (reader,) = [one for one in load(changed('"LLM_KEY"', f'"{name}"')).readers if isinstance(one, ChatReader)]
    assert reader.api_key_env == name


# Digests


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Gardens of the north", "Other"),
        ('"pdfs"', '"papers"'),
        ("other.db", "else.db"),
        ("max_tokens = 50000000", "max_tokens = 7"),
        ("workers = 3", "workers = 8"),
        ("127.0.0.1:8000", "gpu:9000"),
        ("LLM_KEY", "OTHER"),
        ("concurrency = 4", "concurrency = 5"),
        ("input = 0.59", "input = 3"),
        ("models/tiny.gguf", "C:/elsewhere/tiny.gguf"),
        ("Number of beds", "Beds"),
        ("# a note", "# another"),
    ],
)
def test_what_changes_no_result_changes_no_digest(old: str, new: str) -> None:
    assert load(changed(old, new)).digest == load(GOOD).digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("4_000", "4001"),
        ("max_pages = 50", "max_pages = 51"),
        ("beds, in all?", "beds, in sum?"),
        ('kind = "link"', 'kind = "text"'),
        ("70B-Instruct", "8B-Instruct"),
        ('style = "classic"', 'style = "quotes"'),
        ('context = "paper"', 'context = "passages"'),
        ("tiny.gguf", "huge.gguf"),
        ('"weighted"', '"evidence"'),
        ('"not_reported"', '"undecided"'),
        ("minimum_votes = 2", "minimum_votes = 1"),
        ('all = ["g1", "g4"]', 'any = ["g1", "g4"]'),
    ],
)
def test_what_changes_results_changes_the_digest(old: str, new: str) -> None:
    assert load(changed(old, new)).digest != load(GOOD).digest


def test_the_digest_is_the_same_on_every_machine_and_in_every_version() -> None:
    digest = load(HEAD).digest
    assert digest == load(HEAD + "[reading]\nseconds_per_paper = 120\n").digest
    assert digest == "d1fd9be6b734c6bafd1d703b3a63c4cd11212ab44331c556ecdbcdf261e91f65"


def test_a_question_digest_covers_all_that_is_asked() -> None:
    question = Question("q", "Label", "Text?", Kind.CHOICE, "Guide.", ("a", "b"))
    digest = question_digest(question)
    assert re.fullmatch("[0-9a-f]{64}", digest)
    assert question_digest(replace(question, label="Other")) == digest
    others = [
        replace(question, id="r"),
        replace(question, text="Text"),
        replace(question, guidance=""),
        replace(question, choices=("b", "a")),
        replace(question, choices=("ab",)),
        replace(question, kind=Kind.NUMBER),
        replace(question, unit="m"),
    ]
    assert len({digest, *map(question_digest, others)}) == len(others) + 1


# What is written for newcomers

line_text = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30).filter(str.strip)
questions = st.builds(
    lambda text, label, guidance, kind, choices: Question(
        id="x", text=text, label=label, guidance=guidance, kind=kind, choices=choices if kind is Kind.CHOICE else ()
    ),
    text=line_text.filter(lambda text: any(map(str.isalnum, text))),
    label=line_text,
    guidance=st.text(st.characters(codec="utf-8"), max_size=30),
    kind=st.sampled_from(Kind),
    choices=st.lists(line_text, min_size=2, max_size=4, unique=True).map(tuple),
)


@settings(max_examples=60, deadline=None)
@given(title=line_text, asked=st.lists(questions, min_size=1, max_size=3))
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, title: str, asked: list[Question]
) -> None:
    asked = [replace(question, id=f"q{number}") for number, question in enumerate(asked)]
    folder = tmp_path_factory.mktemp("written")
    (folder / "own.toml").write_text(codebook_toml("own", title, asked), "utf-8", newline="")
    assert load_codebook("own.toml", folder).questions == tuple(asked)
    for codebook, first in [
        (None, ()),
        ("own.toml", ()),
        ("dl-methods", load_codebook("dl-methods", folder).questions),
    ]:
        (folder / "study.toml").write_text(study_toml(title, codebook, asked), "utf-8", newline="")
        protocol = load_protocol(folder / "study.toml")
        assert protocol.title == title
        assert protocol.questions == (*first, *asked)


def test_the_examples_in_a_fresh_study_work_when_their_marks_are_taken_away() -> None:
    fresh = study_toml("T", "dl-methods")
    text = re.sub(r"^# (?=\[|[a-z_]+ = )", "", fresh, flags=re.MULTILINE)
    assert text != fresh
    protocol = load(text)
    assert protocol.questions[-1].kind is Kind.LINK
    assert (protocol.reading.workers, protocol.budget.max_cost_usd) == (4, 20.0)


# Questions from a spreadsheet


def questions_csv(data: bytes) -> list[Question]:
    Path("q.csv").write_bytes(data)
    return read_questions_csv(Path("q.csv"))


def csv_faults(text: str) -> list[str]:
    with pytest.raises(ProtocolError) as caught:
        questions_csv(text.encode())
    return caught.value.faults


def test_questions_with_all_columns() -> None:
    text = (
        'id,label,text,kind,guidance,choices,unit\na,A,"One, two?",choice,"Say ""so"".",x| y '
        "|z,\nb,,How far?,number,,,km\n"
    )
    expected = [
        Question("a", "A", "One, two?", Kind.CHOICE, 'Say "so".', ("x", "y", "z")),
        Question("b", "b", "How far?", Kind.NUMBER, unit="km"),
    ]
    assert questions_csv(text.encode()) == expected
    assert questions_csv(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()) == expected


def test_semicolons_tabs_and_a_header_in_another_case() -> None:
    expected = [Question("a", "a", "One, two?")]
    assert questions_csv(b"ID; Text;;\r\na;One, two?;;\r\n") == expected
    assert questions_csv(b"id\ttext\na\tOne, two?\n") == expected


def test_the_text_alone_is_enough() -> None:
    assert [(one.id, one.text) for one in questions_csv(b'text\n"A, b?"\n\nC?\n')] == [("q01", "A, b?"), ("q02", "C?")]
    assert [one.id for one in questions_csv(b"text\n" + b"x\n" * 100)][::99] == ["q001", "q100"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "",
            [
                (
                    "q.csv:1: the file is empty; its first line names the columns: id, label, text, kind, "
                    "guidance, choices and unit"
                )
            ],
        ),
        ("text\n", ["q.csv:1: there must be at least one question"]),
        (
            "id,txet\na,b\n",
            [
                "q.csv:1: there is no column 'txet'; did you mean 'text'?",
                ("q.csv:1: the column 'text' is missing: it holds the questions; the first line names the columns"),
            ],
        ),
        ("text,text\na,b\n", ["q.csv:1: the column 'text' stands twice"]),
        ('id,text\na,"x\ny"\na,z\n', ["q.csv:4: question 'a' stands twice; the first is on line 2"]),
        (
            "id,text\na b,x\nc,\n",
            [
                (
                    "q.csv:2: 'id' in question 'a b' must be a short identifier: letters, digits, '.', '_' and "
                    "'-', at most 64, starting with a letter or a digit"
                ),
                "q.csv:3: question 'c' lacks the key 'text'",
            ],
        ),
        (
            "id,text,kind\na,x,chose\n",
            [
                (
                    "q.csv:2: 'kind' in question 'a' must be 'text', 'choice', 'number' or 'link', not the "
                    "text 'chose'; did you mean 'choice'?"
                )
            ],
        ),
        (
            "id,text,choices\na,x,1|2\n",
            [
                (
                    "q.csv:2: question 'a' has 'choices', and its kind is 'text'; write kind = \"choice\" or "
                    "leave the choices out"
                )
            ],
        ),
        (
            "text\nHow many, and where?\n",
            ["q.csv:2: 2 cells for 1 columns; put a text with separators into quotation marks"],
        ),
        ('text\nx\n"never closed\n', ["q.csv:3: not valid CSV: a quotation mark is opened here and never closed"]),
    ],
)
def test_faults_of_a_table_have_their_lines(text: str, expected: list[str]) -> None:
    assert csv_faults(text) == expected


def test_a_table_in_another_encoding_is_refused() -> None:
    with pytest.raises(ProtocolError, match=r"^q.csv:2: not UTF-8"):
        questions_csv("text\nWo in München?\n".encode("latin-1"))


# Rules that hold for all files

NUMBERED = list(enumerate(GOOD.splitlines(), start=1))
KEYED = [number for number, line in NUMBERED if "=" in line or line.startswith("[")]


@settings(max_examples=200, deadline=None)
@given(data=st.data(), number=st.sampled_from(KEYED), delete=st.booleans())
def test_a_wrong_key_anywhere_loads_or_is_told_with_a_line_that_exists(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, number: int, delete: bool
) -> None:
    lines = GOOD.splitlines()
    if delete:
        del lines[number - 1]
    else:
        line = lines[number - 1]
        place = data.draw(st.integers(0, min(len(line) - 1, 12)))
        letter = data.draw(st.sampled_from("abx_-.'\"[]{}=# 1\\é"))
        lines[number - 1] = line[:place] + letter + line[place + data.draw(st.integers(0, 1)) :]
    folder = tmp_path_factory.mktemp("wrong")
    (folder / "garden.toml").write_text(CODEBOOK, "utf-8")
    (folder / "study.toml").write_text("\n".join(lines), "utf-8")
    try:
        protocol = load_protocol(folder / "study.toml")
    except ProtocolError as error:
        assert error.faults
        for fault in error.faults:
            found = re.fullmatch(r".*study\.toml:(\d+): (\S.*)", fault)
            assert found, fault
            assert 1 <= int(found[1]) <= len(lines)
            assert "pydantic" not in found[2]
            assert "something else" not in found[2]
    else:
        assert protocol.questions


names = st.text("abc-_1 .\"'\\é]=#", min_size=0, max_size=4)
scalars = st.sampled_from(
    [
        "1",
        "-1.5e3",
        "true",
        "1979-05-27 07:32:00",
        '"a # b = [1]"',
        "'''\n]x'y\n'''",
        '"""\n\\"}" \\\\"""""',
        "''",
        "0x1F",
    ]
)
spaces = st.sampled_from(["", " ", "\n", " # ] }\n  "])


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


keys = names.map(lambda name: name if re.fullmatch("[a-z1_-]+", name) else _quoted(name))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(st.tuples(spaces, inner, spaces).map("".join), max_size=3).map(lambda items: f"[{','.join(items)}]"),
        st.lists(
            st.tuples(keys, inner), max_size=3, unique_by=lambda pair: tomllib.loads(f"{pair[0]}=1").popitem()[0]
        ).map(lambda pairs: "{" + ", ".join(f"{key} = {value}" for key, value in pairs) + "}"),
    ),
    max_leaves=5,
)
pairs = st.tuples(st.lists(keys, min_size=1, max_size=2).map(" . ".join), values).map(" = ".join)
headers = st.tuples(
    st.sampled_from(["[{}]", "[[{}]]", "[ {} ]"]), st.lists(keys, min_size=1, max_size=2).map(".".join)
).map(lambda pair: pair[0].format(pair[1]))


def _paths(value: object, path: KeyPath = ()) -> list[KeyPath]:
    inner: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [deeper for key, item in inner for deeper in ((*path, key), *_paths(item, (*path, key)))]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(pairs, pairs, headers, st.sampled_from(["", "# [[x]] = '"])), max_size=8))
def test_every_key_of_every_toml_file_has_its_line(statements: list[str]) -> None:
    """Each statement adds the paths that tomllib sees after it and not before; they must "
    "stand on its lines."""
    text, seen = "", set()
    expected: dict[KeyPath, tuple[int, int]] = {}
    for statement in statements:
        first = text.count("\n") + 1
        longer = f"{text}{statement}\n"
        try:
            paths = set(_paths(tomllib.loads(longer)))
        except tomllib.TOMLDecodeError:
            continue
        text = longer
        last = text.count("\n")
        expected |= dict.fromkeys(paths - seen, (first, last))
        seen |= paths
    positions = Positions.of_toml(text)
    for path, (first, last) in expected.items():
        assert first <= positions.line(path) <= last, path
