"""The page's addresses: each takes names of papers and questions as data, looks them up in the study, and answers."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from importlib.resources import files
from typing import Annotated, Literal
from urllib.parse import quote, unquote, urlencode

import jinja2
from fastapi import Depends, FastAPI, Form, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException as StarletteError

from quoth.errors import CodeError, ConflictError, PaperError, QuothError
from quoth.review.board import Board, Queue
from quoth.review.desk import Cell, Desk
from quoth.review.forms import OF_PEOPLE, CodeForm, DoorForm, Look, UndoForm, Where
from quoth.review.guard import Door, Guard
from quoth.review.sitting import Act, Sittings
from quoth.review.views import CellView, Person, cell_view, entered, is_blind

_ROWS = 50
_MOST_BYTES = 96_000_000
_YEAR = 365 * 24 * 3600
_STATIC = {
    "htmx.min.js": "text/javascript",
    "review.js": "text/javascript",
    "review.css": "text/css",
    "icon.svg": "image/svg+xml",
}


WORDS = {
    "reported": "reported",
    "not_reported": "not reported",
    "unclear": "unclear",
    "not_applicable": "not applicable",
    "excluded": "excluded",
    "failed": "failed",
}
"""Verdicts as people read them."""

MEANINGS = {
    "reported": "the paper answers the question",
    "not_reported": "it does not",
    "unclear": "I cannot tell: no vote",
    "not_applicable": "cannot be asked of this paper",
    "excluded": "not to be counted, for another reason",
}
"""What each verdict of a person means, on its button."""

MARKS = {"reported": "●", "not_reported": "○", "unclear": "?", "not_applicable": "n/a", "excluded": "–"}
"""Verdicts in the matrix; the report has the same."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How the page is used: `coder` is who codes unless they say otherwise; `blind` makes everybody code blind."""

    coder: str | None = None
    blind: bool = False


class _NobodyError(Exception):
    """The browser has not said who is before it."""


def make_app(desk: Desk, door: Door, rules: Rules = Rules()) -> FastAPI:
    """The review page of a study, as an ASGI application."""
    app = FastAPI(title="quoth review", openapi_url=None, docs_url=None, redoc_url=None)
    app.add_middleware(Guard, door=door)
    room = app.state.room = _Room(desk, door, rules)
    for path, answer in (
        ("/", room.overview),
        ("/progress", room.progress),
        ("/cell", room.cell),
        ("/next", room.next),
        ("/matrix", room.matrix),
        ("/words", room.words),
        ("/find", room.find),
        ("/picture", room.picture),
        ("/static/{name}", room.static),
    ):
        app.add_api_route(path, answer, methods=["GET"], response_model=None)
    app.add_api_route("/me", room.enter, methods=["POST"], response_model=None)
    app.add_api_route("/code", room.code, methods=["POST"], response_model=None)
    app.add_api_route("/undo", room.undo, methods=["POST"], response_model=None)
    for error in (QuothError, _NobodyError, RequestValidationError, StarletteError):
        app.add_exception_handler(error, room.failed)
    return app


def _person(request: Request) -> Person:
    """Who is before the browser that sends a request."""
    room: _Room = request.app.state.room
    return room.person(request)


Who = Annotated[Person, Depends(_person)]
Number = Annotated[int, Query(ge=1, le=100_000)]


