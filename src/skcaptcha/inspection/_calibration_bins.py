"""Whether the model's confidences match its accuracy."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from skcaptcha.metrics import wilson_interval

_EDGES = (0.0, 0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)


class CalibrationBin(NamedTuple):
    """Predictions of similar confidence.

    Attributes
    ----------
    low, high : float in 0..1
        Bounds of the confidences in this bin.
    n : int
        Number of predictions.
    n_correct : int
        Number of correct predictions.
    confidence : float in 0..1
        Mean confidence.
    accuracy : float in 0..1
        Fraction of correct predictions.
    interval : tuple of two floats in 0..1
        The 95 % Wilson interval of the accuracy.
    """

    low: float
    high: float
    n: int
    n_correct: int
    confidence: float
    accuracy: float
    interval: tuple[float, float]


def calibration_bins(confidences: ArrayLike, correct: ArrayLike) -> list[CalibrationBin]:
    """Compute the accuracy of predictions in bins of similar confidence.

    The bins are narrower for high confidences, where most predictions are. For a well calibrated
    model, the accuracy of each bin is close to its mean confidence.

    Parameters
    ----------
    confidences : array-like of n floats in 0..1
        Confidence of each prediction.
    correct : array-like of n bools
        Whether each prediction is correct.

    Returns
    -------
    bins : list of CalibrationBin
        The bins that are not empty, in order of confidence.

    Examples
    --------
    >>> from skcaptcha.inspection import calibration_bins
    >>> bins = calibration_bins([0.1, 0.99, 1.0], [False, True, True])
    >>> [(b.low, b.high, b.n_correct, b.n) for b in bins]
    [(0.0, 0.2, 0, 1), (0.98, 1.0, 2, 2)]
    """
    confidences, correct = np.asarray(confidences, dtype=float), np.asarray(correct, dtype=bool)
    index = np.searchsorted(_EDGES[1:-1], confidences, side="right")
    bins = []
    for k in np.unique(index).tolist():
        inside = index == k
        n, n_correct = int(inside.sum()), int(correct[inside].sum())
        mean = float(confidences[inside].mean())
        interval = wilson_interval(n_correct, n)
        bins.append(
            CalibrationBin(_EDGES[k], _EDGES[k + 1], n, n_correct, mean, n_correct / n, interval)
        )
    return bins
