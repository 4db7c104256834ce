"""One random generator per captcha, so that captcha i is the same however many are made."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
from sklearn.utils import check_random_state

_advance: ContextVar[Callable[[int], None]] = ContextVar("advance", default=lambda n: None)


@contextmanager
def telling(advance: Callable[[int], None]) -> Iterator[None]:
    """Have generators of captchas say meanwhile how far they are.

    Parameters
    ----------
    advance : callable
        Is given the number of captchas that are made since the last call.
    """
    token = _advance.set(advance)
    try:
        yield
    finally:
        _advance.reset(token)


def captcha_generators(
    n_samples: int, random_state: int | np.random.RandomState | None
) -> Iterator[np.random.Generator]:
    """Yield an independent generator for each captcha.

    Parameters
    ----------
    n_samples : int
        Number of generators.
    random_state : int, RandomState or None
        Seed of the whole batch, as scikit-learn understands it.

    Yields
    ------
    numpy.random.Generator
        The i-th one depends on ``random_state`` and on i alone.
    """
    seed = int(check_random_state(random_state).randint(2**31))
    for index in range(n_samples):
        yield np.random.default_rng((seed, index))
        _advance.get()(1)
