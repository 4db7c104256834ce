"""Platt scaling; tests of CharacterReader cover temperature scaling."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skcaptcha.read._calibration import fit_platt_scaling

MARGINS = np.linspace(5, 40, 200)


def test_perfect_readings_do_not_give_full_confidence():
    platt = fit_platt_scaling(MARGINS, np.ones(200, dtype=bool))
    found = platt.predict_proba(np.array([0.0, 5.0, 40.0]))
    assert found[0] < found[1] <= found[2] < 1
    assert found[0] < found[1] - 0.01
    assert found[1] > 0.9


def test_readings_that_are_all_wrong_have_low_confidence():
    platt = fit_platt_scaling(MARGINS, np.zeros(200, dtype=bool))
    assert platt.predict_proba(MARGINS).max() < 0.05


def test_the_true_probabilities_are_found():
    rng = np.random.default_rng(0)
    margins = rng.exponential(3, 5000)
    right = rng.random(5000) < 1 / (1 + np.exp(0.5 - 0.8 * margins))
    platt = fit_platt_scaling(margins, right)
    assert platt.slope == pytest.approx(0.8, abs=0.1)
    assert platt.intercept == pytest.approx(-0.5, abs=0.15)


@given(
    st.lists(st.tuples(st.floats(0, 100), st.booleans()), min_size=1, max_size=50),
)
def test_confidence_never_decreases_with_the_margin(readings):
    margins, right = (np.array(part) for part in zip(*readings, strict=True))
    platt = fit_platt_scaling(margins, right)
    found = platt.predict_proba(np.array([0.0, 1.0, 10.0, 100.0]))
    assert (np.diff(found) >= 0).all()
    assert np.isfinite(found).all()
    assert platt.scale > 0


def test_uninformative_margins_give_the_fraction_of_right_readings():
    rng = np.random.default_rng(0)
    margins = rng.uniform(0, 10, 400)
    right = margins < 2.5  # only those of small margin
    platt = fit_platt_scaling(margins, right)
    assert platt.predict_proba(margins).mean() == pytest.approx(right.mean(), abs=0.02)


def test_without_captchas_margins_are_log_odds():
    platt = fit_platt_scaling(np.empty(0), np.empty(0, dtype=bool))
    assert platt.predict_proba(np.log([3.0])) == pytest.approx([0.75])
