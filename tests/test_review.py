"""The review page: what people say reaches the ledger, nothing is overwritten, and only they get in."""

import re
import shutil
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from html import unescape
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from conftest import Quoth
from quoth.errors import StudyError
from quoth.papers import find_papers
from quoth.review.app import Rules, make_app
from quoth.review.guard import Door
from quoth.review.serve import listen
from quoth.review.sitting import Sittings
from quoth.study import Study
from quoth.study.reviewing import StudyDesk
from quoth.vocabulary import Located, Outcome, Verdict

LYNX = "lynx-camera-traps"
HERE = "127.0.0.1:8765"
QUOTE = "The scripts for training and evaluation are kept in our repository."


class Browser:
    """One person's browser before the page."""

    def __init__(self, app: object, name: str | None = None, *, blind: bool = True, host: str = HERE) -> None:
        headers = {"Origin": f"http://{host}"}
        self.client = TestClient(app, base_url=f"http://{host}", headers=headers, follow_redirects=False)  # type: ignore[arg-type]
        self.name = name or ""
        if name:
            assert (
                self.client.post("/me", data={"name": name, **({"blind": "true"} if blind else {})}).status_code == 303
            )

    def see(self, question: str = "code", paper: str = LYNX, queue: str = "paper", **more: object) -> str:
        answer = self.client.get("/cell", params={"paper": paper, "question": question, "queue": queue, **more})
        assert answer.status_code == 200, answer.text
        return answer.text

    def code(
        self,
        verdict: str,
        question: str = "code",
        *,
        paper: str = LYNX,
        queue: str = "paper",
        status: int = 303,
        **more: object,
    ) -> str:
        """Say something in the form as the page shows it; gives the address that comes next, or the page."""
        fields = hidden(self.see(question, paper, queue)) | {"verdict": verdict} | more
        answer = self.client.post("/code", data=fields)
        assert answer.status_code == status, answer.text
        return answer.headers["location"] if status == 303 else answer.text

    def undo(self) -> str:
        """Undo what was said last, from the page of some other cell."""
        answer = self.client.post("/undo", data=hidden(self.see("sensor", queue="doubtful"), "undo"))
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])


def hidden(page: str, form: str = "code") -> dict[str, str]:
    """The hidden fields of a form on a page."""
    inside = page.split(f'id="{form}"', 1)[1].split("</form>", 1)[0]
    return {
        name: unescape(value)
        for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', inside)
        if name != "near"
    }


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, demo_papers: Path) -> Path:
    """A study of two papers and four questions, read and answered; one paper's name is a script tag."""
    folder = tmp_path_factory.mktemp("review") / "study"
    (folder / "papers").mkdir(parents=True)
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    for source, name in ((LYNX, LYNX), ("flower-strips-aphids", SCRIPT)):
        shutil.copyfile(demo_papers / f"{source}.pdf", folder / "papers" / f"{name}.pdf")
    with Study(folder) as study:
        study.run()
    return folder


SCRIPT = "<script>alert(1)<&script>"
STUDY = """\
[study]
title = "To be <b>reviewed</b>"

[reading]
workers = 1

[[question]]
id = "code"
label = "Source code"
text = "Where can the source code of the work be obtained?"
kind = "link"

[[question]]
id = "epochs"
text = "How many epochs?"
kind = "number"
unit = "epochs"

[[question]]
id = "sensor"
text = "Which sensor?"
kind = "choice"
choices = ["camera", "microphone"]

[[question]]
id = "metrics"
text = "By which metrics was the network judged?"
"""


@pytest.fixture
def study(finished: Path, tmp_path: Path) -> Iterator[Study]:
    with Study(shutil.copytree(finished, tmp_path / "study")) as opened:
        yield opened


App = Callable[..., object]


@pytest.fixture
def app(study: Study) -> Iterator[App]:
    with closing(StudyDesk(study)) as desk:
        yield lambda door=None, **rules: make_app(desk, door or Door.at("127.0.0.1", 8765), Rules(**rules))


