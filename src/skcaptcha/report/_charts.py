"""Charts of a report: one style, and one function for each kind of chart."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, NullLocator, PercentFormatter
from numpy.typing import ArrayLike, NDArray

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Colors that the color-blind can distinguish, on light and dark backgrounds."""

_MARKERS = ("o", "s")

TEXT_COLOR = "#010203"
"""Replaced by ``currentColor``: the text color of the page, which depends on the screen."""

CHART_SIZE = (4.6, 3.2)  # inches
_CELL_SIZE = 0.42  # inches
_PIXELS_PER_INCH = 96  # of a browser
_MIN_SCALE = 0.7
_LOG_FROM = 30  # largest over smallest x
_TICK_DISTANCE = 0.07  # of the axis

# At its strongest still paler than the text, on light and dark backgrounds.
_SHADES = LinearSegmentedColormap.from_list(
    "shades", [(*to_rgb(COLORS[0]), 0.0), (*to_rgb(COLORS[0]), 0.6)]
)

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "skcaptcha",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": TEXT_COLOR,
    "axes.labelcolor": TEXT_COLOR,
    "axes.edgecolor": TEXT_COLOR,
    "axes.titlecolor": TEXT_COLOR,
    "xtick.color": TEXT_COLOR,
    "ytick.color": TEXT_COLOR,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": f"cycler('color', {list(COLORS)})",
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "text.parse_math": False,
}


def chart(
    plot: Callable[[Axes], object],
    description: str,
    caption: str = "",
    *,
    size: tuple[float, float] = CHART_SIZE,
) -> Markup:
    """Return a chart as SVG: `plot` draws on the axes, the description is for screen readers."""
    # A matplotlibrc in the current folder is ignored: it may be anyone's, and its option
    # text.usetex runs programs.
    with style.context(["default", _STYLE]):
        figure = Figure(figsize=size)
        plot(figure.add_subplot())
        file = io.StringIO()
        with warnings.catch_warnings():
            # The browser draws the text, with its own fonts.
            warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
            figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :].replace(TEXT_COLOR, "currentColor")
    # The ids of two charts on one page must differ.
    prefix = sha256((description + svg).encode()).hexdigest()[:8]
    svg = re.sub(r'\bid="', f'id="{prefix}-', svg)
    svg = svg.replace("url(#", f"url(#{prefix}-").replace('href="#', f'href="#{prefix}-')
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # On a screen narrower than this, the chart scrolls, so that its text stays legible.
    min_width = round(_MIN_SCALE * _PIXELS_PER_INCH * size[0])
    label = Markup('<svg role="img" aria-label="{}" style="min-width: {}px" ')
    svg = svg.replace("<svg ", label.format(description, min_width), 1)
    below = Markup("<figcaption>{}</figcaption>").format(caption) if caption else ""
    return Markup('<figure class="chart">{}{}</figure>').format(Markup(svg), below)  # noqa: S704 - matplotlib escapes text


def percent_axis(*axes: Any) -> None:
    """Label the ticks of matplotlib axis objects as percentages."""
    for axis in axes:
        # Without steps of 2.5, which would need decimals.
        axis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10]))
        axis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))


class Curve(NamedTuple):
    """Accuracies with the ends of their intervals, over a parameter; the legend shows the name."""

    x: Sequence[float]
    accuracies: ArrayLike
    lows: ArrayLike
    highs: ArrayLike
    name: str = ""


