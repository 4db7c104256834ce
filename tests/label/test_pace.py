"""Seconds per label."""

import pytest

from skcaptcha.label._pace import Pace


def test_pauses_do_not_count():
    pace = Pace()
    for now in (0.0, 2.0, 6.0, 3600.0):
        pace.step(now)
    assert pace.seconds is None  # two labels are too few to know
    pace.step(3606.0)
    assert pace.seconds == pytest.approx((2 + 4 + 6) / 3)
