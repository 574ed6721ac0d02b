"""The second look: who is asked once more, what is shown, what becomes of it, and what it was worth."""

import json
import re
import signal
import subprocess
import sys
import time
import zlib
from base64 import b64decode
from pathlib import Path

import pytest
from typer.testing import CliRunner

import quoth as api
from conftest import SmallStudy, quoth_command
from misbehaving import Answer, Script, Seen, Server, not_reported, reported, says
from quoth.cli.app import app
from quoth.quorum.dissent import dissenters
from quoth.study import Study
from quoth.study.status import status_of
from quoth.vocabulary import Finding, Kind, Located, Question, Quote, Span, Verdict

PAPER, METRICS = "lynx-camera-traps", "metrics"
ANSWER = "By what is called the answer of finder."
LOOK = "Look carefully at these excerpts of the same paper"


def model(url: str, name: str, **more: object) -> str:
    lines = {"name": name, "type": "chat", "base_url": f"{url}/{name}/v1", "model": "tiny", "patience_seconds": 3.0}
    text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in {**lines, **more}.items())
    return f"\n[[reader]]\n{text}"


def looking(shown: str = "machines") -> str:
    return f'\n[quorum]\nsecond_look = "{shown}"\n'


def proof(seen: Seen) -> str:
    """A sentence shown that answers by which metrics the network was judged."""
    lines = [line for line in seen.shown.splitlines() if not line.startswith(("[", "(to:"))]
    sentences = [" ".join(part.split()) + "." for line in lines for part in re.split(r"(?<=\D)\.\s|\.$", line)]
    return next(one for one in sentences if re.search(r"precision|accuracy", one))


def finder(number: int, seen: Seen) -> Answer:
    """Finds by which metrics the network was judged."""
    return says(reported(proof(seen), answer=ANSWER)) if "By which metrics" in seen.prompt else not_reported()


def excerpts(seen: Seen) -> str:
    """What stands between the second pair of fences."""
    fences = re.findall(r"^===== \w+$", seen.prompt, re.MULTILINE)
    return seen.prompt.split(fences[0])[3].strip()


def convinced(number: int, seen: Seen) -> Answer:
    """Finds nothing by itself, and believes the first excerpt that it is shown."""
    if LOOK not in seen.prompt:
        return not_reported()
    head, text = excerpts(seen).split("\n", 1)
    place = int(head[1 : head.index("]")])
    return says(reported(text.split("\n\n")[0], passage=place))


def said(study: Study, round_: int) -> dict[tuple[str, str], Verdict]:
    """By reader and question, what was said in a round."""
    current = (one for one in study.current() if one.key.round == round_)
    return {(one.finding.reader, one.finding.question): one.finding.verdict for one in current}


def two_models(small_study: SmallStudy, server: Server, more: str = "", **settings: object) -> Path:
    """A study with a model that finds something, and one that finds nothing."""
    readers = model(server.root, "finder") + model(server.root, "other", **settings)
    folder = small_study(more=readers + looking() + more)
    text = (folder / "study.toml").read_text().replace('[[reader]]\nname = "embedded"\ntype = "embedded"\n', "")
    (folder / "study.toml").write_text(text)
    return folder


# Who is asked, and what is shown


def test_a_model_that_dissents_sees_the_others_quotes_and_is_asked_once(small_study: SmallStudy) -> None:
    with Server(scripts={"finder": finder, "other": convinced}) as server:
        folder = two_models(small_study, server)
        with api.open(folder) as study:
            outcome = study.run()
            assert (outcome.findings, outcome.second_looks, outcome.failed) == (5, 1, 0)
            assert said(study, 0)["other", METRICS] is Verdict.NOT_REPORTED
            assert said(study, 1) == {("other", METRICS): Verdict.REPORTED}
            assert len(server.of("finder")) == 2, "who has shown its proof has nothing else to look at"
            again = server.of("other")[2:]
            assert len(again) == 1
            (quote,) = next(
                one.finding.quotes for one in study.current() if one.finding.reader == "finder" and one.finding.quotes
            )
            assert re.fullmatch(rf"\[\d+\] page {quote.spans[0].page}\n{re.escape(quote.text)}", excerpts(again[0]))
            decision = next(one for one in study.decide() if one.question == METRICS)
            assert (decision.votes_reported, decision.votes_not_reported) == (2, 0)
            assert study.run().run is None, "once is once"
            assert len(server.seen) == 5
            first = study.agreement(draws=0).overall.pairs[0]
            assert (first.n, first.percent.value) == (2, 0.5), "agreement is that of the first answers"
            table = study.findings
            assert list(table[table.question == METRICS].verdict) == ["reported", "reported"]
            history = study.table("findings", history=True)
            assert sorted(history[history.reader == "other"]["round"]) == [0, 0, 1]


