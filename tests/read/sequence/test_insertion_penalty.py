"""Insertion penalty."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from skcaptcha.read.sequence._insertion_penalty import fit_insertion_penalty


@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=20),
    st.integers(-3, 22),
    st.integers(0, 2**32 - 1),
)
def test_the_penalty_cancels_the_gain_of_each_character(lengths, gain, seed):
    """Lengths are right even if each character adds the same, too high or too low score."""
    right = np.array(lengths)
    # The right length costs nothing; each extra or missing character costs 2 to 3.
    off = np.abs(np.arange(1, 7) - right[:, None])
    scores = -off * np.random.default_rng(seed).uniform(2, 3, (len(right), 1))
    penalty = fit_insertion_penalty(scores + gain * np.arange(1, 7), right)
    read = (scores + (gain - penalty) * np.arange(1, 7)).argmax(axis=1) + 1
    assert read.tolist() == lengths


def test_impossible_lengths_are_never_chosen():
    scores = np.array([[-np.inf, 3.0, -np.inf], [-np.inf, -np.inf, 1.0]])
    assert fit_insertion_penalty(scores, np.array([2, 3])) == np.median(np.arange(-4, 24.25, 0.25))
