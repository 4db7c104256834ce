"""Limits on connections, so that other programs cannot block the page for its user."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_CONNECTIONS = 64
_SECONDS = 10.0


class Connections:
    """The open connections that have not sent the token yet.

    When there are more than `limit`, the oldest is closed; each is closed after `seconds`. The
    user's browser sends the token at once, so other programs cannot keep it from connecting.
    """

    def __init__(self, limit: int = MAX_CONNECTIONS, seconds: float = _SECONDS) -> None:
        self._limit = limit
        self._seconds = seconds
        # In the order in which they were opened.
        self._untrusted: dict[Any, tuple[asyncio.BaseTransport, asyncio.TimerHandle]] = {}

    def opened(self, transport: asyncio.BaseTransport) -> None:
        """Add a new connection."""
        while len(self._untrusted) >= self._limit:
            self._abort(next(iter(self._untrusted)))
        client = transport.get_extra_info("peername")
        timer = asyncio.get_running_loop().call_later(self._seconds, self._abort, client)
        self._untrusted[client] = (transport, timer)

    def trust(self, client: Any) -> None:
        """Remove the connection of a client address: it sent the token, or it is closed."""
        if known := self._untrusted.pop(client, None):
            known[1].cancel()

    def _abort(self, client: Any) -> None:
        if known := self._untrusted.pop(client, None):
            known[1].cancel()
            known[0].abort()  # type: ignore[attr-defined] # all socket transports have it


def limited_protocol(connections: Connections) -> type[asyncio.Protocol]:
    """Return the protocol class for uvicorn's option ``http`` that limits connections."""

    class LimitedProtocol(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:
            connections.opened(transport)
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            connections.trust(self.client)
            super().connection_lost(exc)

    return LimitedProtocol
