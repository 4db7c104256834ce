"""What a classifier says of candidates: characters, or something between characters."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from skcaptcha.read._evidence import log_scores

BETWEEN = ""

# Matrix products round by the shape of their factors. In blocks of one shape, what is said of a
# candidate does not depend on what else is in the batch.
_ROWS_AT_ONCE = 256
_LEAST_SCORE = -14.0


class CandidateClassifier:
    """A classifier that tells characters from each other and from what lies between them.

    Several estimators have one voice together: the mean of their probabilities.

    Parameters
    ----------
    estimators : sequence of classifiers
        Not fitted. They are given values of zero mean and, all features together, unit variance.
    classes : ndarray of shape (n_classes,)
        All characters, whether the classifier will see them or not.
    """

    def __init__(self, estimators: Sequence[Any], classes: NDArray[np.str_]) -> None:
        self.estimators = estimators
        self.classes = classes

    def fit(self, samples: Iterable[tuple[NDArray[np.float32], NDArray[np.str_]]]) -> Self:
        """Fit the classifier.

        Parameters
        ----------
        samples : iterable of pairs
            For each estimator: values, of shape (m, d), and the character that each is, or "" for
            what lies between. All name the same characters.

        Returns
        -------
        self
        """
        for k, (values, names) in enumerate(samples):
            if k == 0:
                self.center = values.mean(axis=0)
                deviation = float(values.std(axis=0, dtype=np.float64).mean())
                self.scale = np.float32(1 / deviation if deviation > 0 else 1)
                self.known = np.unique(names)
            if len(self.known) > 1:
                with warnings.catch_warnings():
                    # Who limits the iterations has a reason.
                    warnings.simplefilter("ignore", ConvergenceWarning)
                    self.estimators[k].fit((values - self.center) * self.scale, names)
        return self

    def log_odds(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Say how much more probable each character is than something between characters.

        Parameters
        ----------
        values : ndarray of shape (m, d), dtype float32

        Returns
        -------
        log_odds : ndarray of shape (m, n_classes)
            Natural logarithms; ``-inf`` for characters that the classifier has not seen.
        """
        if values.shape[1] != len(self.center):
            raise ValueError(
                f"expected {len(self.center)} features, as in training; found {values.shape[1]}"
            )
        scores = np.zeros((len(values), len(self.known)))
        if len(self.known) > 1:
            block = np.zeros((_ROWS_AT_ONCE, values.shape[1]), dtype=np.float32)
            for first in range(0, len(values), _ROWS_AT_ONCE):
                part = values[first : first + _ROWS_AT_ONCE]
                np.subtract(part, self.center, out=block[: len(part)], casting="unsafe")
                block *= self.scale
                scores[first : first + len(part)] = self._log_scores(block)[: len(part)]
        np.maximum(scores, _LEAST_SCORE, out=scores)
        log_odds = np.full((len(values), len(self.classes)), -np.inf)
        character = self.known != BETWEEN
        log_odds[:, np.searchsorted(self.classes, self.known[character])] = scores[:, character]
        if not character.all():
            log_odds -= scores[:, ~character]
        return log_odds

    def _log_scores(self, block: NDArray[np.float32]) -> NDArray[np.float64]:
        each = [log_scores(estimator, block) for estimator in self.estimators]
        return each[0] if len(each) == 1 else np.logaddexp.reduce(each) - np.log(len(each))
