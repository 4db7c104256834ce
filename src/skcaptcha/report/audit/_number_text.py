"""Numbers of an audit as text."""

from __future__ import annotations

import math
from collections.abc import Sequence

from skcaptcha._display.percent import percent, percent_interval, points
from skcaptcha.audit._proportions import Difference, Proportion


def span(read: Proportion) -> str:
    """Return an interval in percent, such as "49 to 95"."""
    return percent_interval(read.low, read.high, read.n).removesuffix(" %")


def with_interval(read: Proportion | None) -> str:
    """Return a proportion with its interval, such as "80 % (49 to 95)", or a dash for None."""
    return "-" if read is None else f"{percent(read.value, read.n)} ({span(read)})"


def in_points(difference: Difference | None, n: int) -> str:
    """Return a difference for n captchas in points, such as "+20 (+5 to +33)", or a dash."""
    if difference is None:
        return "-"
    value, low, high = (points(x, n) for x in (difference.value, difference.low, difference.high))
    return f"{value} ({low} to {high})"


def times(expected: float, low: float, high: float) -> str:
    """Return a number of attempts with its interval, such as "2.5 (2.0 to 1,234)"."""
    first, *ends = (f"{n:,.0f}" if n >= 100 else f"{n:.1f}" for n in (expected, low, high))
    if math.isinf(expected):
        return f"unknown ({ends[0]} or more)"
    return f"{first} ({ends[0]} to {ends[1]})"


def minutes(seconds: float) -> str:
    """Return seconds as minutes with two or three significant digits, such as "1.7"."""
    digits = 0 if seconds >= 600 else 1 if seconds >= 60 else 2
    return f"{seconds / 60:,.{digits}f}"


def rounded(number: float) -> str:
    """Return a large number with three significant digits, such as "6,810,000"."""
    return f"{float(f'{number:.3g}'):,.0f}"


def listed(names: Sequence[str]) -> str:
    """Join names as in a sentence, such as "noise, lines and arcs"."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
