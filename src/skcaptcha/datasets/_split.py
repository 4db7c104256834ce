"""Captchas to train on, and the rest to test on."""

import math
from collections.abc import Callable

import numpy as np
from sklearn.utils import Bunch, check_random_state

from skcaptcha.datasets._load import parse_range
from skcaptcha.exceptions import DatasetError
from skcaptcha.images._duplicates import find_duplicates


def split_captchas(
    bunch: Bunch,
    train: str | float | int,
    test: str | float | int | None = None,
    *,
    random_state: int | np.random.RandomState | None = 0,
) -> tuple[Bunch, Bunch]:
    """Divide captchas into some to train on and others to test on.

    Copies of an image, which have the same pixels, are never divided, unless two ranges ask for it:
    those that come too late for the part that has the others are in neither.

    Parameters
    ----------
    bunch : Bunch
        What `load_captchas` returns.
    train : str, float or int
        A range of positions such as ``"1..4500"`` (from 1, both ends included); or how many
        captchas to choose by chance: a number between 0 and 1 is a share of all of them, rounded
        down, an integer is a count, as in :func:`sklearn.model_selection.train_test_split`.
    test : str, float, int or None, default=None
        The same for testing, a share being rounded up; chance chooses among those that are not
        in a range. None takes all that `train` leaves.
    random_state : int, RandomState or None, default=0
        Seed of the choice.

    Returns
    -------
    train, test : Bunch
        No captcha is in both; each keeps the order of `bunch`.

    Raises
    ------
    DatasetError
        If the two overlap or are more than there are, if one is empty, or if one is neither a
        range, a share nor a count.

    Examples
    --------
    >>> from sklearn.utils import Bunch
    >>> from skcaptcha.datasets import split_captchas
    >>> captchas = Bunch(data=["a.png", "b.png", "c.png", "d.png"])
    >>> train, test = split_captchas(captchas, "1..3")
    >>> train.data, test.data
    (['a.png', 'b.png', 'c.png'], ['d.png'])
    >>> train, test = split_captchas(captchas, 0.5)
    >>> len(train.data), len(test.data)
    (2, 2)
    """
    n = len(bunch.data)
    free = np.ones(n, bool)
    train_at = _positions_of_range("train", train, free)
    test_at = _positions_of_range("test", test, free)
    shuffled = check_random_state(random_state).permutation(np.flatnonzero(free))
    groups = np.arange(n)
    if train_at is None or test_at is None:
        groups = find_duplicates(bunch.data)
        # Copies come one after the other, so that few are lost where the two parts meet.
        _, first, group = np.unique(groups[shuffled], return_index=True, return_inverse=True)
        shuffled = shuffled[np.argsort(first[group], kind="stable")]
    if test_at is not None:
        shuffled = _without_duplicates(shuffled, test_at, groups)
    if train_at is None:
        train_at = _first("train", train, math.floor, shuffled, n)
    if test_at is None:
        shuffled = _without_duplicates(shuffled, train_at, groups)
        test_at = shuffled if test is None else _first("test", test, math.ceil, shuffled, n)
    for name, positions in (("train", train_at), ("test", test_at)):
        if not len(positions):
            raise DatasetError(f"{name}: none of the {n} captchas are left for it; ask for fewer")
    return _take(bunch, np.sort(train_at)), _take(bunch, np.sort(test_at))


def _without_duplicates(positions: np.ndarray, of: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Leave out captchas that are among others, or are duplicates of these."""
    left: np.ndarray = positions[~np.isin(groups[positions], groups[of])]
    return left


def _positions_of_range(name: str, part: object, free: np.ndarray) -> np.ndarray | None:
    """Positions of a range, which are then no longer free; None for what is no range."""
    if not isinstance(part, str):
        return None
    start, stop = parse_range(part, len(free), where="this data")
    if not free[start:stop].all():
        both = 1 + start + np.flatnonzero(~free[start:stop])
        raise DatasetError(
            f"{name}: the range {part} overlaps the other one, first at {both[0]}; "
            "no captcha may be trained and tested on"
        )
    free[start:stop] = False
    return np.arange(start, stop)


def _first(
    name: str, part: object, rounding: Callable[[float], int], shuffled: np.ndarray, n: int
) -> np.ndarray:
    """As many of the shuffled positions as a share or a count asks for."""
    if isinstance(part, int) and not isinstance(part, bool) and part > 0:
        count = part
    elif isinstance(part, float) and 0 < part < 1:
        # A share that ought to be whole (0.29 of 100) may miss it by the last bit.
        count = rounding(round(part * n, 9))
    else:
        raise DatasetError(
            f"{name} must be a range such as 1..{n}, a share between 0 and 1, or a count; "
            f"found {part!r}"
        )
    if count > len(shuffled):
        raise DatasetError(
            f"{name}: asks for {count} captchas, and {len(shuffled)} of the {n} are left; "
            "ask for fewer"
        )
    return shuffled[:count]


def _take(bunch: Bunch, positions: np.ndarray) -> Bunch:
    return type(bunch)(
        **{
            key: values[positions]
            if isinstance(values, np.ndarray)
            else [values[i] for i in positions]
            for key, values in bunch.items()
        }
    )
