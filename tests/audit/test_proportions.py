"""Intervals have their nominal coverage; expected attempts are computed from proportions."""

import math

import numpy as np
import pytest
from scipy.stats import binom, multinomial

from skcaptcha.audit._proportions import (
    difference,
    expected_attempts,
    paired_difference,
    proportion,
)


@pytest.mark.parametrize(("p", "q"), [(0.5, 0.5), (0.9, 0.5), (0.98, 0.9), (0.1, 0.02)])
def test_interval_of_a_difference_of_groups_covers_95_percent(p, q):
    n, m = 40, 25
    firsts = [proportion(k, n) for k in range(n + 1)]
    seconds = [proportion(k, m) for k in range(m + 1)]
    covered = 0.0
    for k, first in enumerate(firsts):
        for j, second in enumerate(seconds):
            found = difference(first, second)
            assert found.low <= found.value <= found.high
            if found.low <= p - q <= found.high:
                covered += binom.pmf(k, n, p) * binom.pmf(j, m, q)
    assert covered > 0.93


@pytest.mark.parametrize(("lost", "won"), [(0.1, 0.1), (0.3, 0.02), (0.05, 0.0)])
def test_interval_of_a_paired_difference_covers_95_percent(lost, won):
    n, covered = 40, 0.0
    for k in range(n + 1):
        for j in range(n + 1 - k):
            chance = multinomial.pmf([k, j, n - k - j], n, [lost, won, 1 - lost - won])
            if chance < 1e-9:
                continue
            found = paired_difference(k, j, n)
            assert found.low <= found.value <= found.high
            covered += chance * (found.low <= lost - won <= found.high)
    assert covered > 0.93


def test_more_confidence_and_fewer_captchas_make_intervals_wider():
    narrow, sure, few = proportion(40, 50), proportion(40, 50, confidence=0.99), proportion(8, 10)
    assert sure.low < narrow.low < narrow.high < sure.high
    assert few.high - few.low > narrow.high - narrow.low
    wide, wider = paired_difference(9, 2, 50), paired_difference(9, 2, 50, confidence=0.99)
    assert wider.low < wide.low < wide.high < wider.high


def test_expected_attempts_are_the_inverse_of_the_proportion():
    expected, low, high = expected_attempts(proportion(10, 40))
    read = proportion(10, 40)
    assert (expected, low, high) == (4.0, 1 / read.high, 1 / read.low)
    expected, low, high = expected_attempts(proportion(0, 40))
    assert math.isinf(expected)
    assert math.isinf(high)
    assert np.isfinite(low)