def codes(study: Study, question: str = "code", paper: str = LYNX) -> list[tuple[str, str, int, int, bool | None]]:
    """Reader, verdict, revision, round and blind of people's rows of a cell, oldest first."""
    rows = [s for s in study.ledger.history() if (s.key.question, s.key.paper) == (question, paper) and s.review]
    return [
        (s.key.reader, s.finding.verdict.value, s.revision, s.key.round, s.review and s.review.blind)
        for s in sorted(rows, key=lambda s: s.id)
    ]


def decided(study: Study, question: str = "code") -> tuple[Outcome, str]:
    (found,) = [one for one in study.decide() if (one.paper, one.question) == (LYNX, question)]
    return found.decision, found.basis


# Coding


def test_a_code_is_in_the_ledger_before_the_next_cell_shows(study: Study, app: App) -> None:
    ann = Browser(app(), "Ann")
    on = ann.code("reported", value="https://example.org/code", quote=QUOTE, note="in the text")
    assert codes(study) == [("Ann", "reported", 1, 0, True)]
    assert decided(study) == (Outcome.REPORTED, "people")
    (mine,) = [s for s in study.current() if s.key.reader == "Ann"]
    (quote,) = mine.finding.quotes
    assert quote.located is Located.EXACT
    assert quote.spans[0].boxes
    assert quote.score is not None
    assert mine.finding.value == "https://example.org/code"
    assert mine.review is not None
    assert mine.review.note == "in the text"
    there = ann.client.get(on).headers["location"]
    assert "question=epochs" in there
    assert f"paper={LYNX}" in there


def test_the_page_shows_readers_with_their_quotes_in_place(app: App) -> None:
    page = Browser(app(), "Ann", blind=False).see()
    assert "embedded" in page
    assert 'class="quote k1" data-mark="m0-0"' in page
    assert "https://" in page


def test_in_blind_mode_nothing_of_other_readers_shows_until_one_has_decided(study: Study, app: App) -> None:
    page_of = app(blind=True)
    bob = Browser(page_of, "Bob", blind=False)  # --blind leaves no choice
    bob.code("not_reported", note="Bob was here")
    ann = Browser(page_of, "Ann")
    before = ann.see()
    for told in ("embedded", "Bob", "data-mark", r"\d:\d</span>"):
        assert not re.search(told, before + ann.client.get("/matrix").text)
    ann.code("reported")
    after = ann.see()
    assert "embedded" in after
    assert "Bob was here" in after
    ann.code("not_reported")
    assert [row for row in codes(study) if row[0] == "Ann"] == [
        ("Ann", "reported", 1, 0, True),
        ("Ann", "not_reported", 2, 0, False),
    ]


def test_who_has_looked_is_not_blind_by_saying_so_later(study: Study, app: App) -> None:
    page = app()
    Browser(page, "Ann", blind=False).see()
    Browser(page, "Ann", blind=True).code("reported")
    assert codes(study) == [("Ann", "reported", 1, 0, False)]


def test_undo_brings_back_what_was_said_before(study: Study, app: App) -> None:
    ann = Browser(app(), "Ann")
    ann.code("reported", quote=QUOTE)
    ann.code("unclear", "metrics")
    ann.code("not_reported")
    assert "question=code" in ann.undo()
    (mine,) = [s for s in study.current() if (s.key.reader, s.key.question) == ("Ann", "code")]
    assert (mine.finding.verdict, mine.finding.quotes[0].said) == (Verdict.REPORTED, QUOTE)
    ann.undo()
    ann.undo()
    assert not [s for s in study.current() if s.key.reader == "Ann"]
    assert decided(study)[1] == "majority"
    assert [row[1] for row in codes(study)] == ["reported", "not_reported", "reported", "failed"]
    assert 'id="undo"' not in ann.see()
    page = ann.see()
    assert "hidden until you have decided" in page
    assert QUOTE in page  # what was entered is not lost
    assert study.sample(100, "random").cells


