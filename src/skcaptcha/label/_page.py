"""The labeling page: a small web server for one person on one machine."""

# ruff: noqa: PLC0415 - the web server is an extra, which most do without

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, NoReturn, Self

from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.label import _address
from skcaptcha.label._connections import MAX_CONNECTIONS, Connections, limited_protocol

if TYPE_CHECKING:
    from skcaptcha.label._session import LabelingSession

_SECONDS_TO_START = 20
_SECONDS_TO_END = 3


class LabelingPage:
    """Serve the labeling page of a session, to this machine only; a context manager.

    Parameters
    ----------
    session : LabelingSession
        It is not closed at the end.
    port : int, default=0
        0: any free one.

    Attributes
    ----------
    url : str
        What to open in a browser. Who knows it can label: it holds a secret token.

    Raises
    ------
    SkcaptchaError
        If the web server is not installed or the port is taken.

    See Also
    --------
    LabelingSession : What labels, with or without a page.

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

            from skcaptcha.label._server import labeling_app
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
            # No more are accepted at once than there are places, so that files do not run out.
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
        # Not the main thread: there is where Ctrl-C arrives, and where a notebook runs a loop.
        self._thread = threading.Thread(target=self._serve, name="labeling page", daemon=True)
        # Ctrl-C while a thread is joined makes it pass for one that has ended.
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
            When it comes.
        SkcaptchaError
            If the web server has ended by itself.
        """
        while not self._ended.wait(0.5):  # Windows hears Ctrl-C between two waits only
            pass
        raise SkcaptchaError("the web server has ended; nothing is lost: start it again")

    def _serve(self) -> None:
        try:
            self._server.run([self._listener])
        finally:
            self._ended.set()

    def _stop(self) -> None:
        self._server.should_exit = True
        self._ended.wait(_SECONDS_TO_END)
        self._listener.close()