def accuracy_chart(
    *curves: Curve,
    xlabel: str,
    description: str,
    caption: str = "",
    is_learning_curve: bool = False,
    texts: Sequence[str] = (),
    marks: Sequence[float] = (),
) -> Markup:
    """Return a chart of accuracies, with intervals, over a parameter that is a number.

    The x axis is logarithmic if it covers more than a factor of 30, and for a learning curve, whose
    y axis covers 0 to 100 %. `texts` are shown at the points of the first curve, `marks` are
    horizontal lines.
    """
    x = sorted({value for curve in curves for value in curve.x})

    def plot(axes: Axes) -> None:
        positions = np.asarray(x, dtype=float)
        low, high = positions.min(), positions.max()
        if is_learning_curve or (low > 0 and high / low >= _LOG_FROM):
            axes.set_xscale("log")
            positions = np.log(positions)
            if low == high:  # a logarithmic axis gets no width from a single point
                axes.set_xlim(low / 2, high * 2)
        for curve, color, marker in zip(curves, COLORS, _MARKERS, strict=False):
            y = np.asarray(curve.accuracies, dtype=float)
            ends = [y - np.asarray(curve.lows), np.asarray(curve.highs) - y]
            errors = np.clip(ends, 0, [y, 1 - y])
            axes.errorbar(
                curve.x,
                y,
                errors,
                color=color,
                marker=marker,
                capsize=3,
                clip_on=False,
                label=curve.name,
            )
        if len(curves) > 1:
            axes.legend()
        best = np.concatenate([np.ravel(curve.accuracies) for curve in curves]).max()
        first, accuracies = curves[0].x, np.ravel(curves[0].accuracies)
        for value, accuracy, text in zip(first, accuracies, texts, strict=False):
            axes.annotate(
                text,
                (value, accuracy),
                xytext=(7, -14 if accuracy > 0.1 else 7),
                textcoords="offset points",
            )
        if is_learning_curve:
            axes.set_ylim(-0.02, 1.02)
        else:
            # Differences of less than five points are due to chance.
            low, high = axes.get_ylim()
            axes.set_ylim(min(low, best - 0.05), min(high, 1.0))
        crowded = np.diff(positions) < _TICK_DISTANCE * np.ptp(positions)
        names = [f"{value:g}" for value in x]
        axes.set_xticks(x, ["" if c else n for n, c in zip(names, [*crowded, False], strict=True)])
        axes.xaxis.set_minor_locator(NullLocator())
        for mark in marks:
            axes.axhline(mark, linewidth=0.6, alpha=0.4, linestyle="--")
        percent_axis(axes.yaxis)
        axes.set(xlabel=xlabel, ylabel="string accuracy")

    return chart(plot, description, caption, size=(CHART_SIZE[0], 0.85 * CHART_SIZE[1]))


def matrix_chart(
    shades: NDArray[np.float64],
    texts: NDArray[np.str_],
    columns: Sequence[str],
    rows: Sequence[str],
    *,
    xlabel: str,
    ylabel: str,
    description: str,
    caption: str,
    cell_width: float = _CELL_SIZE,
    framed: tuple[int, int] | None = None,
) -> Markup:
    """Return a matrix whose cells have a shade in 0..1 (NaN for none) and a text.

    `shades` and `texts` have shape (rows, columns); `framed` is the row and column of a cell.
    """

    def plot(axes: Axes) -> None:
        axes.pcolormesh(
            np.ma.masked_invalid(shades), cmap=_SHADES, vmin=-0.1, vmax=1, edgecolors="none"
        )
        for (row, column), text in np.ndenumerate(texts):
            axes.text(column + 0.5, row + 0.5, str(text), ha="center", va="center", fontsize=9)
        if framed is not None:
            corner = framed[1], framed[0]
            axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=COLORS[1], linewidth=2))
        axes.set_xticks(np.arange(len(columns)) + 0.5, columns, parse_math=False)
        axes.set_yticks(np.arange(len(rows)) + 0.5, rows, parse_math=False)
        axes.invert_yaxis()
        axes.tick_params(length=0)
        axes.set(xlabel=xlabel, ylabel=ylabel)

    width = 1.0 + 0.08 * max(map(len, rows)) + cell_width * len(columns)
    height = 0.8 + _CELL_SIZE * len(rows)
    return chart(plot, description, caption, size=(width, height))
