"""Models behind an API: what becomes of every way in which a server can fail, side by side in one study."""

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import quoth as api
from conftest import SMALL
from misbehaving import Answer, Script, Seen, Server, not_reported, refuses, reported, says
from quoth.study.execute import Outcome
from quoth.vocabulary import Failure, Finding, Verdict

READER = """
[[reader]]
name = "{name}"
type = "chat"
base_url = "{url}"
model = "tiny"
seconds_per_request = {seconds}
patience_seconds = 6.0
concurrency = {concurrency}
"""

UTF8 = json.dumps({"choices": [{"message": {"content": reported("x")}}]}).encode().replace(b"It does", b"It d\xff\xfes")


def first(*answers: Answer, then: Script = not_reported) -> Script:
    """These answers one after the other, then what another script says."""
    return lambda number, seen: answers[number] if number < len(answers) else then(number, seen)


def always(answer: Answer) -> Script:
    return lambda number, seen: answer


def changing_model(number: int, seen: Seen) -> Answer:
    return says(json.dumps({"verdict": "not_reported"}), model=f"tiny-{number}")


def corrected(number: int, seen: Seen) -> Answer:
    """Prose at first, and JSON when asked to correct it."""
    proper = "That reply cannot be used" in seen.prompt
    return not_reported() if proper else says("I think that the paper says nothing of the kind.")


def takes(*names: str) -> Script:
    """A server that knows none of these parameters."""

    def script(number: int, seen: Seen) -> Answer:
        for name in names:
            if name in json.dumps({key: value for key, value in seen.body.items() if key != "messages"}):
                return refuses(400, f"Unrecognized request argument supplied: {name}", param=name)
        return not_reported()

    return script


def completion_tokens(number: int, seen: Seen) -> Answer:
    if "max_tokens" in seen.body:
        return refuses(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
    return not_reported()


TOO_LONG = refuses(400, "This model's maximum context length is 512 tokens.")

SCRIPTS: Mapping[str, Script] = {
    "plain": not_reported,
    "told-to-wait": first(refuses(429, "slow down", retry_after="1")),
    "busy": first(refuses(429, "slow down"), refuses(500, "oh"), refuses(503, "ah")),
    "hangs": first(Answer(seconds=30)),
    "cut": first(replace(not_reported(), cut=40)),
    "html": first(Answer(body=b"<html>Bad gateway</html>", headers={"content-type": "text/html"})),
    "error-in-200": first(Answer(body=b'{"error": {"message": "upstream is asleep", "code": 502}}')),
    "no-choices": always(Answer(body=b'{"choices": [], "model": "tiny"}')),
    "silent": always(says("")),
    "cut-off": always(says('{"verdict": "reported", "answer": "It', finish="length")),
    "prose": always(says("The paper does not say.")),
    "corrected": corrected,
    "made-up": always(says(reported("All of it was computed on the moon by owls."))),
    "no-seed": takes("seed"),
    "no-schema": takes("json_schema"),
    "no-format": takes("response_format"),
    "completion-tokens": completion_tokens,
    "nothing-unusual": takes("response_format", "seed", "temperature"),
    "not-utf8": always(Answer(body=UTF8)),
    "huge": always(Answer(body=b" " * 50_000_000)),
    "renamed": changing_model,
    "too-long": first(then=lambda number, seen: TOO_LONG),
    "down": always(refuses(503, "we are away")),
    "wrong-key": always(refuses(401, "Incorrect API key provided")),
    "no-credit": always(refuses(429, "You exceeded your quota: insufficient_quota")),
    "waits-for-days": always(refuses(429, "come back", retry_after="90000")),
}

ALL_WELL = {"plain", "told-to-wait", "busy", "hangs", "cut", "html", "error-in-200", "corrected", "renamed"}
REFUSING = {"no-seed", "no-schema", "no-format", "completion-tokens", "nothing-unusual"}
ALL_WELL |= REFUSING
STOPPED = {"down", "wrong-key", "no-credit", "waits-for-days"}


@dataclass(frozen=True)
class Night:
    """A study after a run over servers that all misbehaved, each in its way, and after a second over the same."""

    folder: Path
    outcome: Outcome
    seen: list[Seen]
    findings: dict[str, list[Finding]]
    again: Outcome
    seen_again: list[Seen]

    def of(self, name: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.route == name]


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory, demo_papers: Path) -> Iterator[Night]:
    folder = tmp_path_factory.mktemp("night")
    with Server(scripts=SCRIPTS) as server:
        write_study(folder, demo_papers, [reader(name, server.root) for name in SCRIPTS])
        with api.open(folder) as study:
            outcome = study.run()
            seen = list(server.seen)
            findings: dict[str, list[Finding]] = {name: [] for name in (*SCRIPTS, "embedded")}
            for stored in study.current():
                findings[stored.finding.reader].append(stored.finding)
            again = study.run()
            yield Night(folder, outcome, seen, findings, again, server.seen[len(seen) :])


