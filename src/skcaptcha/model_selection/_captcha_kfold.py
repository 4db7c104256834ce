"""Cross-validation that keeps duplicate images in the same fold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import KFold

from skcaptcha.images._duplicates import find_duplicates, group_folds


class CaptchaKFold(KFold):
    """K-fold cross-validator that keeps duplicate images in the same fold.

    A captcha that is in the training set too is read right by memory, so that cross-validation
    would promise more than a model can do. Captchas are duplicates if they have the same pixels. If
    there are no duplicates, the folds are those of :class:`sklearn.model_selection.KFold`.

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
    >>> from skcaptcha.datasets import make_line_captchas
    >>> from skcaptcha.model_selection import CaptchaKFold
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
        yield from group_folds(
            find_duplicates(X), self.n_splits, shuffle=self.shuffle, random_state=self.random_state
        )
