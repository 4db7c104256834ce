import numpy as np

from skcaptcha.inspection import calibration_bins


def test_each_prediction_is_in_one_bin():
    rng = np.random.default_rng(0)
    confidences = rng.random(500)
    correct = rng.random(500) < confidences
    bins = calibration_bins(confidences, correct)
    assert sum(b.n for b in bins) == 500
    assert sum(b.n_correct for b in bins) == correct.sum()
    assert all(b.low <= b.confidence <= b.high and b.interval[0] <= b.accuracy for b in bins)
