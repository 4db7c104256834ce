"""The web application of the labeling page: methods of a session as JSON requests."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from skcaptcha.exceptions import ImageError, LabelConflictError, SkcaptchaError
from skcaptcha.label._session import LabelingSession, Task
from skcaptcha.label.server._address import Address
from skcaptcha.label.server._connections import Connections
from skcaptcha.label.server._guard import Guard
from skcaptcha.label.server._png import as_png
from skcaptcha.label.server._resumption import Resumption

_PAGE = Path(__file__).parent / "page"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# Optional keys of requests, besides the tab and the image.
_OPTIONS: dict[str, dict[str, Any]] = {
    "label": {
        "text": str,
        "expected": str,
        "keystrokes": int,
        "seconds": float | int,
        "confirmed": bool,
    },
    "unreadable": {"expected": str},
}
_MAX_CHARACTERS = 1000
_RESUME = "/api/resume"


class _RequestError(SkcaptchaError):
    """A request is invalid."""


class _DoubtError(SkcaptchaError):
    """A label differs from the others: the page asks the user to confirm it."""


def labeling_app(session: LabelingSession, address: Address, connections: Connections) -> Starlette:
    """Create the web application of a session."""
    api = _Api(session)
    routes = [Route("/", _file("index.html", key=address.key))]
    public = [_RESUME]
    for name in sorted(path.name for path in _PAGE.iterdir() if path.name != "index.html"):
        routes.append(Route(f"/{name}", _file(name)))
        public.append(f"/{name}")
    routes += [
        Route(_RESUME, _resume(Resumption(address.key, address.token)), methods=["POST"]),
        Route("/api/progress", api.progress),
        Route("/api/images/{id}", api.image),
        *(
            Route(f"/api/{method}", api.handler(method), methods=["POST"])
            for method in ("open", "previous", "following", "label", "skip", "unreadable", "undo")
        ),
    ]
    guard = Middleware(
        Guard,
        token=address.token,
        port=address.port,
        connections=connections,
        public_paths=public,
    )
    return Starlette(routes=routes, middleware=[guard])


class _Api:
    """Request handlers; images have random-looking IDs, so that requests contain no paths."""

    def __init__(self, session: LabelingSession) -> None:
        self._session = session
        self._names = {_id(name): name for name in session.filenames}

    def progress(self, request: Request) -> Response:
        return _json({"progress": asdict(self._session.progress())})

    def image(self, request: Request) -> Response:
        try:
            name = self._name(request.path_params["id"])
            png = as_png(self._session.path(name), self._session.folder)
        except _RequestError as error:
            return _json({"error": str(error)}, 404)
        except ImageError as error:
            return _json({"error": error.reason}, 422)
        return Response(png, media_type="image/png")

    def handler(self, method: str) -> Callable[[Request], Any]:
        """Return the request handler that calls a method and returns the next task."""

        async def answer(request: Request) -> Response:
            body = await request.body()
            return await run_in_threadpool(self._answer, method, body)

        return answer

    def _answer(self, method: str, body: bytes) -> Response:
        try:
            return self._state(method, **self._arguments(method, body))
        except LabelConflictError as error:
            return _json({"error": str(error), "theirs": error.theirs}, 409)
        except _DoubtError as error:
            return _json({"error": str(error)}, 422)
        except _RequestError as error:
            return _json({"error": str(error)}, 400)
        except SkcaptchaError as error:
            return _json({"error": str(error)}, 500)
        except ValueError as error:
            return _json({"error": str(error)}, 400)
        except OSError as error:
            return _json({"error": f"The label could not be written: {error}"}, 500)

    def _state(self, method: str, tab: str, name: str = "", **given: Any) -> Response:
        session = self._session
        task: Task | None = None
        match method:
            case "label":
                text, confirmed = given.pop("text", ""), given.pop("confirmed", False)
                if not confirmed and (doubt := session.doubt(name, text)):
                    raise _DoubtError(doubt)
                session.label(name, text, tab=tab, **given)
            case "skip":
                session.skip(name, tab=tab)
            case "unreadable":
                session.mark_unreadable(name, tab=tab, **given)
            case "undo":
                task = session.undo(tab)
                if task is None:
                    raise _RequestError("There is nothing to undo in this tab.")
            case "previous":
                task = session.previous(name, tab) or session.task(name, tab)
            case "following":
                task = session.following(name, tab)
        task = task or session.next(tab)
        ahead = session.peek(tab) if task else None
        return _json(
            {
                "folder": str(session.folder),
                "fit": f"skcaptcha fit {shlex.quote(str(session.folder))}",
                "task": task and asdict(task) | {"id": _id(task.filename)},
                "ahead": ahead and _id(ahead),
                "progress": asdict(session.progress()),
            }
        )

    def _arguments(self, method: str, body: bytes) -> dict[str, Any]:
        try:
            sent = json.loads(body)
        except (ValueError, RecursionError):
            raise _RequestError("The request is not valid JSON.") from None
        if not isinstance(sent, dict) or not _is_short(sent.get("tab")):
            raise _RequestError("The request does not name its tab.")
        arguments = {"tab": sent["tab"]}
        if method not in {"open", "undo"}:
            arguments["name"] = self._name(sent.get("id"))
        for key, kind in _OPTIONS.get(method, {}).items():
            value = sent.get(key)
            if value is None:
                continue
            if not isinstance(value, kind) or (kind is str and not _is_short(value)):
                raise _RequestError(f"The request has an invalid {key}: {value!r:.100}")
            arguments[key] = value
        return arguments

    def _name(self, name: Any) -> str:
        try:
            return self._names[name]
        except (KeyError, TypeError):
            raise _RequestError("The folder has no such image.") from None


def _is_short(text: Any) -> bool:
    """Return whether it is a nonempty text of moderate length that can be encoded."""
    if not isinstance(text, str) or not 0 < len(text) <= _MAX_CHARACTERS:
        return False
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _id(filename: str) -> str:
    # An index would point to another image after a restart with more files in the folder.
    return hashlib.sha256(os.fsencode(filename)).hexdigest()[:32]


def _resume(resumption: Resumption) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        try:
            sent = json.loads(await request.body())
        except (ValueError, RecursionError):
            sent = None
        found = isinstance(sent, dict) and resumption.answer(sent, request.headers["host"])
        return _json(found) if found else _json({"error": "This tab is from another server."}, 403)

    return answer


def _file(name: str, **values: str) -> Callable[[Request], Response]:
    content, kind = (_PAGE / name).read_bytes(), _TYPES[Path(name).suffix]
    for key, value in values.items():
        content = content.replace(f"{{{{{key}}}}}".encode(), value.encode())
    return lambda request: Response(content, media_type=kind)


def _json(value: Any, status: int = 200) -> Response:
    # File names may contain bytes that are not UTF-8; json.dumps escapes them.
    return Response(json.dumps(value), status, media_type="application/json")
