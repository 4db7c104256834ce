import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skcaptcha.read._confidence import calibrate

MARGINS = np.linspace(5, 40, 200)


def test_readings_without_an_error_promise_no_certainty():
    confidence = calibrate(MARGINS, np.ones(200, dtype=bool))
    said = confidence(np.array([0.0, 5.0, 40.0]))
    assert said[0] < said[1] <= said[2] < 1
    assert said[0] < said[1] - 0.01
    assert said[1] > 0.9


def test_readings_that_are_all_wrong_are_not_believed():
    confidence = calibrate(MARGINS, np.zeros(200, dtype=bool))
    assert confidence(MARGINS).max() < 0.05


def test_what_is_said_is_what_is_true():
    rng = np.random.default_rng(0)
    margins = rng.exponential(3, 5000)
    right = rng.random(5000) < 1 / (1 + np.exp(0.5 - 0.8 * margins))
    confidence = calibrate(margins, right)
    assert confidence.slope == pytest.approx(0.8, abs=0.1)
    assert confidence.intercept == pytest.approx(-0.5, abs=0.15)


@given(
    st.lists(st.tuples(st.floats(0, 100), st.booleans()), min_size=1, max_size=50),
)
def test_a_greater_margin_is_never_less_sure(readings):
    margins, right = (np.array(part) for part in zip(*readings, strict=True))
    confidence = calibrate(margins, right)
    said = confidence(np.array([0.0, 1.0, 10.0, 100.0]))
    assert (np.diff(said) >= 0).all()
    assert np.isfinite(said).all()
    assert confidence.sharpness > 0


def test_a_margin_that_says_nothing_leaves_the_share_of_right_ones():
    rng = np.random.default_rng(0)
    margins = rng.uniform(0, 10, 400)
    right = margins < 2.5  # only the least sure ones
    assert calibrate(margins, right)(margins).mean() == pytest.approx(right.mean(), abs=0.02)
