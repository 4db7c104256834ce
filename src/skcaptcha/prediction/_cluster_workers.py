"""A Dask cluster that works for a command."""

# ruff: noqa: PLC0415 - distributed is imported late, since most do without it

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import cv2
from sklearn.pipeline import Pipeline

from skcaptcha.exceptions import ImageError, SkcaptchaError, reason_of
from skcaptcha.prediction._cluster_connection import one_line
from skcaptcha.prediction._ordered_batches import Work, Workers, WorkersEndedError

if TYPE_CHECKING:
    from distributed import Client, Future

_PATIENCE_WITH_WORKERS = 60  # seconds
_RETRIES = 3
_WAITING_FOR_EACH = 3  # batches, so that a thread always has the next one at hand
_ONE_AT_A_TIME = threading.Lock()


@contextmanager
def cluster(work: Work, model: Pipeline, client: Client) -> Iterator[Workers]:
    """Process batches of paths by the workers of a cluster.

    Parameters
    ----------
    work : callable
        Takes the model and a batch, and gives something packed, and errors by their index.
    model : Pipeline
        Sent to every worker once.
    client : Client

    Yields
    ------
    workers : Workers

    Raises
    ------
    WorkersEndedError
        If a batch cannot be processed however often that is tried.
    """
    sent = _Sent(client, model)
    here = os.getcwd()

    def submit(batch: Sequence[str]) -> Callable[[], Any]:
        return _Batch(sent, work, here, batch).result

    yield Workers(submit, _WAITING_FOR_EACH * sum(client.nthreads().values()))


class _Sent:
    """A model that every worker has, until all of them end that have it."""

    def __init__(self, client: Client, model: Pipeline) -> None:
        self.client = client
        self._model = model
        self.send()

    def send(self) -> None:
        [self.future] = self.client.scatter([self._model], broadcast=True, hash=False)

    def send_again(self, lost: Future) -> None:
        self.client.wait_for_workers(1, timeout=_PATIENCE_WITH_WORKERS)
        if self.future is lost:
            self.send()


class _Batch:
    """A batch that was submitted."""

    def __init__(self, sent: _Sent, work: Work, here: str, names: Sequence[str]) -> None:
        self._sent = sent
        self._arguments = (work, here, names)
        self._names = names
        self._here = here
        self._submit()

    def _submit(self) -> None:
        self._model = self._sent.future
        self._result = self._sent.client.submit(
            _process_there, self._model, *self._arguments, pure=False, retries=_RETRIES
        )

    def result(self) -> Any:
        """Wait for the result."""
        packed, errors, unseen, worker = self._retried()
        for i in unseen:
            if os.access(os.path.join(self._here, self._names[i]), os.R_OK):
                errors[i] = ImageError(
                    self._names[i],
                    f"worker {worker}: {reason_of(errors[i])}; workers must see the same files "
                    "under the same paths",
                )
        return packed, errors

    def _retried(self) -> Any:
        from distributed import CancelledError

        for _ in range(_RETRIES):
            try:
                return self._result.result()
            except CancelledError:
                # All workers that had the model have ended, or the scheduler has.
                try:
                    self._sent.send_again(self._model)
                except Exception as error:
                    raise self._given_up(error) from error
                self._submit()
            except Exception as error:
                raise self._given_up(error) from error
        raise self._given_up(None)

    def _given_up(self, error: Exception | None) -> WorkersEndedError:
        reason = "all workers ended again and again" if error is None else one_line(error)
        return WorkersEndedError(
            f"{self._sent.client.scheduler.address}: the cluster cannot read {self._names[0]} and "
            f"the {len(self._names) - 1} images after it ({reason}); look at its logs"
        )


def _process_there(
    model: Pipeline, work: Work, folder: str, names: Sequence[str]
) -> tuple[Any, dict[int, SkcaptchaError], list[int], str]:
    """Process a batch on a worker, and say which files that worker does not see."""
    from distributed import get_worker

    # There is a process or a thread for each core already.
    cv2.setNumThreads(1)
    with _ONE_AT_A_TIME:
        packed, errors = work(model, [os.path.join(folder, name) for name in names])
    unseen = [
        i
        for i, error in errors.items()
        if isinstance(error.__cause__, FileNotFoundError | PermissionError)
    ]
    return packed, errors, unseen, get_worker().address
