"""Limits on connections, so that nobody without the token can keep the page from its user."""

# ruff: noqa: PLC0415 - the web server is an extra, which most do without

from __future__ import annotations

import asyncio
from typing import Any

MAX_CONNECTIONS = 64
_SECONDS = 10.0


class Connections:
    """The open connections over which no token has come yet; the rest are the user's own.

    A new one always gets a place, at the cost of the oldest; so the user's browser, which shows
    the token at once, is heard however many others hold connections open.

    Parameters
    ----------
    limit : int, default=64
        The number of connections without a token that may be open at the same time.
    seconds : float, default=10
        How long each of them may be open.
    """

    def __init__(self, limit: int = MAX_CONNECTIONS, seconds: float = _SECONDS) -> None:
        self._limit = limit
        self._seconds = seconds
        # In the order in which they were opened.
        self._strangers: dict[Any, tuple[asyncio.BaseTransport, asyncio.TimerHandle]] = {}

    def opened(self, transport: asyncio.BaseTransport) -> None:
        """Give a new connection a place.

        Parameters
        ----------
        transport : asyncio transport
        """
        while len(self._strangers) >= self._limit:
            self._abort(next(iter(self._strangers)))
        client = transport.get_extra_info("peername")
        timer = asyncio.get_running_loop().call_later(self._seconds, self._abort, client)
        self._strangers[client] = (transport, timer)

    def trust(self, client: Any) -> None:
        """Take a connection for the user's: the token came over it, or it is closed.

        Parameters
        ----------
        client : tuple of str and int
            The address at its other end.
        """
        if known := self._strangers.pop(client, None):
            known[1].cancel()

    def _abort(self, client: Any) -> None:
        if known := self._strangers.pop(client, None):
            known[1].cancel()
            known[0].abort()  # type: ignore[attr-defined] # every socket's transport has it


def limited_protocol(connections: Connections) -> type[asyncio.Protocol]:
    """Make the protocol of a server whose connections are counted.

    Parameters
    ----------
    connections : Connections

    Returns
    -------
    protocol : subclass of asyncio.Protocol
        For uvicorn's option ``http``.
    """
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class LimitedProtocol(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:
            connections.opened(transport)
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            connections.trust(self.client)
            super().connection_lost(exc)

    return LimitedProtocol
