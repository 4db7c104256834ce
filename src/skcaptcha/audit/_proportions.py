"""Proportions and their differences, with confidence intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.stats import binomtest, norm

from skcaptcha.metrics import wilson_interval


@dataclass(frozen=True)
class Proportion:
    """A proportion of captchas, n_correct out of n, with its confidence interval."""

    n_correct: int
    n: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """A difference of two proportions, with its confidence interval."""

    value: float
    low: float
    high: float


def proportion(n_correct: int, n: int, *, confidence: float = 0.95) -> Proportion:
    """Return n_correct out of n, at least 1, with Wilson's score interval."""
    low, high = wilson_interval(n_correct, n, confidence=confidence)
    return Proportion(n_correct, n, n_correct / n, low, high)


def significantly_exceeds(read: Proportion, threshold: float) -> bool:
    """Return whether a proportion exceeds a threshold, with a chance of error of 1 in 40 at most.

    This is whether the lower end of the interval of C. J. Clopper and E. S. Pearson, "The use of
    confidence or fiducial limits illustrated in the case of the binomial", Biometrika 26 (1934),
    404-413, is above the threshold. Wilson's interval has this chance of error only on average;
    close to 0, its chance of error is several times as high.
    """
    return bool(binomtest(read.n_correct, read.n, threshold, alternative="greater").pvalue <= 0.025)


def difference(first: Proportion, second: Proportion) -> Difference:
    """Return first - second, for two groups of different captchas.

    The interval has the confidence of the two intervals. It is method 10 of R. G. Newcombe,
    "Interval estimation for the difference between independent proportions: comparison of eleven
    methods", Statistics in Medicine 17 (1998), 873-890.
    """
    value = first.value - second.value
    below = math.hypot(first.value - first.low, second.high - second.value)
    above = math.hypot(first.high - first.value, second.value - second.low)
    return Difference(value, max(-1.0, value - below), min(1.0, value + above))


def paired_difference(
    n_only_first: int, n_only_second: int, n: int, *, confidence: float = 0.95
) -> Difference:
    """Return first - second, for two models that read the same n captchas.

    `n_only_first` and `n_only_second` are the captchas that only one of the models reads correctly.
    The interval is that of D. G. Bonett and R. M. Price, "Adjusted Wald confidence interval for a
    difference of binomial proportions based on paired data", Journal of Educational and Behavioral
    Statistics 37 (2012), 479-488.
    """
    first, second = (n_only_first + 1) / (n + 2), (n_only_second + 1) / (n + 2)
    middle = first - second
    spread = math.sqrt((first + second - middle**2) / (n + 2))
    half = float(norm.ppf((1 + confidence) / 2)) * spread
    value = (n_only_first - n_only_second) / n
    return Difference(
        value, max(-1.0, min(value, middle - half)), min(1.0, max(value, middle + half))
    )


def expected_attempts(read: Proportion) -> tuple[float, float, float]:
    """Return the mean number of attempts until one captcha is read, and its interval.

    A value is infinite if the proportion, or the end of its interval, is 0.
    """
    expected, low, high = (1 / p if p > 0 else math.inf for p in (read.value, read.high, read.low))
    return expected, low, high
