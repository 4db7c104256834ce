"""From which confidence on readings may be accepted together."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skcaptcha.label._acceptance import find_acceptance

# Numbers of captchas that were read rightly and wrongly, at each of a few confidences.
counts = st.lists(st.tuples(st.integers(0, 260), st.integers(0, 2)), max_size=4)


@given(counts)
def test_threshold_has_99_5_percent_and_four_fifths_of_the_most_captchas(counts):
    groups = [(0.9 - 0.1 * k, *pair) for k, pair in enumerate(counts)]
    readings = [(c, True) for c, k, _ in groups for _ in range(k)]
    readings += [(c, False) for c, _, k in groups for _ in range(k)]
    found = find_acceptance(readings)
    enough = {}
    n = n_right = 0
    for confidence, right, wrong in groups:
        n += right + wrong
        n_right += right
        if right + wrong and Fraction(2 * n_right + 1, 2 * n + 2) >= Fraction(995, 1000):
            enough[confidence] = n, n_right
    if not enough:
        assert found.threshold is None
        assert found.n < found.n_needed
        return
    assert (found.n, found.n_right) == enough[found.threshold]
    assert found.n >= found.n_needed
    assert found.accuracy >= 0.995 - 1e-12
    most = max(n for n, _ in enough.values())
    assert next(c for c, (n, _) in enough.items() if n >= 0.8 * most) == found.threshold


def test_captchas_of_one_confidence_count_together():
    """An error cannot be hidden behind others with the same confidence."""
    assert find_acceptance([(1.0, True)] * 150 + [(1.0, False)]).threshold is None


def test_no_readings():
    found = find_acceptance([])
    assert (found.threshold, found.n, found.n_needed) == (None, 0, 99)


def accepted_accuracy(rng, n, is_right):
    """Return the accuracy of readings that are accepted after n labels; None if none are."""
    confidences = rng.random(n)
    right = rng.random(n) < is_right(confidences)
    threshold = find_acceptance(zip(confidences.tolist(), right.tolist(), strict=True)).threshold
    return None if threshold is None else is_right(np.linspace(threshold, 1, 200)).mean()


def test_confidences_that_say_nothing_are_rarely_accepted():
    rng = np.random.default_rng(0)
    found = [accepted_accuracy(rng, 130, lambda c: 0.97 + 0 * c) for _ in range(100)]
    assert sum(accuracy is not None for accuracy in found) < 20


@pytest.mark.parametrize("n", [120, 400])
def test_confidences_that_say_much_are_accepted_rightly(n):
    rng = np.random.default_rng(0)
    curves = [accepted_accuracy(rng, n, lambda c: np.where(c < 0.2, 0.8, 0.999)) for _ in range(60)]
    found = [accuracy for accuracy in curves if accuracy is not None]
    assert len(found) > 20
    assert np.mean(found) > 0.995


@pytest.mark.parametrize(
    ("shape", "at_most"),
    [((1, 0.05), 0.006), ((8, 0.4), 0.015), ((20, 1), 0.025)],
    ids=["near 0 or 1", "between", "near 0.95"],
)
def test_errors_of_the_first_threshold_with_calibrated_confidences(shape, at_most):
    """The threshold is looked for after each fit: the first one found is a lucky one."""
    rng = np.random.default_rng(0)
    n_accepted = n_wrong = 0
    for _ in range(60):
        confidences = rng.beta(*shape, 1000)
        right = rng.random(1000) < confidences
        readings = [*zip(confidences.tolist(), right.tolist(), strict=True)]
        looks = (find_acceptance(readings[:n]) for n in (92, 106, 122, 140, 161, 185, 213, 245))
        found = next((one for one in looks if one.threshold is not None), None)
        if found is not None:
            sure = confidences[300:] >= found.threshold
            n_accepted += sure.sum()
            n_wrong += (sure & ~right[300:]).sum()
    assert n_wrong / n_accepted < at_most
