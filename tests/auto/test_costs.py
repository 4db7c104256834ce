"""Estimates of fit times."""

import numpy as np
import pytest

from skcaptcha.auto._costs import Costs, training_size


def test_the_fit_time_is_proportional_to_the_training_size():
    def work(n_characters, **read):
        return training_size({"steps": {"read": read}}, n_characters)

    assert work(400) == 4 * work(100)
    # The number of windows is fixed, so more captchas take only slightly longer.
    assert work(100, n_windows=40000) == 16 * 100
    assert work(4000, n_windows=40000) == pytest.approx(40000 / 3, rel=0.3)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [({4: 3.0, 8: 5.0}, 0.5), ({4: 3.0}, None), ({8: 5.0}, None), ({4: 3.0, 8: 2.9}, None)],
)
def test_a_batch_takes_the_difference_of_two_trainings(monkeypatch, seconds, expected):
    """Trainings that fail are missing."""
    costs = Costs([], np.array(["A"]), 2, None, lambda message: None)

    def fit_and_read(recipe, few, *, read):
        assert not read
        own = seconds.get(recipe["steps"]["read"]["max_iter"])
        return None if own is None else (own, 0.0)

    monkeypatch.setattr(costs, "fit_and_read", fit_and_read)
    steps = {"read": {"use": "ConvolutionalReader", "max_iter": 1200}}
    assert costs.batch({"steps": steps}, np.arange(1)) == expected
    assert steps["read"]["max_iter"] == 1200
