"""Serving predictions of models."""

# ruff: noqa: PLC0415 - the web server is an optional extra

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.serve._address import is_local, listen, url_of
from skcaptcha.serve._limits import Limits
from skcaptcha.serve._served_model import ServedModel, check_name

if TYPE_CHECKING:
    import socket

    from skcaptcha.serve._web_server import WebServer

_SECONDS_TO_START = 60
_SECONDS_TO_END = 10  # and the timeout of requests


@dataclass(frozen=True)
class Settings:
    """What a process of the service needs to know: the parameters of `PredictionServer`."""

    models: Mapping[str, str]
    token: str | None = None
    trust: bool = False
    reload: bool = False
    limits: Limits = field(default_factory=Limits)

    def load(self) -> list[ServedModel]:
        """Load all models."""
        return [ServedModel(name, path, trust=self.trust) for name, path in self.models.items()]


class PredictionServer:
    """Context manager that reads captchas for other programs, over HTTP.

    Parameters
    ----------
    models : mapping of str to path-like
        Model files by their names in requests. The first one is the default.
    host : str, default="127.0.0.1"
        Name or IP address to listen on. With the default, only programs on this machine can
        connect; ``"0.0.0.0"`` is all addresses of the machine.
    port : int, default=0
        TCP port to listen on; 0 chooses a free one.
    token : str, default=None
        Secret that requests must carry in the header ``Authorization: Bearer TOKEN``. If None,
        everyone who can connect is answered.
    trust : bool, default=False
        Whether to load models that another user made, although loading them may run code.
    reload : bool, default=False
        Whether to load a model again when its file changes. The old model answers until the new
        one is loaded and checked, and also afterward if the new one cannot be used.
    limits : Limits, default=None
        Limits of requests and of the queue; None are those of ``Limits()``.

    Attributes
    ----------
    url : str
        URL of the service, such as ``"http://127.0.0.1:8000"``.
    is_local : bool
        Whether only programs on this machine can connect.

    Raises
    ------
    ModelError
        If a model cannot be loaded, see `skcaptcha.load`.
    SkcaptchaError
        If the web server is not installed, the address cannot be used, or the token or the name of
        a model is not valid.

    See Also
    --------
    skcaptcha.prediction.read_images : Reads any number of images in this process.

    Notes
    -----
    The first answer takes as long as any other: each model has read an image before.

    Examples
    --------
    >>> import json, tempfile, urllib.request
    >>> import cv2
    >>> from skcaptcha import load_recipe, save
    >>> from skcaptcha.datasets import make_line_captchas
    >>> from skcaptcha.serve import PredictionServer
    >>> X, y = make_line_captchas(40, random_state=0)
    >>> image = cv2.imencode(".png", X[0])[1].tobytes()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = f"{folder}/lines.joblib"
    ...     save(load_recipe("grid").pipeline().fit(X, y), path)
    ...     with PredictionServer({"lines": path}) as server:
    ...         headers = {"Content-Type": "image/png"}
    ...         request = urllib.request.Request(f"{server.url}/predict", image, headers)
    ...         with urllib.request.urlopen(request) as response:
    ...             answer = json.load(response)
    >>> answer["results"][0]["text"] == y[0]
    True
    """

    def __init__(
        self,
        models: Mapping[str, str | os.PathLike[str]],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str | None = None,
        trust: bool = False,
        reload: bool = False,
        limits: Limits | None = None,
    ) -> None:
        require_web_server()
        if not models:
            raise SkcaptchaError("there are no models to serve; name at least one model file")
        for name, path in models.items():
            check_name(name, path)
        _check_token(token)
        self._settings = Settings(
            models={name: os.fspath(path) for name, path in models.items()},
            token=token,
            trust=trust,
            reload=reload,
            limits=Limits() if limits is None else limits,
        )
        loaded = self._settings.load()
        listener = listen(host, port)
        self.url = url_of(listener)
        self.is_local = is_local(listener)
        self._running = ServerThread(self._settings, loaded, listener)

    def __enter__(self) -> Self:
        self._running.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self._running.stop()

    def wait(self) -> None:
        """Serve until SIGTERM or Ctrl-C.

        Raises
        ------
        KeyboardInterrupt
            On Ctrl-C.
        SkcaptchaError
            If the web server has stopped by itself.
        """
        with terminated() as asked:
            while not asked.is_set():
                if self._running.ended.wait(0.2):
                    raise SkcaptchaError("the web server has stopped; start it again")


class ServerThread:
    """The web server in a thread, because the main thread must stay free for signals.

    The event loop of a notebook also runs there.
    """

    def __init__(
        self, settings: Settings, models: list[ServedModel], listener: socket.socket
    ) -> None:
        from skcaptcha.serve._routes import PredictionApp
        from skcaptcha.serve._web_server import WebServer

        limits = settings.limits
        app = PredictionApp(models, token=settings.token, reload=settings.reload, limits=limits)
        self.ended = threading.Event()
        self._listener = listener
        self._patience = limits.timeout + _SECONDS_TO_END
        self._server: WebServer = WebServer(app, limits.timeout)
        self._thread = threading.Thread(target=self._serve, name="prediction server", daemon=True)

    def start(self) -> None:
        """Start the server and wait until it answers."""
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


def require_web_server() -> None:
    """Raise SkcaptchaError if a package of the extra ``web`` is missing."""
    try:
        import prometheus_client  # noqa: F401
        import python_multipart  # noqa: F401
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise SkcaptchaError(
            f"the service needs {error.name}, which is not installed; pip install 'skcaptcha[web]'"
        ) from None


def _check_token(token: str | None) -> None:
    if token is not None and not (token and token.isascii() and token.isprintable()):
        raise SkcaptchaError(
            "the token must consist of printable ASCII characters; make one, as in: "
            "python3 -c 'import secrets; print(secrets.token_urlsafe())'"
        )
