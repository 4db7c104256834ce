"""The web application of the service."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.read import Reading
from skcaptcha.serve._access import Access
from skcaptcha.serve._answers import (
    describe,
    failure,
    json_answer,
    problem,
    result_of,
    status_of,
)
from skcaptcha.serve._batcher import Batcher, QueueFullError
from skcaptcha.serve._held_bytes import HeldBytes, RequestBytes
from skcaptcha.serve._limits import Limits
from skcaptcha.serve._metrics import CONTENT_TYPE, Measured, Metrics
from skcaptcha.serve._openapi import openapi_document
from skcaptcha.serve._served_model import ServedModel
from skcaptcha.serve._uploads import uploads_of

_logger = logging.getLogger(__name__)

_PAGE = Path(__file__).parent / "page"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}
_SECONDS_BETWEEN_CHECKS = 0.5

_ReadImage = tuple[str, Reading | SkcaptchaError]
_Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class PredictionApp:
    """The service as an ASGI application.

    Parameters
    ----------
    models : sequence of ServedModel
        Models; the first one is the default.
    token : str or None
        Secret that requests must carry; None answers everyone who may connect.
    reload : bool
        Whether to load models again when their files change.
    limits : Limits
        Limits of requests and of the queue.

    Attributes
    ----------
    ending : bool
        Whether the service is about to end: it then asks clients to close their connections.
    """

    def __init__(
        self,
        models: Sequence[ServedModel],
        *,
        token: str | None,
        reload: bool,
        limits: Limits,
    ) -> None:
        self.ending = False
        self._models = {model.name: model for model in models}
        self._default = models[0].name
        self._reload = reload
        self._limits = limits
        self._held = HeldBytes(limits.max_total_bytes)
        self._metrics = Metrics()
        self._batchers: dict[str, Batcher[bytes, _ReadImage]] = {}
        files = {f"/{path.name}": path for path in sorted(_PAGE.iterdir())}
        files["/"] = files.pop("/index.html")
        public = {"/healthz": self._healthz, "/openapi.json": self._openapi}
        handlers = public | {"/models": self._describe_models, "/metrics": self._show_metrics}
        routes = [
            Route("/predict", self._predict, methods=["POST"]),
            *(Route(path, handler) for path, handler in handlers.items()),
            *(Route(path, _file(file)) for path, file in files.items()),
        ]
        paths = ["/predict", *handlers, *files]
        self._starlette = Starlette(
            routes=routes,
            middleware=[
                Middleware(Measured, metrics=self._metrics, paths=paths),
                Middleware(Access, token=token, public_paths=[*public, *files]),
            ],
            exception_handlers={HTTPException: _refuse, Exception: _apologize},
            lifespan=self._lifespan,
        )
        # A redirection would name an address that clients of a proxy cannot reach.
        self._starlette.router.redirect_slashes = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        if not self.ending or scope["type"] != "http":
            await self._starlette(scope, receive, send)
            return

        async def send_and_close(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
            await send(message)

        await self._starlette(scope, receive, send_and_close)

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        # One thread reads; more would only wait for each other.
        with ThreadPoolExecutor(1, "reader") as reader, ThreadPoolExecutor(1, "loader") as loader:
            for name, model in self._models.items():
                on_batch = partial(self._measure_batch, name)
                self._batchers[name] = Batcher(model.read, reader, self._limits, on_batch)
            running = [asyncio.create_task(batcher.run()) for batcher in self._batchers.values()]
            if self._reload:
                running.append(asyncio.create_task(self._reload_changed(loader)))
            yield
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _predict(self, request: Request) -> Response:
        with self._held.by_request() as held:
            return await self._read_uploads(request, held)

    async def _read_uploads(self, request: Request, held: RequestBytes) -> Response:
        model = self._model_of(request)
        try:
            uploads = await uploads_of(request, self._limits, held)
        except ClientDisconnect:
            return problem("The connection was closed before the request was complete.", 400)
        images = [upload.content for upload in uploads if not upload.error]
        found = iter(await self._read(model, images) if images else [])
        sha256 = model.loaded.sha256
        results = []
        for upload in uploads:
            if upload.error:
                results.append(failure(upload.filename, upload.error))
                continue
            sha256, result = next(found)
            results.append(result_of(upload.filename, result))
        self._count(model.name, results)
        answer = {"model": model.name, "sha256": sha256, "results": results}
        return json_answer(answer, status_of(results))

    def _model_of(self, request: Request) -> ServedModel:
        name = request.query_params.get("model", self._default)
        if name not in self._models:
            names = ", ".join(self._models)
            raise HTTPException(404, f"There is no model {name!r} here; the models are: {names}.")
        return self._models[name]

    async def _read(self, model: ServedModel, images: list[bytes]) -> list[_ReadImage]:
        batcher = self._batchers[model.name]
        waiting = self._metrics.waiting.labels(model.name)
        waiting.inc(len(images))
        try:
            async with asyncio.timeout(self._limits.timeout):
                return await batcher.read(images)
        except QueueFullError as full:
            raise HTTPException(
                503,
                f"{full.n_waiting} images are waiting already; send the request again in "
                f"{full.seconds} s.",
                {"retry-after": str(full.seconds)},
            ) from None
        except TimeoutError:
            raise HTTPException(
                504,
                f"The images were not read within {self._limits.timeout:g} seconds; send fewer at "
                "once, or try again later.",
            ) from None
        finally:
            waiting.dec(len(images))

    async def _reload_changed(self, loader: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_SECONDS_BETWEEN_CHECKS)
            for model in self._models.values():
                try:
                    changed = await loop.run_in_executor(loader, model.reload_if_changed)
                except Exception:
                    _logger.exception("the file of the model %s cannot be checked", model.name)
                    continue
                if changed:
                    self._metrics.reloads.labels(model.name).inc()
                    sha256 = model.loaded.sha256
                    _logger.info("model %s: the new file answers (%s)", model.name, sha256)

    def _measure_batch(self, name: str, n: int, seconds: float) -> None:
        self._metrics.batch_images.labels(name).observe(n)
        self._metrics.batch_seconds.labels(name).observe(seconds)
        _logger.debug("model %s: %d images read in %.1f ms", name, n, 1000 * seconds)

    def _count(self, name: str, results: list[dict[str, Any]]) -> None:
        for result in results:
            outcome = {200: "read", 422: "unusable"}.get(result.get("status", 200), "failed")
            self._metrics.images.labels(name, outcome).inc()
            if result.get("out_of_distribution"):
                self._metrics.outliers.labels(name).inc()

    async def _describe_models(self, _: Request) -> Response:
        models = [describe(m, default=m.name == self._default) for m in self._models.values()]
        return json_answer({"models": models})

    async def _healthz(self, _: Request) -> Response:
        if self.ending:
            return json_answer({"status": "ending"}, 503)
        return json_answer({"status": "ok"})

    async def _show_metrics(self, _: Request) -> Response:
        return Response(self._metrics.text(), headers={"content-type": CONTENT_TYPE})

    async def _openapi(self, _: Request) -> Response:
        return json_answer(openapi_document(list(self._models), self._limits))


def _file(path: Path) -> _Handler:
    content, kind = path.read_bytes(), _TYPES[path.suffix]

    async def send(_: Request) -> Response:
        return Response(content, media_type=kind)

    return send


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentence = error.detail
    if sentence == "Not Found":
        sentence = (
            f"There is no {request.scope['path']!r} here; /openapi.json describes what there is."
        )
    elif sentence == "Method Not Allowed":
        allowed = (error.headers or {}).get("Allow", "another method")
        sentence = f"{request.method} is not possible here; use {allowed}."
    return problem(sentence, error.status_code, error.headers)


async def _apologize(_: Request, error: Exception) -> Response:
    _logger.error("the service failed: %s: %s", type(error).__name__, error)
    return problem("The service failed; its log has the reason.", 500)
