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

from skcaptcha._display.percent import percent
from skcaptcha.report._parts import COLORS, chart, chart_style

CHART_SIZE = (4.6, 3.2)  # inches
_CELL = 0.42

# Paler than the text at its strongest, on light grounds as on dark ones.
_SHADES = LinearSegmentedColormap.from_list(
    "shades", [(*to_rgb(COLORS[0]), 0.0), (*to_rgb(COLORS[0]), 0.6)]
)


def bars(
    names: Sequence[str],
    lengths: Sequence[float],
    notes: Sequence[str],
    *,
    description: str,
    caption: str = "",
    pale: Sequence[bool] | None = None,
) -> Markup:
    """Show numbers as bars, each between its name and a note, on screens of any width.

    Parameters
    ----------
    names : sequence of n str
    lengths : sequence of n floats in 0..1
        Lengths of the bars; 1 is all the room that there is.
    notes : sequence of n str
    description : str
        For readers who do not see the chart.
    caption : str, default=""
    pale : sequence of n bools, optional
        Which of them are drawn paler.

    Returns
    -------
    html : Markup

    Examples
    --------
    >>> from skcaptcha.report import bars
    >>> html = bars(["one", "two"], [0.5, 1.0], ["50 %", "100 %"], description="two shares")
    >>> html.count("track")
    2
    """
    row = Markup(
        '<tr><th scope="row">{}</th><td class="track"><div{} style="width: {}%"></div></td>'
        "<td>{}</td></tr>"
    )
    body = Markup("\n").join(
        row.format(name, Markup(' class="pale"') if is_pale else "", f"{100 * length:.2f}", note)
        for name, length, note, is_pale in zip(
            names, lengths, notes, pale or [False] * len(names), strict=True
        )
    )
    below = Markup("<figcaption>{}</figcaption>").format(caption) if caption else ""
    return Markup('<figure aria-label="{}"><table class="bars">\n{}\n</table>{}</figure>').format(
        description, body, below
    )


def heat_map(
    values: NDArray[np.float64],
    columns: Sequence[str],
    rows: Sequence[str],
    *,
    xlabel: str,
    ylabel: str,
    n: int,
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
    n : int
        Number of captchas that the accuracies were measured on.
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
    texts = np.full(values.shape, "", dtype="U6")
    for place in np.argwhere(~np.isnan(values)).tolist():
        texts[tuple(place)] = percent(float(values[tuple(place)]), n).removesuffix(" %")
    with chart_style():
        figure, axes = draw_matrix(shades, texts, columns, rows, width=0.62)
        row, column = divmod(int(np.nanargmax(values)), values.shape[1])
        axes.add_patch(Rectangle((column, row), 1, 1, fill=False, edgecolor=COLORS[1], linewidth=2))
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
        # No accuracy lies below 0 or above 100 %, and no bar may say so.
        within = np.minimum(spread, middle), np.minimum(spread, 1 - middle)
        axes.errorbar(values, middle, within, color=COLORS[0], marker="o", capsize=3, clip_on=False)
        # Differences of less than five points are chance.
        axes.set_ylim(min(axes.get_ylim()[0], middle.max() - 0.05), min(axes.get_ylim()[1], 1.0))
        axes.xaxis.set_major_locator(FixedLocator(list(values)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticklabels([f"{value:g}" for value in values])
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
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
