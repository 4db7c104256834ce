"""Estimates of fit times."""

import pytest

from skcaptcha.auto._costs import training_size


def test_the_fit_time_is_proportional_to_the_training_size():
    def work(n_characters, **read):
        return training_size({"steps": {"read": read}}, n_characters)

    assert work(400) == 4 * work(100)
    # The number of windows is fixed, so more captchas take only slightly longer.
    assert work(100, n_windows=40000) == 16 * 100
    assert work(4000, n_windows=40000) == pytest.approx(40000 / 3, rel=0.3)
