"""Images that are there more than once, which must not be learnt from and judged by alike."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold, KFold

from skcaptcha.errors import DatasetError, ImageError
from skcaptcha.images import decode


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
    >>> from skcaptcha._copies import groups_of_copies
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
    >>> from skcaptcha._copies import groups_of_rows
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
    >>> from skcaptcha._copies import find_copies
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


class CaptchaKFold(KFold):
    """K-fold cross-validator that keeps copies of an image in one fold.

    A captcha that is in the training set too is read right by memory, so that cross-validation
    would promise more than a model can do. Captchas are copies if they have the same pixels. If no
    captcha has a copy, the folds are those of :class:`sklearn.model_selection.KFold`.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.
    shuffle : bool, default=False
        Whether to draw the folds by chance.
    random_state : int, RandomState or None, default=None
        Seed of the folds, with `shuffle`.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.datasets import CaptchaKFold, make_line_captchas
    >>> images, labels = make_line_captchas(3, random_state=0)
    >>> twice = np.concatenate([images, images])
    >>> sorted(test.tolist() for train, test in CaptchaKFold(3).split(twice))
    [[0, 3], [1, 4], [2, 5]]
    """

    def split(
        self, X: Sequence[Any], y: Any = None, groups: Any = None
    ) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Give the folds.

        Parameters
        ----------
        X : sequence of n captchas
            Paths, bytes, PIL images or arrays.
        y, groups : object
            Ignored.

        Yields
        ------
        train, test : ndarrays of int
            What to learn from, and what to read.

        Raises
        ------
        DatasetError
            If there are fewer different captchas than folds.
        """
        yield from distinct_folds(
            find_copies(X), self.n_splits, shuffle=self.shuffle, random_state=self.random_state
        )
