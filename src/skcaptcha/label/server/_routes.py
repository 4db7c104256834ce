"""The web application of the labeling page: methods of a session as JSON requests."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import cv2
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from skcaptcha.exceptions import ImageError, LabelConflictError, SkcaptchaError
from skcaptcha.images import decode
from skcaptcha.label._session import LabelingSession
from skcaptcha.label._task import Grid, Task
from skcaptcha.label.server._address import Address
from skcaptcha.label.server._connections import Connections
from skcaptcha.label.server._guard import Guard
from skcaptcha.label.server._resumption import Resumption

_PAGE = Path(__file__).parent / "page"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_METHODS = (
    "open", "previous", "following", "label", "skip", "unreadable", "undo", "grid", "accept",
)  # fmt: skip
_RESUME = "/api/resume"

_Text = Annotated[str, Field(min_length=1, max_length=1000)]


class _Image(BaseModel):
    """An image of an accepted page: its text, empty if it gets none, and whether it was typed."""

    model_config = ConfigDict(strict=True)

    id: _Text
    text: Annotated[str, Field(max_length=1000)]
    typed: bool


class _Body(BaseModel):
    """Content of a request: its tab, and what else its method needs."""

    model_config = ConfigDict(strict=True)

    tab: _Text
    id: _Text | None = None
    text: _Text | None = None
    expected: _Text | None = None
    keystrokes: int | None = None
    seconds: float | None = None
    confirmed: bool = False
    page: _Text | None = None
    images: list[_Image] = []


def labeling_app(session: LabelingSession, address: Address, connections: Connections) -> Starlette:
    """Create the web application of a session."""
    requests = _Requests(session)
    public = {f"/{path.name}" for path in _PAGE.iterdir() if path.name != "index.html"}
    routes = [
        Route("/", _file("index.html", key=address.key)),
        *(Route(path, _file(path[1:])) for path in sorted(public)),
        Route(_RESUME, _post(_resume, Resumption(address.key, address.token)), methods=["POST"]),
        Route("/api/progress", requests.progress),
        Route("/api/images/{id}", requests.image),
        *(
            Route(f"/api/{method}", _post(requests.act, method), methods=["POST"])
            for method in _METHODS
        ),
    ]
    guard = Middleware(
        Guard,
        token=address.token,
        port=address.port,
        connections=connections,
        public_paths=public | {_RESUME},
    )
    # All errors of skcaptcha are ValueErrors.
    handlers = dict.fromkeys((HTTPException, ValueError, OSError), _error)
    return Starlette(routes=routes, middleware=[guard], exception_handlers=handlers)


class _Requests:
    """Request handlers; images have random-looking IDs, so that requests contain no paths."""

    def __init__(self, session: LabelingSession) -> None:
        self._session = session
        self._names = {_id(name): name for name in session.filenames}

    def progress(self, request: Request) -> Response:
        return _json({"progress": asdict(self._session.progress())})

    def image(self, request: Request) -> Response:
        path = self._session.path(self._name(request.path_params["id"], 404))
        return Response(as_png(path, self._session.folder), media_type="image/png")

    def act(self, method: str, request: Request, content: bytes) -> Response:
        """Call a method of the session, and return the next task or grid."""
        body = _Body.model_validate_json(content)
        session, tab = self._session, body.tab
        of_image = method not in {"open", "undo", "grid", "accept"}
        name = self._name(body.id, 400) if of_image else ""
        task: Task | Grid | None = None
        saved: str | None = None
        match method:
            case "label":
                text = body.text or ""
                if not body.confirmed and (doubt := session.doubt(name, text)):
                    raise HTTPException(422, doubt)  # the page asks the user to confirm the label
                saved = session.label(
                    name,
                    text,
                    tab=tab,
                    expected=body.expected,
                    keystrokes=body.keystrokes,
                    seconds=body.seconds,
                )
            case "skip":
                session.skip(name, tab=tab)
            case "unreadable":
                session.mark_unreadable(name, tab=tab, expected=body.expected)
            case "undo":
                task = session.undo(tab)
                if task is None:
                    raise HTTPException(400, "There is nothing to undo in this tab.")
            case "grid":
                task = session.grid(tab)
            case "accept":
                self._accept(body)
                task = session.grid(tab)
            case "previous":
                task = session.previous(name, tab) or session.task(name, tab)
            case "following":
                task = session.following(name, tab)
        task = task or session.next(tab)
        grid = task if isinstance(task, Grid) else None
        task = None if isinstance(task, Grid) else task
        ahead = session.peek(tab) if task else None
        return _json(
            {
                "folder": str(session.folder),
                "fit": f"skcaptcha fit {shlex.quote(str(session.folder))}",
                "task": task and _task(task),
                "grid": grid and _grid(grid),
                "ahead": ahead and _id(ahead),
                "progress": asdict(session.progress()),
                "saved": saved,
            }
        )

    def _accept(self, body: _Body) -> None:
        if body.page is None:
            raise HTTPException(400, "The page has no name.")
        texts = {self._name(image.id, 400): image.text for image in body.images}
        typed = {
            self._name(image.id, 400) for image in body.images if image.typed or not image.text
        }
        if not body.confirmed:
            doubts = [
                f"{name}: {doubt}"
                for name, text in texts.items()
                if text and name in typed and (doubt := self._session.doubt(name, text))
            ]
            if doubts:
                raise HTTPException(422, " ".join(doubts))
        self._session.accept(
            {name: text for name, text in texts.items() if name not in typed},
            tab=body.tab,
            page=body.page,
            corrections={name: texts[name] or None for name in typed},
            keystrokes=body.keystrokes,
            seconds=body.seconds,
        )

    def _name(self, identity: str | None, status: int) -> str:
        if identity not in self._names:
            raise HTTPException(status, "The folder has no such image.")
        return self._names[identity]


def _task(task: Task) -> dict[str, Any]:
    return asdict(task) | {"id": _id(task.filename)}


def _grid(grid: Grid) -> dict[str, Any]:
    accuracy = None if grid.acceptance is None else grid.acceptance.accuracy
    return asdict(grid) | {"accuracy": accuracy, "tasks": [*map(_task, grid.tasks)]}


def _id(filename: str) -> str:
    # An index would point to another image after a restart with more files in the folder.
    return hashlib.sha256(os.fsencode(filename)).hexdigest()[:32]


def as_png(path: Path, folder: Path) -> bytes:
    """Decode an image of a folder and encode it as PNG.

    Sending the file itself would let the browser decode any content, such as an SVG drawing that
    contains scripts. Raises ImageError if the file is outside the folder, after links are
    followed, or cannot be decoded.
    """
    try:
        target = path.resolve()
    except (OSError, RuntimeError) as error:
        raise ImageError(path.name, "it is a broken link") from error
    if not target.is_relative_to(folder.resolve()):
        raise ImageError(
            path.name, "it is a link to a file outside the folder; replace it with the image itself"
        )
    image = decode(target)
    colors = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    return cv2.imencode(".png", colors)[1].tobytes()


def _resume(resumption: Resumption, request: Request, content: bytes) -> Response:
    found = resumption.answer(content, request.headers["host"])
    if found is None:
        raise HTTPException(403, "This tab is from another server.")
    return _json(found)


def _post(answer: Callable[[Any, Request, bytes], Response], first: Any) -> Callable[..., Any]:
    """Return a request handler that calls `answer` with `first`, the request, and its content."""

    async def handle(request: Request) -> Response:
        return await run_in_threadpool(answer, first, request, await request.body())

    return handle


def _file(name: str, **values: str) -> Callable[[Request], Response]:
    content, kind = (_PAGE / name).read_bytes(), _TYPES[Path(name).suffix]
    for key, value in values.items():
        content = content.replace(f"{{{{{key}}}}}".encode(), value.encode())
    return lambda request: Response(content, media_type=kind)


def _error(request: Request, error: Exception) -> Response:
    match error:
        case HTTPException():
            return _json({"error": error.detail}, error.status_code, error.headers)
        case LabelConflictError():
            return _json({"error": str(error), "theirs": error.theirs}, 409)
        case ImageError():
            return _json({"error": error.reason}, 422)
        case SkcaptchaError():
            return _json({"error": str(error)}, 500)
        case ValidationError():
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"])) or "the body"
            return _json({"error": f"Invalid request: {key}: {first['msg']}"}, 400)
        case ValueError():
            return _json({"error": str(error)}, 400)
        case _:
            failed = "write the label" if request.method == "POST" else "answer"
            return _json({"error": f"The server could not {failed}: {error}"}, 500)


def _json(
    content: dict[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    # File names may contain bytes that are not UTF-8; json.dumps escapes them.
    return Response(json.dumps(content), status, headers, "application/json")