class _Room:
    """All that the page answers, for one study."""

    def __init__(self, desk: Desk, door: Door, rules: Rules) -> None:
        self._desk, self._rules = desk, rules
        self.board, self.sittings, self._pictures = Board(desk), Sittings(desk), _Pictures(desk)
        self._name_cookie, self._blind_cookie = f"quoth_coder_{door.port}", f"quoth_open_{door.port}"
        self._templates = _templates(desk, rules)

    # Who

    def person(self, request: Request) -> Person:
        """Who is before the browser; whoever has not said so is asked."""
        name = unquote(request.cookies.get(self._name_cookie, "")) or self._rules.coder
        if not name:
            raise _NobodyError
        return Person(self._desk.check_name(name), self._rules.blind or self._blind_cookie not in request.cookies)

    def enter(self, form: Annotated[DoorForm, Form()]) -> Response:
        """Somebody says who they are."""
        name = self._desk.check_name(form.name)
        response = RedirectResponse("/", 303)
        response.set_cookie(self._name_cookie, quote(name, safe=""), httponly=True, samesite="lax", max_age=_YEAR)
        if form.blind or self._rules.blind:
            response.delete_cookie(self._blind_cookie)
        else:
            response.set_cookie(self._blind_cookie, "1", httponly=True, samesite="lax", max_age=_YEAR)
        return response

    # Where to go

    def overview(self, request: Request, change: bool = False, done: Queue | None = None) -> Response:
        """The queues with what is left in them, who has done what, and how far people agree."""
        self.board.refresh()
        try:
            person = None if change else self.person(request)
        except (_NobodyError, CodeError):
            person = None
        if person is None:
            return self._page("door.html", names=sorted(self._desk.people()))
        left = {queue: len(self.board.left(queue, person.name)) for queue in Queue}
        return self._page("overview.html", person=person, left=left, done=done, **self._people())

    def progress(self) -> Response:
        """Who has done what, and how far people agree, as it is now."""
        self.board.refresh()
        return self._page("_progress.html", **self._people())

    def _people(self) -> dict[str, object]:
        return {"progress": self.board.progress(), "agreement": self.board.agreement()}

    def matrix(self, person: Who, start: Annotated[int, Query(ge=0, le=1_000_000)] = 0) -> Response:
        """Papers by questions, some papers at a time."""
        self.board.refresh()
        papers = list(self._desk.papers())
        shown = papers[start : start + _ROWS]
        return self._page(
            "matrix.html",
            person=person,
            rows_shown=shown,
            start=start,
            rows=_ROWS,
            total=len(papers),
            board=self.board,
        )

    def next(self, person: Who, queue: Queue, paper: str | None = None, question: str | None = None) -> Response:
        """On to the next cell of a queue that waits for this person."""
        self.board.refresh()
        after = Cell(paper, question) if paper is not None and question is not None else None
        cell = self.board.next(queue, person.name, after)
        return RedirectResponse(f"/?done={queue}" if cell is None else address(queue, cell), 303)

    # A cell

    def cell(self, person: Who, look: Annotated[Look, Query()]) -> Response:
        """A cell: its page and its question; or the page alone, when somebody turns it."""
        return self._page(f"{look.part}.html", view=self._view(person, look, look.at))

    def code(self, person: Who, form: Annotated[CodeForm, Form()]) -> Response:
        """A code goes into the ledger, and the next cell comes."""
        view = self._view(person, form)
        try:
            self._check(person, form)
            if form.settles != view.settles:
                raise CodeError("a third settles this cell, and it is not settled from here")
            coded = form.coded(blind=is_blind(view, self.sittings))
            stored = self._desk.code(coded)
        except QuothError as error:
            return self._again(person, form, error)
        self.sittings.did(person.name, Act.of(stored, form.seen if view.mine else 0))
        where = {"queue": form.queue.value, "paper": form.paper, "question": form.question}
        return RedirectResponse("/next?" + urlencode(where), 303)

    def _again(self, person: Person, form: CodeForm, error: QuothError) -> Response:
        """The form with what was entered, and why it was not taken."""
        view = self._view(person, form)
        view.fault, view.entry = str(error), entered(form)
        return self._page("cell.html", _told(error)[0], view=view)

    def undo(self, person: Who, form: Annotated[UndoForm, Form()]) -> Response:
        """A code is undone, and its cell comes back."""
        self.board.refresh()
        self._known(form)
        self._check(person, form)
        now = None
        try:
            undone = self._desk.undo(
                person.name, form.cell, settles=form.settles, seen=form.revision, before=form.before
            )
            now = undone.revision
        finally:
            self.sittings.undid(person.name, form.cell, form.settles, form.revision, now)
        return RedirectResponse(address(form.queue, form.cell), 303)

    def _check(self, person: Person, form: CodeForm | UndoForm) -> None:
        if form.coder != person.name:
            raise ConflictError(f"this window was {form.coder}'s, and this browser is {person.name}'s by now")

    def _known(self, where: Where) -> None:
        if where.paper not in self._desk.papers() or where.question not in self._desk.questions:
            raise HTTPException(404, "the study has no such paper or question")

    def _view(self, person: Person, where: Where, at: int | None = None) -> CellView:
        self.board.refresh()
        self._known(where)
        return cell_view(self._desk, self.board, self.sittings, person, where.queue, where.cell, at)

    # Pages of PDFs, and the page's own files

    def picture(self, file: str, page: Number, scale: Literal["2", "4"] = "2") -> Response:
        """A page as a picture; the same address always means the same bytes."""
        content = self._pictures.of(file, page, float(scale))
        kept = {"Cache-Control": f"private, max-age={_YEAR}, immutable"}
        return Response(content, media_type="image/png", headers=kept)

    def words(self, paper: str, file: str, page: Number) -> Response:
        """The words on a page: what somebody drags over."""
        if paper not in self._desk.papers():
            raise HTTPException(404, "the study has no such paper")
        words = self._desk.words(paper, file, page)
        return JSONResponse([[word.text, word.start, word.end, word.boxes] for word in words])

    def find(self, paper: str, words: Annotated[str, Query(max_length=300)]) -> Response:
        """Where some words stand in a paper: the index of the page, and boxes on it."""
        if paper not in self._desk.papers():
            raise HTTPException(404, "the study has no such paper")
        places = {(sheet.file, sheet.number): index for index, sheet in enumerate(self._desk.sheets(paper))}
        return JSONResponse(
            [[places[hit[:2]], hit.boxes] for hit in self._desk.find(paper, words) if hit[:2] in places]
        )

    def static(self, name: str) -> Response:
        """Script, style and icon."""
        if name not in _STATIC:
            raise HTTPException(404, "there is no such file")
        content = (files("quoth.review") / "static" / name).read_bytes()
        return Response(content, media_type=_STATIC[name], headers={"Cache-Control": "no-cache"})

    # Answers

    def failed(self, request: Request, error: Exception) -> Response:
        """What went wrong, in words."""
        if isinstance(error, _NobodyError):
            return RedirectResponse("/", 303)
        status, words = _told(error)
        return self._page("error.html", status, status=status, words=words)

    def _page(self, template: str, status: int = 200, /, **context: object) -> HTMLResponse:
        return HTMLResponse(self._templates.get_template(template).render(context), status)


