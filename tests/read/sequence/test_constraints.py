"""Constraints on strings, and the insertion penalty."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skcaptcha.exceptions import ReadingError
from skcaptcha.read.sequence._constraints import fit_insertion_penalty, make_constraints

CLASSES = np.array(list("012AB"))


def test_lengths_of_training_labels_are_more_probable():
    lengths, allowed = make_constraints(CLASSES, {4: 30, 6: 9}, 50)
    assert len(lengths) == 6
    assert np.isneginf(lengths[:3]).all()
    assert lengths[3] > lengths[5] > lengths[4] > -np.inf
    assert allowed.all()


@pytest.mark.parametrize(
    ("length", "expected"), [(3, [2]), ((2, 4), [1, 2, 3]), ("free", [0, 1, 2, 3, 4])]
)
def test_given_lengths_have_equal_scores(length, expected):
    lengths, _ = make_constraints(CLASSES, {4: 30}, 5, length=length)
    assert np.flatnonzero(lengths == 0).tolist() == expected
    assert np.isneginf(np.delete(lengths, expected)).all()


def test_charset_and_mask_combine():
    _, allowed = make_constraints(CLASSES, {4: 1}, 9, charset="01A", mask=["AB", None, "12"])
    assert ["".join(CLASSES[row]) for row in allowed] == ["A", "01A", "1"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"charset": "xyz"}, r"charset: allows only 'xyz'.*knows '012AB'"),
        ({"mask": ["A", "é"]}, "mask, position 2: allows only 'é'"),
        ({"mask": ["A"], "charset": "0"}, "mask, position 1"),
        ({"mask": []}, "mask is empty"),
        ({"mask": ["A"], "length": 3}, "mask has 1 positions, but length allows 3 to 3"),
        ({"length": (4, 2)}, "two ascending ints"),
        ({"length": 0}, "length must be"),
        ({"length": "any"}, "length must be"),
        ({"length": (1, 2, 3)}, "length must be"),
        ({"charset": 12}, "charset must be a string"),
        ({"mask": ["A", 3]}, "mask, position 2: must be a string"),
    ],
)
def test_impossible_constraints_raise(given, message):
    with pytest.raises(ReadingError, match=message):
        make_constraints(CLASSES, {4: 1}, 9, **given)


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
