"""The web server in a thread: the main thread stays free for signals."""

from __future__ import annotations

import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.serve._routes import PredictionApp
from skcaptcha.serve._served_model import ServedModel
from skcaptcha.serve._settings import Settings
from skcaptcha.serve._web_server import WebServer

SECONDS_TO_END = 10
"""Maximum time in seconds for a service to end, besides the timeout of requests."""

_SECONDS_TO_START = 60
# By default, the thread that reads images keeps Python's lock for 5 ms whenever the one that sends
# answers has released it.
_SWITCH_INTERVAL = 0.0005


class ServerThread:
    """The web server of one process.

    Parameters
    ----------
    settings : Settings
        Settings of the service.
    models : list of ServedModel
        Its models.
    listener : socket
        Socket that listens; it is closed at the end.

    Attributes
    ----------
    ended : threading.Event
        Whether the server has ended.
    reason : str
        Why it has ended by itself.
    """

    reason = "the web server has stopped"

    def __init__(
        self, settings: Settings, models: list[ServedModel], listener: socket.socket
    ) -> None:
        limits = settings.limits
        app = PredictionApp(models, token=settings.token, reload=settings.reload, limits=limits)
        self.ended = threading.Event()
        self._listener = listener
        self._patience = limits.timeout + SECONDS_TO_END
        self._server = WebServer(app, limits.timeout)
        # The event loop of a notebook already runs in the main thread.
        self._thread = threading.Thread(target=self._serve, name="prediction server", daemon=True)

    def start(self) -> None:
        """Start the server and wait until it answers. Raise SkcaptchaError if it does not."""
        self._interval = sys.getswitchinterval()
        sys.setswitchinterval(min(self._interval, _SWITCH_INTERVAL))
        self._thread.start()
        for _ in range(100 * _SECONDS_TO_START):
            if self._server.started:
                return
            if self.ended.wait(0.01):
                break
        self.stop()
        raise SkcaptchaError("the web server did not start; try another --port")

    def stop(self) -> None:
        """Answer the requests that were sent before, and end the server."""
        self._server.should_exit = True
        if self._thread.ident is not None:
            self.ended.wait(self._patience)
        self._listener.close()
        sys.setswitchinterval(self._interval)

    def _serve(self) -> None:
        try:
            self._server.run([self._listener])
        finally:
            self.ended.set()


@contextmanager
def terminated() -> Iterator[threading.Event]:
    """Return an event that SIGTERM sets, instead of ending this process at once."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = signal.signal(signal.SIGTERM, lambda *_: asked.set())
    try:
        yield asked
    finally:
        signal.signal(signal.SIGTERM, before)
