"""Batches that are processed by the workers of a Dask cluster."""

# ruff: noqa: PLC0415 - distributed is an optional dependency

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import cv2
from sklearn.pipeline import Pipeline

from skcaptcha.exceptions import ImageError, SkcaptchaError, WorkerError, reason_of
from skcaptcha.prediction._cluster_connection import one_line
from skcaptcha.prediction._local_workers import BATCHES_PER_WORKER, Work, Workers

if TYPE_CHECKING:
    from distributed import Client, Future

_RETRIES = 3
_SECONDS_UNTIL_WORKERS_COME = 60
_ONE_AT_A_TIME = threading.Lock()


def cluster_workers(work: Work, model: Pipeline, client: Client) -> Workers:
    """Process batches of paths by the workers of a cluster.

    `work` returns something, and errors by their index in the batch. joblib's backend for Dask
    would not do: besides having no limit of batches (see `map_in_order`), it raises an error when
    all workers that have the model end, even if others take their place.
    """
    cluster = _Cluster(work, model, client)
    return Workers(cluster.submit, BATCHES_PER_WORKER * sum(client.nthreads().values()))


class _Cluster:
    """A model that is sent to each worker once, and again if all workers that have it end."""

    def __init__(self, work: Work, model: Pipeline, client: Client) -> None:
        self._work = work
        self._model = model
        self._client = client
        self._folder = os.getcwd()
        self._send()

    def submit(self, batch: Sequence[str]) -> Callable[[], Any]:
        return partial(self._result, batch, self._sent, self._start(batch))

    def _send(self) -> None:
        [self._sent] = self._client.scatter([self._model], broadcast=True, hash=False)

    def _start(self, batch: Sequence[str]) -> Future:
        arguments = (self._sent, self._work, self._folder, batch)
        return self._client.submit(_process_there, *arguments, pure=False, retries=_RETRIES)

    def _result(self, batch: Sequence[str], sent: Future, future: Future) -> Any:
        from distributed import CancelledError

        reason = "all workers ended repeatedly"
        for _ in range(_RETRIES):
            try:
                packed, errors, unseen, worker = future.result()
            except CancelledError:
                # All workers that had the model have ended, or the scheduler has.
                try:
                    self._client.wait_for_workers(1, timeout=_SECONDS_UNTIL_WORKERS_COME)
                    if self._sent is sent:
                        self._send()
                    sent, future = self._sent, self._start(batch)
                except Exception as error:
                    reason = one_line(error)
                    break
            except Exception as error:
                reason = one_line(error)
                break
            else:
                for i in unseen:
                    errors[i] = self._named(errors[i], batch[i], worker)
                return packed, errors
        raise WorkerError(
            f"{self._client.scheduler.address}: the cluster cannot read {batch[0]} and the "
            f"{len(batch) - 1} images after it ({reason}); check its logs"
        )

    def _named(self, error: SkcaptchaError, path: str, worker: str) -> SkcaptchaError:
        """Add the worker to an error if this process can read the file."""
        if not os.access(os.path.join(self._folder, path), os.R_OK):
            return error
        return ImageError(
            path,
            f"worker {worker}: {reason_of(error)}; workers must see the same files under the same "
            "paths",
        )


def _process_there(
    model: Pipeline, work: Work, folder: str, batch: Sequence[str]
) -> tuple[Any, dict[int, SkcaptchaError], list[int], str]:
    """Process a batch on a worker; return also which files it cannot open, and its address."""
    from distributed import get_worker

    # There is a process or a thread for each core already.
    cv2.setNumThreads(1)
    with _ONE_AT_A_TIME:
        packed, errors = work(model, [os.path.join(folder, path) for path in batch])
    unseen = [
        i
        for i, error in errors.items()
        if isinstance(error.__cause__, FileNotFoundError | PermissionError)
    ]
    return packed, errors, unseen, get_worker().address
