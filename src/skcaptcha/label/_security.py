"""Who may talk to the labeling page's server: nobody but the page itself."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from skcaptcha.label._connections import Connections

MAX_BODY_BYTES = 2**16

_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_LOST = "Open the whole address that skcaptcha label printed, from http to the end of its token."


class Guard:
    """Let only requests of the page itself through; an ASGI middleware.

    A request needs the address as its ``Host``, so that no other site's name can be made to lead
    here (DNS rebinding). It needs the token: in the query for the page itself, in the header
    ``Authorization`` for all that is asked for or changed. A browser adds neither by itself, so
    that no other page can do anything in the user's name; a cookie would also be sent to every
    other server on this machine. One that changes something needs the page's ``Origin`` as well.

    Parameters
    ----------
    app : ASGI application
        What is guarded.
    token : str
        The secret.
    port : int
        Where the server listens.
    connections : Connections
        They learn over which of them the token came.
    open_to_all : iterable of str
        Paths that need no token: they hold nothing of the user's.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        token: str,
        port: int,
        connections: Connections,
        open_to_all: Iterable[str] = (),
    ) -> None:
        self._app = app
        self._connections = connections
        self._token = token.encode()
        place = "" if port == 80 else f":{port}"  # browsers leave out the port that all know
        self._hosts = {f"{name}{place}".encode() for name in ("127.0.0.1", "localhost")}
        self._origins = {b"http://" + host for host in self._hosts}
        self._open = frozenset(open_to_all)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *own]}
            await send(message)

        if scope["type"] != "http":
            raise RuntimeError(f"only HTTP is spoken here, not {scope['type']}")
        problem = self._problem(scope)
        if problem:
            await _refuse(problem, send_with_headers)
        else:
            await self._app(scope, receive, send_with_headers)

    def _problem(self, scope: Scope) -> str:
        headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if headers.setdefault(name, value) != value:
                return f"The request has two headers {name.decode('latin-1')}."
        if headers.get(b"host") not in self._hosts:
            return "This server answers to the names 127.0.0.1 and localhost only."
        if self._has_token(scope, headers):
            self._connections.trust(scope["client"])
        elif scope["path"] not in self._open:
            return _LOST
        if scope["method"] not in {"GET", "HEAD"}:
            if headers.get(b"origin") not in self._origins:
                return "Only the labeling page itself may change anything."
            if headers.get(b"content-type") != b"application/json":
                return "What the page sends is JSON."
            length = headers.get(b"content-length", b"")
            if not length.isdigit() or len(length) > 9 or int(length) > MAX_BODY_BYTES:
                return f"The request is larger than {MAX_BODY_BYTES:,} bytes."
        return ""

    def _has_token(self, scope: Scope, headers: dict[bytes, bytes]) -> bool:
        if scope["path"] == "/":
            said = parse_qs(scope["query_string"]).get(b"token", [b""])[0]
        else:
            said = headers.get(b"authorization", b"").removeprefix(b"Bearer ")
        return secrets.compare_digest(said, self._token)


async def _refuse(sentence: str, send: Send) -> None:
    body = sentence.encode()
    start = {
        "type": "http.response.start",
        "status": 403,
        "headers": [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
        ],
    }
    await send(start)
    await send({"type": "http.response.body", "body": body})
