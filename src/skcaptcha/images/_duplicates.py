"""Duplicate images, which must not be split between training and validation."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold, KFold

from skcaptcha.exceptions import DatasetError
from skcaptcha.images._batch import ImageBatch


def group_by_digest(digests: Iterable[object]) -> NDArray[np.intp]:
    """Return for each of n digests the index of the first one that equals it, as shape (n,)."""
    first: dict[object, int] = {}
    return np.array(
        [first.setdefault(digest, i) for i, digest in enumerate(digests)], dtype=np.intp
    )


def group_duplicate_rows(rows: NDArray[Any], offsets: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return for each of n captchas the index of the first one with equal rows, as shape (n,).

    Captcha i has the rows ``rows[offsets[i]:offsets[i + 1]]``.
    """
    parts = itertools.pairwise(offsets.tolist())
    return group_by_digest(sha256(rows[first:last].tobytes()).digest() for first, last in parts)


def find_duplicates(X: Sequence[Any]) -> NDArray[np.intp]:
    """Return for each of n images the index of the first one with the same pixels, as shape (n,).

    The format of the files does not matter, except that animations are compared by their content.
    A source that cannot be decoded has no duplicates.
    """
    return group_by_digest(_digest_or_index(source, i) for i, source in enumerate(X))


def _digest_or_index(source: Any, i: int) -> str | int:
    (image,) = ImageBatch([source])
    return image.digest or i


def group_folds(
    groups: NDArray[np.intp],
    n_splits: int,
    *,
    shuffle: bool = True,
    random_state: int | np.random.RandomState | None = 0,
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Return the train and test indices of each fold; equal groups are in the same fold.

    If all groups differ, the folds are those of `sklearn.model_selection.KFold`. Raise
    DatasetError if there are fewer groups than folds.
    """
    n_groups = len(np.unique(groups))
    if n_groups == len(groups):
        cv = KFold(n_splits, shuffle=shuffle, random_state=random_state)
        return list(cv.split(groups))
    if n_groups < n_splits:
        raise DatasetError(
            f"{n_splits} folds need at least {n_splits} different captchas, found {n_groups}: the "
            f"other {len(groups) - n_groups} are duplicates of these"
        )
    grouped = GroupKFold(n_splits, shuffle=shuffle, random_state=random_state)
    return list(grouped.split(groups, groups=groups))
