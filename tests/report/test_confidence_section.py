import re

import numpy as np
from matplotlib.figure import Figure

from skcaptcha.exceptions import ImageError
from skcaptcha.inspection import LabeledPrediction, calibration_bins
from skcaptcha.read import Reading
from skcaptcha.report import Page, draw_calibration_curve
from skcaptcha.report._confidence_section import confidence_section


def make_prediction(label: str, confidence: float) -> LabeledPrediction:
    reading = Reading("A", confidence, np.zeros((1, 4), dtype=int), np.array([confidence]), ())
    return LabeledPrediction("a.png", None, label, reading, None)


def test_bins_are_drawn_at_their_confidence_and_accuracy():
    bins = calibration_bins([0.91, 0.93, 0.3], [True, False, False])
    axes = Figure().add_subplot()
    draw_calibration_curve(axes, bins)
    drawn = next(line for line in axes.lines if line.get_marker() == "o").get_xydata()
    np.testing.assert_allclose(drawn, [[0.3, 0], [0.92, 0.5]])


def test_captcha_that_was_not_read_counts_as_wrong():
    unread = LabeledPrediction("b.png", None, "", ImageError("image 0", "it is empty"), None)
    predictions = [make_prediction("A", 0.9), make_prediction("A", 0.7), make_prediction("B", 0.8)]
    html = Page("", sections=[confidence_section([*predictions, unread])]).to_html()
    calibration, coverage = re.findall(r'<svg role="img" aria-label="([^"]*)"', html)
    assert "1 captchas with confidence 0.00 to 0.20: 0 % correct" in calibration
    assert coverage.startswith("Coverage: 50 % of all predictions are correct; of the most")
    assert "confident 25 %, with a confidence of at least 0.90, 100 % are correct" in coverage
