"""Charts of the results, for light and dark pages."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture
from matplotlib.ticker import FixedLocator, NullLocator

from skcaptcha._files.atomic import write_atomically

from .peers import Peers
from .report import curves, whole
from .results import Result

# The background is transparent. Every color has a contrast of more than four to one with white and
# with near black, so one chart works for both.
_TEXT = "#767676"
_OURS = "#1f7ad1"
_OTHERS = ("#c2571a", "#9a5fc4", "#2a8a4a", "#c74375", "#7d7a1c", "#148a8a", "#6a74d8")
_MARKERS = "oDsP^vX*"
_DPI = 160


def draw_accuracy(results: Sequence[Result], peers: Peers, file: Path) -> None:
    """Draw one row for each scheme: our accuracy with its interval, and that of the peers."""
    rows = sorted(whole(results), key=lambda row: (row.string_accuracy or 0, row.scheme))
    picture, axes = _blank(height=1.5 + 0.32 * len(rows))
    for y, row in enumerate(rows):
        if row.string_accuracy is None or row.low is None or row.high is None:
            axes.text(2, y, "failed", color=_TEXT, va="center", style="italic")
            continue
        axes.plot([100 * row.low, 100 * row.high], [y, y], color=_OURS, linewidth=3, alpha=0.55)
        axes.plot(100 * row.string_accuracy, y, "o", color=_OURS, markersize=9, zorder=3)
    axes.plot([], [], "-o", color=_OURS, markersize=8, label="ours, with its 95 % interval")
    for i, (peer, figures) in enumerate(peers.items()):
        places = [y for y, row in enumerate(rows) if row.scheme in figures]
        axes.plot(
            [100 * figures[rows[y].scheme].string_accuracy for y in places],
            places,
            linestyle="none",
            marker=_MARKERS[1 + i % len(_OTHERS)],
            color=_OTHERS[i % len(_OTHERS)],
            markersize=7.5,
            markerfacecolor="none",
            markeredgewidth=1.6,
            zorder=4,
            clip_on=False,
            label=peer,
        )
    axes.set(xlim=(-1.5, 101.5), ylim=(-0.7, len(rows) - 0.3), xlabel="string accuracy, %")
    axes.set_yticks(range(len(rows)), [row.scheme for row in rows])
    axes.grid(True, color=_TEXT, alpha=0.25, linewidth=0.8)
    picture.legend(loc="outside upper center", ncols=4, frameon=False, labelcolor=_TEXT)
    _save(picture, file)


def draw_curves(results: Sequence[Result], file: Path) -> None:
    """Draw string accuracy by number of training captchas, one line for each scheme."""
    lines = curves(results)
    picture, axes = _blank(height=5.2)
    colors = (_OURS, *_OTHERS)
    ends = {scheme: 100 * list(points.values())[-1] for scheme, points in lines.items()}
    numbers = sorted({n for points in lines.values() for n in points})
    places = _apart(ends, gap=4.2)
    for i, (scheme, points) in enumerate(lines.items()):
        color = colors[i % len(colors)]
        marker = _MARKERS[i % len(_MARKERS)]
        fractions = [100 * fraction for fraction in points.values()]
        axes.plot(list(points), fractions, marker=marker, color=color, linewidth=2, markersize=6)
        # A thin line leads from the last point to the name beside the axes.
        axes.annotate(
            scheme,
            xy=(list(points)[-1], fractions[-1]),
            xytext=(1.04, places[scheme]),
            textcoords=axes.get_yaxis_transform(),
            color=color,
            weight="bold",
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": color, "linewidth": 0.8, "relpos": (0, 0.5)},
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(_readable(numbers)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.set(ylim=(-3, 103), xlabel="training captchas", ylabel="string accuracy, %")
    axes.grid(True, color=_TEXT, alpha=0.25, linewidth=0.8)
    _save(picture, file)


def _apart(heights: dict[str, float], gap: float) -> dict[str, float]:
    """Move heights within 0..100 as little as possible, so that they are a gap apart."""
    names = sorted(heights, key=lambda name: (heights[name], name))
    steps = gap * np.arange(len(names))
    wanted = np.array([heights[name] for name in names]) - steps
    # The nearest increasing sequence is the mean of two monotone bounds.
    rising = np.maximum.accumulate(wanted)
    falling = np.minimum.accumulate(wanted[::-1])[::-1]
    top = 100 - steps[-1] if names else 100
    placed = np.clip((rising + falling) / 2, min(0, top), top) + steps
    return dict(zip(names, placed.tolist(), strict=True))


def _readable(numbers: Sequence[int]) -> list[int]:
    """Leave out numbers that would overlap the next one on a logarithmic axis."""
    kept: list[int] = []
    for n in reversed(numbers):
        if not kept or n * 1.15 <= kept[-1]:
            kept.append(n)
    return kept[::-1]


def _blank(height: float) -> tuple[Picture, Axes]:
    picture = Picture(figsize=(8.5, height), layout="constrained")
    axes = picture.add_subplot()
    picture.patch.set_alpha(0)
    axes.patch.set_alpha(0)
    axes.tick_params(colors=_TEXT, length=0)
    axes.xaxis.label.set_color(_TEXT)
    axes.yaxis.label.set_color(_TEXT)
    axes.spines[:].set_visible(False)
    return picture, axes


def _save(picture: Picture, file: Path) -> None:
    content = io.BytesIO()
    picture.savefig(content, format="png", dpi=_DPI)
    write_atomically(file, lambda stream: stream.write(content.getvalue()))
