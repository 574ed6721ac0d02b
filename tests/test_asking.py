"""Asking models: what is sent, what is believed, what it costs, and what is left after a kill."""

import asyncio
import json
import logging
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

import quoth as api
from conftest import DEMO_PAPERS, SmallStudy, patience, quoth_command
from misbehaving import Answer, Seen, Server, not_reported, refuses, reported, says
from quoth.cli.app import app
from quoth.engine.asking import Asker, Limits
from quoth.errors import BusyError, ReaderError
from quoth.protocol import load_protocol
from quoth.readers import verify
from quoth.readers.base import Completion, Request, Sitting
from quoth.study.desk import Desk, Office, Submitted
from quoth.study.scribe import Scribe
from quoth.study.status import status_of
from quoth.study.workshop import Progress
from quoth.vocabulary import Finding, Located, Verdict

PAPER = "lynx-camera-traps"
METRICS = "metrics"


def model(url: str, name: str = "m", **more: object) -> str:
    lines = {"name": name, "type": "chat", "base_url": url, "model": "tiny", "patience_seconds": 3.0, **more}
    return "\n[[reader]]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in lines.items())


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    return json.dumps(value)


def many_questions(number: int) -> str:
    return "".join(f'\n[[question]]\nid = "q{n}"\ntext = "What is said of thing {n}?"\n' for n in range(number))


def findings_of(study: "api.study.Study", reader: str = "m") -> dict[str, Finding]:
    found = (stored.finding for stored in study.current())
    return {finding.question: finding for finding in found if finding.reader == reader}


def proves(seen: Seen) -> str:
    """A sentence of the passages shown that names figures of merit, which answers by which metrics it was judged."""
    return next(one for one in sentences(seen) if re.search(r"precision|accuracy", one))


def about_metrics(seen: Seen) -> bool:
    return "By which metrics" in seen.prompt


# What is believed


def test_a_quote_that_answers_is_believed_and_located(small_study: SmallStudy) -> None:
    def script(number: int, seen: Seen) -> Answer:
        return says(reported(proves(seen), answer="By precision.")) if about_metrics(seen) else not_reported()

    with Server(script) as server, api.open(small_study(more=model(server.url))) as study:
        study.run()
        finding = findings_of(study)[METRICS]
        assert (finding.verdict, finding.answer) == (Verdict.REPORTED, "By precision.")
        assert [quote.located for quote in finding.quotes] == [Located.EXACT]
        assert finding.quotes[0].spans[0].boxes
        assert finding.score is None


def test_a_made_up_quote_is_corrected_once_and_then_believed(small_study: SmallStudy) -> None:
    def script(number: int, seen: Seen) -> Answer:
        if not about_metrics(seen):
            return not_reported()
        made_up = "None of the quotes proves" not in seen.prompt
        return says(reported("It was judged by the grace of owls." if made_up else proves(seen)))

    with Server(script) as server, api.open(small_study(more=model(server.url))) as study:
        study.run()
        assert findings_of(study)[METRICS].verdict is Verdict.REPORTED
        (correction,) = [seen for seen in server.seen if "None of the quotes proves" in seen.prompt]
        assert "Not in the paper in these words: 'It was judged by the grace of owls.'" in correction.prompt


def test_a_reader_that_says_reported_to_everything_and_quotes_the_title_changes_no_decision(
    small_study: SmallStudy, tmp_path: Path
) -> None:
    title = "Finding the lynx among everything else: a compact network tested in valleys that it has never seen"
    with Server(lambda number, seen: says(reported(title))) as server:
        folder = small_study(more=model(server.url))
        with api.open(folder) as study:
            study.run(readers=["embedded"])
            before = [(one.question, one.decision, one.quotes) for one in study.decide()]
            study.run(readers=["m"])
            assert [(one.question, one.decision, one.quotes) for one in study.decide()] == before
            for finding in findings_of(study).values():
                assert finding.verdict is Verdict.FAILED
                assert finding.error == "unverified: of the quotes given, 1 in the paper but no answer to the question"