def test_undo_outlives_the_server(study: Study, app: App) -> None:
    """After a restart one undoes what one would have undone without it, one code after the other."""
    ann = Browser(app(), "Ann")
    ann.code("reported", quote=QUOTE)
    ann.code("unclear", "metrics")
    ann.code("not_reported")
    ann.undo()
    Browser(app(), "Bob").code("reported", "metrics")
    ann = Browser(app(), "Ann")  # a server that knows nobody yet
    assert "question=metrics" in ann.undo()
    assert codes(study, "metrics")[-1][:3] == ("Ann", "failed", 2)
    ann = Browser(app(), "Ann")
    assert "question=code" in ann.undo()
    assert [row[1] for row in codes(study)] == ["reported", "not_reported", "reported", "failed"]
    assert 'id="undo"' not in Browser(app(), "Ann").see()
    assert [s.key.reader for s in study.current() if s.review] == ["Bob"]


@given(steps=st.lists(st.sampled_from(["reported", "not_reported", "unclear", "undo"]), max_size=12))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
def test_what_may_be_undone_is_told_from_the_ledger(study: Study, app: App, steps: list[str]) -> None:
    """Whatever codes and undoings come, as long as nobody says by hand again what the code before the last said."""
    name = f"Ann {uuid4()}"
    page = app()
    ann, other = Browser(page, name), iter(range(100))
    for step in steps:
        if step != "undo":
            ann.code(step, note=str(next(other)))
        elif 'id="undo"' in ann.see():
            ann.undo()
    with closing(StudyDesk(study)) as desk:
        assert Sittings(desk).last(name) == page.state.room.sittings.last(name)  # type: ignore[attr-defined]


def test_who_has_looked_is_not_blind_after_a_restart_either(study: Study, app: App) -> None:
    Browser(app(), "Ann", blind=False).see()
    Browser(app(), "Bob", blind=False).code("reported", "metrics")
    Browser(app(), "Bob").undo()
    Browser(app(), "Ann").code("reported")
    (study.folder / ".quoth" / "seen.jsonl").unlink()
    Browser(app(), "Bob").code("reported", "metrics")  # the row of the code that was taken back still tells
    Browser(app(), "Bob").code("reported", "epochs")
    assert codes(study) == [("Ann", "reported", 1, 0, False)]
    assert codes(study, "metrics")[-1][-1] is False
    assert codes(study, "epochs") == [("Bob", "reported", 1, 0, True)]


def test_a_file_of_sights_that_was_cut_off_spoils_no_other(study: Study, app: App) -> None:
    Browser(app(), "Ann", blind=False).see()
    sights = study.folder / ".quoth" / "seen.jsonl"
    sights.write_text(sights.read_text("utf-8") + '\n["Ann", "lynx', "utf-8")
    Browser(app(), "Ann", blind=False).see("metrics")
    ann = Browser(app(), "Ann")
    for question, blind in (("code", False), ("metrics", False), ("epochs", True)):
        ann.code("not_reported", question)
        assert codes(study, question)[-1][-1] is blind


def test_a_cell_can_be_excluded(study: Study, app: App) -> None:
    page = app()
    Browser(page, "Ann").code("excluded", note="a corrected version is counted")
    assert decided(study) == (Outcome.EXCLUDED, "people")
    seen = Browser(page, "Ann").see()
    assert 'value="excluded" class="say excluded" aria-pressed="true"' in seen
    assert "not to be counted" in seen


