"""Charts of how well captchas are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter
from numpy.typing import ArrayLike, NDArray

from skcaptcha.metrics import Confusion, confusions, coverage_accuracy_curve, wilson_interval
from skcaptcha.report._attempts import Attempt
from skcaptcha.report._parts import COLOURS, chart, chart_style

_EDGES = (0.0, 0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)
_WIDTH, _HEIGHT = 5.2, 3.6  # inches
_CELL = 0.42
_MOST_CHARACTERS = 24  # of a matrix
_NOTHING = "\u2205"

# Paler than the text at its strongest, on light grounds as on dark ones.
_SHADES = LinearSegmentedColormap.from_list(
    "shades", [(*to_rgb(COLOURS[0]), 0.0), (*to_rgb(COLOURS[0]), 0.6)]
)


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
    """
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1, linestyle=":")
    for each in bins:
        low, high = each.interval
        error = [[max(each.share - low, 0.0)], [max(high - each.share, 0.0)]]
        axes.errorbar(
            each.confidence, each.share, error, fmt="o", color=COLOURS[0], capsize=3, markersize=5
        )
    axes.set(
        xlabel="confidence (mean of the group)",
        ylabel="share of readings that are right",
        xlim=(-0.02, 1.02),
        ylim=(-0.02, 1.02),
    )


def reliability_chart(attempts: Sequence[Attempt]) -> Markup:
    """Show whether confidences can be trusted."""
    bins = reliability([a.confidence for a in attempts], [a.is_right for a in attempts])
    said = "; ".join(
        f"of {b.n} said with confidence {b.low:.2f} to {b.high:.2f}, {b.share:.0%} are right"
        for b in bins
    )
    with chart_style():
        figure = Figure(figsize=(_WIDTH, _HEIGHT))
        draw_reliability(figure.add_subplot(), bins)
        return chart(
            figure,
            f"Reliability: {said}.",
            "Reliability: readings in groups of similar confidence, with 95 % intervals. On the "
            "dotted line, a confidence of 0.8 means that 8 of 10 are right; below it, the model "
            "is too sure of itself.",
        )


def coverage_chart(attempts: Sequence[Attempt]) -> Markup:
    """Show how accurate the surest readings are."""
    coverage, accuracy, thresholds = coverage_accuracy_curve(
        # What could not be read is wrong, even if its label is empty.
        ["right"] * len(attempts),
        ["right" if a.is_right else "wrong" for a in attempts],
        [a.confidence for a in attempts],
    )
    with chart_style():
        figure = Figure(figsize=(_WIDTH, _HEIGHT))
        axes = figure.add_subplot()
        axes.plot(coverage, accuracy, color=COLOURS[0], drawstyle="steps-pre", clip_on=False)
        low = float(np.floor(accuracy.min() * 20) / 20)
        axes.set(
            xlabel="share of captchas that are answered, the surest first",
            ylabel="string accuracy of those",
            xlim=(0, 1.02),
            ylim=(max(0.0, low - 0.05), 1.0),
        )
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(PercentFormatter(1, decimals=0))
        return chart(
            figure,
            f"Coverage: answering all, {accuracy[-1]:.1%} are right; answering the surest "
            f"{coverage[0]:.0%} alone, {accuracy[0]:.1%}, with a confidence from "
            f"{thresholds[0]:.2f}.",
            "Coverage: if only the surest readings are taken and the others left to somebody "
            "else, so many of those taken are right.",
        )


