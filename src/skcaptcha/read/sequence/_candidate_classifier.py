"""Emission scores of candidates: log-odds of each character against blank."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from skcaptcha.read.inference import FittedClassifier

BLANK = ""
"""Class of candidates that are not characters, but lie between them."""

# Matrix products round depending on the shape of their factors. In blocks of one shape, the score
# of a candidate does not depend on the rest of the batch.
_BLOCK_SIZE = 256
_MIN_SCORE = -14.0


class ScaledClassifier:
    """A classifier on features of zero mean and, all together, unit variance."""

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def fit(self, values: NDArray[np.float32], names: NDArray[np.str_]) -> Self:
        """Fit the classifier to features (m, d) and to characters or `BLANK` (m,)."""
        self.center = values.mean(axis=0)
        deviation = float(values.std(axis=0, dtype=np.float64).mean())
        self.scale = np.float32(1 / deviation if deviation > 0 else 1)
        self.classes = np.unique(names)
        if len(self.classes) > 1:
            with warnings.catch_warnings():
                # The user limits the number of iterations on purpose.
                warnings.simplefilter("ignore", ConvergenceWarning)
                # Many characters that occur once do not make this a regression.
                warnings.filterwarnings("ignore", "The number of unique classes")
                self.estimator.fit((values - self.center) * self.scale, names)
        return self

    def log_scores(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the scores (m, n_classes) of features (m, d) on the scale of logarithms."""
        scores = np.zeros((len(values), len(self.classes)))
        if len(self.classes) > 1:
            fitted = FittedClassifier(self.estimator)
            block = np.zeros((_BLOCK_SIZE, values.shape[1]), dtype=np.float32)
            for first in range(0, len(values), _BLOCK_SIZE):
                part = values[first : first + _BLOCK_SIZE]
                own = block[: len(part)]
                np.subtract(part, self.center, out=own, casting="unsafe")
                own *= self.scale
                scores[first : first + len(part)] = fitted.classify(block).log_scores()[: len(part)]
        return np.maximum(scores, _MIN_SCORE, out=scores)


class CandidateClassifier:
    """Ensemble that distinguishes characters from each other and from blank.

    The members average their probabilities, or the scores they have instead. All were fitted to
    the same characters; ``classes`` may hold more characters than the members have seen.
    """

    def __init__(self, members: Sequence[ScaledClassifier], classes: NDArray[np.str_]) -> None:
        self.members = members
        self.classes = classes

    def emission_scores(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the log-odds (m, n_classes) of each character against blank for features (m, d).

        Characters that the members have not seen get ``-inf``.
        """
        expected = len(self.members[0].center)
        if values.shape[1] != expected:
            raise ValueError(
                f"expected {expected} features, as in training; found {values.shape[1]}. Use the "
                "pipeline that the reader was fitted in"
            )
        scores = self.members[0].log_scores(values)
        for member in self.members[1:]:
            np.logaddexp(scores, member.log_scores(values), out=scores)
        scores -= np.log(len(self.members))
        known = self.members[0].classes
        emissions = np.full((len(values), len(self.classes)), -np.inf)
        character = known != BLANK
        emissions[:, np.searchsorted(self.classes, known[character])] = scores[:, character]
        if not character.all():
            emissions -= scores[:, ~character]
        return emissions
