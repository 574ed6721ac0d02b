"""The review page in a real browser, served by the real command, as people use it."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import quoth_command
from quoth.study import Study
from quoth.vocabulary import Located

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")]

LYNX = "lynx-camera-traps"
SCRIPT = "<script>document.title='taken'<&script>"


class Server:
    """`quoth review` as a process of its own, which can be killed and started again at the same address."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder, self.options, self.port = folder, options, 0
        self.start()

    def start(self) -> None:
        command = quoth_command("review", self.folder, "--port", self.port, *self.options)
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
        )
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line.startswith("Open http://127.0.0.1:"), line
        self.address = line.split()[1].rstrip("/")
        self.port = int(self.address.rsplit(":", 1)[1])

    def stop(self, how: int = signal.SIGINT) -> int:
        self.process.send_signal(how)
        code = self.process.wait(20)
        assert self.process.stdout
        self.process.stdout.close()
        return code


Serve = Callable[..., Server]


@pytest.fixture
def serve(demo_copy: Path) -> Iterator[Serve]:
    """Serves the finished demo study."""
    servers: list[Server] = []

    def make(*options: str) -> Server:
        servers.append(Server(demo_copy, *options))
        return servers[-1]

    yield make
    for server in servers:
        if server.process.returncode is None:
            server.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def person(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Opens a browser of somebody's own; whatever a browser complains about fails the test."""
    contexts, complaints = [], []

    def enter(server: Server, name: str, *, blind: bool = True, **looks: Any) -> Any:
        context = chromium.new_context(**{"viewport": {"width": 1440, "height": 900}, **looks})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(server.address)
        page.fill("#name", name)
        if not blind:
            page.uncheck("input[type=checkbox]")
        page.click("text=Start coding")
        page.wait_for_selector(".queues")
        return page

    yield enter
    for context in contexts:
        context.close()
    # A refused connection or form is what some tests are about, and browsers report it.
    assert [words for words in complaints if not words.startswith(("Failed to load resource", "htmx:"))] == []


def press(page: Any, key: str) -> None:
    """A key that leads to another cell."""
    before = page.url
    page.keyboard.press(key)
    page.wait_for_function("before => location.href !== before", arg=before)
    page.wait_for_selector("#code")


def look_at(page: Any, server: Server, question: str, paper: str = LYNX, queue: str = "paper") -> None:
    page.goto(f"{server.address}/cell?queue={queue}&paper={paper}&question={question}")
    page.wait_for_selector("#question")


def codes(server: Server) -> list[tuple[str, str, str, str, int, int]]:
    with Study(server.folder) as study:
        rows = sorted((s for s in study.ledger.history() if s.review), key=lambda s: s.id)
    return [(s.key.reader, s.key.paper, s.key.question, s.finding.verdict.value, s.revision, s.key.round) for s in rows]


def drag(page: Any, first: str, last: str) -> str:
    """Drags over the words on the page from the first to the last, and gives what is quoted then."""
    page.wait_for_selector(".sheet.words")
    ends = page.evaluate(
        """async ([first, last]) => {
            const { paper, file, page } = document.querySelector('.sheet').dataset;
            const words = await (await fetch(`/words?${new URLSearchParams({ paper, file, page })}`)).json();
            const from = words.findIndex(([text], i) => `${text} ${words[i + 1]?.[0]}` === first);
            const to = words.findIndex(([text], i) => i > from && text === last);
            const svg = document.querySelector('.sheet svg');
            svg.closest('.desk').scrollTop = words[from][3][0][1] / svg.viewBox.baseVal.height * svg.clientHeight - 200;
            const at = svg.getBoundingClientRect(), scale = at.width / svg.viewBox.baseVal.width;
            return [from, to].map((i) => words[i][3].at(-1)).map(
                ([x0, y0, x1, y1]) => [at.left + (x0 + x1) / 2 * scale, at.top + (y0 + y1) / 2 * scale]);
        }""",
        [first, last],
    )
    page.mouse.move(*ends[0])
    page.mouse.down()
    page.mouse.move(*ends[1], steps=4)
    page.mouse.up()
    return str(page.input_value("#quote-0"))


def test_ten_cells_by_keyboard_and_undo(serve: Serve, person: Callable[..., Any]) -> None:
    server = serve()
    ann = person(server, "Ann")
    began = time.monotonic()
    ann.keyboard.press("Enter")
    ann.wait_for_selector("#code")
    for number in range(10):
        press(ann, "1234"[number % 4])
    assert time.monotonic() - began < 30
    found = codes(server)
    assert [row[3] for row in found] == ["reported", "not_reported", "unclear", "not_applicable"] * 2 + [
        "reported",
        "not_reported",
    ]
    assert len({row[1:3] for row in found}) == 10
    here = ann.url
    press(ann, "n")
    press(ann, "b")
    assert ann.url.split("&")[1:] == here.split("&")[1:]
    press(ann, "u")
    assert codes(server)[-1][1:5] == (*found[-1][1:3], "failed", 2)
    ann.go_back()
    ann.reload()
    ann.wait_for_selector("#code")
    assert len(codes(server)) == 11


def test_words_dragged_over_are_located_in_the_ledger(serve: Serve, person: Callable[..., Any]) -> None:
    server = serve()
    ann = person(server, "Ann", blind=False)
    look_at(ann, server, "cq13")
    quoted = drag(ann, "Training ended", "epochs,")
    assert quoted == "Training ended once the validation loss had not fallen for six epochs,"
    press(ann, "1")
    ann.click(".last a")
    ann.wait_for_selector("rect.k0")
    assert "found, exact" in ann.inner_text("#quotes")
    with Study(server.folder) as study:
        (mine,) = [s.finding for s in study.current() if s.key.reader == "Ann"]
    assert [(quote.text, quote.located) for quote in mine.quotes] == [(quoted, Located.EXACT)]
    assert mine.quotes[0].spans[0].page == 2


def test_pages_turn_and_zoom_by_key_without_losing_what_was_typed(serve: Serve, person: Callable[..., Any]) -> None:
    server = serve()
    ann = person(server, "Ann")
    look_at(ann, server, "cq13")
    ann.keyboard.press("m")
    ann.keyboard.type("1 2 n u ]")  # keys are letters where somebody writes
    ann.keyboard.press("Escape")
    ann.keyboard.press("]")
    ann.wait_for_selector('.sheet[data-page="2"]')
    narrow = ann.locator(".sheet").bounding_box()["width"]
    ann.keyboard.press("+")
    assert ann.locator(".sheet").bounding_box()["width"] > narrow
    assert ann.input_value("#note") == "1 2 n u ]"
    assert codes(server) == []


def test_words_are_found_on_all_pages(serve: Serve, person: Callable[..., Any]) -> None:
    server = serve()
    ann = person(server, "Ann")
    look_at(ann, server, "cq13")
    ann.keyboard.press("/")
    ann.keyboard.type("VALIDATION  loss")
    ann.keyboard.press("Enter")
    ann.wait_for_selector('.sheet[data-page="2"] #hits .now')
    assert ann.evaluate("document.activeElement.name") == "words"
    drawn = ann.evaluate(
        """() => {
            const [hit, desk] = ['#hits .now', '.desk']
                .map((one) => document.querySelector(one).getBoundingClientRect());
            return hit.width > 20 && hit.top > desk.top && hit.bottom < desk.bottom;
        }"""
    )
    assert drawn
    ann.fill("#find input", "lynx")
    ann.keyboard.press("Enter")
    ann.wait_for_function("() => Number(document.querySelector('#found').textContent.split(' of ')[1]) > 10")
    first, total = map(int, ann.inner_text("#found").split(" of "))
    ann.keyboard.press("Enter")
    ann.wait_for_function("now => document.querySelector('#found').textContent === now", arg=f"{first + 1} of {total}")
    ann.fill("#find input", "<b>(no such words")
    ann.keyboard.press("Enter")
    ann.wait_for_function("() => document.querySelector('#found').textContent === 'not found'")
    ann.keyboard.press("Escape")
    press(ann, "1")
    assert ann.input_value("#find input") == ""  # another cell


def test_blind_until_decided(serve: Serve, person: Callable[..., Any]) -> None:
    server = serve("--blind")
    ann = person(server, "Ann")
    look_at(ann, server, "cq13")
    assert "hidden until you have decided" in ann.inner_text("#panel")
    assert ann.locator("rect.quote").count() == 0
    press(ann, "1")
    ann.click(".last a")
    ann.wait_for_selector("text=embedded")
    assert ann.locator("rect.quote").count() > 0


def test_two_disagree_and_a_third_settles(serve: Serve, person: Callable[..., Any]) -> None:
    server = serve()
    ann, bob, eve = (person(server, name) for name in ("Ann", "Bob", "Eve"))
    for who, key in ((ann, "1"), (bob, "2")):
        look_at(who, server, "cq13")
        press(who, key)
    eve.reload()
    eve.click("text=Disagreements")
    eve.wait_for_selector("text=What you say settles this cell")
    assert "Ann" in eve.inner_text(".history")
    eve.keyboard.press("2")
    eve.wait_for_selector("text=Nothing is left to settle")
    assert [row[0] for row in codes(server)] == ["Ann", "Bob", "Eve"]
    assert codes(server)[-1][3:] == ("not_reported", 1, 1)
    ann.goto(server.address)
    assert "Ann, Bob" in ann.inner_text("#people")


def test_a_server_killed_in_the_middle(serve: Serve, person: Callable[..., Any]) -> None:
    server = serve()
    ann = person(server, "Ann")
    look_at(ann, server, "cq13")
    press(ann, "1")
    ann.fill("#quote-0", "typed before the server died")
    server.stop(signal.SIGKILL)
    ann.keyboard.press("Escape")
    ann.keyboard.press("2")
    ann.wait_for_selector("text=What you entered is still here")
    assert ann.input_value("#quote-0") == "typed before the server died"
    server.start()
    press(ann, "2")
    assert [row[3] for row in codes(server)] == ["reported", "not_reported"]
    assert server.stop() == 0


def test_two_tabs_on_one_cell(serve: Serve, person: Callable[..., Any]) -> None:
    server = serve()
    one = person(server, "Ann")
    two = one.context.new_page()
    for tab in (one, two):
        look_at(tab, server, "cq13")
    press(one, "1")
    two.keyboard.press("2")
    two.wait_for_selector("text=in another window")
    assert [row[3] for row in codes(server)] == ["reported"]
    press(two, "2")
    assert [row[3:5] for row in codes(server)] == [("reported", 1), ("not_reported", 2)]


def test_a_paper_named_like_a_script(serve: Serve, person: Callable[..., Any], demo_copy: Path) -> None:
    shutil.copyfile(demo_copy / "papers" / f"{LYNX}.pdf", demo_copy / "papers" / f"{SCRIPT}.pdf")
    server = serve()
    ann = person(server, "<b>Ann</b>")
    ann.click("text=The whole matrix")
    ann.wait_for_selector(".matrix")
    ann.locator("tr", has_text=SCRIPT).locator("a.box").first.click()
    ann.wait_for_selector("#code")
    assert SCRIPT in ann.inner_text(".paper")
    assert ann.title() != "taken"
    press(ann, "4")
    assert codes(server)[0][:2] == ("<b>Ann</b>", SCRIPT)


@pytest.mark.parametrize("width", [360, 820])
def test_a_narrow_screen_shows_everything(serve: Serve, person: Callable[..., Any], width: int) -> None:
    server = serve()
    ann = person(server, "Ann", blind=False, viewport={"width": width, "height": 780})
    for path in ("/", "/cell?queue=paper&paper=lynx-camera-traps&question=cq13", "/matrix"):
        ann.goto(server.address + path)
        assert ann.evaluate("document.documentElement.scrollWidth") <= width
    look_at(ann, server, "cq13")
    ann.click("button.say.reported")
    ann.wait_for_selector(".last")
    assert codes(server)[0][3] == "reported"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_barrier(serve: Serve, chromium: Any, person: Callable[..., Any], scheme: str) -> None:
    """The rules of axe-core, WCAG A and AA among them: names, roles, contrast; on every page that there is."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    server = serve()
    looks = {"color_scheme": scheme, "bypass_csp": True}
    bob = person(server, "Bob", **looks)
    look_at(bob, server, "cq13")
    press(bob, "2")
    ann = person(server, "Ann", blind=False, **looks)
    look_at(ann, server, "cq13")
    press(ann, "1")
    eve = person(server, "Eve", **looks)
    cell = f"/cell?queue=paper&paper={LYNX}&question="
    for who, path in (
        (ann, "/?change=1"),
        (ann, "/"),
        (ann, cell + "cq13"),
        (eve, cell + "cq11"),
        (eve, cell.replace("queue=paper", "queue=disagreements") + "cq13"),
        (ann, "/matrix"),
        (ann, cell + "no-such-question"),
    ):
        who.goto(server.address + path)
        found = [(one["id"], one["nodes"][0]["html"]) for one in axe.run(who).response["violations"]]
        assert found == [], path


def test_tab_leads_through_a_cell_in_the_order_of_the_work(serve: Serve, person: Callable[..., Any]) -> None:
    """The page, then quote, note and verdicts, then the next cell; every stop shows that it has the focus."""
    server = serve()
    ann = person(server, "Ann")
    look_at(ann, server, "cq13")
    stops = []
    for _ in range(30):
        ann.keyboard.press("Tab")
        stop = ann.evaluate(
            """() => {
                const it = document.activeElement, style = getComputedStyle(it);
                const name = it.form?.id === 'find' ? 'find' : it.id || it.value || it.className || it.tagName;
                return [name, style.outlineStyle, style.outlineWidth];
            }"""
        )
        assert stop[1] != "none", stop
        assert float(stop[2].removesuffix("px")) >= 2, stop
        stops.append(stop[0])
        if stop[0] == "next":
            break
    wanted = ["page-on", "find", "zoom-out", "zoom-in", "desk", "quote-0", "reported", "excluded", "next"]
    assert [stop for stop in stops if stop in wanted] == wanted


def test_the_verdicts_are_in_sight_on_a_low_screen(serve: Serve, person: Callable[..., Any]) -> None:
    server = serve()
    ann = person(server, "Ann", viewport={"width": 1280, "height": 560})
    look_at(ann, server, "cq13")
    ann.fill("#quote-0", "words " * 60)
    low = (
        "() => [...document.querySelectorAll('.say')].filter((one) => one.getBoundingClientRect().bottom > innerHeight)"
    )
    assert ann.evaluate(f"({low})().length") == 0
    ann.evaluate("document.querySelector('#panel').scrollTop = 1e6")
    assert ann.locator("#next").is_visible()


def test_excluded_by_key(serve: Serve, person: Callable[..., Any]) -> None:
    server = serve()
    ann = person(server, "Ann")
    look_at(ann, server, "cq13")
    assert "not to be counted" in ann.inner_text(".say.excluded")
    press(ann, "5")
    assert "excluded" in ann.inner_text(".last")
    server.stop(signal.SIGKILL)
    server.start()
    ann.reload()
    press(ann, "u")
    assert [row[3] for row in codes(server)] == ["excluded", "failed"]
