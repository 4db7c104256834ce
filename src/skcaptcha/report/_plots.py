"""Bars, lines and maps of figures, drawn for a report."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter
from numpy.typing import ArrayLike, NDArray

from skcaptcha.report._parts import COLOURS, chart, chart_style

CHART_SIZE = (5.2, 3.6)  # inches
_CELL = 0.42

# Paler than the text at its strongest, on light grounds as on dark ones.
_SHADES = LinearSegmentedColormap.from_list(
    "shades", [(*to_rgb(COLOURS[0]), 0.0), (*to_rgb(COLOURS[0]), 0.6)]
)


def bars(
    names: Sequence[str],
    values: Sequence[float],
    notes: Sequence[str],
    *,
    xlabel: str,
    description: str,
    caption: str = "",
    pale: Sequence[bool] | None = None,
) -> Markup:
    """Show numbers as bars, each with its name before it and a note behind it.

    Parameters
    ----------
    names : sequence of n str
    values : sequence of n floats
    notes : sequence of n str
    xlabel : str
    description : str
        For those who do not see the chart.
    caption : str, default=""
    pale : sequence of n bools, optional
        Which of them are less sure.

    Returns
    -------
    html : Markup
    """
    with chart_style():
        figure = Figure(figsize=(CHART_SIZE[0] + 2.6, 0.7 + 0.36 * len(names)))
        axes = figure.add_subplot()
        places = range(len(names))
        drawn = axes.barh(places, values, height=0.62, color=COLOURS[0])
        for bar, is_pale in zip(drawn, pale or [False] * len(names), strict=True):
            bar.set_alpha(0.35 if is_pale else 0.9)
        top = max(*values, np.finfo(float).tiny)
        for place, value, note in zip(places, values, notes, strict=True):
            axes.text(value + 0.01 * top, place, f" {note}", va="center", fontsize=9)
        axes.set_yticks(places, names, parse_math=False)
        axes.invert_yaxis()
        axes.set(xlabel=xlabel, xlim=(0, top * 1.3))
        axes.tick_params(left=False)
        axes.spines["left"].set_visible(False)
        return chart(figure, description, caption)


def heat_map(
    values: NDArray[np.float64],
    columns: Sequence[str],
    rows: Sequence[str],
    *,
    xlabel: str,
    ylabel: str,
    description: str,
    caption: str,
) -> Markup:
    """Show string accuracies over two parameters as shades and numbers, the best one framed.

    Parameters
    ----------
    values : ndarray of shape (rows, columns)
        In 0..1, NaN where nothing is known; somewhere something is.
    columns, rows : sequence of str
    xlabel, ylabel : str
    description : str
        For those who do not see the chart.
    caption : str

    Returns
    -------
    html : Markup
    """
    low, high = np.nanmin(values), np.nanmax(values)
    # Where all are equal, so are the shades.
    shades = (values - low) / (high - low or 1.0)
    texts = np.where(np.isnan(values), "", np.char.mod("%.1f", 100 * np.nan_to_num(values)))
    with chart_style():
        figure, axes = draw_matrix(shades, texts, columns, rows, width=0.62)
        row, column = divmod(int(np.nanargmax(values)), values.shape[1])
        axes.add_patch(
            Rectangle((column, row), 1, 1, fill=False, edgecolor=COLOURS[1], linewidth=2)
        )
        axes.set(xlabel=xlabel, ylabel=ylabel)
        return chart(figure, description, caption)


def line_chart(
    values: Sequence[float],
    means: ArrayLike,
    spreads: ArrayLike,
    *,
    xlabel: str,
    description: str,
    caption: str,
) -> Markup:
    """Show string accuracies over one parameter that is a number.

    Parameters
    ----------
    values : sequence of n floats
    means, spreads : array-like of n floats
        The accuracies and their standard deviations.
    xlabel : str
    description : str
        For those who do not see the chart.
    caption : str

    Returns
    -------
    html : Markup
    """
    middle, spread = np.asarray(means, dtype=float), np.asarray(spreads, dtype=float)
    with chart_style():
        figure = Figure(figsize=(CHART_SIZE[0], 0.8 * CHART_SIZE[1]))
        axes = figure.add_subplot()
        if min(values) > 0 and max(values) / min(values) >= 30:
            axes.set_xscale("log")
        axes.errorbar(
            values, middle, spread, color=COLOURS[0], marker="o", capsize=3, clip_on=False
        )
        # No accuracy lies beyond 100 %, and differences of less than that are chance.
        axes.set_ylim(min(axes.get_ylim()[0], middle.max() - 0.05), min(axes.get_ylim()[1], 1.0))
        axes.xaxis.set_major_locator(FixedLocator(list(values)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticklabels([f"{value:g}" for value in values])
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=1))
        axes.set(xlabel=xlabel, ylabel="string accuracy")
        return chart(figure, description, caption)


def draw_matrix(
    shades: NDArray[np.float64],
    texts: NDArray[np.str_],
    columns: Sequence[str],
    rows: Sequence[str],
    *,
    width: float = _CELL,
) -> tuple[Figure, Axes]:
    """Draw a matrix with a shade from 0 to 1 and a text in each cell.

    Parameters
    ----------
    shades : ndarray of shape (rows, columns)
        NaN for none.
    texts : ndarray of shape (rows, columns), dtype str
    columns, rows : sequence of str
    width : float, default=0.42
        Of a column, in inches.

    Returns
    -------
    figure : matplotlib.figure.Figure
    axes : matplotlib.axes.Axes
    """
    longest = max(map(len, rows))
    figure = Figure(figsize=(1.0 + 0.08 * longest + width * len(columns), 0.8 + _CELL * len(rows)))
    axes = figure.add_subplot()
    axes.pcolormesh(
        np.ma.masked_invalid(shades), cmap=_SHADES, vmin=-0.1, vmax=1, edgecolors="none"
    )
    for row, column in np.ndindex(texts.shape):
        axes.text(
            column + 0.5, row + 0.5, str(texts[row, column]), ha="center", va="center", fontsize=9
        )
    axes.set_xticks(np.arange(len(columns)) + 0.5, columns, parse_math=False)
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows, parse_math=False)
    axes.invert_yaxis()
    axes.tick_params(length=0)
    return figure, axes
