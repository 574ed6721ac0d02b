"""What stands before every request: is it meant for this server, from its own page, from somebody who may.

A page on this machine can be reached by every site that its user visits, through the browser: a foreign Host (DNS
rebinding) or a foreign Origin (cross-site requests) is refused. Away from this machine a token is demanded as well.
"""

import ipaddress
import secrets
import socket
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN_COOKIE = "quoth_token"
LARGEST_BODY = 64 * 1024
HTTP_PORT = 80

_LOCAL = ("127.0.0.1", "localhost", "[::1]")
_EVERYWHERE = ("0.0.0.0", "::", "")
_SAFE = ("GET", "HEAD")
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    # 'no-referrer' would make browsers hide the Origin of forms, too.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def is_local(host: str) -> bool:
    """Whether only this machine can reach a server that listens there."""
    return host in ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Door:
    """Under which names the server is reached, and the token to be shown; None on this machine alone."""

    port: int
    host: str = "127.0.0.1"
    token: str | None = field(default=None, repr=False)

    @classmethod
    def at(cls, host: str, port: int) -> "Door":
        """The door of a server that listens at `host`; with a fresh token unless only this machine can reach it."""
        return cls(port, host, None if is_local(host) else secrets.token_urlsafe(24))

    @property
    def url(self) -> str:
        """What to open in a browser."""
        host = socket.gethostname() if self.host in _EVERYWHERE else self.host
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{self.port}/" + (f"?token={self.token}" if self.token else "")

    def knows(self, host: str) -> bool:
        """Whether a Host header names this server."""
        if self.port == HTTP_PORT and not host.endswith(f":{HTTP_PORT}"):
            host = f"{host}:{HTTP_PORT}"  # browsers leave it out
        name, _, port = host.lower().rpartition(":")
        if port != str(self.port) or not name:
            return False
        if is_local(self.host):
            return name in _LOCAL
        if self.host in _EVERYWHERE:
            return name in (*_LOCAL, socket.gethostname().lower(), socket.getfqdn().lower()) or _is_address(name)
        return name.strip("[]") == self.host.lower()

    def opens_to(self, token: str) -> bool:
        """Whether this is the token."""
        return self.token is None or secrets.compare_digest(token.encode(), self.token.encode())


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


class Guard:
    """ASGI middleware: lets through what may pass, and sets the headers that browsers are to obey."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope) or self._unknown(scope)
        await (refusal or self._app)(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> Response | None:
        headers, safe = Headers(scope=scope), scope["method"] in _SAFE
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self._door.knows(host):
            return _refused(421, "this server is not reached under that name")
        if origin is None and not safe:
            return _refused(403, "a form must come from this page: the browser did not say where it comes from")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return _refused(403, "a request from another site is refused")
        if headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate":
            return _refused(403, "a request from another site is refused")
        length = headers.get("content-length")
        if not safe and (length is None or not length.isdecimal()):
            return _refused(411, "a form must say how long it is")
        if length is not None and (not length.isdecimal() or int(length) > LARGEST_BODY):
            return _refused(413, "too much for one form: shorten the note or the quotes")
        return None

    def _unknown(self, scope: Scope) -> Response | None:
        """Somebody without the token; who brings it in the address is given a cookie."""
        if self._door.token is None or self._door.opens_to(_cookie(scope)):
            return None
        query = parse_qs(scope["query_string"].decode("latin-1"))
        if not self._door.opens_to(query.get("token", [""])[0]) or scope["method"] not in _SAFE:
            return _refused(401, "open the address that `quoth review` printed: it holds the token")
        response = RedirectResponse("/", 303)
        response.set_cookie(TOKEN_COOKIE, self._door.token, httponly=True, samesite="lax")
        return response


def _refused(status: int, why: str) -> Response:
    return PlainTextResponse(f"Refused: {why}.\n", status)


def _cookie(scope: Scope) -> str:
    cookies = SimpleCookie()
    try:
        cookies.load(Headers(scope=scope).get("cookie", ""))
    except CookieError:
        return ""
    return cookies[TOKEN_COOKIE].value if TOKEN_COOKIE in cookies else ""


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return sending
