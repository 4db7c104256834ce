"""Arithmetic that gives the same bits in every process."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from threadpoolctl import ThreadpoolController

_Threads = list[tuple[Any, int | None]]  # libraries and their previous number of threads


class _BlasLimit:
    """Limit that all threads of the process share; it ends when its last user releases it.

    In some versions of OpenBLAS the limit persists in threads that did not release it themselves.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n_users = 0
        self._before: _Threads = []

    def acquire(self) -> None:
        with self._lock:
            if not self._n_users:
                self._before = _limit("blas")
            self._n_users += 1

    def release(self) -> None:
        with self._lock:
            self._n_users -= 1
            if not self._n_users:
                _restore(self._before)


_BLAS_LIMIT = _BlasLimit()


@contextmanager
def one_thread() -> Iterator[None]:
    """Make linear algebra libraries use a single thread.

    With several threads, the last bits of a sum depend on their number and on the load of the
    machine, so that a model fitted in a worker process would differ from one fitted in the main
    process. The work is divided among processes instead.
    """
    _BLAS_LIMIT.acquire()
    try:
        # OpenMP has a separate limit for each thread.
        before = _limit("openmp")
        try:
            yield
        finally:
            _restore(before)
    finally:
        _BLAS_LIMIT.release()


def _limit(user_api: str) -> _Threads:
    # ThreadpoolController.limit does the same, but describes all libraries, which takes longer.
    before: _Threads = []
    # Libraries are loaded with modules; looking for them takes longer than reading an image.
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
