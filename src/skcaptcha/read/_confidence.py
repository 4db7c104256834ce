"""How probable it is that a string was read right."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression


class Confidence(NamedTuple):
    """Probability that a reading is right, from how far ahead of all others it is.

    Attributes
    ----------
    slope, intercept : float
        The log-odds of being right are ``slope * margin + intercept``.
    """

    slope: float
    intercept: float

    def __call__(self, margins: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the probability of being right for each margin."""
        return expit(self.slope * margins + self.intercept)


UNCALIBRATED = Confidence(1.0, 0.0)


def calibrate(margins: NDArray[np.float64], right: NDArray[np.bool_]) -> Confidence:
    """Learn how probable it is that a reading is right (Platt scaling).

    Parameters
    ----------
    margins : ndarray of shape (n,)
        By how much the best string's score exceeds that of the second best.
    right : ndarray of shape (n,), dtype bool
        Whether captchas that the classifier was not fitted to were read right.

    Returns
    -------
    confidence : Confidence

    References
    ----------
    J. Platt, "Probabilistic outputs for support vector machines and comparisons to regularized
    likelihood methods", Advances in Large Margin Classifiers, MIT Press, 1999.
    """
    # As Platt does: one imagined reading of each kind, or a few labels read without an error would
    # promise certainty.
    margin = np.concatenate([margins, [margins.max(initial=0.0), 0.0]])[:, None]
    target = np.concatenate([right, [False, True]])
    weight = np.concatenate([np.ones(len(right)), [0.5, 0.5]])
    fitted = LogisticRegression(C=100.0).fit(margin, target, sample_weight=weight)
    return Confidence(max(float(fitted.coef_[0, 0]), 0.0), float(fitted.intercept_[0]))