def test_neither_verdicts_nor_answers_nor_names_are_shown(small_study: SmallStudy) -> None:
    with Server(scripts={"finder": finder, "other": convinced}) as server:
        with api.open(two_models(small_study, server)) as study:
            study.run()
        first, again = (seen for seen in server.of("other") if "By which metrics" in seen.prompt)
        own = set(first.prompt.splitlines()) | set(again.shown.splitlines()) | set(excerpts(again).splitlines())
        added = [line for line in again.prompt.splitlines() if line and line not in own and "=====" not in line]
        assert len(added) == 1
        assert added[0].startswith(LOOK)
        assert not re.search(r"report|verdict|answered|reader|coder|model|other|agree", added[0])
        assert "finder" not in json.dumps(again.body).replace("viewfinder", "")
        assert ANSWER not in again.prompt


def test_the_shown_quotes_share_the_budget_of_characters(small_study: SmallStudy) -> None:
    with Server(scripts={"finder": finder, "other": convinced}) as server:
        with api.open(two_models(small_study, server, "\n[retrieval]\ncharacters = 1200\n")) as study:
            study.run()
        (again,) = (seen for seen in server.of("other") if LOOK in seen.prompt)
        words = [
            line for line in f"{again.shown}\n{excerpts(again)}".splitlines() if not line.startswith(("[", "(to:"))
        ]
        assert sum(map(len, words)) <= 1200


def test_it_is_off_unless_asked_for(small_study: SmallStudy) -> None:
    with Server(scripts={"finder": finder, "other": convinced}) as server:
        folder = two_models(small_study, server)
        text = (folder / "study.toml").read_text()
        (folder / "study.toml").write_text(text.replace(looking(), ""))
        with api.open(folder) as study:
            assert study.run().second_looks == 0
            assert said(study, 1) == {}
            assert study.estimate() == []
            digest = study.protocol.digest
        (folder / "study.toml").write_text(text)
        with api.open(folder) as study:
            assert study.protocol.digest != digest
            (look,) = study.estimate()
            assert (look.reader, look.findings, look.calls, look.second_look) == ("other", 1, 1, True)
            assert study.run().second_looks == 1
        (folder / "study.toml").write_text(text.replace(looking(), ""))
        with api.open(folder) as study:
            assert study.protocol.digest == digest
            assert said(study, 1) == {}, "without a second look in the protocol, its findings are stale"
            assert status_of(study).stale == 1


def test_the_embedded_reader_shows_its_quotes_to_a_classic_reader_and_is_not_asked_again(
    small_study: SmallStudy,
) -> None:
    nothing = "The context does not tell by which metrics the network was judged."

    def classic(number: int, seen: Seen) -> Answer:
        return says(nothing if len(server.of("other")) < 2 else proof(seen))

    with Server(scripts={"other": classic}) as server:
        folder = small_study(more=model(server.root, "other", style="classic") + looking())
        with api.open(folder) as study:
            study.run(questions=[METRICS])
            assert said(study, 0) == {("embedded", METRICS): Verdict.REPORTED, ("other", METRICS): Verdict.NOT_REPORTED}
            assert said(study, 1) == {("other", METRICS): Verdict.REPORTED}
            quotes = next(one.finding.quotes for one in study.current() if one.finding.reader == "embedded")
        first, again = (seen.shown for seen in server.seen)
        assert again.strip().endswith(
            "\n\n".join(one.text for one in sorted(quotes, key=lambda one: one.spans[0].start))
        )
        assert LOOK not in first
        assert len(again) <= 3000 + 100, "the budget, and what parts the passages"


def test_what_nobody_can_show_is_not_asked(small_study: SmallStudy, tmp_path: Path) -> None:
    codes = tmp_path / "labels.csv"
    codes.write_text(f"paper,question,reader,verdict\n{PAPER},{METRICS},labels,yes\n")
    with Server() as server:
        with api.open(two_models(small_study, server)) as study:
            study.import_(codes, as_="imported")
            assert study.run().second_looks == 0
            found = status_of(study)
            assert found.disputed
            assert (found.disputed.cells, found.disputed.nothing_to_show) == (1, 2)
        told = CliRunner().invoke(app, ["status", str(study.folder)]).output
        assert "2 findings of models get none: those who disagree show no quote" in " ".join(told.split())


