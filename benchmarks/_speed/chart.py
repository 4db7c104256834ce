"""The chart: ratios as bars, and fit times as curves."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from skcaptcha._files.atomic import write_atomically

from .rows import Row


def draw(rows: Sequence[Row], file: Path) -> None:
    """Draw every ratio with its quartiles and target, and the growth of the fit times."""
    bars = [row for row in rows if row.unit.startswith("times") and row.size is None][::-1]
    curves = [row for row in rows if row.size is not None]
    heights = [1.2 + 0.3 * len(bars), 4.5 * bool(curves)]
    figure = Figure(figsize=(9, sum(heights)), layout="constrained")
    parts = figure.subfigures(2 if curves else 1, 1, height_ratios=heights[: 1 + bool(curves)])
    for part, draw_part, shown in zip(
        np.ravel(parts), (_bars, _curves), (bars, curves), strict=False
    ):
        draw_part(part.add_subplot(), shown)
    write_atomically(file, lambda stream: figure.savefig(stream, format="png", dpi=150))


def _bars(axes: Axes, rows: Sequence[Row]) -> None:
    for y, row in enumerate(rows):
        middle = row.figure.median
        error = [[middle - row.figure.low], [row.figure.high - middle]]
        color = "tab:red" if row.reached is False else "tab:blue"
        axes.barh(y, middle, xerr=error, color=color, height=0.6)
        for aim in (row.at_most, row.at_least):
            if aim:
                axes.plot([aim, aim], [y - 0.4, y + 0.4], color="black")
    axes.set_xscale("log")
    axes.axvline(1, color="gray", linewidth=1)
    names = [
        f"{row.part}, {row.case}: {row.unit}{' as' * row.unit.endswith('fast')} {row.against}"
        for row in rows
    ]
    axes.set_yticks(range(len(rows)), names)
    axes.set_xlabel("black: target")


def _curves(axes: Axes, rows: Sequence[Row]) -> None:
    for name, own in groupby(rows, key=lambda row: f"{row.part}, {row.case.partition(',')[0]}"):
        points = list(own)
        sizes = np.array([row.size for row in points])
        seconds = np.array([row.each for row in points]) / 1e3
        (line,) = axes.plot(sizes, seconds, marker="o", label=name)
        missed = np.array([row.reached is False for row in points])
        axes.plot(sizes[missed], seconds[missed], "o", color="tab:red", zorder=3)
        growth = sizes * np.log(sizes)
        axes.plot(
            sizes, seconds[0] * growth / growth[0], color=line.get_color(), linestyle="dotted"
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("captchas")
    axes.set_ylabel("seconds (dotted: as n log n; red: more)")
    axes.legend()
