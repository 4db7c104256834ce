"""The section on confidences: whether they are calibrated, and accuracy against coverage."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes

from skcaptcha._display.percent import percent
from skcaptcha.inspection import CalibrationBin, LabeledPrediction, calibration_bins
from skcaptcha.metrics import coverage_accuracy_curve
from skcaptcha.report._charts import COLORS, chart, percent_axis
from skcaptcha.report._page import Section

_MAX_POINTS = 400  # more cannot be distinguished on a screen


def confidence_section(predictions: Sequence[LabeledPrediction]) -> Section:
    """Return a section with a calibration curve and a chart of accuracy over coverage."""
    return Section("Confidence", [_calibration_chart(predictions), _coverage_chart(predictions)])


def draw_calibration_curve(axes: Axes, bins: Sequence[CalibrationBin]) -> None:
    """Draw the fraction of correct predictions over their mean confidence.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Axes to draw on.
    bins : sequence of CalibrationBin
        Bins to draw, each with the 95 % interval of its accuracy.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from skcaptcha.inspection import calibration_bins
    >>> from skcaptcha.report import draw_calibration_curve
    >>> axes = Figure().add_subplot()
    >>> draw_calibration_curve(axes, calibration_bins([0.1, 0.99, 1.0], [0, 1, 1]))
    >>> axes.get_xlabel()
    'mean confidence'
    """
    axes.plot([0, 1], [0, 1], color="gray", linewidth=1, linestyle=":")
    accuracies = np.array([each.accuracy for each in bins])
    lows, highs = np.array([each.interval for each in bins]).T
    errors = np.clip([accuracies - lows, highs - accuracies], 0, None)
    confidences = [each.confidence for each in bins]
    axes.errorbar(
        confidences, accuracies, errors, fmt="o", color=COLORS[0], capsize=3, markersize=5
    )
    axes.set(
        xlabel="mean confidence",
        ylabel="fraction of correct predictions",
        xlim=(-0.02, 1.02),
        ylim=(-0.02, 1.02),
    )


def _calibration_chart(predictions: Sequence[LabeledPrediction]) -> Markup:
    bins = calibration_bins(
        [p.confidence for p in predictions], [p.is_correct for p in predictions]
    )
    listed = "; ".join(
        f"{b.n} captchas with confidence {b.low:.2f} to {b.high:.2f}: "
        f"{percent(b.accuracy, b.n)} correct"
        for b in bins
    )
    return chart(
        lambda axes: draw_calibration_curve(axes, bins),
        f"Calibration curve: {listed}.",
        "Calibration curve: predictions in groups of similar confidence, with 95 % intervals. On "
        "the dotted line, 8 of 10 predictions with a confidence of 0.8 are correct; below it, the "
        "model is overconfident.",
    )


def _coverage_chart(predictions: Sequence[LabeledPrediction]) -> Markup:
    n = len(predictions)
    coverage, accuracy, thresholds = coverage_accuracy_curve(
        # A captcha that was not read counts as wrong, even if its label is empty.
        ["correct"] * n,
        ["correct" if p.is_correct else "wrong" for p in predictions],
        [p.confidence for p in predictions],
    )
    shown = np.unique(np.linspace(0, len(coverage) - 1, _MAX_POINTS).round().astype(int))
    coverage, accuracy, thresholds = coverage[shown], accuracy[shown], thresholds[shown]

    def plot(axes: Axes) -> None:
        axes.plot(coverage, accuracy, color=COLORS[0], drawstyle="steps-pre", clip_on=False)
        low = float(np.floor(accuracy.min() * 20) / 20)
        axes.set(
            xlabel="fraction of captchas accepted, most confident first",
            ylabel="string accuracy of those",
            xlim=(0, 1.02),
            ylim=(max(0.0, low - 0.05), 1.0),
        )
        percent_axis(axes.xaxis, axes.yaxis)

    return chart(
        plot,
        f"Coverage: {percent(accuracy[-1], n)} of all predictions are correct; of the most "
        f"confident {percent(coverage[0], n)}, with a confidence of at least {thresholds[0]:.2f}, "
        f"{percent(accuracy[0], n)} are correct.",
        "Coverage: accuracy of the predictions you accept, if you accept only the most confident "
        "ones and have people read the other captchas.",
    )