@pytest.mark.slow
def test_a_failed_reader_is_no_vote_against(small_study: Callable[..., Path]) -> None:
    folder = small_study()
    (folder / "papers" / "broken.pdf").write_bytes(b"%PDF-1.7 and nothing else")
    with Study(folder) as study, closing(StudyDesk(study)) as desk:
        study.run()
        matrix = Browser(make_app(desk, Door.at("127.0.0.1", 8765)), "Ann", blind=False).client.get("/matrix").text
    rows = dict(re.findall(r'title="[^"]* \((\S+)\)">(.*?)</tr>', matrix, re.S))
    assert re.findall(r'class="hint">(.*?)<', rows["lynx-camera-traps"]) == ["1:0", "1:0"]
    broken = matrix.split('title="broken (broken)"', 1)[1].split("</tr>", 1)[0]
    assert 'class="hint"' not in broken


def test_a_code_taken_back_and_given_again_counts(study: Study, app: App) -> None:
    ann = Browser(app(), "Ann")
    ann.code("reported")
    ann.undo()
    assert 'class="left" title="Cells of this queue that wait for you">8 left' in ann.see()
    ann.code("not_reported")
    assert decided(study) == (Outcome.NOT_REPORTED, "people")
    assert codes(study)[-1] == ("Ann", "not_reported", 3, 0, True)


def test_two_windows_on_one_cell_overwrite_nothing(study: Study, app: App) -> None:
    ann = Browser(app(), "Ann")
    fields = hidden(ann.see())
    ann.code("reported")
    late = ann.client.post("/code", data=fields | {"verdict": "not_reported", "note": "typed at length"})
    assert late.status_code == 409
    assert "another window" in late.text
    assert "typed at length" in late.text
    assert [row[1] for row in codes(study)] == ["reported"]
    again = ann.client.post("/code", data=hidden(late.text) | {"verdict": "not_reported"})
    assert again.status_code == 303
    assert [row[1:3] for row in codes(study)] == [("reported", 1), ("not_reported", 2)]


def test_a_window_of_somebody_else_codes_for_nobody(study: Study, app: App) -> None:
    ann = Browser(app(), "Ann")
    fields = hidden(ann.see())
    ann.client.post("/me", data={"name": "Bob"})
    refused = ann.client.post("/code", data=fields | {"verdict": "reported"})
    assert refused.status_code == 409
    assert "This window was Ann&#39;s" in refused.text
    assert codes(study) == []


@pytest.mark.parametrize(
    ("question", "value", "told"),
    [("epochs", "many", "is no number"), ("sensor", "thermometer", "none of the choices")],
)
def test_a_value_that_does_not_fit_is_told_and_kept_on_the_page(
    study: Study, app: App, question: str, value: str, told: str
) -> None:
    page = Browser(app(), "Ann").code("reported", question, value=value, note="still here", status=422)
    assert told in page
    assert "still here" in page
    assert codes(study, question) == []


def test_values_come_with_the_unit_of_their_question(study: Study, app: App) -> None:
    ann = Browser(app(), "Ann")
    ann.code("reported", "epochs", value="34")
    ann.code("reported", "sensor", value="Camera")
    found = {s.key.question: (s.finding.value, s.finding.unit) for s in study.current() if s.key.reader == "Ann"}
    assert found == {"epochs": ("34", "epochs"), "sensor": ("camera", None)}


def test_marked_words_are_quoted_from_where_they_were_marked(study: Study, app: App) -> None:
    ann = Browser(app(), "Ann", blind=False)
    file = re.search(r'data-file="(\w+)"', ann.see())
    assert file
    where = {"paper": LYNX, "file": file[1], "page": 2}
    words = ann.client.get("/words", params=where).json()
    assert len(words) > 300
    start = next(i for i, word in enumerate(words) if word[0] == "Training" and words[i + 1][0] == "ended")
    run = words[start : start + 9]
    text = " ".join(word[0] for word in run)
    ann.code("reported", "epochs", quote=text, near=f"{run[0][1]}-{run[-1][2]}")
    (mine,) = [s for s in study.current() if s.key.reader == "Ann"]
    (quote,) = mine.finding.quotes
    assert quote.located is Located.EXACT
    assert (quote.spans[0].start, quote.spans[-1].end) == (run[0][1], run[-1][2])
    assert quote.spans[0].page == 2
    boxes = [box for word in run for box in word[3]]
    (x0, y0), (x1, y1) = (
        (min(box[i] for box in boxes) for i in (0, 1)),
        (max(box[i] for box in boxes) for i in (2, 3)),
    )
    around = quote.spans[0].boxes
    assert min(b[0] for b in around) == pytest.approx(x0, abs=0.1)
    assert max(b[3] for b in around) == pytest.approx(y1, abs=0.1)
    assert x1 > x0
    assert y1 > y0


