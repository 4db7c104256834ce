"""Whether confidences can be trusted, and what may be gained by them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import ArrayLike

from skcaptcha._display.percent import percent
from skcaptcha.inspection._attempts import Attempt
from skcaptcha.metrics import coverage_accuracy_curve, wilson_interval
from skcaptcha.report._parts import COLORS, chart, chart_style
from skcaptcha.report._plots import CHART_SIZE

_EDGES = (0.0, 0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)
_MOST_POINTS = 400


class ReliabilityBin(NamedTuple):
    """Readings of about one confidence.

    Attributes
    ----------
    low, high : float
        The confidences.
    n, n_right : int
    confidence, share : float
        The mean of what was said, and the share that is right.
    interval : tuple of two floats
        The 95 % interval of that share.
    """

    low: float
    high: float
    n: int
    n_right: int
    confidence: float
    share: float
    interval: tuple[float, float]


def reliability(confidences: ArrayLike, right: ArrayLike) -> list[ReliabilityBin]:
    """Group readings by their confidence, and say how many of each group are right.

    Parameters
    ----------
    confidences : array-like of n floats in 0..1
    right : array-like of n bools

    Returns
    -------
    bins : list of ReliabilityBin
        Those that hold readings, by confidence.

    Examples
    --------
    >>> from skcaptcha.report import reliability
    >>> [(b.low, b.high, b.n_right, b.n) for b in reliability([0.1, 0.99, 1.0], [0, 1, 1])]
    [(0.0, 0.2, 0, 1), (0.98, 1.0, 2, 2)]
    """
    said, hits = np.asarray(confidences, dtype=float), np.asarray(right, dtype=bool)
    group = np.searchsorted(_EDGES[1:-1], said, side="right")
    bins = []
    for k in np.unique(group).tolist():
        n, n_right = int((group == k).sum()), int(hits[group == k].sum())
        interval = wilson_interval(n_right, n)
        mean = float(said[group == k].mean())
        bins.append(
            ReliabilityBin(_EDGES[k], _EDGES[k + 1], n, n_right, mean, n_right / n, interval)
        )
    return bins


def draw_reliability(axes: Axes, bins: Sequence[ReliabilityBin]) -> None:
    """Draw the share of readings that are right over the confidence that was said.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    bins : sequence of ReliabilityBin

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from skcaptcha.report import draw_reliability, reliability
    >>> axes = Figure().add_subplot()
    >>> draw_reliability(axes, reliability([0.1, 0.99, 1.0], [0, 1, 1]))
    >>> axes.get_xlabel()
    'confidence (mean of the group)'
    """
    axes.plot([0, 1], [0, 1], color="gray", linewidth=1, linestyle=":")
    for each in bins:
        low, high = each.interval
        error = [[max(each.share - low, 0.0)], [max(high - each.share, 0.0)]]
        axes.errorbar(
            each.confidence, each.share, error, fmt="o", color=COLORS[0], capsize=3, markersize=5
        )
    axes.set(
        xlabel="confidence (mean of the group)",
        ylabel="share of readings that are right",
        xlim=(-0.02, 1.02),
        ylim=(-0.02, 1.02),
    )


def reliability_chart(attempts: Sequence[Attempt]) -> Markup:
    """Show whether confidences can be trusted.

    Parameters
    ----------
    attempts : sequence of Attempt

    Returns
    -------
    html : Markup
    """
    bins = reliability([a.confidence for a in attempts], [a.is_right for a in attempts])
    said = "; ".join(
        f"of {b.n} said with confidence {b.low:.2f} to {b.high:.2f}, "
        f"{percent(b.share, b.n)} are right"
        for b in bins
    )
    with chart_style():
        figure = Figure(figsize=CHART_SIZE)
        draw_reliability(figure.add_subplot(), bins)
        return chart(
            figure,
            f"Reliability: {said}.",
            "Reliability: readings in groups of similar confidence, with 95 % intervals. On the "
            "dotted line, 8 of 10 readings with a confidence of 0.8 are right; below it, the model "
            "is overconfident.",
        )


def coverage_chart(attempts: Sequence[Attempt]) -> Markup:
    """Show how accurate the surest readings are.

    Parameters
    ----------
    attempts : sequence of Attempt

    Returns
    -------
    html : Markup
    """
    n = len(attempts)
    coverage, accuracy, thresholds = coverage_accuracy_curve(
        # What could not be read is wrong, even if its label is empty.
        ["right"] * len(attempts),
        ["right" if a.is_right else "wrong" for a in attempts],
        [a.confidence for a in attempts],
    )
    # More than can be told apart on a screen would only make the file large.
    few = np.unique(np.linspace(0, len(coverage) - 1, _MOST_POINTS).round().astype(int))
    coverage, accuracy, thresholds = coverage[few], accuracy[few], thresholds[few]
    with chart_style():
        figure = Figure(figsize=CHART_SIZE)
        axes = figure.add_subplot()
        axes.plot(coverage, accuracy, color=COLORS[0], drawstyle="steps-pre", clip_on=False)
        low = float(np.floor(accuracy.min() * 20) / 20)
        axes.set(
            xlabel="share of captchas that are answered, the surest first",
            ylabel="string accuracy of those",
            xlim=(0, 1.02),
            ylim=(max(0.0, low - 0.05), 1.0),
        )
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        return chart(
            figure,
            f"Coverage: of all, {percent(accuracy[-1], n)} are right; of the surest "
            f"{percent(coverage[0], n)} alone, {percent(accuracy[0], n)}, with a confidence from "
            f"{thresholds[0]:.2f}.",
            "Coverage: if you accept only the surest readings and leave the others to somebody "
            "else, this many of the accepted ones are right.",
        )
