"""What a classifier says of candidates: characters, or something between characters."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from skcaptcha.read._evidence import FittedClassifier

BETWEEN = ""

# Matrix products round by the shape of their factors. In blocks of one shape, what is said of a
# candidate does not depend on what else is in the batch.
_ROWS_AT_ONCE = 256
_LEAST_SCORE = -14.0


class Member:
    """A classifier and what its features are brought to: zero mean and, together, unit variance.

    Parameters
    ----------
    estimator : classifier
        Not fitted.
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def fit(self, values: NDArray[np.float32], names: NDArray[np.str_]) -> Self:
        """Fit the classifier.

        Parameters
        ----------
        values : ndarray of shape (m, d), dtype float32
        names : ndarray of shape (m,)
            The character that each is, or "" for what lies between.

        Returns
        -------
        self
        """
        self.center = values.mean(axis=0)
        deviation = float(values.std(axis=0, dtype=np.float64).mean())
        self.scale = np.float32(1 / deviation if deviation > 0 else 1)
        self.known = np.unique(names)
        if len(self.known) > 1:
            with warnings.catch_warnings():
                # Who limits the iterations has a reason.
                warnings.simplefilter("ignore", ConvergenceWarning)
                # Characters that occur once are no sign of a regression.
                warnings.filterwarnings("ignore", "The number of unique classes")
                self.estimator.fit((values - self.center) * self.scale, names)
        return self

    def log_scores(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Score each class that it has seen, on the scale of logarithms.

        Parameters
        ----------
        values : ndarray of shape (m, d), dtype float32

        Returns
        -------
        scores : ndarray of shape (m, known)
        """
        scores = np.zeros((len(values), len(self.known)))
        if len(self.known) > 1:
            fitted = FittedClassifier(self.estimator)
            block = np.zeros((_ROWS_AT_ONCE, values.shape[1]), dtype=np.float32)
            for first in range(0, len(values), _ROWS_AT_ONCE):
                part = values[first : first + _ROWS_AT_ONCE]
                own = block[: len(part)]
                np.subtract(part, self.center, out=own, casting="unsafe")
                own *= self.scale
                scores[first : first + len(part)] = fitted(block).log_scores()[: len(part)]
        return np.maximum(scores, _LEAST_SCORE, out=scores)


class CandidateClassifier:
    """Fitted classifiers that tell characters from each other and from what lies between them.

    They have one voice: the mean of their probabilities, or of what they offer instead.

    Parameters
    ----------
    members : sequence of Member
        Fitted, all to the same characters.
    classes : ndarray of shape (n_classes,)
        All characters, whether the members have seen them or not.
    """

    def __init__(self, members: Sequence[Member], classes: NDArray[np.str_]) -> None:
        self.members = members
        self.classes = classes

    def log_odds(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Say how much more probable each character is than something between characters.

        Parameters
        ----------
        values : ndarray of shape (m, d), dtype float32

        Returns
        -------
        log_odds : ndarray of shape (m, n_classes)
            Natural logarithms; ``-inf`` for characters that the members have not seen.
        """
        expected = len(self.members[0].center)
        if values.shape[1] != expected:
            raise ValueError(
                f"expected {expected} features, as in training; found {values.shape[1]}"
            )
        scores = self.members[0].log_scores(values)
        for member in self.members[1:]:
            np.logaddexp(scores, member.log_scores(values), out=scores)
        scores -= np.log(len(self.members))
        known = self.members[0].known
        log_odds = np.full((len(values), len(self.classes)), -np.inf)
        character = known != BETWEEN
        log_odds[:, np.searchsorted(self.classes, known[character])] = scores[:, character]
        if not character.all():
            log_odds -= scores[:, ~character]
        return log_odds
