"""Serving the labeling page on this machine."""

# ruff: noqa: PLC0415 - the web server is an optional extra

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, NoReturn, Self

from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.label.server import _address

if TYPE_CHECKING:
    from skcaptcha.label._session import LabelingSession

_SECONDS_TO_START = 20
_SECONDS_TO_END = 3


class LabelingPage:
    """Context manager that serves the labeling page of a session to this machine only.

    Parameters
    ----------
    session : LabelingSession
        Session to show. It is not closed at the end.
    port : int, default=0
        Port to listen on; 0 chooses a free one.

    Attributes
    ----------
    url : str
        URL to open in a browser. It contains a secret token: everyone who knows it can label.

    Raises
    ------
    SkcaptchaError
        If the web server is not installed, or the port is in use.

    See Also
    --------
    LabelingSession : Labels images, with or without a page.

    Examples
    --------
    >>> import tempfile
    >>> from skcaptcha.datasets import make_line_captchas, write_captchas
    >>> from skcaptcha.label import LabelingPage, LabelingSession
    >>> images, labels = make_line_captchas(5, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_captchas(folder, images, labels)
    ...     with LabelingSession(folder) as session, LabelingPage(session) as page:
    ...         print(page.url)  # in a notebook, use a cell for each line, and session.close()
    http://127.0.0.1:.../?token=...
    """

    def __init__(self, session: LabelingSession, *, port: int = 0) -> None:
        try:
            import uvicorn

            from skcaptcha.label.server._connections import (
                MAX_CONNECTIONS,
                Connections,
                limited_protocol,
            )
            from skcaptcha.label.server._routes import labeling_app
        except ImportError as error:
            raise SkcaptchaError(
                f"the labeling page needs {error.name}, which is not installed; "
                "pip install 'skcaptcha[web]'"
            ) from None
        self._folder = session.folder
        self._listener, self._address = _address.listen(session.folder, port)
        self.url = self._address.url
        connections = Connections()
        app = labeling_app(session, self._address, connections)
        config = uvicorn.Config(
            app,
            access_log=False,
            # Not more than the allowed connections, so that file descriptors do not run out.
            backlog=MAX_CONNECTIONS,
            date_header=False,
            http=limited_protocol(connections),
            lifespan="off",
            log_config=None,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=1,
            ws="none",
        )
        self._server = uvicorn.Server(config)
        # The main thread must stay free for Ctrl-C and for the event loop of a notebook.
        self._thread = threading.Thread(target=self._serve, name="labeling page", daemon=True)
        # Thread.join cannot be used: after Ctrl-C, it takes a running thread for an ended one.
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        deadline = time.monotonic() + _SECONDS_TO_START
        while not self._server.started:
            if self._ended.is_set() or time.monotonic() > deadline:
                self._stop()
                raise SkcaptchaError("the web server did not start; try another --port")
            time.sleep(0.01)
        _address.remember(self._folder, self._address)
        return self

    def __exit__(self, *error: Any) -> None:
        self._stop()
        _address.forget(self._folder)

    def wait(self) -> NoReturn:
        """Serve until Ctrl-C.

        Raises
        ------
        KeyboardInterrupt
            On Ctrl-C.
        SkcaptchaError
            If the web server has stopped by itself.
        """
        while not self._ended.wait(0.5):  # on Windows, Ctrl-C only arrives between two waits
            pass
        raise SkcaptchaError("the web server has stopped; all labels are saved: start it again")

    def _serve(self) -> None:
        try:
            self._server.run([self._listener])
        finally:
            self._ended.set()

    def _stop(self) -> None:
        self._server.should_exit = True
        self._ended.wait(_SECONDS_TO_END)
        self._listener.close()