def test_not_reported_after_the_correction_is_a_vote(small_study: SmallStudy) -> None:
    def script(number: int, seen: Seen) -> Answer:
        made_up = "None of the quotes proves" not in seen.prompt
        return says(reported("Every animal was a lynx, on the moon too.")) if made_up else not_reported()

    with Server(script) as server, api.open(small_study(more=model(server.url))) as study:
        study.run()
        assert {finding.verdict for finding in findings_of(study).values()} == {Verdict.NOT_REPORTED}


def test_a_value_must_stand_in_the_quote(small_study: SmallStudy) -> None:
    asked = '\n[[question]]\nid = "{}"\ntext = "By which metrics was the {} judged?"\nkind = "number"\nunit = "%"\n'
    values = {"right": None, "wrong": 12345.5}

    def script(number: int, seen: Seen) -> Answer:
        question = "right" if "the right judged" in seen.prompt else "wrong"
        text = next(one for one in sentences(seen) if re.search(r"(?:accuracy|precision).* \d", one))
        value = values[question] or re.findall(r"(?<![\w.])\d+(?:\.\d+)?", text.replace(",", ""))[0]
        return says(reported(text, value=float(value)))

    more = asked.format("right", "right") + asked.format("wrong", "wrong")
    with Server(script) as server, api.open(small_study(more=more + model(server.url))) as study:
        study.run(questions=["right", "wrong"], readers=["m"])
        found = findings_of(study)
        assert found["right"].verdict is found["wrong"].verdict is Verdict.REPORTED
        assert found["right"].value is not None
        assert (found["right"].unit, found["wrong"].value, found["wrong"].unit) == ("%", None, None)


def sentences(seen: Seen) -> list[str]:
    lines = [line for line in seen.shown.splitlines() if not line.startswith(("[", "(to:"))]
    return [" ".join(one.split()) + "." for line in lines for one in re.split(r"(?<=\D)\.\s|\.$", line) if one.strip()]


# What is sent


def test_the_whole_paper_is_sent_once_before_the_other_questions(small_study: SmallStudy) -> None:
    def slow(number: int, seen: Seen) -> Answer:
        return Answer(body=not_reported().body, seconds=0.1)

    with Server(slow) as server:
        folder = small_study(more=many_questions(4) + model(server.url, context="paper"))
        with api.open(folder) as study:
            study.run(readers=["m"])
        first, *others = server.seen
        assert len(others) == 5
        assert all(other.at >= first.ended for other in others)
        (start,) = {seen.prompt.split("Question:")[0] for seen in server.seen}
        assert len(start) > 10_000
        assert "The Eurasian lynx is shy" in start
        assert "References" not in start


def test_a_paper_that_does_not_fit_the_window_is_shown_in_passages(small_study: SmallStudy) -> None:
    with Server() as server:
        with api.open(small_study(more=model(server.url, context="paper", window=4000))) as study:
            study.run(readers=["m"])
        assert all(len(seen.prompt) < 6_000 for seen in server.seen)


def test_several_questions_at_once_and_what_is_left_alone(small_study: SmallStudy) -> None:
    def script(number: int, seen: Seen) -> Answer:
        asked = re.findall(r"^Question (\w+):", seen.prompt, re.MULTILINE)
        answers = [{"question": one, "verdict": "not_reported", "answer": "", "quotes": []} for one in asked]
        return says(json.dumps({"answers": answers[:-1]}), tokens=(101, 21)) if asked else not_reported()

    with Server(script) as server:
        more = many_questions(4) + model(server.url, questions_per_call=3)
        with api.open(small_study(more=more)) as study:
            study.run(readers=["m"])
            found = findings_of(study)
            assert len(server.seen) == 2 + 2
            assert Counter(finding.verdict for finding in found.values()) == {Verdict.NOT_REPORTED: 6}
            shared = [found[METRICS], found["code"]]
            assert sorted(finding.input_tokens or 0 for finding in shared) == [50, 51]
            assert study.run(readers=["m"]).run is None