def reader(name: str, root: str) -> str:
    """One that refuses a parameter is asked one request at a time: others would be on their way already.

    Only the one that hangs is given up soon: on a busy machine the others may be slow.
    """
    concurrency, seconds = (1 if name in REFUSING else 8), (6.0 if name == "hangs" else 60.0)
    return READER.format(name=name, url=f"{root}/{name}/v1", concurrency=concurrency, seconds=seconds)


def write_study(folder: Path, demo_papers: Path, readers: list[str]) -> None:
    (folder / "papers").mkdir(parents=True)
    text = SMALL.format(workers=1, seconds=60, max_pages=500) + "".join(readers)
    (folder / "study.toml").write_text(text, encoding="utf-8")
    paper = "lynx-camera-traps.pdf"
    (folder / "papers" / paper).write_bytes((demo_papers / paper).read_bytes())


@pytest.mark.parametrize("name", sorted(ALL_WELL))
def test_what_passes_is_no_failure(night: Night, name: str) -> None:
    assert [finding.verdict for finding in night.findings[name]] == [Verdict.NOT_REPORTED] * 2


def test_other_readers_go_on(night: Night) -> None:
    assert len(night.findings["embedded"]) == 2
    assert all(finding.verdict is not Verdict.FAILED for finding in night.findings["embedded"])


def test_a_server_that_says_how_long_is_waited_for(night: Night) -> None:
    seen = night.of("told-to-wait")
    refused, later = seen[0], [one for one in seen if one.at > seen[0].ended]
    assert later
    assert len(seen) == 3
    same = next(one for one in later if one.body == refused.body)
    assert same.at - refused.ended >= 1


def test_a_server_that_only_fails_is_asked_later_each_time(night: Night) -> None:
    assert len(night.of("busy")) == 2 + 3


@pytest.mark.parametrize("name", ["hangs", "cut", "html", "error-in-200"])
def test_what_broke_once_is_asked_once_more(night: Night, name: str) -> None:
    assert len(night.of(name)) == 3


@pytest.mark.parametrize("name", ["no-choices", "silent"])
def test_a_model_that_says_nothing_is_asked_three_times_and_again_by_the_next_run(night: Night, name: str) -> None:
    for finding in night.findings[name]:
        assert (finding.verdict, finding.failure) == (Verdict.FAILED, Failure.TRANSIENT)
        assert finding.error == "the model gave no answer"
    # Three requests for each of two questions; on a busy machine a reply may come too late and be asked for again.
    assert 6 <= len(night.of(name)) <= 8
    assert 6 <= Counter(seen.route for seen in night.seen_again)[name] <= 8


@pytest.mark.parametrize(
    ("name", "error", "requests"),
    [
        ("cut-off", "not understood: it was cut off, so be brief", 4),
        ("prose", "not understood: it holds no JSON object", 4),
        ("made-up", "unverified: of the quotes given, 1 not in the paper", 4),
        ("not-utf8", "unverified: of the quotes given, 1 not in the paper", 4),
        ("huge", "the reply is larger than 8 MB, which no answer is", 2),
        ("too-long", "status 400: This model's maximum context length is 512 tokens.", None),
    ],
)
def test_what_cannot_become_better_fails_for_good(night: Night, name: str, error: str, requests: int | None) -> None:
    for finding in night.findings[name]:
        assert (finding.verdict, finding.failure, finding.error) == (Verdict.FAILED, Failure.FINAL, error)
    assert requests is None or len(night.of(name)) == requests
    assert not [seen for seen in night.seen_again if seen.route == name]


