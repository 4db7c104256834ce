"""Images that are there more than once, which must not be learned from and judged by alike."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold, KFold

from skcaptcha.exceptions import DatasetError, ImageError
from skcaptcha.images._decoder import decode


def pixel_digest(image: NDArray[np.uint8]) -> str:
    """Name an image by its pixels.

    Parameters
    ----------
    image : ndarray of shape (h, w) or (h, w, 3), dtype uint8

    Returns
    -------
    digest : str
        The same for images of the same shape and pixels.
    """
    return sha256(repr(image.shape).encode() + np.ascontiguousarray(image).tobytes()).hexdigest()


def groups_of_copies(digests: Iterable[object]) -> NDArray[np.intp]:
    """Number captchas so that copies have one number: that of the first of them.

    Parameters
    ----------
    digests : iterable of n hashable
        Equal for copies.

    Returns
    -------
    groups : ndarray of shape (n,)

    Examples
    --------
    >>> from skcaptcha.images._copies import groups_of_copies
    >>> groups_of_copies(["p", "q", "p"])
    array([0, 1, 0])
    """
    first: dict[object, int] = {}
    return np.array(
        [first.setdefault(digest, i) for i, digest in enumerate(digests)], dtype=np.intp
    )


def groups_of_rows(rows: NDArray[Any], offsets: NDArray[np.intp]) -> NDArray[np.intp]:
    """Number captchas so that those with equal rows have one number.

    Parameters
    ----------
    rows : ndarray of shape (m, d)
        Those of all captchas.
    offsets : ndarray of shape (n + 1,)
        Where the rows of each captcha begin and end.

    Returns
    -------
    groups : ndarray of shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.images._copies import groups_of_rows
    >>> groups_of_rows(np.array([[1], [2], [2], [1], [2]]), np.array([0, 2, 3, 5]))
    array([0, 1, 0])
    """
    parts = itertools.pairwise(offsets.tolist())
    return groups_of_copies(sha256(rows[first:last].tobytes()).digest() for first, last in parts)


def find_copies(X: Sequence[Any]) -> NDArray[np.intp]:
    """Find the captchas of the same pixels, in whatever format their files are.

    Parameters
    ----------
    X : sequence of n captchas
        Paths, bytes, PIL images or arrays.

    Returns
    -------
    groups : ndarray of shape (n,)
        For each captcha the first one of the same pixels. What is no image is like no other.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.images._copies import find_copies
    >>> a, b = np.zeros((2, 3), np.uint8), np.zeros((3, 2), np.uint8)
    >>> find_copies([a, b, a.copy(), b"no image", b"no image"])
    array([0, 1, 0, 3, 4])
    """
    return groups_of_copies(_digest_or_number(source, i) for i, source in enumerate(X))


def _digest_or_number(source: Any, i: int) -> str | int:
    try:
        return pixel_digest(decode(source))
    except ImageError:
        return i


def distinct_folds(
    groups: NDArray[np.intp],
    n_splits: int,
    *,
    shuffle: bool = True,
    random_state: int | np.random.RandomState | None = 0,
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Divide captchas into folds so that copies are in one.

    Parameters
    ----------
    groups : ndarray of shape (n,)
        Equal for copies. If all differ, the folds are those of `sklearn.model_selection.KFold`.
    n_splits : int >= 2
    shuffle : bool, default=True
    random_state : int, RandomState or None, default=0

    Returns
    -------
    splits : list of pairs of index arrays
        What to learn from, and what to read.

    Raises
    ------
    DatasetError
        If there are fewer different captchas than folds.
    """
    n_different = len(np.unique(groups))
    if n_different == len(groups):
        cv = KFold(n_splits, shuffle=shuffle, random_state=random_state)
        return list(cv.split(groups))
    if n_different < n_splits:
        raise DatasetError(
            f"{n_splits} folds need as many different captchas, found {n_different}: the other "
            f"{len(groups) - n_different} are copies of them"
        )
    grouped = GroupKFold(n_splits, shuffle=shuffle, random_state=random_state)
    return list(grouped.split(groups, groups=groups))
