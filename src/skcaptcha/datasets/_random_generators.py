"""One random generator per captcha: captcha i does not depend on the number of captchas."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
from sklearn.utils import check_random_state

_advance: ContextVar[Callable[[int], None]] = ContextVar("advance", default=lambda n: None)


@contextmanager
def report_progress(advance: Callable[[int], None]) -> Iterator[None]:
    """Make generators call a function with the number of captchas made since its last call."""
    token = _advance.set(advance)
    try:
        yield
    finally:
        _advance.reset(token)


def captcha_generators(
    n_samples: int, random_state: int | np.random.RandomState | None
) -> Iterator[np.random.Generator]:
    """Yield an independent generator for each captcha; the i-th depends on seed and i only."""
    seed = int(check_random_state(random_state).randint(2**31))
    for index in range(n_samples):
        yield np.random.default_rng((seed, index))
        _advance.get()(1)
