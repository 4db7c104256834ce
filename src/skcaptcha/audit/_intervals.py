"""Intervals for differences of shares, and for how many attempts a success takes."""

from __future__ import annotations

import math
from typing import NamedTuple

from scipy.stats import binomtest, norm

from skcaptcha.metrics import wilson_interval


class Share(NamedTuple):
    """A share of captchas, with its interval.

    Attributes
    ----------
    n_right, n : int
        So many of so many.
    value : float
        The one by the other.
    low, high : float
        The ends of the interval.
    """

    n_right: int
    n: int
    value: float
    low: float
    high: float


class Difference(NamedTuple):
    """A difference of two shares, with its interval.

    Attributes
    ----------
    value : float
    low, high : float
        The ends of the interval.
    """

    value: float
    low: float
    high: float


def share(n_right: int, n: int, *, confidence: float = 0.95) -> Share:
    """Give a share with its interval by Wilson's score.

    Parameters
    ----------
    n_right : int
        From 0 to `n`.
    n : int
        At least 1.
    confidence : float, default=0.95

    Returns
    -------
    share : Share

    Examples
    --------
    >>> from skcaptcha.audit._intervals import share
    >>> low, high = share(8, 10)[3:]
    >>> round(low, 3), round(high, 3)
    (0.49, 0.943)
    """
    low, high = wilson_interval(n_right, n, confidence=confidence)
    return Share(n_right, n, n_right / n, low, high)


def surely_exceeds(read: Share, mark: float) -> bool:
    """Tell whether more than a mark is read, and no chance but one in forty that it is not.

    Wilson's interval leaves that chance on the mean over all shares; near 0 its lower end leaves
    several times as much. This is the lower end of Clopper's and Pearson's, which never does.

    Parameters
    ----------
    read : Share
    mark : float
        Between 0 and 1.

    Returns
    -------
    surely : bool

    References
    ----------
    C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits illustrated in the
    case of the binomial", Biometrika 26 (1934), 404-413.

    Examples
    --------
    >>> from skcaptcha.audit._intervals import share, surely_exceeds
    >>> share(1, 17).low > 0.01, surely_exceeds(share(1, 17), 0.01)
    (True, False)
    """
    return bool(binomtest(read.n_right, read.n, mark, alternative="greater").pvalue <= 0.025)


def difference(first: Share, second: Share) -> Difference:
    """Give the first share less the second, of two groups of different captchas.

    Parameters
    ----------
    first, second : Share
        With intervals of one confidence, which the interval of the difference has too.

    Returns
    -------
    difference : Difference

    References
    ----------
    R. G. Newcombe, "Interval estimation for the difference between independent proportions:
    comparison of eleven methods", Statistics in Medicine 17 (1998), 873-890 (method 10).

    Examples
    --------
    >>> from skcaptcha.audit._intervals import difference, share
    >>> found = difference(share(56, 70), share(48, 80))
    >>> [round(number, 4) for number in found]
    [0.2, 0.0524, 0.3339]
    """
    value = first.value - second.value
    below = math.hypot(first.value - first.low, second.high - second.value)
    above = math.hypot(first.high - first.value, second.value - second.low)
    return Difference(value, max(-1.0, value - below), min(1.0, value + above))


def paired_difference(
    n_only_first: int, n_only_second: int, n: int, *, confidence: float = 0.95
) -> Difference:
    """Give the first share less the second, of two readings of the same captchas.

    Parameters
    ----------
    n_only_first, n_only_second : int
        How many captchas the one reading has right and the other one wrong.
    n : int
        How many captchas there are.
    confidence : float, default=0.95

    Returns
    -------
    difference : Difference

    References
    ----------
    D. G. Bonett and R. M. Price, "Adjusted Wald confidence interval for a difference of binomial
    proportions based on paired data", Journal of Educational and Behavioral Statistics 37 (2012),
    479-488.

    Examples
    --------
    >>> from skcaptcha.audit._intervals import paired_difference
    >>> found = paired_difference(20, 2, 100)
    >>> [round(number, 3) for number in found]
    [0.18, 0.089, 0.264]
    """
    first, second = (n_only_first + 1) / (n + 2), (n_only_second + 1) / (n + 2)
    middle = first - second
    spread = math.sqrt((first + second - middle**2) / (n + 2))
    half = float(norm.ppf((1 + confidence) / 2)) * spread
    value = (n_only_first - n_only_second) / n
    return Difference(
        value, max(-1.0, min(value, middle - half)), min(1.0, max(value, middle + half))
    )


def attempts(read: Share) -> tuple[float, float, float]:
    """Tell how many captchas are tried, on the mean, until one is read.

    Parameters
    ----------
    read : Share
        Of the captchas that are read.

    Returns
    -------
    expected, low, high : float
        Infinite where the share may be 0.

    Examples
    --------
    >>> from skcaptcha.audit._intervals import attempts, share
    >>> [round(number, 2) for number in attempts(share(50, 100))]
    [2.0, 1.68, 2.48]
    """
    expected, low, high = (1 / p if p > 0 else math.inf for p in (read.value, read.high, read.low))
    return expected, low, high
