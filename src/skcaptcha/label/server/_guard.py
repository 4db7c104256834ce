"""Access control of the labeling server: it answers only the page itself."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from urllib.parse import parse_qs

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from skcaptcha.label.server._connections import Connections

MAX_BODY_BYTES = 2**16

_HEADERS = {
    b"cache-control": b"no-store",
    b"content-security-policy": (
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
}


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

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *_HEADERS.items()]}
            await send(message)

        if scope["type"] != "http":
            raise RuntimeError(f"only HTTP is supported, not {scope['type']}")
        if problem := self._problem(scope):
            await PlainTextResponse(problem, 403)(scope, receive, send_with_headers)
        else:
            await self._app(scope, receive, send_with_headers)

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
