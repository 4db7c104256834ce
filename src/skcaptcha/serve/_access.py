"""Access control of the service: which requests it answers at all."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from skcaptcha._security_headers import with_security_headers
from skcaptcha.serve._answers import problem

_UNIQUE = {b"host", b"origin", b"authorization"}


class Access:
    """ASGI middleware that refuses requests of other websites, and those without the token.

    A browser sends the ``Origin`` of the page that causes a request: it must be this service
    itself, because other websites must not use the service of their visitor. Without a token, the
    ``Host`` must not be a domain name, which a website could let resolve to this service (DNS
    rebinding): IP addresses, ``localhost`` and names without a dot, as in networks of containers,
    are answered, and so are HTTP/1.0 requests without a ``Host``, which no browser sends. With a
    token, each request must carry it in the header ``Authorization``, which no browser adds by
    itself.

    Parameters
    ----------
    app : ASGI application
        The application to protect.
    token : str or None
        The secret; None answers everyone.
    public_paths : collection of str
        Paths that need no token.
    """

    def __init__(
        self, app: ASGIApp, *, token: str | None, public_paths: Collection[str] = ()
    ) -> None:
        self._app = app
        self._token = None if token is None else token.encode()
        self._public = frozenset(public_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        send = with_security_headers(send)
        status, sentence = self._refusal(scope)
        if status:
            headers = {"www-authenticate": "Bearer"} if status == 401 else None
            await problem(sentence, status, headers)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str]:
        headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if headers.setdefault(name, value) != value and name in _UNIQUE:
                return 400, f"The request repeats the header {name.decode('latin-1')}."
        if b"host" not in headers and scope["http_version"] != "1.0":
            return 400, "The request has no header Host; send it with every request."
        host = headers.get(b"host", b"").decode("latin-1")
        origin = headers.get(b"origin")
        if origin is not None and _host_of(origin.decode("latin-1")) != host:
            return 403, "Other websites may not use this service."
        if self._token is None:
            if b"host" in headers and not _is_no_domain(host):
                return 403, (
                    f"Without a token, this service does not answer under a domain name such as "
                    f"{host!r}; use its IP address, or start it with --token."
                )
        elif scope["path"] not in self._public:
            sent = headers.get(b"authorization", b"")
            scheme, _, token = sent.partition(b" ")
            if scheme.lower() != b"bearer" or not secrets.compare_digest(token, self._token):
                return 401, "Send the token of this service: 'Authorization: Bearer TOKEN'."
        return 0, ""


def _host_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _is_no_domain(host: str) -> bool:
    """Return whether a ``Host`` is an IP address, or a name that no website can have."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        if "." not in name and ":" not in name:
            return bool(name)
        ip_address(name)
    except ValueError:
        return False
    return True