def test_a_quote_that_is_not_there_is_kept_and_marked(study: Study, app: App) -> None:
    ann = Browser(app(), "Ann")
    ann.code("reported", quote="words that nobody ever wrote in this paper")
    (mine,) = [s for s in study.current() if s.key.reader == "Ann"]
    assert mine.finding.quotes[0].located is Located.MISSING
    assert "not found in the paper" in ann.see()


# Queues


def test_the_most_doubtful_cells_come_first(study: Study, app: App) -> None:
    ann = Browser(app(), "Ann")
    doubt = {
        (s.key.paper, s.key.question): 1 - abs(2 * (s.finding.score or 0.75) - 1)
        for s in study.current()
        if s.finding.verdict is not Verdict.FAILED
    }
    seen = []
    where = "/next?queue=doubtful"
    for _ in range(8):
        there = ann.client.get(where).headers["location"]
        fields = hidden(ann.client.get(there).text)
        seen.append((fields["paper"], fields["question"]))
        where = ann.client.post("/code", data=fields | {"verdict": "unclear"}).headers["location"]
    assert len(set(seen)) == 8
    known = [doubt[cell] for cell in seen if cell in doubt]
    assert known == sorted(known, reverse=True)
    assert ann.client.get(where).headers["location"] == "/?done=doubtful"
    assert "You have coded every cell" in ann.client.get("/?done=doubtful").text


def test_a_third_settles_a_disagreement_and_those_who_differ_do_not(study: Study, app: App) -> None:
    page = app()
    ann, bob, eve = Browser(page, "Ann"), Browser(page, "Bob"), Browser(page, "Eve")
    ann.code("reported", note="see page 3")
    bob.code("not_reported")
    bob.code("reported", "metrics")
    ann.code("reported", "metrics")
    assert decided(study)[1] == "majority"
    assert eve.client.get("/next?queue=disagreements").headers["location"].endswith(f"paper={LYNX}&question=code")
    assert ann.client.get("/next?queue=disagreements").headers["location"] == "/?done=disagreements"
    assert "third person settles" in ann.see(queue="disagreements")
    shown = eve.see(queue="disagreements")
    for told in ("Ann", "Bob", "see page 3", "embedded", "History"):
        assert told in shown
    eve.code("not_reported", queue="disagreements")
    assert codes(study)[-1] == ("Eve", "not_reported", 1, 1, False)
    assert decided(study) == (Outcome.NOT_REPORTED, "adjudicated")
    assert eve.client.get("/next?queue=disagreements").headers["location"] == "/?done=disagreements"
    eve.undo()
    assert decided(study)[1] == "majority"
    barred = hidden(ann.see()) | {"queue": "disagreements", "settles": "true", "seen": "0", "verdict": "reported"}
    assert ann.client.post("/code", data=barred).status_code == 422
    assert len(codes(study)) == 4


def test_progress_and_agreement_are_live(study: Study, app: App) -> None:
    page = app()
    ann, bob = Browser(page, "Ann"), Browser(page, "Bob")
    for question, a, b in (("code", "reported", "reported"), ("epochs", "reported", "not_reported"), ("metrics",) * 3):
        if a != "metrics":
            ann.code(a, question)
            bob.code(b, question)
    told = ann.client.get("/progress").text
    assert re.search(r"Ann, Bob</th><td>2</td>\s*<td>50 %</td>", told)
    found = study.agreement(draws=0).overall.pairs
    mine = next(pair for pair in found if (pair.first, pair.second) == ("Ann", "Bob"))
    assert (mine.n, mine.percent.value) == (2, 0.5)
    assert re.search(r"Ann</th><td>2</td><td>2</td><td>0</td>", told)