def test_ctrl_c_keeps_what_was_said_at_once_while_what_is_left_is_asked(small_study: SmallStudy) -> None:
    def script(number: int, seen: Seen) -> Answer:
        asked = re.findall(r"^Question (\w+):", seen.prompt, re.MULTILINE)
        answers = [{"question": one, "verdict": "not_reported", "answer": "", "quotes": []} for one in asked]
        return says(json.dumps({"answers": answers[:-1]})) if asked else replace(not_reported(), seconds=60)

    def press(progress: Progress) -> None:
        if progress.findings_done == 5:
            raise KeyboardInterrupt

    with Server(script) as server:
        folder = small_study(more=many_questions(4) + model(server.url, questions_per_call=6))
        with api.open(folder) as study:
            outcome = study.run(readers=["m"], watch=press)
            assert (outcome.interrupted, outcome.findings) == (True, 5)
            assert len(findings_of(study)) == 5


def test_papers_are_opened_no_faster_than_they_are_asked(
    small_study: SmallStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = []
    opened = Desk._opened

    async def watched(self: Desk, submitted: Submitted, stack: ExitStack) -> Sitting | None:
        waiting.append(self._waiting)
        return await opened(self, submitted, stack)

    monkeypatch.setattr(Desk, "_opened", watched)
    with Server() as server:
        folder = small_study(more=model(server.url, concurrency=2))
        for number in range(12):
            shutil.copyfile(DEMO_PAPERS / f"{PAPER}.pdf", folder / "papers" / f"copy{number}.pdf")
        with api.open(folder) as study:
            for _ in study.passages(questions=["code"]):  # read now, so that later all come at once
                pass
            assert study.run(readers=["m"]).findings == 26
    assert len(waiting) == 13
    assert max(waiting) <= 2


def test_a_finding_and_its_audit_are_kept_together() -> None:
    kept = []

    class Ledger:
        def put_audits(self, rows: list[str], at: object) -> None:
            kept.append(("audits", *rows))

        def put_findings(self, run: int, rows: list[str], at: object) -> None:
            kept.append(("findings", *rows))

    class Audit:
        def row(self) -> str:
            return "audit"

    async def stopped() -> None:
        scribe = Scribe(Ledger(), 1)  # type: ignore[arg-type]
        scribe.findings([("finding", Audit())])  # type: ignore[list-item]
        await asyncio.sleep(0)
        scribe.close()

    asyncio.run(stopped())
    assert kept == [("audits", "audit"), ("findings", "finding")]


def test_two_models_and_the_embedded_reader_side_by_side(small_study: SmallStudy) -> None:
    with Server() as server:
        with api.open(small_study(more=model(server.url) + model(server.url, "n"))) as study:
            outcome = study.run()
            assert (outcome.findings, outcome.failed) == (6, 0)
            assert {stored.finding.reader for stored in study.current()} == {"embedded", "m", "n"}
        assert len(server.seen) == 4


@pytest.mark.slow
def test_a_refusal_is_learned_once_however_late_it_comes(small_study: SmallStudy) -> None:
    """Requests that are under way by then are refused too; no other is sent in vain, and none counts as an answer."""

    def is_in_vain(seen: Seen) -> bool:
        return "seed" in json.dumps({key: value for key, value in seen.body.items() if key != "messages"})

    def script(number: int, seen: Seen) -> Answer:
        answer = refuses(400, "Unsupported parameter: seed") if is_in_vain(seen) else not_reported()
        return replace(answer, seconds=0.4)

    with Server(script) as server, api.open(small_study(more=many_questions(18) + model(server.url))) as study:
        assert study.run(readers=["m"]).failed == 0
        in_vain = list(filter(is_in_vain, server.seen))
        assert 1 <= len(in_vain) <= 8
        assert len(server.seen) - len(in_vain) == 20
        with closing(sqlite3.connect(study.folder / ".quoth" / "ledger.db")) as ledger:
            kept = [json.loads(row) for (row,) in ledger.execute("select parameters from replies")]
        assert [one["refused"] for one in kept] == [["seed"]] * 20


# What it costs


def test_cost_and_tokens_by_finding_and_in_all(small_study: SmallStudy) -> None:
    price = {"input": 1.0, "output": 2.0}
    with Server(lambda number, seen: says(reported("An owl from the moon was in it."))) as server:
        more = model(server.url, price_per_million=price, watts=100)
        with api.open(small_study(more=more)) as study:
            study.run(readers=["m"])
            for finding in findings_of(study).values():
                assert (finding.input_tokens, finding.output_tokens) == (200, 40)
                assert finding.cost_usd == pytest.approx(2 * 140e-6)
                assert finding.seconds is not None
            (_, mine) = status_of(study).readers
            assert (mine.paid_tokens, mine.paid_usd) == (480, pytest.approx(4 * 140e-6))
            assert mine.watt_hours is not None
            assert 0 < mine.watt_hours < 1


def test_an_estimate_asks_nothing(small_study: SmallStudy) -> None:
    with Server() as server:
        folder = small_study(more=model(server.url, price_per_million={"input": 10.0, "output": 20.0}))
        told = CliRunner().invoke(app, ["run", str(folder), "--estimate"])
        assert told.exit_code == 0
        assert "m: 2 findings on 1 paper; about 2 calls, " in told.output
        cost = re.search(r"\$(\d\.\d\d), at most \$(\d\.\d\d)", told.output)
        assert cost
        assert 0.01 <= float(cost[1]) < float(cost[2]) < 0.2
        assert not server.seen


def test_less_than_a_cent_is_not_nothing(small_study: SmallStudy) -> None:
    with Server() as server:
        folder = small_study(more=model(server.url, price_per_million={"input": 0.01, "output": 0.0}))
        told = CliRunner().invoke(app, ["run", str(folder), "--estimate"])
    assert "under $0.01, at most under $0.01" in told.output


def test_the_budget_stops_a_run_before_it_is_passed(small_study: SmallStudy) -> None:
    with Server() as server:
        more = many_questions(20) + model(server.url, max_answer_tokens=16, concurrency=4)
        folder = small_study(more=more + "\n[budget]\nmax_tokens = 4000\n")
        done = CliRunner().invoke(app, ["run", str(folder), "--reader", "m"])
        assert done.exit_code == 3
        assert "Reader 'm' stopped: the budget has no room for another request" in done.output
        assert f"To go on: quoth run {folder}" in done.output
        assert 0 < 120 * len(server.seen) <= 4000
        with api.open(folder) as study:
            assert len(findings_of(study)) == len(server.seen)
            asked = len(server.seen)
            study.run()
            assert len(server.seen) <= asked + 1


def test_a_budget_in_dollars_needs_prices(small_study: SmallStudy) -> None:
    with Server() as server:
        folder = small_study(more=model(server.url) + "\n[budget]\nmax_cost_usd = 1.0\n")
        with api.open(folder) as study, pytest.raises(ReaderError, match="nobody knows what this model costs"):
            study.run()
        assert not server.seen


def test_requests_keep_their_pace(small_study: SmallStudy) -> None:
    with Server() as server:
        more = many_questions(8) + model(server.url, requests_per_minute=600)
        with api.open(small_study(more=more)) as study:
            study.run(readers=["m"])
        times = sorted(seen.at for seen in server.seen)
        assert times[-1] - times[0] >= 0.75


# A pilot


def pilot(folder: Path, reader: str, *more: str) -> Result:
    question = ("By which metrics was the network judged?", "--reader", reader)
    return CliRunner().invoke(app, ["ask", str(DEMO_PAPERS / f"{PAPER}.pdf"), *question, *more])


def leave(limits: Limits, requests: int, *, wait: float | None = None) -> list[float]:
    """When each request left, in seconds; the endpoint answers at once, but asks the first one to wait."""
    asker, began = Asker(endpoint := _Instant(wait), limits), time.monotonic()

    async def ask_all() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(requests):
                group.create_task(asker.ask(Request((), None, "")))

    asyncio.run(ask_all())
    return [at - began for at in endpoint.asked]


class _Instant:
    def __init__(self, wait: float | None) -> None:
        self.asked: list[float] = []
        self._wait = wait

    async def complete(self, request: Request) -> Completion:
        self.asked.append(time.monotonic())
        if self._wait is not None and len(self.asked) == 1:
            raise BusyError("not now", wait=self._wait)
        return Completion("yes", {})

    async def close(self) -> None:
        pass


def test_an_asker_tells_whether_it_is_in_need_and_calm() -> None:
    async def watch() -> list[tuple[bool, bool]]:
        asker = Asker(_Instant(None), Limits(concurrency=4))

        async def hold(freed: asyncio.Event) -> None:
            async with asker.place():
                await freed.wait()

        idle, freed = (asker.in_need, asker.calm), asyncio.Event()
        with asker.preparing():
            seen = [idle, (asker.in_need, asker.calm)]
            async with asyncio.TaskGroup() as group:
                for more in (5, 1):  # for four places: one waits for a place, then two
                    for _ in range(more):
                        group.create_task(hold(freed))
                    await asyncio.sleep(0)
                    seen.append((asker.in_need, asker.calm))
                await asker.ask(Request((), None, ""))
                seen.append((asker.in_need, asker.calm))
                await asyncio.sleep(0.01)
                seen.append((asker.in_need, asker.calm))
                freed.set()
            return [*seen, (asker.in_need, asker.calm)]

    idle, preparing, one, two, asked, later, done = asyncio.run(watch())
    assert idle == (False, True)
    assert [preparing, one, two] == [(True, True), (True, True), (False, True)]
    assert [asked, later, done] == [(False, False), (False, True), (True, True)]


@dataclass
class _Told:
    in_need: bool
    busy: int = 0
    """So often it is found not to be calm."""

    @property
    def calm(self) -> bool:
        self.busy -= 1
        return self.busy < 0


def gives_way(askers: list[_Told], patience: float = 60) -> list[int]:
    """How busy the askers still are when something was computed."""
    with ThreadPoolExecutor(1) as processor:
        office = Office(None, None, None, processor, None, askers, patience)  # type: ignore[arg-type]
        assert asyncio.run(asyncio.wait_for(office.compute(max, 2, 3), 30)) == 3
    return [asker.busy for asker in askers]


def test_what_computes_gives_way_while_requests_come_and_go() -> None:
    assert gives_way([_Told(in_need=False, busy=3)]) == [-1]
    assert gives_way([_Told(in_need=False), _Told(in_need=False, busy=2)]) == [-3, -1]


def test_what_computes_gives_no_way_while_an_endpoint_waits_for_it() -> None:
    assert gives_way([_Told(in_need=False, busy=3), _Told(in_need=True)]) == [3, 0]


def test_what_computes_gives_way_for_a_moment_only() -> None:
    (left,) = gives_way([_Told(in_need=False, busy=10**9)], patience=0.02)
    assert left > 10**8


def test_requests_to_one_endpoint_leave_one_after_another() -> None:
    asked = leave(Limits(concurrency=8), 51)
    assert asked[-1] - asked[0] >= 0.075


def test_requests_that_an_endpoint_made_wait_leave_one_after_another() -> None:
    _, *later = leave(Limits(concurrency=8), 51, wait=0.2)
    assert later[0] >= 0.2
    assert later[-1] - later[0] >= 0.073


def test_a_rate_holds_for_requests_that_an_endpoint_made_wait() -> None:
    _, *later = leave(Limits(concurrency=8, requests_per_minute=1200), 9, wait=0.3)
    assert later[0] >= 0.3
    assert later[-1] - later[0] >= 7 * 0.05


def test_a_pilot_asks_a_model_that_a_study_describes(small_study: SmallStudy) -> None:
    def script(number: int, seen: Seen) -> Answer:
        made_up = "None of the quotes proves" not in seen.prompt
        return says(
            reported("It was judged by the grace of owls." if made_up else proves(seen), answer="By precision.")
        )

    with Server(script) as server:
        folder = small_study(more=model(server.url, price_per_million={"input": 1.0, "output": 2.0}))
        done = pilot(folder, "m", "--study", str(folder), "--json")
        assert done.exit_code == 0, done.output
        finding = json.loads(done.output)
        assert (finding["verdict"], finding["answer"], finding["reader"]) == ("reported", "By precision.", "m")
        assert finding["quotes"][0]["spans"][0]["boxes"]
        assert finding["cost_usd"] == pytest.approx(2 * 140e-6)
        assert len(server.seen) == 2
        assert not (folder / ".quoth").exists()


def test_a_pilot_that_no_model_can_answer(small_study: SmallStudy) -> None:
    refusing = {"no": lambda number, seen: refuses(400, "too long"), "away": lambda number, seen: refuses(401, "who?")}
    with Server(scripts=refusing) as server:
        readers = "".join(model(f"{server.root}/{name}/v1", name) for name in refusing)
        folder = small_study(more=readers + model(server.url, "keyless", api_key_env="NO_SUCH_KEY"))
        study = ("--study", str(folder))
        told = {name: pilot(folder, name, *study) for name in ("no", "away", "keyless", "nobody")}
        assert {name: done.exit_code for name, done in told.items()} == {"no": 3, "away": 1, "keyless": 1, "nobody": 1}
        assert "status 400: too long" in told["no"].output
        assert "reader 'away': it refuses the key" in told["away"].output
        assert "NO_SUCH_KEY holds no key" in told["keyless"].output
        assert "the study has no reader 'nobody'; it has embedded, no, away, keyless" in told["nobody"].output
        assert "--reader away --study DIR" in pilot(folder, "away").output
        assert "is not a study" in pilot(folder, "away", "--study", str(folder / "papers")).output


# What is left


def test_replay_understands_the_stored_replies_anew(small_study: SmallStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    def script(number: int, seen: Seen) -> Answer:
        return says(reported(proves(seen))) if about_metrics(seen) else not_reported()

    with Server(script) as server:
        folder = small_study(more=model(server.url))
        with api.open(folder) as study, monkeypatch.context() as stricter:
            stricter.setattr(verify, "QUOTE_THRESHOLD", 1.1)
            study.run()
            assert findings_of(study)[METRICS].verdict is Verdict.FAILED
    with api.open(folder) as study:
        told = CliRunner().invoke(app, ["run", str(folder), "--replay"])
        assert told.exit_code == 0, told.output
        assert f"{PAPER}, {METRICS}, m: failed unverified" in told.output
        assert " is now reported “" in told.output
        assert "2 findings made anew from stored replies, 1 changed." in told.output
        assert findings_of(study)[METRICS].verdict is Verdict.REPORTED
        again = study.replay()
        assert (again.findings, again.changes, again.without_reply, again.run) == (2, (), 0, None)


def test_replay_without_replies_changes_nothing(small_study: SmallStudy) -> None:
    with Server(lambda number, seen: refuses(400, "no")) as server:
        folder = small_study(more=model(server.url))
        with api.open(folder) as study:
            study.run()
            before = findings_of(study)
            replayed = study.replay()
            assert (replayed.findings, replayed.without_reply, replayed.changes) == (0, 2, ())
            assert findings_of(study) == before


def test_retry_asks_anew_what_failed_for_good(small_study: SmallStudy) -> None:
    with Server(lambda number, seen: says("No.")) as server, api.open(small_study(more=model(server.url))) as study:
        study.run(readers=["m"])
        assert len(server.seen) == 4
        assert study.run(readers=["m"]).run is None
        server.script = not_reported
        outcome = study.run(readers=["m"], retry=True)
        assert (outcome.findings, outcome.failed, len(server.seen)) == (2, 0, 6)


def slow(number: int, seen: Seen) -> Answer:
    return Answer(body=not_reported().body, seconds=0.1)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_killed_run_pays_for_nothing_twice(small_study: SmallStudy) -> None:
    with Server(slow) as server:
        folder = small_study(more=many_questions(198) + model(server.url, concurrency=8))
        run = subprocess.Popen(quoth_command("run", folder, "--reader", "m"), stderr=subprocess.DEVNULL)
        while len(server.seen) < 100:
            time.sleep(0.01)
            assert run.poll() is None
        run.kill()
        run.wait()
        time.sleep(0.2)
        before = len(server.seen)
        assert before < 200
        with api.open(folder) as study:
            study.run(readers=["m"])
            assert len(findings_of(study)) == 200
        # In flight are the eight whose replies were not in the ledger yet, whether they had come or not.
        assert 200 <= len(server.seen) <= 200 + 8


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_what_is_not_in_the_ledger_yet_keeps_its_place_at_the_endpoint(small_study: SmallStudy) -> None:
    """A ledger that is slow must not lead to more replies that a kill would lose than requests may be under way."""
    with Server() as server:
        folder = small_study(more=many_questions(198) + model(server.url, concurrency=8))
        with api.open(folder):
            pass  # the ledger is there now
        run = subprocess.Popen(quoth_command("run", folder, "--reader", "m"), stderr=subprocess.DEVNULL)
        with closing(sqlite3.connect(folder / ".quoth" / "ledger.db", timeout=30, isolation_level=None)) as other:
            while len(server.seen) < 20:
                time.sleep(0.001)
                assert run.poll() is None
            other.execute("begin immediate")
            (committed,) = other.execute("select count(*) from replies").fetchone()
            time.sleep(1)
            assert 0 < len(server.seen) - committed <= 8
            run.kill()
            run.wait()
        before = len(server.seen)
        assert before < 200
        with api.open(folder) as study:
            study.run()
            assert len(findings_of(study)) == 200
        assert 200 < len(server.seen) <= 200 + 8


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_stops_within_two_seconds_and_keeps_what_came_back(small_study: SmallStudy) -> None:
    def hanging(number: int, seen: Seen) -> Answer:
        return Answer(body=not_reported().body, seconds=0.1 if number < 20 else 60)

    with Server(hanging) as server:
        folder = small_study(more=many_questions(198) + model(server.url, concurrency=8))
        command = quoth_command("run", folder, "--reader", "m")
        run = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        while len(server.seen) < 28:
            time.sleep(0.01)
            assert run.poll() is None
        run.send_signal(signal.SIGINT)
        pressed = time.monotonic()
        _, errors = run.communicate(timeout=30)
        assert time.monotonic() - pressed < patience(2)
        assert run.returncode == 1
        assert "Traceback" not in errors
        assert errors.splitlines()[-1].endswith(f"To go on: quoth run {folder}")
        with api.open(folder) as study:
            assert [one.replies for one in study.ledger.asked()] == [20]
            assert 0 < len(findings_of(study)) <= 20


# Keys

KEY = "sk-planted-7d1f9a3c5e"


def test_no_key_is_written_anywhere(
    small_study: SmallStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even where servers repeat it: in an error, in a model's name, in an answer, in a quote."""

    def echo(number: int, seen: Seen) -> Answer:
        key = seen.headers["authorization"].removeprefix("Bearer ")
        assert key == KEY
        match number:
            case 0:
                return refuses(500, f"Internal error for {key}")
            case 1:
                return says(f"As {key} I cannot say.", model=f"tiny-{key}")
            case 2:
                return refuses(400, f"The account of {key} may not ask this")
            case _:
                return says(reported(f"The key is {key}.", answer=key), model=f"tiny-{key}")

    monkeypatch.setenv("PLANTED_KEY", KEY)
    told = [""]
    with Server(echo) as server, caplog.at_level(logging.DEBUG):
        folder = small_study(more=many_questions(3) + model(server.url, api_key_env="PLANTED_KEY", concurrency=1))
        tables = ("papers", "findings", "quotes", "decisions")
        exports = [["export", folder, tmp_path / f"{what}.jsonl", "--what", what] for what in tables]
        reports = [["report", folder], ["report", folder, "--methods"], ["run", folder, "--replay"]]
        shown = [["status", folder], ["status", folder, "--json"]]
        for command in (["run", folder, "--reader", "m"], *shown, *exports, *reports):
            done = CliRunner().invoke(app, [str(part) for part in command])
            assert done.exit_code in (0, 3), done.output
            told.append(done.output)
    assert len(server.seen) > 5
    assert "httpcore2" in caplog.text
    written = [path.read_bytes().decode("utf-8", "replace") for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) > 6
    assert any("[key]" in content for content in written)
    assert not any(KEY in content for content in (*told, *written, caplog.text))


def test_a_key_that_is_not_set_is_told_before_anything_is_done(small_study: SmallStudy) -> None:
    with Server() as server:
        folder = small_study(more=model(server.url, api_key_env="NO_SUCH_KEY"))
        done = CliRunner().invoke(app, ["run", str(folder)])
        assert done.exit_code == 1
        assert "the environment variable NO_SUCH_KEY holds no key" in done.output
        assert not server.seen
        assert CliRunner().invoke(app, ["status", str(folder)]).exit_code == 0


# The documentation


def documentation() -> tuple[str, dict[str, str]]:
    """What docs/readers.md says, and its blocks of study.toml by the heading that they stand under."""
    text = (Path(__file__).parents[1] / "docs" / "readers.md").read_text(encoding="utf-8")
    parts = (part.partition("\n") for part in re.split(r"^### ", text, flags=re.MULTILINE))
    found = {heading: re.search(r"^```toml\n(.*?)^```", rest, re.DOTALL | re.MULTILINE) for heading, _, rest in parts}
    return text, {heading: block[1] for heading, block in found.items() if block}


PLACES = ["OpenAI", "Groq", "Ollama", "vLLM", "llama.cpp's server", "A GGUF file, without any server"]


@pytest.mark.parametrize("place", PLACES)
def test_every_block_of_the_documentation_can_be_estimated_as_it_stands(small_study: SmallStudy, place: str) -> None:
    block = documentation()[1][place]
    folder = small_study(more="\n" + block)
    if file := re.search(r'^model = "(.*\.gguf)"', block, re.MULTILINE):
        (folder / file[1]).parent.mkdir()
        (folder / file[1]).write_bytes(b"GGUF")
    done = CliRunner().invoke(app, ["run", str(folder), "--estimate"])
    assert done.exit_code == 0, done.output
    embedded, mine = done.output.splitlines()
    assert embedded.startswith("embedded: 2 findings on 1 paper")
    name = re.search(r'^name = "(.*)"', block, re.MULTILINE)
    assert name
    assert re.match(
        rf"{re.escape(name[1])}: 2 findings on 1 paper; about 2 calls, [\d,]+ tokens in, .* out, (under )?\$\d", mine
    )


def test_every_block_of_the_documentation_is_a_reader(tmp_path: Path) -> None:
    text, found = documentation()
    assert list(found) == PLACES
    blocks = found.values()
    (tmp_path / "study.toml").write_text(
        '[study]\ntitle = "Blocks"\ncodebook = "dl-methods"\n' + "".join(blocks), encoding="utf-8"
    )
    readers = load_protocol(tmp_path / "study.toml").readers
    assert [reader.type for reader in readers] == ["chat"] * 5 + ["gguf"]
    keys = set(re.findall(r"^\| `(\w+)`(?:, `(\w+)`)?", text, re.MULTILINE))
    fields = {field for reader in readers for field in type(reader).model_fields}
    assert {key for pair in keys for key in pair if key} <= fields
