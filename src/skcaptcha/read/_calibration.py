"""Calibration: from scores to probabilities that can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_softmax, logit
from sklearn.linear_model import LogisticRegression

_MIN_SLOPE = 0.01
_MIN_SCALE = 0.1


class PlattScaling(NamedTuple):
    """Probability that a string is right, as a logistic function of its margin.

    The margin is the score of the best string minus that of the second best.
    """

    slope: float
    intercept: float

    def predict_proba(self, margins: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability of being right for each margin, (n,)."""
        return expit(self.slope * margins + self.intercept)

    @property
    def scale(self) -> float:
        """Factor that converts scores of competing strings or characters to log-odds."""
        return max(self.slope, _MIN_SCALE)


def fit_platt_scaling(margins: NDArray[np.float64], right: NDArray[np.bool_]) -> PlattScaling:
    """Fit the probability of being right to margins (n,) of held-out captchas.

    ``right`` (n,) are the captchas that were read right. Without captchas, the margins are used
    as log-odds.
    """
    if not len(right):
        return PlattScaling(1.0, 0.0)
    n_right, n_wrong = int(right.sum()), int(len(right) - right.sum())
    # Platt's targets: otherwise a few readings without an error would promise certainty. Two more
    # readings make the probability one half at a margin of 0.
    target = np.where(right, (n_right + 1) / (n_right + 2), 1 / (n_wrong + 2))
    margin = np.concatenate([margins, margins, [0.0, 0.0]])
    truth = np.repeat([True, False, True, False], [len(right), len(right), 1, 1])
    weight = np.concatenate([target, 1 - target, [0.5, 0.5]])
    fitted = LogisticRegression(C=100.0).fit(margin[:, None], truth, sample_weight=weight)
    slope, intercept = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    if slope < _MIN_SLOPE:
        # These margins are not informative, or even misleading.
        slope = _MIN_SLOPE
        intercept = float(logit((n_right + 1) / (len(right) + 2)) - slope * margins.mean())
    return PlattScaling(slope, intercept)


def fit_temperature(
    scores: Sequence[NDArray[np.float64]],
    targets: Sequence[NDArray[np.intp]],
    bias: ArrayLike = 0.0,
) -> float:
    """Return the temperature T that makes the targets most likely under softmax(scores / T + bias).

    ``scores`` are arrays (n_i, k_i) of held-out samples, one for each fold, and ``targets`` (n_i,)
    the right columns.
    """
    # With few samples and no error, the temperature would become 0. As in Platt scaling, one
    # imaginary error, shared by all classes, prevents that.
    smoothing = 1 / (sum(map(len, targets)) + 2)

    def loss(log_temperature: float) -> float:
        total = 0.0
        for of_fold, target in zip(scores, targets, strict=True):
            logs = log_softmax(of_fold / np.exp(log_temperature) + bias, axis=1)
            total -= (1 - smoothing) * logs[np.arange(len(target)), target].sum()
            total -= smoothing * logs.mean(axis=1).sum()
        return total

    return float(np.exp(minimize_scalar(loss, bounds=(-10.0, 10.0), method="bounded").x))