@pytest.mark.slow
@pytest.mark.parametrize(("shown", "asked"), [("machines", 0), ("all", 2)])
def test_what_people_quote_is_shown_only_where_the_protocol_says_so(
    small_study: SmallStudy, tmp_path: Path, shown: str, asked: int
) -> None:
    proof_ = (
        "On twelve sites kept apart, macro F1 was 0.88 and the network found 93.1% of the lynx at a precision of 0.90."
    )
    codes = tmp_path / "codes.csv"
    codes.write_text(f'paper,question,reader,verdict,quote\n{PAPER},{METRICS},ann,yes,"{proof_}"\n')
    with Server() as server:
        folder = two_models(small_study, server)
        text = (folder / "study.toml").read_text()
        (folder / "study.toml").write_text(text.replace(looking(), looking(shown)))
        with api.open(folder) as study:
            study.import_(codes)
            assert study.run().second_looks == asked
        assert sum(proof_ in excerpts(seen) for seen in server.seen if LOOK in seen.prompt) == asked


def test_a_cell_waits_until_every_reader_has_answered_it(small_study: SmallStudy) -> None:
    with Server(scripts={"finder": finder, "other": convinced}) as server:
        folder = two_models(small_study, server, model(server.root, "late"))
        with api.open(folder) as study:
            study.run(readers=["finder", "other"])
            assert said(study, 1) == {}
            found = status_of(study)
            assert found.disputed
            assert found.disputed.waiting == 1
            assert study.run().second_looks == 2
            assert set(said(study, 1)) == {("other", METRICS), ("late", METRICS)}


# Pure


def quote(start: int, end: int, score: float | None = 0.9, located: Located = Located.EXACT) -> Quote:
    spans = (Span("f", 1, start, end, ()),) if located is not Located.MISSING else ()
    return Quote("w", "w" * (end - start), located, score, spans)


def finding(reader: str, verdict: Verdict, *quotes: Quote, value: str | None = None) -> Finding:
    return Finding("p", "q", reader, verdict, value=value, quotes=quotes)


YES, NO = Verdict.REPORTED, Verdict.NOT_REPORTED
EPOCHS = Question("q", "Epochs", "How many epochs?", Kind.NUMBER)


def shown(*findings: Finding) -> dict[str, list[tuple[int, int]]]:
    found = dissenters(findings, EPOCHS, threshold=0.5)
    return {name: [(one.spans[0].start, one.spans[0].end) for one in quotes] for name, quotes in found.items()}


def test_who_agrees_does_not_dissent_and_who_has_no_vote_does_not_either() -> None:
    assert shown(finding("a", YES, quote(0, 9)), finding("b", YES, quote(20, 30))) == {}
    assert shown(finding("a", YES, quote(0, 9)), finding("b", Verdict.FAILED), finding("c", Verdict.UNCLEAR)) == {}


def test_a_lone_reported_has_nothing_to_look_at_and_the_others_have() -> None:
    cell = (finding("a", YES, quote(0, 9)), finding("b", NO), finding("c", NO))
    assert shown(*cell) == {"a": [], "b": [(0, 9)], "c": [(0, 9)]}


def test_quotes_come_once_in_the_papers_order_and_verified() -> None:
    many = finding("a", YES, quote(50, 60), quote(0, 20), quote(90, 95, 0.2))
    same = finding("b", YES, quote(5, 10), quote(50, 60), quote(0, 0, 0.9, Located.MISSING))
    assert shown(many, same, finding("c", NO))["c"] == [(0, 20), (50, 60)]


def test_other_values_are_a_disagreement_and_the_same_in_other_words_are_none() -> None:
    thirty, sixty = finding("a", YES, quote(0, 9), value="30"), finding("b", YES, quote(20, 30), value="60")
    assert shown(thirty, sixty) == {"a": [(20, 30)], "b": [(0, 9)]}
    assert shown(thirty, finding("b", YES, quote(20, 30), value="30.0")) == {}
    assert shown(thirty, finding("b", YES, quote(20, 30))) == {}, "no value contradicts none"
    assert shown(thirty, finding("b", YES, quote(2, 5), value="60"))["a"] == [], "it has quoted that itself"


# What becomes of it


