"""Proportions and probabilities as percentages."""

from __future__ import annotations

import math

_TOLERANCE = 1e-9  # 100 * 0.29 is 28.999999999999996


def percent(fraction: float | None, n: int) -> str:
    """Format a fraction of `n` items, with enough decimals to distinguish neighboring counts.

    Up to 100 items have no decimals, up to 1,000 one, up to 10,000 two. Only 1.0 becomes 100 %, and
    only 0.0 becomes 0 %. None becomes a dash.

    >>> percent(49 / 50, 50), percent(199 / 200, 200), percent(0.99999, 200), percent(1.0, 200)
    ('98 %', '99.5 %', '99.9 %', '100 %')
    """
    return "-" if fraction is None else f"{_percentage(fraction, _decimals(n))} %"


def percent_interval(low: float, high: float, n: int) -> str:
    """Format an interval for a fraction of `n` items, with its ends rounded outward.

    >>> percent_interval(0.895, 0.9965, 50), percent_interval(0.0, 0.0189, 200)
    ('89 to 100 %', '0 to 1.9 %')
    """
    decimals = _decimals(n)
    scale = 10**decimals
    ends = (
        math.floor(100 * low * scale + _TOLERANCE) / scale,
        math.ceil(100 * high * scale - _TOLERANCE) / scale,
    )
    return " to ".join(f"{end:.{0 if end in (0, 100) else decimals}f}" for end in ends) + " %"


def percent_with_interval(fraction: float, interval: tuple[float, float], n: int) -> str:
    """Format a fraction of `n` items and its 95 % confidence interval.

    >>> percent_with_interval(0.98, (0.895, 0.9965), 50)
    '98 % (95 % interval 89 to 100 %)'
    """
    return f"{percent(fraction, n)} (95 % interval {percent_interval(*interval, n)})"


def points(difference: float, n: int) -> str:
    """Format the difference of two fractions of `n` items in percentage points, with its sign.

    >>> points(0.2, 50), points(-0.2, 500)
    ('+20', '−20.0')
    """
    decimals = _decimals(n)
    rounded = round(100 * difference, decimals) + 0.0  # not -0
    return f"{rounded:+.{decimals}f}".replace("-", "\N{MINUS SIGN}")


def percent_confidence(probability: float) -> str:
    """Format a confidence with one decimal; only 1.0 becomes 100 %.

    >>> percent_confidence(0.5), percent_confidence(0.9999), percent_confidence(1.0)
    ('50.0 %', '99.9 %', '100 %')
    """
    return f"{_percentage(probability, 1)} %"


def _decimals(n: int) -> int:
    return max(0, math.ceil(math.log10(max(n, 1)) - _TOLERANCE) - 2)


def _percentage(fraction: float, decimals: int) -> str:
    if fraction in (0, 1):
        return f"{100 * fraction:.0f}"
    least = 10.0**-decimals
    return f"{min(max(100 * fraction, least), 100 - least):.{decimals}f}"