def test_what_a_run_and_an_import_bring_meanwhile_is_taken_in(study: Study, app: App, tmp_path: Path) -> None:
    eve = Browser(app(), "Eve")
    eve.see()
    sheet = tmp_path / "codes.csv"
    sheet.write_text(f"paper,question,reader,verdict\n{LYNX},code,ann,yes\n{LYNX},code,bob,no\n", encoding="utf-8")
    study.import_(sheet)
    assert eve.client.get("/next?queue=disagreements").headers["location"].endswith("question=code")
    assert "ann" in eve.client.get("/progress").text


def test_a_paper_that_no_run_has_read_can_be_looked_at_and_coded(small_study: Callable[..., Path]) -> None:
    folder = small_study()
    (folder / "papers" / "broken.pdf").write_bytes(b"%PDF-1.4 no more")
    with Study(folder) as study, closing(StudyDesk(study)) as desk:
        ann = Browser(make_app(desk, Door.at("127.0.0.1", 8765)), "Ann")
        assert "/picture?file=" in ann.see()
        ann.code("reported", quote=QUOTE)
        assert "no page to show" in ann.see(paper="broken")
        ann.code("unclear", paper="broken")
        assert codes(study)[0][:2] == ("Ann", "reported")
        study.run()
        assert decided(study) == (Outcome.REPORTED, "people")
        assert "truncated" in ann.see(paper="broken")


# Pages


def test_pictures_and_words_of_the_study_alone(study: Study, app: App) -> None:
    ann = Browser(app(), "Ann")
    (file,) = next(paper for paper in find_papers(study.protocol.papers) if paper.name == LYNX).files
    picture = ann.client.get("/picture", params={"file": file.digest, "page": 1})
    assert picture.content.startswith(b"\x89PNG")
    assert "immutable" in picture.headers["cache-control"]
    for wrong in (
        {"file": file.digest, "page": 99},
        {"file": "../study.toml", "page": 1},
        {"file": file.name, "page": 1},
        {"file": "", "page": 1},
    ):
        assert ann.client.get("/picture", params=wrong).status_code == 404
        assert ann.client.get("/words", params=wrong | {"paper": "../../x"}).status_code == 404
    assert ann.client.get("/words", params={"paper": LYNX, "file": "x", "page": 1}).json() == []
    for name in ("../app.py", "..%2fapp.py", "%2e%2e/app.py", "htmx.LICENSE", "/etc/passwd"):
        assert ann.client.get(f"/static/{name}").status_code == 404


def test_words_are_found_whatever_their_case_and_spaces(app: App) -> None:
    ann = Browser(app(), "Ann")
    answer = ann.client.get("/find", params={"paper": LYNX, "words": "CAMERA\n traps"})
    hits = answer.json()
    assert len(hits) > 2
    assert {at for at, _ in hits} <= {0, 1, 2}
    assert all(0 < x0 < x1 < 600 and 0 < y0 < y1 < 850 for _, boxes in hits for x0, y0, x1, y1 in boxes)
    for words in ("", " ", "(", "camera ["):
        assert ann.client.get("/find", params={"paper": LYNX, "words": words}).status_code == 200
    assert ann.client.get("/find", params={"paper": LYNX, "words": ""}).json() == []
    assert ann.client.get("/find", params={"paper": "../etc", "words": "root"}).status_code == 404


