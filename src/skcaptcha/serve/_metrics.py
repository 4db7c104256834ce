"""What the service counts and measures, in the text format of Prometheus."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from skcaptcha.exceptions import SkcaptchaError

CONTENT_TYPE = CONTENT_TYPE_LATEST
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable with the folder in which the processes of one service collect metrics."""

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
_IMAGES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


def check_shared_folder() -> None:
    """Raise SkcaptchaError if the folder for the metrics of several processes cannot be used."""
    folder = os.environ.get(SHARED_FOLDER)
    if folder is not None and not (os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK)):
        raise SkcaptchaError(
            f"the environment variable {SHARED_FOLDER} names {folder!r}, which is not a folder to "
            "write metrics to; create it, or unset the variable"
        )


class Metrics:
    """Counters, gauges and histograms of one service, with or without several processes."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self.requests = Counter(
            "skcaptcha_requests",
            "Requests by path and status of the answer.",
            ("path", "status"),
            registry=registry,
        )
        self.request_seconds = Histogram(
            "skcaptcha_request_seconds",
            "Seconds from the head of a request to the head of its answer.",
            ("path",),
            buckets=_SECONDS,
            registry=registry,
        )
        self.images = Counter(
            "skcaptcha_images",
            "Images by model and outcome: read, unusable, or failed (the model is at fault).",
            ("model", "outcome"),
            registry=registry,
        )
        self.outliers = Counter(
            "skcaptcha_out_of_distribution_images",
            "Images that are unlike the training images of the model.",
            ("model",),
            registry=registry,
        )
        self.batch_images = Histogram(
            "skcaptcha_batch_images",
            "Number of images that were read together.",
            ("model",),
            buckets=_IMAGES,
            registry=registry,
        )
        self.batch_seconds = Histogram(
            "skcaptcha_batch_seconds",
            "Seconds to read a batch.",
            ("model",),
            buckets=_SECONDS,
            registry=registry,
        )
        self.waiting = Gauge(
            "skcaptcha_waiting_images",
            "Images of requests that are not answered yet.",
            ("model",),
            multiprocess_mode="livesum",
            registry=registry,
        )
        self.reloads = Counter(
            "skcaptcha_reloads",
            "Times that a changed file has replaced the model.",
            ("model",),
            registry=registry,
        )

    def text(self) -> bytes:
        """Return all metrics, those of all processes of the service together."""
        if SHARED_FOLDER not in os.environ:
            return generate_latest(self._registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)
        return generate_latest(together)


class Measured:
    """ASGI middleware that counts requests and measures their time.

    Parameters
    ----------
    app : ASGI application
        The application to measure.
    metrics : Metrics
        Where to count.
    paths : collection of str
        Paths of the application; all others, of which there may be any number, are ``other``.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics, paths: Collection[str]) -> None:
        self._app = app
        self._metrics = metrics
        self._paths = frozenset(paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, and measure it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"] if scope["path"] in self._paths else "other"
        await self._app(scope, receive, _measured(send, self._metrics, path))


def _measured(send: Send, metrics: Metrics, path: str) -> Callable[[Message], object]:
    began = time.perf_counter()

    async def measured(message: Message) -> None:
        if message["type"] == "http.response.start":
            metrics.requests.labels(path, str(message["status"])).inc()
            metrics.request_seconds.labels(path).observe(time.perf_counter() - began)
        await send(message)

    return measured