def test_a_second_look_that_fails_leaves_the_first_answer_standing(small_study: SmallStudy) -> None:
    def liar(number: int, seen: Seen) -> Answer:
        return says(reported("All of it was computed on the moon by owls.")) if LOOK in seen.prompt else not_reported()

    with Server(scripts={"finder": finder, "other": liar}) as server:
        folder = two_models(small_study, server)
        done = CliRunner().invoke(app, ["run", str(folder)])
        assert done.exit_code == 3, done.output
        assert "1 finding failed. To try again:" in done.output
        with api.open(folder) as study:
            assert said(study, 1) == {("other", METRICS): Verdict.FAILED}
            decision = next(one for one in study.decide() if one.question == METRICS)
            assert (decision.votes_reported, decision.votes_not_reported, decision.votes_failed) == (1, 1, 0)
            table = study.findings
            assert list(table[table.reader == "other"].verdict) == ["not_reported"] * 2
            assert study.run().run is None
            server.scripts["other"] = convinced
            assert study.run(retry=True).second_looks == 1
            assert said(study, 1) == {("other", METRICS): Verdict.REPORTED}


def test_status_and_the_last_line_count_them(small_study: SmallStudy) -> None:
    with Server(scripts={"finder": finder, "other": convinced}) as server:
        folder = two_models(small_study, server)
        told = CliRunner().invoke(app, ["run", str(folder), "--estimate"]).output
        assert "second looks come on top: at most one for each finding of a model" in told
        done = CliRunner().invoke(app, ["run", str(folder)])
        assert (done.exit_code, "5 findings, 1 of them second looks" in done.output) == (0, True), done.output
        with api.open(folder) as study:
            finder_, other = status_of(study).readers
            assert (finder_.second_looks, other.second_looks, other.second_open, other.open) == (0, 1, 0, 0)
            assert (other.not_reported, other.reported) == (2, 0)
            assert study.ledger.runs()[-1].counts["second_looks"] == 1


def test_replay_makes_second_looks_anew_from_the_stored_replies(small_study: SmallStudy) -> None:
    with (
        Server(scripts={"finder": finder, "other": convinced}) as server,
        api.open(two_models(small_study, server)) as study,
    ):
        study.run()
        asked = len(server.seen)
        replayed = study.replay()
        assert (replayed.findings, replayed.changes, replayed.without_reply) == (5, (), 0)
        assert len(server.seen) == asked


def test_the_budget_stops_second_looks_too(small_study: SmallStudy) -> None:
    def costly(script: Script) -> Script:
        """What it answers, at the price of 5,000 tokens."""
        return lambda number, seen: says(
            json.loads(script(number, seen).body)["choices"][0]["message"]["content"], tokens=(4980, 20)
        )

    budget = "\n[budget]\nmax_tokens = 20500\n"
    with Server(scripts={"finder": costly(finder), "other": costly(convinced)}) as server:
        folder = two_models(small_study, server, budget)
        with api.open(folder) as study:
            outcome = study.run()
            assert (outcome.findings, outcome.second_looks, len(server.seen)) == (4, 0, 4)
            assert "the budget has no room for another request" in outcome.stopped["other"]
            assert status_of(study).readers[1].second_open == 1
        text = (folder / "study.toml").read_text()
        (folder / "study.toml").write_text(text.replace("20500", "40000"))
        with api.open(folder) as study:
            assert study.run().second_looks == 1
            assert sum(reader.paid_tokens or 0 for reader in status_of(study).readers) == 5 * 5000


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_killed_at_second_looks_a_run_goes_on_and_pays_for_nothing_twice(small_study: SmallStudy) -> None:
    def slow(script: Script) -> Script:
        def answer(number: int, seen: Seen) -> Answer:
            proper = script(number, seen)
            return Answer(body=proper.body, seconds=0.3 if LOOK in seen.prompt else 0.0)

        return answer

    def finds_all(number: int, seen: Seen) -> Answer:
        return says(reported(proof(seen)))

    questions = "".join(
        f'\n[[question]]\nid = "q{n}"\ntext = "By which metrics was network number {n} judged?"\n' for n in range(8)
    )
    with Server(scripts={"finder": finds_all, "other": slow(convinced)}) as server:
        folder = two_models(small_study, server, questions, concurrency=1)
        command = quoth_command("run", folder, "--question", "metrics", *(f"--question=q{n}" for n in range(8)))
        run = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        while sum(LOOK in seen.prompt for seen in list(server.seen)) < 3:
            time.sleep(0.01)
            assert run.poll() is None
        run.send_signal(signal.SIGKILL)
        run.wait()
        time.sleep(0.4)
        with api.open(folder) as study:
            asked = [METRICS, *(f"q{n}" for n in range(8))]
            study.run(questions=asked)
            assert len(said(study, 1)) == 9
        looks = [seen for seen in server.seen if LOOK in seen.prompt]
        assert 9 <= len(looks) <= 9 + 2, "at most what was in flight is asked twice"
        assert len(server.of("finder")) == 9


