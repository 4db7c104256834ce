"""What the labeling page asks for: a session's methods, as JSON."""

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

from skcaptcha.exceptions import ConflictError, ImageError, SkcaptchaError
from skcaptcha.label._address import Address
from skcaptcha.label._connections import Connections
from skcaptcha.label._pictures import as_png
from skcaptcha.label._resumption import Resumption
from skcaptcha.label._security import Guard
from skcaptcha.label._session import LabelingSession, Task

_PAGE = Path(__file__).parent / "page"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# The keys that requests may have beside those that say who asks and which image is meant.
_OPTIONS: dict[str, dict[str, Any]] = {
    "label": {
        "text": str,
        "expected": str,
        "keystrokes": int,
        "seconds": float | int,
        "sure": bool,
    },
    "unreadable": {"expected": str},
}
_MAX_CHARACTERS = 1000
_RESUME = "/api/resume"


class _RequestError(SkcaptchaError):
    """The page asked for something that does not exist or makes no sense."""


class _DoubtError(SkcaptchaError):
    """A label is unlike the others: the page asks whether it is meant."""


def labeling_app(session: LabelingSession, address: Address, connections: Connections) -> Starlette:
    """Make the web application of a session.

    Parameters
    ----------
    session : LabelingSession
    address : Address
        Where it will be served, and the secrets.
    connections : Connections
        Those of its server.

    Returns
    -------
    app : Starlette
    """
    answers = _Answers(session)
    routes = [Route("/", _file("index.html", key=address.key))]
    public = [_RESUME]
    for name in sorted(path.name for path in _PAGE.iterdir() if path.name != "index.html"):
        routes.append(Route(f"/{name}", _file(name)))
        public.append(f"/{name}")
    routes += [
        Route(_RESUME, _resume(Resumption(address.key, address.token)), methods=["POST"]),
        Route("/api/progress", answers.progress),
        Route("/api/images/{id}", answers.image),
        *(
            Route(f"/api/{method}", answers.after(method), methods=["POST"])
            for method in ("open", "previous", "following", "label", "skip", "unreadable", "undo")
        ),
    ]
    guard = Middleware(
        Guard,
        token=address.token,
        port=address.port,
        connections=connections,
        open_to_all=public,
    )
    return Starlette(routes=routes, middleware=[guard])


class _Answers:
    """Answers from a session; images go by names of our own, which lead nowhere else."""

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

    def after(self, method: str) -> Callable[[Request], Any]:
        """Give what answers a request for a method, with what the tab is to show then."""

        async def answer(request: Request) -> Response:
            body = await request.body()
            return await run_in_threadpool(self._answer, method, body)

        return answer

    def _answer(self, method: str, body: bytes) -> Response:
        try:
            return self._state(method, **self._arguments(method, body))
        except ConflictError as error:
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
            return _json({"error": f"It could not be written: {error}"}, 500)

    def _state(self, method: str, tab: str, name: str = "", **given: Any) -> Response:
        session = self._session
        task: Task | None = None
        match method:
            case "label":
                text, sure = given.pop("text", ""), given.pop("sure", False)
                if not sure and (doubt := session.doubt(name, text)):
                    raise _DoubtError(doubt)
                session.label(name, text, tab=tab, **given)
            case "skip":
                session.skip(name, tab=tab)
            case "unreadable":
                session.mark_unreadable(name, tab=tab, **given)
            case "undo":
                task = session.undo(tab)
                if task is None:
                    raise _RequestError("There is nothing to take back in this tab.")
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
            said = json.loads(body)
        except (ValueError, RecursionError):
            raise _RequestError("The request is no JSON.") from None
        if not isinstance(said, dict) or not _is_short(said.get("tab")):
            raise _RequestError("The request does not say which tab it is from.")
        arguments = {"tab": said["tab"]}
        if method not in {"open", "undo"}:
            arguments["name"] = self._name(said.get("id"))
        for key, kind in _OPTIONS.get(method, {}).items():
            value = said.get(key)
            if value is None:
                continue
            if not isinstance(value, kind) or (kind is str and not _is_short(value)):
                raise _RequestError(f"The {key} that was sent makes no sense: {value!r:.100}")
            arguments[key] = value
        return arguments

    def _name(self, name: Any) -> str:
        try:
            return self._names[name]
        except (KeyError, TypeError):
            raise _RequestError("There is no such image in this folder.") from None


def _is_short(text: Any) -> bool:
    """Tell whether it is a text that files can hold."""
    if not isinstance(text, str) or not 0 < len(text) <= _MAX_CHARACTERS:
        return False
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _id(filename: str) -> str:
    # A number would mean another image after a restart with more files in the folder.
    return hashlib.sha256(os.fsencode(filename)).hexdigest()[:32]


def _resume(resumption: Resumption) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        try:
            said = json.loads(await request.body())
        except (ValueError, RecursionError):
            said = None
        told = isinstance(said, dict) and resumption.answer(said, request.headers["host"])
        return _json(told) if told else _json({"error": "This tab belongs to another server."}, 403)

    return answer


def _file(name: str, **values: str) -> Callable[[Request], Response]:
    content, kind = (_PAGE / name).read_bytes(), _TYPES[Path(name).suffix]
    for key, value in values.items():
        content = content.replace(f"{{{{{key}}}}}".encode(), value.encode())
    return lambda request: Response(content, media_type=kind)


def _json(value: Any, status: int = 200) -> Response:
    # Names of files may hold what has no place in UTF-8; json.dumps escapes it.
    return Response(json.dumps(value), status, media_type="application/json")
