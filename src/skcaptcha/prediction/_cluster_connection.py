"""Connection to a Dask cluster whose workers compute the same results as this process."""

# ruff: noqa: PLC0415 - distributed is an optional dependency

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from skcaptcha.exceptions import SkcaptchaError

if TYPE_CHECKING:
    from distributed import Client

_ADDRESS = re.compile(r"(tcp|tls|ucx|wss?)://.+:[0-9]+/?")
_IMPORT_ERRORS = ("ImportError(", "ModuleNotFoundError(", "AttributeError(")
_TIMEOUT = 5  # seconds


@contextmanager
def connect_to_cluster(scheduler: str | None) -> Iterator[Client | None]:
    """Connect to a Dask cluster and check that its workers have the same versions as this process.

    Parameters
    ----------
    scheduler : str or None
        Address of the scheduler, such as ``"tcp://host:8786"``. None means no cluster.

    Yields
    ------
    client : distributed.Client or None
        Closed at the end of the context. None if `scheduler` is None.

    Raises
    ------
    SkcaptchaError
        If no scheduler answers at this address, if it has no workers, or if a worker has other
        versions of the packages that results depend on.

    Examples
    --------
    >>> from skcaptcha.prediction import connect_to_cluster
    >>> with connect_to_cluster("host"):
    ...     pass
    Traceback (most recent call last):
        ...
    skcaptcha.exceptions.SkcaptchaError: host: not an address of a Dask scheduler, such as
    tcp://host:8786
    """
    if scheduler is None:
        yield None
        return
    if not _ADDRESS.fullmatch(scheduler):
        raise SkcaptchaError(
            f"{scheduler}: not an address of a Dask scheduler, such as tcp://host:8786"
        )
    try:
        import distributed
    except ImportError:
        raise SkcaptchaError(
            "a Dask cluster needs distributed, which is not installed; "
            "pip install 'skcaptcha[dask]'"
        ) from None
    # Errors of the connection are raised below, each as one sentence.
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=distributed.versions.VersionMismatchWarning)
        try:
            client = distributed.Client(scheduler, timeout=_TIMEOUT, set_as_default=False)
        except OSError as error:
            raise SkcaptchaError(
                f"{scheduler}: no Dask scheduler answers at this address ({one_line(error)}); "
                "start one with `dask scheduler`, or correct the address"
            ) from error
    try:
        try:
            client.wait_for_workers(1, timeout=_TIMEOUT)
        except TimeoutError:
            raise SkcaptchaError(
                f"{scheduler}: this scheduler has no workers; start some with "
                f"dask worker {scheduler} --nworkers -1 --nthreads 1"
            ) from None
        check_versions(scheduler, client.run(versions, on_error="return"))
        yield client
    finally:
        with suppress(TimeoutError):
            client.close(timeout=_TIMEOUT)


def check_versions(scheduler: str, answers: Mapping[str, dict[str, str] | Exception]) -> None:
    """Check that the workers have the same versions as this process.

    `answers` maps the address of each worker to what `versions` returned or raised there. Workers
    that have ended in the meantime are ignored, but at least one worker must be left.
    """
    here = versions()
    n_ended = 0
    for worker, there in answers.items():
        # An older version may lack the function. What Dask cannot pickle arrives as its repr.
        if isinstance(there, Exception) and (
            isinstance(there, ImportError | AttributeError) or str(there).startswith(_IMPORT_ERRORS)
        ):
            raise SkcaptchaError(
                f"worker {worker}: skcaptcha cannot be imported there ({one_line(there)}); "
                "install the same version as here"
            )
        if isinstance(there, OSError):
            n_ended += 1
            continue
        if isinstance(there, Exception):
            raise SkcaptchaError(
                f"worker {worker}: its versions are unknown ({one_line(there)}); check its logs"
            )
        for name, version in here.items():
            if there.get(name) != version:
                raise SkcaptchaError(
                    f"worker {worker}: has {name} {there.get(name)}, but this process has "
                    f"{version}; install the same version, so that results are the same"
                )
    if n_ended == len(answers):
        raise SkcaptchaError(f"{scheduler}: all of its workers have ended; start new ones")


def versions() -> dict[str, str]:
    """Return the versions of the packages that results depend on."""
    import distributed

    from skcaptcha._process.versions import RESULTS_DEPEND_ON

    return RESULTS_DEPEND_ON | {"distributed": distributed.__version__}


def one_line(error: BaseException) -> str:
    """Return the type and the message of an error on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())
