"""What every reader takes: segments with features, and labels that are strings."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skcaptcha.base import as_texts
from skcaptcha.exceptions import ReadingError
from skcaptcha.segments import Segments


def check_values(X: Segments) -> NDArray[np.float32]:
    """Give the features of segments.

    Parameters
    ----------
    X : Segments of n captchas and m segments

    Returns
    -------
    values : ndarray of shape (m, d)

    Raises
    ------
    TypeError
        If X is something else.
    ValueError
        If the segments have no features, or not one row of them for each segment.
    """
    if not isinstance(X, Segments):
        raise TypeError(f"a reader takes Segments with features, found {type(X).__name__}")
    if X.values is None:
        raise ValueError(
            "these segments have no features: put a features step, such as HOG, before the reader"
        )
    if np.ndim(X.values) != 2:
        found = np.shape(X.values)
        raise ValueError(f"expected values of shape (m, d), found {found}. Reshape your data")
    if np.iscomplexobj(X.values):
        raise ValueError("Complex data not supported: values must be real numbers")
    return X.values


def check_texts(y: ArrayLike, n: int) -> NDArray[np.str_]:
    """Check that labels are n strings.

    Parameters
    ----------
    y : array-like
    n : int

    Returns
    -------
    texts : ndarray of shape (n,), dtype str

    Raises
    ------
    ReadingError
        If they are not; names the first that is no string.
    """
    if y is None:
        raise ReadingError("a reader requires y to be passed, but the target y is None")
    labels = as_texts(y)
    if len(labels) != n:
        raise ReadingError(f"{n} captchas need as many labels, found {len(labels)}")
    return np.array(labels, dtype=np.str_)