def address(queue: Queue, cell: Cell, **more: object) -> str:
    """Where a cell is found."""
    return "/cell?" + urlencode({"queue": queue.value, "paper": cell.paper, "question": cell.question, **more})


def _told(error: Exception) -> tuple[int, str]:
    match error:
        case StarletteError():
            return error.status_code, str(error.detail)
        case RequestValidationError():
            fields = sorted({str(fault["loc"][-1]) for fault in error.errors() if fault["loc"]})
            return 422, f"this form cannot be understood: {', '.join(fields)}"
        case ConflictError():
            return 409, str(error)
        case CodeError():
            return 422, str(error)
        case PaperError():
            return 404, str(error)
        case _:
            return 503, str(error)


def _templates(desk: Desk, rules: Rules) -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("quoth.review"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["said"] = lambda verdict: WORDS[str(verdict)]
    made.globals |= {
        "study": desk.title,
        "questions": desk.questions,
        "papers": desk.papers,
        "rules": rules,
        "verdicts": OF_PEOPLE,
        "meanings": MEANINGS,
        "marks": MARKS,
        "address": address,
        "Cell": Cell,
        "Queue": Queue,
    }
    return made


class _Pictures:
    """The pictures that were drawn last; drawing takes a tenth of a second, looking one up nothing."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = threading.Lock()
        self._held: OrderedDict[tuple[str, int, float], bytes] = OrderedDict()
        self._size = 0

    def of(self, file: str, page: int, scale: float) -> bytes:
        """A page as PNG."""
        key = file, page, scale
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
        content = self._desk.picture(*key)
        with self._lock:
            if key not in self._held:
                self._held[key] = content
                self._size += len(content)
            while self._size > _MOST_BYTES:
                self._size -= len(self._held.popitem(last=False)[1])
        return content
