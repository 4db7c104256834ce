"""What a further character must be worth."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from skcaptcha.read._cost import fit_cost


@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=20),
    st.integers(-3, 22),
    st.integers(0, 2**32 - 1),
)
def test_cost_undoes_what_each_character_gains(lengths, gain, seed):
    """Where every character brings the same, too much or too little, right lengths come out."""
    right = np.array(lengths)
    # Only the right length costs nothing; each further or missing character costs 2 to 3.
    off = np.abs(np.arange(1, 7) - right[:, None])
    scores = -off * np.random.default_rng(seed).uniform(2, 3, (len(right), 1))
    cost = fit_cost(scores + gain * np.arange(1, 7), right)
    read = (scores + (gain - cost) * np.arange(1, 7)).argmax(axis=1) + 1
    assert read.tolist() == lengths


def test_impossible_lengths_are_never_taken():
    scores = np.array([[-np.inf, 3.0, -np.inf], [-np.inf, -np.inf, 1.0]])
    assert fit_cost(scores, np.array([2, 3])) == np.median(np.arange(-4, 24.25, 0.25))
