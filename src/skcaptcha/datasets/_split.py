"""Splitting captchas into training and test sets."""

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
    """Split captchas into a training set and a test set.

    Duplicates, which are images with the same pixels, are never in both sets, unless two ranges
    require it. A duplicate for which its set has no space left is in neither.

    Parameters
    ----------
    bunch : Bunch
        Captchas from `load_captchas`.
    train : str, float or int
        Range of positions such as ``"1..4500"`` (from 1, both ends included); or the captchas to
        draw at random: a float between 0 and 1 is a fraction of all captchas, rounded down, an
        integer is their number, as in :func:`sklearn.model_selection.train_test_split`.
    test : str, float, int or None, default=None
        The same for the test set, but a fraction is rounded up. Captchas are drawn from those that
        are not in a range. None: all captchas that are not in the training set.
    random_state : int, RandomState or None, default=0
        Seed of the random draws.

    Returns
    -------
    train, test : Bunch
        No captcha is in both; each keeps the order of `bunch`.

    Raises
    ------
    DatasetError
        If the sets overlap, need more captchas than there are or are empty, or if one of them is
        neither a range, a fraction nor a number.

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
        # Duplicates are neighbors, so that few are lost at the boundary of the two sets.
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
            raise DatasetError(
                f"{name}: none of the {n} captchas are left for it; use a smaller size for the "
                "other set"
            )
    return _take(bunch, np.sort(train_at)), _take(bunch, np.sort(test_at))


def _without_duplicates(positions: np.ndarray, of: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the positions that are neither in `of` nor duplicates of those."""
    left: np.ndarray = positions[~np.isin(groups[positions], groups[of])]
    return left


def _positions_of_range(name: str, part: object, free: np.ndarray) -> np.ndarray | None:
    """Return the positions of a range and mark them as used; None if it is not a range."""
    if not isinstance(part, str):
        return None
    start, stop = parse_range(part, len(free), where="this data")
    if not free[start:stop].all():
        both = 1 + start + np.flatnonzero(~free[start:stop])
        raise DatasetError(
            f"{name}: the range {part} overlaps the other one, first at {both[0]}; "
            "use ranges without common captchas"
        )
    free[start:stop] = False
    return np.arange(start, stop)


def _first(
    name: str, part: object, rounding: Callable[[float], int], shuffled: np.ndarray, n: int
) -> np.ndarray:
    """Return the first of the shuffled positions, as many as a fraction or number requires."""
    if isinstance(part, int) and not isinstance(part, bool) and part > 0:
        count = part
    elif isinstance(part, float) and 0 < part < 1:
        # A product that should be whole (0.29 * 100) may differ in its last bit.
        count = rounding(round(part * n, 9))
    else:
        raise DatasetError(
            f"{name} must be a range such as 1..{n}, a fraction between 0 and 1, or a number; "
            f"found {part!r}"
        )
    if count > len(shuffled):
        raise DatasetError(
            f"{name}: requires {count} captchas, but {len(shuffled)} of {n} are left; "
            "use a smaller number"
        )
    return shuffled[:count]


def _take(bunch: Bunch, positions: np.ndarray) -> Bunch:
    return type(bunch)(
        **{
            key: values
            if isinstance(values, bool)
            else values[positions]
            if isinstance(values, np.ndarray)
            else [values[i] for i in positions]
            for key, values in bunch.items()
        }
    )
