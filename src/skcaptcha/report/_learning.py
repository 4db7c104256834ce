"""How well is read after learning from fewer captchas."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter

from skcaptcha._display.percent import percent
from skcaptcha.inspection._experiments import CurvePoint
from skcaptcha.metrics import wilson_interval
from skcaptcha.report._parts import COLORS, chart, chart_style
from skcaptcha.report._plots import CHART_SIZE


def curve_chart(points: Sequence[CurvePoint], caption: str) -> Markup:
    """Show string accuracy against the number of captchas learned from.

    Parameters
    ----------
    points : sequence of CurvePoint
    caption : str

    Returns
    -------
    html : Markup
    """
    sizes = [point.n_train for point in points]
    shares = np.array([point.n_right / point.n for point in points])
    low, high = np.array([wilson_interval(point.n_right, point.n) for point in points]).T
    with chart_style():
        figure = Figure(figsize=CHART_SIZE)
        axes = figure.add_subplot()
        axes.set_xscale("log")
        axes.fill_between(sizes, low, high, color=COLORS[0], alpha=0.2, linewidth=0)
        axes.plot(sizes, shares, color=COLORS[0], marker="o")
        texts = [percent(point.n_right / point.n, point.n) for point in points]
        for size, share, text in zip(sizes, shares, texts, strict=True):
            axes.annotate(
                text,
                (size, share),
                xytext=(0, -14 if share > 0.9 else 7),
                textcoords="offset points",
                ha="center",
            )
        axes.set(xlabel="captchas learned from", ylabel="string accuracy", ylim=(0, 1.02))
        axes.xaxis.set_major_locator(FixedLocator(sizes))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticklabels([str(size) for size in sizes])
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        said = ", ".join(
            f"{text} from {size} captchas" for size, text in zip(sizes, texts, strict=True)
        )
        return chart(figure, f"Learning curve: {said}.", caption)
