"""A Dask cluster that works for a command."""

# ruff: noqa: PLC0415 - distributed is imported late, since most do without it

from __future__ import annotations

import logging
import os
import re
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import cv2
from sklearn.pipeline import Pipeline

from skcaptcha.cli._batches import Work, Workers, WorkersEndedError
from skcaptcha.cli._reading import why
from skcaptcha.exceptions import ImageError, SkcaptchaError

if TYPE_CHECKING:
    from distributed import Client, Future

_ADDRESS = re.compile(r"(tcp|tls|ucx|wss?)://.+:[0-9]+/?")
_NOT_IMPORTED = ("ImportError(", "ModuleNotFoundError(", "AttributeError(")
_PATIENCE = 5  # seconds
_PATIENCE_WITH_WORKERS = 60
_RETRIES = 3
_WAITING_FOR_EACH = 3  # batches, so that a thread always has the next one at hand
_ONE_AT_A_TIME = threading.Lock()


@contextmanager
def connected(scheduler: str | None) -> Iterator[Client | None]:
    """Connect to a cluster that can do what this process can do.

    Parameters
    ----------
    scheduler : str or None
        Where its scheduler is, such as ``tcp://host:8786``; None: no cluster is wanted.

    Yields
    ------
    client : Client or None

    Raises
    ------
    SkcaptchaError
        If there is no such scheduler, it has no workers, or these have other versions of what
        reading depends on.
    """
    if scheduler is None:
        yield None
        return
    if not _ADDRESS.fullmatch(scheduler):
        raise SkcaptchaError(
            f"--scheduler {scheduler}: this is no address of a Dask scheduler, such as "
            "tcp://host:8786"
        )
    try:
        import distributed
    except ImportError:
        raise SkcaptchaError(
            "--scheduler needs distributed, which is not installed; pip install 'skcaptcha[dask]'"
        ) from None
    # What goes wrong is said here, in one sentence.
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=distributed.versions.VersionMismatchWarning)
        try:
            client = distributed.Client(scheduler, timeout=_PATIENCE, set_as_default=False)
        except OSError as error:
            raise SkcaptchaError(
                f"{scheduler}: no Dask scheduler answers there ({_one_line(error)}); start one "
                "with dask scheduler, or correct --scheduler"
            ) from error
    try:
        _check(client, scheduler)
        yield client
    finally:
        with suppress(TimeoutError):
            client.close(timeout=_PATIENCE)


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
                    f"worker {worker}: {why(errors[i])}; workers must see the same files under "
                    "the same paths",
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
        reason = "all workers ended again and again" if error is None else _one_line(error)
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


def _check(client: Client, scheduler: str) -> None:
    """Refuse a cluster on which results could be others than here."""
    try:
        client.wait_for_workers(1, timeout=_PATIENCE)
    except TimeoutError:
        raise SkcaptchaError(
            f"{scheduler}: this scheduler has no workers; start some with "
            f"dask worker {scheduler} --nworkers -1 --nthreads 1"
        ) from None
    check_versions(scheduler, client.run(versions, on_error="return"))


def check_versions(scheduler: str, answers: Mapping[str, dict[str, str] | Exception]) -> None:
    """Refuse workers that have other versions than this process.

    Parameters
    ----------
    scheduler : str
    answers : mapping of str to dict or Exception
        What each worker gave as its `versions`. Those that ended meanwhile are left out.

    Raises
    ------
    SkcaptchaError
        Names the worker, and what is another there; or no worker is left.
    """
    here = versions()
    ended = 0
    for worker, there in answers.items():
        # An older version may lack the function. What Dask cannot pickle arrives as its repr.
        if isinstance(there, Exception) and (
            isinstance(there, ImportError | AttributeError) or str(there).startswith(_NOT_IMPORTED)
        ):
            raise SkcaptchaError(
                f"worker {worker}: skcaptcha cannot be imported there ({_one_line(there)}); "
                "install the same version as here"
            )
        if isinstance(there, OSError):
            ended += 1
            continue
        if isinstance(there, Exception):
            raise SkcaptchaError(
                f"worker {worker}: does not say which versions it has ({_one_line(there)}); look "
                "at its logs"
            )
        for name, version in here.items():
            if there.get(name) != version:
                raise SkcaptchaError(
                    f"worker {worker}: has {name} {there.get(name)}, but here is {version}; "
                    "install the same, so that results are the same"
                )
    if ended == len(answers):
        raise SkcaptchaError(f"{scheduler}: all of its workers have ended; start others")


def versions() -> dict[str, str]:
    """Give the versions of what results depend on.

    Returns
    -------
    versions : dict of str to str
    """
    import distributed

    from skcaptcha._process.versions import RESULTS_DEPEND_ON

    return RESULTS_DEPEND_ON | {"distributed": distributed.__version__}


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