def test_names_are_words_and_never_markup_or_paths(app: App) -> None:
    page = app()
    ann = Browser(page, "<i>Ann</i>")
    ann.code("reported", "code", paper=SCRIPT, note="<script>note</script>", quote="<img src=x> and some more words")
    for text in (ann.see(paper=SCRIPT), ann.client.get("/").text, ann.client.get("/matrix").text):
        assert SCRIPT not in text
        assert "<script>note" not in text
        assert "<i>" not in text
        assert "<b>" not in text
        assert "<img src=x" not in text
    assert ann.client.get("/cell", params={"paper": "../" + LYNX, "question": "code"}).status_code == 404


# Who gets in


@pytest.mark.parametrize("host", ["evil.example:8765", "127.0.0.1", "127.0.0.1:80", "", "localhost:8765.evil.example"])
def test_a_foreign_host_is_refused(app: App, host: str) -> None:
    client = Browser(app()).client
    assert client.get("/", headers={"Host": host, "Origin": f"http://{host}"}).status_code == 421


@pytest.mark.parametrize(
    ("host", "port", "named", "known"),
    [
        ("127.0.0.1", 80, "localhost", True),
        ("127.0.0.1", 8765, "[::1]:8765", True),
        ("0.0.0.0", 8765, "192.0.2.7:8765", True),
        ("0.0.0.0", 8765, "evil.example:8765", False),
        ("review.example", 8765, "REVIEW.example:8765", True),
        ("review.example", 8765, "localhost:8765", False),
    ],
)
def test_names_under_which_it_is_reached(host: str, port: int, named: str, known: bool) -> None:
    assert Door.at(host, port).knows(named) is known


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9999", "", None])
def test_a_form_of_another_site_is_refused(study: Study, app: App, origin: str | None) -> None:
    ann = Browser(app(), "Ann")
    fields = hidden(ann.see()) | {"verdict": "reported"}
    if origin is None:
        del ann.client.headers["Origin"]
    else:
        ann.client.headers["Origin"] = origin
    assert ann.client.post("/code", data=fields).status_code == 403
    assert codes(study) == []


def test_pictures_are_not_for_other_sites(app: App) -> None:
    client = Browser(app()).client
    del client.headers["Origin"]
    foreign = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert client.get("/static/icon.svg", headers=foreign).status_code == 403
    assert client.get("/", headers=foreign | {"Sec-Fetch-Mode": "navigate"}).status_code == 200


def test_beyond_this_machine_a_token_is_demanded(app: App) -> None:
    door = Door.at("192.0.2.7", 8765)
    assert door.token
    assert door.token in door.url
    assert door.token not in repr(door)
    page = app(door)
    stranger = Browser(page, host="192.0.2.7:8765").client
    for path in ("/", "/cell", "/picture", "/static/review.js", "/?token=wrong", "/?token="):
        assert stranger.get(path).status_code == 401
    assert stranger.post("/me", data={"name": "Ann", "token": door.token}).status_code == 401
    guest = Browser(page, host="192.0.2.7:8765").client
    opened = guest.get(f"/?token={door.token}")
    assert (opened.status_code, opened.headers["location"]) == (303, "/")
    assert "httponly" in opened.headers["set-cookie"].lower()
    assert guest.get("/").status_code == 200


def test_every_answer_carries_the_policy(app: App) -> None:
    client = Browser(app(), "Ann").client
    for path in ("/", "/cell?paper=no&question=no", "/static/review.css", "/nowhere", "/next"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'; ")
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
    page = client.get("/next?queue=paper", follow_redirects=True).text
    assert not re.search(
        r"<script(?! src)|\son\w+=|style=|https?://(?!example)", page.split("<body", 1)[1].replace("http://www", "")
    )


def test_too_much_is_refused(app: App) -> None:
    ann = Browser(app(), "Ann")
    fields = hidden(ann.see()) | {"verdict": "reported"}
    assert ann.client.post("/code", data=fields | {"note": "x" * 70_000}).status_code == 413
    assert ann.client.post("/code", data=fields | {"note": "x" * 20_000}).status_code == 422
    assert ann.client.post("/code", data=fields | {"quote": "x" * 700}).status_code == 422
    assert ann.client.post("/code", content=iter([b"verdict=reported"])).status_code == 411


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "embedded", "a\u200bb", "a\x00b"])
def test_some_names_nobody_can_have(app: App, name: str) -> None:
    assert Browser(app()).client.post("/me", data={"name": name}).status_code == 422


