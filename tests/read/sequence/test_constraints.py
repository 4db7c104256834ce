"""Constraints on strings."""

import numpy as np
import pytest

from skcaptcha.exceptions import ReadingError
from skcaptcha.read.sequence._constraints import make_constraints

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
