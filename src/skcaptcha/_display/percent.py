"""How shares and probabilities are written as percentages, everywhere."""

from __future__ import annotations

import math

_TOLERANCE = 1e-9  # 100 * 0.29 is 28.999999999999996


def percent(share: float, n: int) -> str:
    """Write a share of `n` things, with as many decimals as tell two neighboring counts apart.

    Up to 100 things have no decimals, up to 1,000 have one, up to 10,000 two. Only all are 100 %,
    and only none are 0 %.

    Parameters
    ----------
    share : float in 0..1
    n : int
        Number of things that the share was measured on, at least 1.

    Returns
    -------
    text : str

    Examples
    --------
    >>> from skcaptcha._display.percent import percent
    >>> percent(49 / 50, 50), percent(199 / 200, 200), percent(0.99999, 200), percent(1.0, 200)
    ('98 %', '99.5 %', '99.9 %', '100 %')
    """
    return f"{_share(share, _decimals(n))} %"


def percent_interval(low: float, high: float, n: int) -> str:
    """Write the interval of a share of `n` things, its ends rounded outward.

    So what is written covers at least as much as the interval itself.

    Parameters
    ----------
    low, high : float in 0..1
    n : int
        Number of things that the share was measured on, at least 1.

    Returns
    -------
    text : str

    Examples
    --------
    >>> from skcaptcha._display.percent import percent_interval
    >>> percent_interval(0.895, 0.9965, 50), percent_interval(0.0, 0.0189, 200)
    ('89 to 100 %', '0 to 1.9 %')
    """
    decimals = _decimals(n)
    scale = 10**decimals
    ends = (
        math.floor(100 * low * scale + _TOLERANCE) / scale,
        math.ceil(100 * high * scale - _TOLERANCE) / scale,
    )
    return " to ".join(_number(end, decimals) for end in ends) + " %"


def percent_with_interval(share: float, interval: tuple[float, float], n: int) -> str:
    """Write a share of `n` things with its 95 % interval.

    Parameters
    ----------
    share : float in 0..1
    interval : tuple of two floats in 0..1
    n : int
        Number of things that the share was measured on, at least 1.

    Returns
    -------
    text : str

    Examples
    --------
    >>> from skcaptcha._display.percent import percent_with_interval
    >>> percent_with_interval(0.98, (0.895, 0.9965), 50)
    '98 % (95 % interval 89 to 100 %)'
    """
    return f"{percent(share, n)} (95 % interval {percent_interval(*interval, n)})"


def points(difference: float, n: int) -> str:
    """Write a difference of two shares of `n` things, in percentage points, with its sign.

    Parameters
    ----------
    difference : float in -1..1
    n : int

    Returns
    -------
    text : str

    Examples
    --------
    >>> from skcaptcha._display.percent import points
    >>> points(0.2, 50), points(-0.2, 500)
    ('+20', '−20.0')
    """
    decimals = _decimals(n)
    rounded = round(100 * difference, decimals) + 0.0  # not -0
    return f"{rounded:+.{decimals}f}".replace("-", "\N{MINUS SIGN}")


def percent_sure(probability: float) -> str:
    """Write a confidence as a percentage; only certainty is 100 %.

    Parameters
    ----------
    probability : float in 0..1

    Returns
    -------
    text : str

    Examples
    --------
    >>> from skcaptcha._display.percent import percent_sure
    >>> percent_sure(0.5), percent_sure(0.9999), percent_sure(1.0)
    ('50.0 %', '99.9 %', '100 %')
    """
    return f"{_share(probability, 1)} %"


def _decimals(n: int) -> int:
    return max(0, math.ceil(math.log10(max(n, 1)) - _TOLERANCE) - 2)


def _share(share: float, decimals: int) -> str:
    if share in (0, 1):
        return f"{100 * share:.0f}"
    least = 10.0**-decimals
    return f"{min(max(100 * share, least), 100 - least):.{decimals}f}"


def _number(percentage: float, decimals: int) -> str:
    return f"{percentage:.0f}" if percentage in (0, 100) else f"{percentage:.{decimals}f}"