FIELDS = (
    "coder",
    "queue",
    "paper",
    "question",
    "seen",
    "settles",
    "verdict",
    "value",
    "quote",
    "near",
    "note",
    "revision",
)
ODD = st.one_of(
    st.text(max_size=40), st.sampled_from(["Ann", LYNX, "code", "reported", "paper", "1", "-1", "9" * 30, "5-1"])
)


@pytest.mark.slow
@given(
    path=st.sampled_from(["/code", "/undo", "/me"]),
    fields=st.lists(st.tuples(st.one_of(st.sampled_from(FIELDS), st.text(max_size=10)), ODD), max_size=14),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_form_breaks_the_server(app: App, path: str, fields: list[tuple[str, str]]) -> None:
    client = Browser(app(), "Ann").client
    answer = client.post(path, data={name: [v for n, v in fields if n == name] for name, _ in fields})
    assert answer.status_code == 303 or 400 <= answer.status_code < 500


@pytest.mark.slow
@given(
    body=st.binary(max_size=300),
    kind=st.sampled_from(
        ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "multipart/form-data"]
    ),
)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_break_the_server(app: App, body: bytes, kind: str) -> None:
    client = Browser(app(), "Ann").client
    assert 400 <= client.post("/code", content=body, headers={"Content-Type": kind}).status_code < 500


@given(
    path=st.sampled_from(["/cell", "/next", "/matrix", "/words", "/picture", "/"]),
    query=st.dictionaries(
        st.sampled_from(
            ["paper", "question", "queue", "at", "part", "file", "page", "scale", "start", "done", "change"]
        ),
        ODD,
    ),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.slow
def test_no_address_breaks_the_server(app: App, path: str, query: dict[str, str]) -> None:
    assert Browser(app(), "Ann").client.get(path, params=query).status_code < 500


@pytest.mark.slow
def test_ten_people_at_once(study: Study, app: App) -> None:
    page = app()

    def work(number: int) -> int:
        person = Browser(page, f"person {number}")
        where, done = "/next?queue=doubtful", 0
        while (there := person.client.get(where).headers["location"]).startswith("/cell"):
            shown = person.client.get(there).text
            for picture in re.findall(r'src="(/picture[^"]*)"', shown):
                assert person.client.get(unescape(picture)).status_code == 200
            answer = person.client.post("/code", data=hidden(shown) | {"verdict": "reported", "quote": QUOTE})
            assert answer.status_code == 303
            where, done = answer.headers["location"], done + 1
        return done

    with ThreadPoolExecutor(10) as people:
        assert list(people.map(work, range(10))) == [8] * 10
    rows = [s for s in study.ledger.history() if s.review]
    assert len(rows) == 80
    assert {s.revision for s in rows} == {1}


@pytest.mark.slow
def test_a_port_that_is_taken_is_told(finished: Path, quoth: Quoth) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert "name another --port" in quoth("review", finished, "--port", port, code=1).stderr
    assert "already: take another name" in quoth("review", finished, "--coder", "embedded", code=1).stderr


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_small_answers_are_sent_at_once(host: str) -> None:
    """asyncio sets TCP_NODELAY on sockets that say that they are TCP; else an answer's body waits 40 ms."""
    try:
        listener = listen(host, 0)
    except StudyError:
        pytest.skip(f"this machine has no {host}")
    with closing(listener):
        assert listener.proto == socket.IPPROTO_TCP


def test_it_stays_open_during_a_run(study: Study, app: App) -> None:
    ann = Browser(app(), "Ann")
    with study.ledger.lock():
        ann.code("reported")
    assert codes(study) == [("Ann", "reported", 1, 0, True)]
