"""Reading the images of several requests together."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from skcaptcha.serve._limits import Limits

_Image = TypeVar("_Image")
_Result = TypeVar("_Result")

_MOST_SECONDS = 3600
# Weight of the last batch in the mean time of an image.
_WEIGHT = 0.2


class QueueFullError(Exception):
    """Too many images are waiting; some of them will be read in `seconds`."""

    def __init__(self, n_waiting: int, seconds: int) -> None:
        super().__init__(n_waiting, seconds)
        self.n_waiting = n_waiting
        self.seconds = seconds


@dataclass(frozen=True, eq=False)
class _Request(Generic[_Image, _Result]):
    images: Sequence[_Image]
    results: asyncio.Future[list[_Result]]


class Batcher(Generic[_Image, _Result]):
    """Reads the images of requests that arrive at about the same time in one call.

    Images that arrive while a batch is read are the next batch, together with those that the
    clients of this batch send within `batch_wait` seconds. A batch does not wait if as many images
    have arrived as were read or waiting before. The images of one request are always in the same
    batch.

    Parameters
    ----------
    read : callable
        Function of a list of images that returns a list of as many results.
    executor : Executor
        Executor that calls `read`.
    limits : Limits
        Limits of the service; `max_queued`, `batch_size` and `batch_wait` apply here.
    on_batch : callable
        Function of the number of images of each batch and the seconds that it took.
    """

    def __init__(
        self,
        read: Callable[[list[_Image]], Sequence[_Result]],
        executor: Executor,
        limits: Limits,
        on_batch: Callable[[int, float], object],
    ) -> None:
        self._read = read
        self._executor = executor
        self._limits = limits
        self._on_batch = on_batch
        self._requests: deque[_Request[_Image, _Result]] = deque()
        self._n_waiting = 0
        self._arrived = asyncio.Event()
        self._seconds_per_image = 0.0

    @property
    def n_waiting(self) -> int:
        """Number of images that wait to be read."""
        return self._n_waiting

    async def read(self, images: Sequence[_Image]) -> list[_Result]:
        """Return the results of some images. Raise QueueFullError if too many are waiting."""
        if self._n_waiting + len(images) > self._limits.max_queued:
            seconds = math.ceil(self._n_waiting * self._seconds_per_image)
            raise QueueFullError(self._n_waiting, min(max(seconds, 1), _MOST_SECONDS))
        results: asyncio.Future[list[_Result]] = asyncio.get_running_loop().create_future()
        self._requests.append(_Request(images, results))
        self._n_waiting += len(images)
        self._arrived.set()
        return await results

    async def run(self) -> None:
        """Read batches until the task is cancelled."""
        loop = asyncio.get_running_loop()
        n_expected = math.inf
        while True:
            if not self._requests:
                idle_since = loop.time()
                await self._next_request()
                if loop.time() - idle_since > self._limits.batch_wait:
                    n_expected = math.inf
            await self._wait_for(n_expected)
            # Requests that were cancelled, because they took too long, are not read.
            if requests := [r for r in self._take() if not r.results.done()]:
                n_read = await self._read_together(requests)
                # Clients that have just been answered often send their next image at once.
                n_expected = n_read + self._n_waiting

    async def _next_request(self) -> None:
        self._arrived.clear()
        await self._arrived.wait()

    async def _wait_for(self, n_expected: float) -> None:
        """Wait until as many images have arrived, for a limited time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.batch_wait):
                while self._n_waiting < min(n_expected, self._limits.batch_size):
                    await self._next_request()

    def _take(self) -> list[_Request[_Image, _Result]]:
        taken: list[_Request[_Image, _Result]] = []
        n = 0
        while self._requests:
            n += len(self._requests[0].images)
            if taken and n > self._limits.batch_size:
                break
            taken.append(self._requests.popleft())
        self._n_waiting -= sum(len(request.images) for request in taken)
        return taken

    async def _read_together(self, requests: list[_Request[_Image, _Result]]) -> int:
        """Answer some requests, and return the number of their images."""
        images = [image for request in requests for image in request.images]
        began = time.perf_counter()
        try:
            found = await asyncio.get_running_loop().run_in_executor(
                self._executor, self._read, images
            )
        except Exception as error:
            for request in requests:
                if not request.results.done():
                    request.results.set_exception(error)
            return len(images)
        seconds = time.perf_counter() - began
        self._on_batch(len(images), seconds)
        change = seconds / len(images) - self._seconds_per_image
        self._seconds_per_image += _WEIGHT * change if self._seconds_per_image else change
        end = 0
        for request in requests:
            begin, end = end, end + len(request.images)
            if not request.results.done():
                request.results.set_result(list(found[begin:end]))
        return len(images)
