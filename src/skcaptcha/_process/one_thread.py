"""Arithmetic that gives the same bits in every process."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from threadpoolctl import ThreadpoolController

_Threads = list[tuple[Any, int | None]]  # libraries, and how many they had


class _BlasLimit:
    """Is in force as long as anybody needs it, since it holds for all threads of the process.

    In some versions of OpenBLAS a thread that did not end the limit itself keeps it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._before: _Threads = []

    def acquire(self) -> None:
        with self._lock:
            if not self._users:
                self._before = _limit("blas")
            self._users += 1

    def release(self) -> None:
        with self._lock:
            self._users -= 1
            if not self._users:
                _restore(self._before)


_BLAS_LIMIT = _BlasLimit()


@contextmanager
def one_thread() -> Iterator[None]:
    """Have the libraries of linear algebra compute in one thread.

    With more, the last bits of a sum depend on how many there are, and on what else the machine
    does: a worker, which has but its share of the cores, would learn something else than the main
    process. The work is shared out among processes instead.

    Examples
    --------
    >>> import numpy as np
    >>> from threadpoolctl import threadpool_info
    >>> from skcaptcha._process.one_thread import one_thread
    >>> with one_thread():
    ...     {library["num_threads"] for library in threadpool_info()}
    {1}
    """
    _BLAS_LIMIT.acquire()
    try:
        # OpenMP has one limit for each thread.
        before = _limit("openmp")
        try:
            yield
        finally:
            _restore(before)
    finally:
        _BLAS_LIMIT.release()


def _limit(user_api: str) -> _Threads:
    """Do as `ThreadpoolController.limit` does, which describes all libraries and takes longer."""
    before: _Threads = []
    # Libraries come with modules; to look for them takes longer than to read an image.
    for library in _libraries(len(sys.modules)):
        if library.user_api == user_api and (n := library.num_threads) != 1:
            library.set_num_threads(1)
            before.append((library, n))
    return before


def _restore(before: _Threads) -> None:
    for library, n in before:
        if n is not None:
            library.set_num_threads(n)


@lru_cache(maxsize=1)
def _libraries(n_modules: int) -> list[Any]:
    return list(ThreadpoolController().lib_controllers)
