"""Ratios as bars."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from .rows import Row


def draw(rows: Sequence[Row], file: Path) -> None:
    """Draw every ratio, with its quartiles and what is aimed at, on a logarithmic scale."""
    shown = [row for row in rows if row.unit.startswith("times")][::-1]
    figure = Figure(figsize=(9, 1.2 + 0.3 * len(shown)), layout="constrained")
    axes = figure.add_subplot()
    for place, row in enumerate(shown):
        middle = row.figure.median
        error = [[middle - row.figure.low], [row.figure.high - middle]]
        color = "tab:red" if row.reached is False else "tab:blue"
        axes.barh(place, middle, xerr=error, color=color, height=0.6)
        for aim in (row.at_most, row.at_least):
            if aim:
                axes.plot([aim, aim], [place - 0.4, place + 0.4], color="black")
    axes.set_xscale("log")
    axes.axvline(1, color="grey", linewidth=1)
    names = [f"{row.part}, {row.case}: {row.unit} {row.against}" for row in shown]
    axes.set_yticks(range(len(shown)), names)
    axes.set_xlabel("black: what is aimed at")
    figure.savefig(file, dpi=150)
