"""How fast the review page answers: pictures, cells and codes, one person and ten at once, and in a large study.

python benchmarks/review.py [PAPERS]: serves the demo study with the real command and asks it over HTTP; then, without a
server between, a ledger of random findings (500 papers x 28 questions x 7 readers, or as many papers as named).
"""

import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from html import unescape
from pathlib import Path

import httpx
from quorum import filled
from starlette.testclient import TestClient

import quoth
from quoth.review.app import make_app
from quoth.review.guard import Door
from quoth.study import create_demo
from quoth.study.reviewing import StudyDesk

Client = httpx.Client | TestClient

BARS = {"picture": 300, "picture again": 300, "cell": 150}
"""Milliseconds."""


def told(who: str, what: str, seconds: list[float]) -> None:
    worst = sorted(seconds)[int(0.95 * (len(seconds) - 1))]
    bar = f", bar {BARS[what]} ms" if what in BARS else ""
    median = 1000 * statistics.median(seconds)
    print(f"{who}, {what}: median {median:.0f} ms, 95 % in {1000 * worst:.0f} ms{bar} (n = {len(seconds)})", flush=True)


def timed(ask: Callable[[], httpx.Response], into: list[float]) -> httpx.Response:
    began = time.perf_counter()
    answer = ask()
    into.append(time.perf_counter() - began)
    assert answer.status_code in (200, 303), answer.text
    return answer


def code_some(client: Client, name: str, cells: int, quote: bool) -> dict[str, list[float]]:
    """One person codes cells, with the picture of each page, as a browser would."""
    taken: dict[str, list[float]] = {"picture": [], "picture again": [], "cell": [], "code": []}
    client.post("/me", data={"name": name})
    where = "/next?queue=doubtful"
    for _ in range(cells):
        there = client.get(where).headers["location"]
        page = timed(lambda to=there: client.get(to), taken["cell"]).text  # type: ignore[misc]
        for picture in map(unescape, re.findall(r'src="(/picture[^"]*)"', page)):
            timed(lambda to=picture: client.get(to), taken["picture"])  # type: ignore[misc]
            timed(lambda to=picture: client.get(to), taken["picture again"])  # type: ignore[misc]
        form = page.split('id="code"', 1)[1].split("</form>", 1)[0]
        hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form)
        fields = {key: unescape(value) for key, value in hidden} | {"verdict": "reported", "near": ""}
        words = re.search(r"<blockquote[^>]*>\s*<p>([^<]*)", page)
        fields["quote"] = unescape(words[1]) if quote and words else ""
        where = timed(lambda to=fields: client.post("/code", data=to), taken["code"]).headers["location"]  # type: ignore[misc]
    return taken


def demo(folder: Path) -> None:
    create_demo(folder)
    with quoth.open(folder) as study:
        study.run()
    command = [sys.executable, "-m", "quoth", "review", str(folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        address = server.stdout.readline().split()[1]
        headers = {"Origin": address.rstrip("/")}

        def person(number: int) -> dict[str, list[float]]:
            with httpx.Client(base_url=address, headers=headers, timeout=60) as client:
                return code_some(client, f"person {number}", 20, quote=True)

        try:
            for what, seconds in person(0).items():
                told("demo study, one person", what, seconds)
            with ThreadPoolExecutor(10) as people:
                all_of_them = list(people.map(person, range(1, 11)))
            for what in all_of_them[0]:
                told("demo study, ten at once", what, [second for one in all_of_them for second in one[what]])
            asked = sum(len(seconds) for one in all_of_them for seconds in one.values())
            print(f"demo study, ten at once: {asked} requests, no error")
        finally:
            server.terminate()


def large(folder: Path, papers: int) -> None:
    filled(folder, papers)
    with quoth.open(folder) as study, closing(StudyDesk(study)) as desk:
        app = make_app(desk, Door.at("127.0.0.1", 8765))
        here = "http://127.0.0.1:8765"
        client = TestClient(app, base_url=here, headers={"Origin": here}, follow_redirects=False)
        first: list[float] = []
        timed(lambda: client.get("/"), first)
        told(f"{papers} papers", "the first page", first)
        for what, seconds in code_some(client, "Ann", 20, quote=False).items():
            if seconds:
                told(f"{papers} papers", what, seconds)
        began = resource.getrusage(resource.RUSAGE_SELF)
        for cell in list(app.state.room.board.cells())[:100]:
            client.get("/cell", params=cell._asdict())
        ended = resource.getrusage(resource.RUSAGE_SELF)
        spent = ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime
        print(f"{papers} papers, a cell: {10 * spent:.1f} ms of processor time (n = 100)")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        demo(Path(folder) / "demo")
        large(Path(folder) / "large", int(sys.argv[1]) if len(sys.argv) > 1 else 500)
