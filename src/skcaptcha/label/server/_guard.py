"""Access control of the labeling server: it answers only the page itself."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from urllib.parse import parse_qs

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from skcaptcha._security_headers import with_security_headers
from skcaptcha.label.server._connections import Connections

MAX_BODY_BYTES = 2**16


class Guard:
    """ASGI middleware that only lets requests of the page itself through.

    A request must have the address of the server as its ``Host``, so that another site's name
    cannot resolve to this server (DNS rebinding). It must carry the token: the page itself in the
    query, all other requests in the header ``Authorization``. A browser adds neither by itself, so
    other pages cannot send requests on behalf of the user; a cookie would also be sent to every
    other server on this machine. Requests that change something must have the page's ``Origin``.

    Parameters
    ----------
    app : ASGI application
        The application to protect.
    token : str
        The secret.
    port : int
        Port that the server listens on.
    connections : Connections
        Connections of the server; those that send the token are trusted.
    public_paths : iterable of str
        Paths that need no token because they contain no data of the user.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        token: str,
        port: int,
        connections: Connections,
        public_paths: Iterable[str] = (),
    ) -> None:
        self._app = app
        self._connections = connections
        self._token = token.encode()
        suffix = "" if port == 80 else f":{port}"  # browsers omit the default port
        self._hosts = {f"{name}{suffix}".encode() for name in ("127.0.0.1", "localhost")}
        self._origins = {b"http://" + host for host in self._hosts}
        self._public = frozenset(public_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            raise RuntimeError(f"only HTTP is supported, not {scope['type']}")
        send = with_security_headers(send)
        if problem := self._problem(scope):
            await PlainTextResponse(problem, 403)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _problem(self, scope: Scope) -> str:
        headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if headers.setdefault(name, value) != value:
                return f"The request repeats the header {name.decode('latin-1')}."
        if headers.get(b"host") not in self._hosts:
            return "Use the host name 127.0.0.1 or localhost for this server."
        if self._has_token(scope, headers):
            self._connections.trust(scope["client"])
        elif scope["path"] not in self._public:
            return "Open the full address that skcaptcha label printed, including its token."
        if scope["method"] not in {"GET", "HEAD"}:
            if headers.get(b"origin") not in self._origins:
                return "Only the labeling page itself may change data."
            if headers.get(b"content-type") != b"application/json":
                return "The content type must be application/json."
            length = headers.get(b"content-length", b"")
            if not length.isdigit() or len(length) > 9 or int(length) > MAX_BODY_BYTES:
                return f"The request is larger than {MAX_BODY_BYTES:,} bytes."
        return ""

    def _has_token(self, scope: Scope, headers: dict[bytes, bytes]) -> bool:
        if scope["path"] == "/":
            sent = parse_qs(scope["query_string"]).get(b"token", [b""])[0]
        else:
            sent = headers.get(b"authorization", b"").removeprefix(b"Bearer ")
        return secrets.compare_digest(sent, self._token)
