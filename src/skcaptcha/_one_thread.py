"""Arithmetic that gives the same bits in every process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from threadpoolctl import ThreadpoolController


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
    >>> from skcaptcha._one_thread import one_thread
    >>> with one_thread():
    ...     {library["num_threads"] for library in threadpool_info()}
    {1}
    """
    # Libraries come with modules; to look for them takes longer than to read an image.
    with _controller(len(sys.modules)).limit(limits=1):
        yield


@lru_cache(maxsize=1)
def _controller(n_modules: int) -> ThreadpoolController:
    return ThreadpoolController()
