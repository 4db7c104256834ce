"""How probable it is that a string was read right."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

_LEAST_SLOPE = 0.01
_LEAST_SHARPNESS = 0.1


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

    @property
    def sharpness(self) -> float:
        """What a unit of score is worth where strings or characters compete for one captcha."""
        return max(self.slope, _LEAST_SHARPNESS)


UNCALIBRATED = Confidence(1.0, 0.0)


def calibrate(margins: NDArray[np.float64], right: NDArray[np.bool_]) -> Confidence:
    """Learn how probable it is that a reading is right (Platt scaling).

    Parameters
    ----------
    margins : ndarray of shape (n,), n >= 1
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
    n_right, n_wrong = int(right.sum()), int(len(right) - right.sum())
    # As Platt does: no label counts as certain, or a few readings without an error would promise
    # certainty. And whatever is not ahead at all is as likely wrong as right.
    target = np.where(right, (n_right + 1) / (n_right + 2), 1 / (n_wrong + 2))
    margin = np.concatenate([margins, margins, [0.0, 0.0]])
    truth = np.repeat([True, False, True, False], [len(right), len(right), 1, 1])
    weight = np.concatenate([target, 1 - target, [0.5, 0.5]])
    fitted = LogisticRegression(C=100.0).fit(margin[:, None], truth, sample_weight=weight)
    slope, intercept = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    if slope < _LEAST_SLOPE:
        # The margin says nothing of these readings, or the contrary of what it must.
        slope = _LEAST_SLOPE
        intercept = float(logit((n_right + 1) / (len(right) + 2)) - slope * margins.mean())
    return Confidence(slope, intercept)