def confusion_chart(attempts: Sequence[Attempt]) -> Markup | None:
    """Show which characters are read as which others; None if none is."""
    read = [a for a in attempts if a.text]
    found = confusions([a.label for a in read], [a.text for a in read]) if read else []
    if not found:
        return None
    # Of many characters those that are confused most.
    shown: list[Confusion] = []
    trues: set[str] = set()
    reads: set[str] = set()
    for confusion in found:
        true, as_read, _ = confusion
        if max(len(trues | {true}), len(reads | {as_read})) <= _MOST_CHARACTERS:
            trues.add(true)
            reads.add(as_read)
            shown.append(confusion)
    # What is nothing comes last.
    rows, columns = (sorted(chars, key=lambda c: (not c, c)) for chars in (trues, reads))
    counts = np.zeros((len(rows), len(columns)), dtype=int)
    for true, as_read, count in shown:
        counts[rows.index(true), columns.index(as_read)] = count
    left_out = sum(c.count for c in found) - int(counts.sum())
    caption = (
        f"Characters that were misread: rows are the labels', columns what was read. {_NOTHING}: "
        "a character that was missed, or read where there is none."
    )
    if left_out:
        caption += f" {left_out} rarer confusions are not shown."
    with chart_style():
        figure, axes = _matrix(
            np.where(counts, counts / counts.max(), np.nan),
            np.where(counts, counts.astype(str), ""),
            [_visible(c) for c in columns],
            [_visible(c) for c in rows],
        )
        axes.set(xlabel="read", ylabel="label")
        worst = found[0]
        return chart(
            figure,
            f"Confusions: {_visible(worst.true)} was read as {_visible(worst.read)} "
            f"{worst.count} times, more often than any other.",
            caption,
        )


class CurvePoint(NamedTuple):
    """How well is read after learning from some captchas.

    Attributes
    ----------
    n_train : int
        From so many it learnt.
    n_right, n : int
        So many of so many others were then read right.
    """

    n_train: int
    n_right: int
    n: int


def curve_chart(points: Sequence[CurvePoint], caption: str) -> Markup:
    """Show string accuracy against the number of captchas learnt from."""
    sizes = [point.n_train for point in points]
    shares = np.array([point.n_right / point.n for point in points])
    low, high = np.array([wilson_interval(point.n_right, point.n) for point in points]).T
    with chart_style():
        figure = Figure(figsize=(_WIDTH, _HEIGHT))
        axes = figure.add_subplot()
        axes.set_xscale("log")
        axes.fill_between(sizes, low, high, color=COLOURS[0], alpha=0.2, linewidth=0)
        axes.plot(sizes, shares, color=COLOURS[0], marker="o")
        for size, share in zip(sizes, shares, strict=True):
            axes.annotate(
                f"{share:.0%}",
                (size, share),
                xytext=(0, -14 if share > 0.9 else 7),
                textcoords="offset points",
                ha="center",
            )
        axes.set(xlabel="captchas learnt from", ylabel="string accuracy", ylim=(0, 1.02))
        axes.xaxis.set_major_locator(FixedLocator(sizes))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticklabels([str(size) for size in sizes])
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        said = ", ".join(
            f"{share:.0%} from {size}" for size, share in zip(sizes, shares, strict=True)
        )
        return chart(figure, f"Learning curve: {said}.", caption)


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
    """Show numbers as bars, each with its name before it and a note behind it."""
    with chart_style():
        figure = Figure(figsize=(_WIDTH + 2.6, 0.7 + 0.36 * len(names)))
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
    """Show string accuracies over two parameters as shades and numbers, the best one framed."""
    low, high = np.nanmin(values), np.nanmax(values)
    # Where all are equal, so are the shades.
    shades = (values - low) / (high - low or 1.0)
    texts = np.where(np.isnan(values), "", np.char.mod("%.1f", 100 * np.nan_to_num(values)))
    with chart_style():
        figure, axes = _matrix(shades, texts, columns, rows, width=0.62)
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
    """Show string accuracies over one parameter that is a number."""
    middle, spread = np.asarray(means, dtype=float), np.asarray(spreads, dtype=float)
    with chart_style():
        figure = Figure(figsize=(_WIDTH, _HEIGHT * 0.8))
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


def _matrix(
    shades: NDArray[np.float64],
    texts: NDArray[np.str_],
    columns: Sequence[str],
    rows: Sequence[str],
    *,
    width: float = _CELL,
) -> tuple[Figure, Axes]:
    """Draw a matrix with a shade from 0 to 1 and a text in each cell."""
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


def _visible(character: str) -> str:
    if not character:
        return _NOTHING
    return character if character.isprintable() and not character.isspace() else repr(character)