# What it was worth


@pytest.fixture
def looked(small_study: SmallStudy) -> Path:
    """A study in which a second look mends one cell and spoils another, with the truth in gold.csv."""
    questions = "".join(
        f'\n[[question]]\nid = "{name}"\ntext = "By which metrics was network {name} judged?"\n' for name in "ab"
    )
    with Server(scripts={"finder": finder, "other": convinced}) as server:
        folder = two_models(small_study, server, questions)
        with api.open(folder) as study:
            study.run(questions=["a", "b", "code"])
    truth = {"a": "yes", "b": "no", "code": "no"}
    gold = "".join(f"{PAPER},{question},{decision}\n" for question, decision in truth.items())
    (folder / "gold.csv").write_text(f"paper,question,decision\n{gold}")
    return folder


def test_evaluate_shows_what_it_changed(looked: Path) -> None:
    with api.open(looked) as study:
        effect = study.evaluate(looked / "gold.csv", draws=0).second_look
        assert effect
        (other,) = effect.readers
        assert (other.name, other.asked, other.failed, other.changed, other.mended, other.spoilt) == (
            "other",
            2,
            0,
            2,
            1,
            1,
        )
        assert (other.right_before, other.right_after) == (1, 1)
        assert (other.before.correct, other.after.correct) == (2, 2)
        # Truth 1 0 0; at first 0 0 0, so that chance agrees as often; then 1 1 0: (6/9 - 4/9) / (1 - 4/9).
        assert other.before.accuracy == other.after.accuracy == pytest.approx(2 / 3)
        assert other.after.kappa == pytest.approx(0.4)
        majority = effect.rules[0]
        # At first two ties, which are undecided; then one right, one wrong.
        assert (majority.name, majority.asked, majority.changed, majority.mended, majority.spoilt) == (
            "majority",
            2,
            2,
            1,
            0,
        )
        assert (majority.right_before, majority.right_after) == (0, 1)
        assert (majority.before.correct, majority.after.correct) == (1, 2)
        assert majority.after.constant_accuracy == pytest.approx(1 / 3), "it says 'reported' where no other paper is"
    told = CliRunner().invoke(app, ["evaluate", str(looked), str(looked / "gold.csv"), "--draws", "0"]).output
    (row,) = (line for line in told.splitlines() if line.startswith("other") and "1 to 1" in line)
    assert row.split()[1:6] == ["2", "0", "2", "1", "1"]
    as_json = CliRunner().invoke(app, ["evaluate", str(looked), str(looked / "gold.csv"), "--json"]).output
    assert json.loads(as_json)["second_look"]["readers"][0]["mended"] == 1


def test_without_second_looks_nothing_is_said_of_them(demo_study: Path, tmp_path: Path) -> None:
    gold = tmp_path / "gold.csv"
    gold.write_text(f"paper,question,decision\n{PAPER},cq01,yes\n")
    with api.open(demo_study) as study:
        assert study.evaluate(gold, draws=0).second_look is None
        assert "second look" not in study.methods()


def test_the_methods_paragraph_and_the_report_tell_of_it(looked: Path) -> None:
    with api.open(looked) as study:
        text = study.methods()
        assert "There were 2 second looks at 2 cells: 2 changed the verdict, 0 failed" in text
        assert "Khan MA et al. Collaborative large language models" in text
        assert "second_look" not in text
        study.report(looked / "report.html", pictures="none")
        page = (looked / "report.html").read_text()
        pieces = re.findall(r'<script type="text/plain" class="piece"[^>]*>([^<]+)<', page)
        looks = re.findall(
            r'"(first|second) look"', "".join(zlib.decompress(b64decode(one)).decode() for one in pieces)
        )
        assert sorted(looks) == ["first"] * 2 + ["second"] * 2
        found = study.export(looked / "history.csv", what="findings", history=True)
        assert found == 8


def test_one_paper_is_too_few_for_intervals(looked: Path) -> None:
    told = CliRunner().invoke(app, ["agreement", str(looked)]).output
    assert told.count("too few papers") == 5, "four statistics and one pair"
    told = CliRunner().invoke(app, ["evaluate", str(looked), str(looked / "gold.csv")]).output
    assert "From 1 paper, there are no intervals: too few papers, at least 5 are needed." in told
