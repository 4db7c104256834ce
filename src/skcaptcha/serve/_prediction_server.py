"""Serving predictions of models."""

# ruff: noqa: PLC0415 - the web server is an optional extra

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.serve._address import is_local, listen, url_of
from skcaptcha.serve._limits import Limits
from skcaptcha.serve._served_model import check_name
from skcaptcha.serve._settings import Settings

if TYPE_CHECKING:
    from skcaptcha.serve._server_thread import ServerThread
    from skcaptcha.serve._worker_processes import ServerProcesses

_MAX_WORKERS = 256


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
    workers : int in 1..256, default=1
        Number of processes that read images; one is a thread of this process. Each loads the
        models.
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
        workers: int = 1,
        trust: bool = False,
        reload: bool = False,
        limits: Limits | None = None,
    ) -> None:
        _require_web_server()
        if not models:
            raise SkcaptchaError("there are no models to serve; name at least one model file")
        for name, path in models.items():
            check_name(name, path)
        _check_token(token)
        if not 1 <= workers <= _MAX_WORKERS:
            raise SkcaptchaError(f"workers: it must be between 1 and {_MAX_WORKERS}, not {workers}")
        settings = Settings(
            models={name: os.fspath(path) for name, path in models.items()},
            token=token,
            trust=trust,
            reload=reload,
            limits=Limits() if limits is None else limits,
        )
        from skcaptcha.serve._metrics import check_shared_folder
        from skcaptcha.serve._server_thread import ServerThread
        from skcaptcha.serve._worker_processes import ServerProcesses

        if workers == 1:  # several have a folder of their own
            check_shared_folder()
        # Also if only the workers will use them, so that an error does not need their start.
        loaded = settings.load_models()
        listener = listen(host, port)
        self.url = url_of(listener)
        self.is_local = is_local(listener)
        self._signals = ExitStack()
        self._running: ServerThread | ServerProcesses
        if workers > 1:
            self._running = ServerProcesses(settings, listener, workers)
        else:
            self._running = ServerThread(settings, loaded, listener)

    def __enter__(self) -> Self:
        self._running.start()
        return self

    def __exit__(self, *error: Any) -> None:
        # SIGTERM may come again while the last requests are answered.
        with self._signals:
            self._running.stop()

    def wait(self) -> None:
        """Serve until SIGTERM or Ctrl-C.

        Raises
        ------
        KeyboardInterrupt
            On Ctrl-C.
        SkcaptchaError
            If the service has stopped by itself.
        """
        from skcaptcha.serve._server_thread import terminated

        asked = self._signals.enter_context(terminated())
        while not asked.is_set():
            if self._running.ended.wait(0.2):
                raise SkcaptchaError(f"{self._running.reason}; start the service again")


def _require_web_server() -> None:
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
