"""The check that labels and readings are strings, which everything that takes them makes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from skcaptcha.errors import ReadingError


def as_texts(y: ArrayLike, name: str = "labels") -> list[str]:
    """Check that all of y are strings.

    Parameters
    ----------
    y : array-like of n str
    name : str, default="labels"
        What the error is to call it.

    Returns
    -------
    texts : list of n str

    Raises
    ------
    ReadingError
        If it is a single string, or one of y is anything else: a number, bytes or None.

    Examples
    --------
    >>> from skcaptcha._texts import as_texts
    >>> as_texts(["0412", 412])
    Traceback (most recent call last):
        ...
    skcaptcha.errors.ReadingError: labels must hold strings, found 412 (int) at 1
    """
    if isinstance(y, str):
        raise ReadingError(f"{name} is a single string; wrap it in a list")
    # As objects: an array of strings would silently turn 12 into "12", a missing label into "nan".
    texts: list[Any] = np.asarray(y, dtype=object).ravel().tolist()
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            raise ReadingError(
                f"{name} must hold strings, found {text!r} ({type(text).__name__}) at {i}"
            )
    return texts
