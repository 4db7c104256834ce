"""split_captchas: training and test sets are disjoint."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils import Bunch

from skcaptcha.datasets import split_captchas
from skcaptcha.exceptions import DatasetError


def captchas(n):
    names = [f"{i}.png" for i in range(1, n + 1)]
    return Bunch(data=[f"d/{name}" for name in names], filenames=names, target=np.array(names))


def numbers(bunch):
    assert bunch.data == [f"d/{name}" for name in bunch.filenames]
    assert bunch.target.tolist() == bunch.filenames
    return [int(name[:-4]) for name in bunch.filenames]


@pytest.mark.parametrize(
    ("train", "test", "expected"),
    [
        ("1..3", "4..5", ([1, 2, 3], [4, 5])),
        ("4..5", None, ([4, 5], [1, 2, 3, 6, 7])),
        ("2..2", "7..7", ([2], [7])),
    ],
)
def test_ranges(train, test, expected):
    assert tuple(map(numbers, split_captchas(captchas(7), train, test))) == expected


@pytest.mark.parametrize(
    ("train", "test", "sizes"),
    [
        (0.5, None, (5, 6)),
        (0.5, 0.25, (5, 3)),
        (4, 0.3, (4, 4)),
        (3, 8, (3, 8)),
        (0.99, 1, (10, 1)),
    ],
)
def test_fractions_and_numbers(train, test, sizes):
    parts = split_captchas(captchas(11), train, test)
    assert tuple(len(numbers(part)) for part in parts) == sizes


def test_fraction_and_range():
    train, test = split_captchas(captchas(10), 5, "1..5")
    assert (numbers(train), numbers(test)) == ([6, 7, 8, 9, 10], [1, 2, 3, 4, 5])


@given(st.integers(2, 60), st.floats(0.1, 0.9), st.integers(0, 5))
def test_fraction_and_rest_form_a_partition(n, share, seed):
    if int(round(n * share, 9)) == 0:
        return
    first = split_captchas(captchas(n), share, random_state=seed)
    second = split_captchas(captchas(n), share, random_state=seed)
    train, test = map(numbers, first)
    assert sorted(train + test) == list(range(1, n + 1))
    assert (train, test) == (sorted(train), sorted(test))
    assert [numbers(part) for part in second] == [train, test]


def test_fraction_is_a_random_sample():
    first, second = (split_captchas(captchas(50), 0.5, random_state=s)[0] for s in (0, 1))
    assert numbers(first) != numbers(second)


def test_bunch_without_labels():
    train, test = split_captchas(Bunch(data=["a", "b"], filenames=["a", "b"]), "1..1")
    assert (train.data, test.data) == (["a"], ["b"])


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        ("1..5", "5..9", "test: the range 5..9 overlaps the other one, first at 5"),
        ("1..10", None, "test: none of the 10 captchas are left"),
        (0.01, None, "train: none of the 10"),
        (8, 3, "test: requires 3 captchas, but 2 of 10 are left"),
        (11, None, "train: requires 11"),
        ("1..9", 0.5, "test: requires 5 captchas, but 1"),
        ("1..11", None, "exceeds the 10 captchas"),
        (1.0, None, r"train must be a range such as 1..10, a fraction .* found 1\.0"),
        (0, None, "train must be"),
        (-3, None, "train must be"),
        (5, True, "test must be"),
        (5, float("nan"), "test must be"),
        (None, None, "train must be"),
    ],
)
def test_bad_parts(train, test, message):
    with pytest.raises(DatasetError, match=message):
        split_captchas(captchas(10), train, test)


def test_both_parts_know_that_labels_were_folded():
    folded = Bunch(data=["a", "b"], target=np.array(["A", "B"]), fold_case=True)
    assert [part.fold_case for part in split_captchas(folded, "1..1")] == [True, True]