def test_a_correction_quotes_the_error(night: Night) -> None:
    corrections = [seen.prompt for seen in night.of("corrected") if "cannot be used" in seen.prompt]
    assert len(corrections) == 2
    assert all("it holds no JSON object" in prompt and "I think that the paper" in prompt for prompt in corrections)


@pytest.mark.parametrize("name", sorted(STOPPED))
def test_an_endpoint_that_is_down_stops_its_reader_and_nothing_else(night: Night, name: str) -> None:
    assert name in night.outcome.stopped
    assert night.findings[name] == []


def test_only_those_that_are_down_stop(night: Night) -> None:
    assert set(night.outcome.stopped) == STOPPED
    reasons = night.outcome.stopped
    assert re.match(r"it has answered nothing for \d+ s \(status 503: we are away\)", reasons["down"])
    assert reasons["wrong-key"].startswith("it refuses the key")
    assert reasons["no-credit"].startswith("the account has no credit left")
    assert reasons["waits-for-days"].startswith("it asks to wait 90,000 s")
    assert len(night.of("wrong-key")) <= 2
    assert len(night.of("waits-for-days")) <= 2


def test_a_refused_parameter_is_left_out_and_recorded(night: Night) -> None:
    refused = {name: parameters(night.folder, name) for name in SCRIPTS if name in ALL_WELL}
    assert refused["plain"] == {"temperature": 0.0, "seed": 1, "max_tokens": 1000, "response_format": "json_schema"}
    assert refused["no-seed"]["refused"] == ["seed"]
    assert refused["no-schema"]["refused"] == ["json_schema"]
    assert refused["no-schema"]["response_format"] == "json_object"
    assert refused["no-format"]["refused"] == ["json_schema", "json_object"]
    assert refused["completion-tokens"]["max_completion_tokens"] == 1000
    assert set(refused["nothing-unusual"]) == {"max_tokens", "response_format", "refused"}
    for name in ("no-seed", "no-schema", "completion-tokens"):
        assert len(night.of(name)) == 3


def parameters(folder: Path, reader: str) -> dict[str, object]:
    """Those of a reader's last reply."""
    joined = "replies join readers on readers.id = reader_id"
    rows = select(folder, f"select parameters from {joined} where reader = ? order by replies.id", reader)
    found: dict[str, object] = json.loads(rows[-1])
    return found


def select(folder: Path, statement: str, *values: str) -> list[str]:
    """The first column of what a statement finds in a study's ledger."""
    with closing(sqlite3.connect(folder / ".quoth" / "ledger.db")) as connection:
        return [row[0] for row in connection.execute(statement, values)]


def test_a_model_that_changes_its_name_is_told(night: Night) -> None:
    assert night.outcome.served == {"renamed": ("tiny-0", "tiny-1")}


def test_no_request_is_repeated_that_was_answered(night: Night) -> None:
    broken = {"told-to-wait", "busy", "hangs", "cut", "html", "error-in-200", "no-choices", "silent", *STOPPED}
    for name in SCRIPTS.keys() - broken:
        prompts = Counter(json.dumps(seen.body, sort_keys=True) for seen in (*night.of(name),))
        assert max(prompts.values()) == 1, name


def test_the_second_run_asks_only_what_is_open(night: Night) -> None:
    assert {seen.route for seen in night.seen_again} <= {"no-choices", "silent", *STOPPED}
    assert set(night.again.stopped) == STOPPED


def test_every_reply_is_in_the_ledger(night: Night) -> None:
    texts = select(night.folder, "select text from replies")
    assert texts.count("The paper does not say.") == 4
    assert sum("on the moon by owls" in text for text in texts) == 4
