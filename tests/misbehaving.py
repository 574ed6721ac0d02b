"""A real HTTP server on loopback that follows OpenAI's chat API, or breaks it in whatever way a test wants.

A test gives a script: what to answer to the n-th request (counted from 0) with this body. Run as a program, it answers
after a fixed time, for benchmarks: it prints its address, and every request's arrival when its input ends.
"""

import asyncio
import contextlib
import json
import re
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

Json = dict[str, object]


@dataclass(frozen=True)
class Answer:
    """What goes over the wire; `cut` bytes of the body are sent before the connection is closed, None for all."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    cut: int | None = None


@dataclass(frozen=True)
class Seen:
    """A request as it came; `at` is the time of its arrival, `ended` when its answer was on its way.

    `route` is the first part of its path, which tells readers of one server apart.
    """

    route: str
    body: Json
    headers: Mapping[str, str]
    at: float
    ended: float = 0.0

    @property
    def prompt(self) -> str:
        """The messages' words."""
        messages = self.body["messages"]
        assert isinstance(messages, list)
        return "\n".join(str(message["content"]) for message in messages)

    @property
    def shown(self) -> str:
        """The passages in it."""
        found = re.search(r"^(===== \w+)\n(.*?)\n\1$", self.prompt, re.DOTALL | re.MULTILINE)
        assert found
        return found[2]


Script = Callable[[int, Seen], Answer]


def says(text: str, *, model: str = "tiny", finish: str = "stop", tokens: tuple[int, int] = (100, 20)) -> Answer:
    """A proper answer with this text."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    usage = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}
    body = {"id": "1", "object": "chat.completion", "model": model, "choices": [choice], "usage": usage}
    return Answer(body=json.dumps(body).encode())


def refuses(status: int, message: str, *, param: str = "", **headers: str) -> Answer:
    """An error as OpenAI's API has it."""
    error = {"error": {"message": message, "type": "invalid_request_error", "param": param or None, "code": None}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, json.dumps(error).encode(), named)


def not_reported(number: int = 0, seen: Seen | None = None) -> Answer:
    """The verdict 'not reported'."""
    return says(json.dumps({"verdict": "not_reported", "answer": "", "quotes": []}))


def reported(text: str, *, answer: str = "It does.", passage: int = 1, **more: object) -> str:
    """A reply with one quote, or several in `text` parted by '|'."""
    quotes = [{"passage": passage, "text": part} for part in text.split("|")]
    return json.dumps({"verdict": "reported", "answer": answer, "quotes": quotes, **more})


class Server:
    """The server, in a thread of its own; use it as a context manager.

    `scripts` are by route, where the first part of the path is to choose; requests are counted by route.
    """

    def __init__(self, script: Script = not_reported, scripts: Mapping[str, Script] | None = None) -> None:
        self.script = script
        self.scripts = dict(scripts or {})
        self.seen: list[Seen] = []
        self.root = self.url = ""
        self._broken: Exception | None = None
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def of(self, route: str) -> list[Seen]:
        """The requests of one route, in order."""
        return [seen for seen in self.seen if seen.route == route]

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._main.cancel)
        self._thread.join(10)
        if self._broken is not None:
            raise self._broken

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner, contextlib.suppress(asyncio.CancelledError):
            runner.run(self._serve())

    async def _serve(self) -> None:
        task = asyncio.current_task()
        assert task
        self._main = task
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        self.root = f"http://{host}:{port}"
        self.url = f"{self.root}/v1"
        self._ready.set()
        try:
            await asyncio.Event().wait()
        finally:
            server.close()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._request(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        route = head[0].split()[1].split("/")[1]
        seen = Seen(route, json.loads(body), headers, time.monotonic())
        place, number = len(self.seen), len(self.of(route))
        self.seen.append(seen)
        try:
            answer = self.scripts.get(route, self.script)(number, seen)
        except Exception as error:
            self._broken, answer = error, refuses(400, "the test's script is broken")
        await asyncio.sleep(answer.seconds)
        self.seen[place] = replace(seen, ended=time.monotonic())
        return await _send(writer, answer)


async def _send(writer: asyncio.StreamWriter, answer: Answer) -> bool:
    """Send an answer; whether the connection stays open."""
    headers = {"content-type": "application/json", "content-length": str(len(answer.body)), **answer.headers}
    lines = [f"HTTP/1.1 {answer.status} X", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    writer.write("\r\n".join(lines).encode() + answer.body[: answer.cut])
    await writer.drain()
    return answer.cut is None


def _program(seconds: float) -> None:
    """Answer every request 'not reported' after so many seconds, until the input ends."""

    def script(number: int, seen: Seen) -> Answer:
        proper = not_reported()
        return Answer(proper.status, proper.body, proper.headers, seconds)

    with Server(script) as server:
        print(server.url, flush=True)
        sys.stdin.read()
        print(json.dumps([(seen.at, seen.ended) for seen in server.seen]), flush=True)


if __name__ == "__main__":
    _program(float(sys.argv[1]))
