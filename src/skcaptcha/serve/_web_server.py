"""The web server that runs the application: it loses no request when it ends."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from skcaptcha.serve._routes import PredictionApp

MAX_CONNECTIONS = 512
_BACKLOG = 1024
# Workers that share a socket should share its connections, too, but asyncio accepts as many at a
# time as may wait.
_ACCEPTED_AT_A_TIME = 1
# Requests that were sent before clients could know that the service ends arrive within this time.
_SECONDS_TO_ARRIVE = 1.0


class WebServer(uvicorn.Server):
    """Runs an application on a socket that is bound already.

    At its end, it first stops to accept connections, and asks the clients of the open ones to close
    them; requests that are sent in the meantime are still answered.

    Parameters
    ----------
    app : PredictionApp
        The application.
    timeout : float
        Maximum time in seconds for the head of a request to arrive, and for the last answers at the
        end.
    """

    def __init__(self, app: PredictionApp, timeout: float) -> None:
        # The application logs what goes wrong; these would log what strangers send.
        for name in ("uvicorn.error", "python_multipart"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._app = app
        config = uvicorn.Config(
            app,
            access_log=False,
            backlog=_ACCEPTED_AT_A_TIME,
            date_header=False,
            http=_limited_protocol(timeout),
            lifespan="on",
            limit_concurrency=MAX_CONNECTIONS,
            log_config=None,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=max(1, round(timeout)),
            timeout_keep_alive=max(1, round(timeout)),
            ws="none",
        )
        super().__init__(config)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to accept connections."""
        await super().startup(sockets)
        for listener in sockets or []:
            listener.listen(_BACKLOG)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop accepting connections, wait for the last requests, and close all connections."""
        self._app.ending = True
        loop = asyncio.get_running_loop()
        waiting = [connection for listener in sockets or [] for connection in _accept_all(listener)]
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in waiting:
            await loop.connect_accepted_socket(self._protocol, connection)
        deadline = loop.time() + _SECONDS_TO_ARRIVE
        while self.server_state.connections and loop.time() < deadline:
            await asyncio.sleep(0.01)
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        protocol: asyncio.Protocol = self.config.http_protocol_class(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol


def _accept_all(listener: socket.socket) -> list[socket.socket]:
    """Accept the connections that the system has accepted, and would reset at the end."""
    accepted = []
    while True:
        try:
            accepted.append(listener.accept()[0])
        except OSError:  # none is left, or too many files are open
            return accepted


def _limited_protocol(seconds: float) -> type[asyncio.Protocol]:
    """Return the protocol class that closes connections whose request does not arrive in time.

    uvicorn only limits the time between two requests.
    """

    class LimitedProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type, unused-ignore]
        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._watch()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._watch()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop()
            super().connection_lost(exc)

        def _watch(self) -> None:
            if self._request_is_here():
                self._stop()
            elif self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(seconds, self._close)

        def _request_is_here(self) -> bool:
            return self.cycle is not None and not self.cycle.response_complete

        def _stop(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _close(self) -> None:
            self._timer = None
            if not self._request_is_here():
                self.transport.abort()

    return LimitedProtocol
