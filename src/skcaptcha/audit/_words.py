"""Figures of an audit in words."""

from __future__ import annotations

import math
from collections.abc import Sequence

from skcaptcha._display.percent import percent, percent_interval, points
from skcaptcha.audit._intervals import Difference, Share


def span(read: Share) -> str:
    """Write the interval of a share.

    Parameters
    ----------
    read : Share

    Returns
    -------
    text : str

    Examples
    --------
    >>> from skcaptcha.audit._intervals import share
    >>> from skcaptcha.audit._words import span
    >>> span(share(8, 10))
    '49 to 95'
    """
    return percent_interval(read.low, read.high, read.n).removesuffix(" %")


def with_interval(read: Share) -> str:
    """Write a share with its interval.

    Parameters
    ----------
    read : Share

    Returns
    -------
    text : str

    Examples
    --------
    >>> from skcaptcha.audit._intervals import share
    >>> from skcaptcha.audit._words import with_interval
    >>> with_interval(share(8, 10))
    '80 % (49 to 95)'
    """
    return f"{percent(read.value, read.n)} ({span(read)})"


def in_points(difference: Difference, n: int) -> str:
    """Write a difference of shares, with its interval, in percentage points.

    Parameters
    ----------
    difference : Difference
    n : int
        Of so many captchas the shares are.

    Returns
    -------
    text : str

    Examples
    --------
    >>> from skcaptcha.audit._intervals import Difference
    >>> from skcaptcha.audit._words import in_points
    >>> in_points(Difference(0.2, 0.05, 0.33), 50)
    '+20 (+5 to +33)'
    """
    value, low, high = (points(number, n) for number in difference)
    return f"{value} ({low} to {high})"


def times(expected: float, low: float, high: float) -> str:
    """Write a number of attempts with its interval.

    Parameters
    ----------
    expected, low, high : float
        They may be infinite.

    Returns
    -------
    text : str

    Examples
    --------
    >>> from skcaptcha.audit._words import times
    >>> times(2.5, 2.0, 1234.0), times(float("inf"), 12.0, float("inf"))
    ('2.5 (2.0 to 1,234)', 'not known (12.0 or more)')
    """

    def text(number: float) -> str:
        return f"{number:,.0f}" if number >= 100 else f"{number:.1f}"

    if math.isinf(expected):
        return f"not known ({text(low)} or more)"
    return f"{text(expected)} ({text(low)} to {text(high)})"


def minutes(seconds: float) -> str:
    """Write seconds as minutes, with two or three digits.

    Parameters
    ----------
    seconds : float

    Returns
    -------
    text : str

    Examples
    --------
    >>> from skcaptcha.audit._words import minutes
    >>> minutes(3), minutes(100), minutes(6000)
    ('0.05', '1.7', '100')
    """
    digits = 0 if seconds >= 600 else 1 if seconds >= 60 else 2
    return f"{seconds / 60:,.{digits}f}"


def rounded(number: float) -> str:
    """Write a large number with three digits that count: it was not measured any better.

    Parameters
    ----------
    number : float

    Returns
    -------
    text : str

    Examples
    --------
    >>> from skcaptcha.audit._words import rounded
    >>> rounded(6806246.4)
    '6,810,000'
    """
    return f"{float(f'{number:.3g}'):,.0f}"


def listed(names: Sequence[str]) -> str:
    """Join names as a sentence does.

    Parameters
    ----------
    names : sequence of str
        At least one.

    Returns
    -------
    text : str

    Examples
    --------
    >>> from skcaptcha.audit._words import listed
    >>> listed(["noise", "lines", "arcs"])
    'noise, lines and arcs'
    """
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
