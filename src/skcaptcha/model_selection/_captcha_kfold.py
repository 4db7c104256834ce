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

    A model can read a test captcha from memory if its duplicate is in the training set, so that
    cross-validation overestimates the accuracy. Captchas are duplicates if they have the same
    pixels. Without duplicates, the folds are those of :class:`sklearn.model_selection.KFold`.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.
    shuffle : bool, default=False
        Whether to assign captchas to folds at random.
    random_state : int, RandomState or None, default=None
        Seed of the random folds; used if `shuffle` is True.

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
        """Generate the indices of the training and test captchas of each fold.

        Parameters
        ----------
        X : sequence of n captchas
            Paths, bytes, PIL images or arrays.
        y, groups : object
            Ignored.

        Yields
        ------
        train, test : ndarrays of int
            Indices of the training and test captchas.

        Raises
        ------
        DatasetError
            If there are fewer different captchas than folds.
        """
        yield from group_folds(
            find_duplicates(X), self.n_splits, shuffle=self.shuffle, random_state=self.random_state
        )
