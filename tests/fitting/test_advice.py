"""Advice after a fit with a low accuracy."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from skcaptcha.fitting._advice import accuracy_of_guessing, advice, no_better_than_guessing


def test_accuracy_of_guessing():
    digits = ["".join(each) for each in product("0123456789", repeat=2)]
    assert accuracy_of_guessing(digits) == pytest.approx(0.01)  # each of 100 labels occurs once
    assert accuracy_of_guessing(["yes", "no"] * 500) == pytest.approx(0.5, abs=1e-3)
    assert accuracy_of_guessing(["a"] * 9 + ["b"]) == pytest.approx(0.9)
    assert accuracy_of_guessing(["same"] * 5) == 1
    assert accuracy_of_guessing(["alone"]) == 1


@pytest.mark.parametrize("n_labels", [2, 20, 100])
def test_guesses_are_no_better_than_guessing(n_labels):
    """Random labels are rarely considered better than guessing."""
    random = np.random.default_rng(0)
    taken = 0
    for _ in range(200):
        labels, guesses = (random.integers(n_labels, size=200) + 1000 for _ in range(2))
        accuracy = float((labels == guesses).mean())
        taken += not no_better_than_guessing(
            accuracy, 200, accuracy_of_guessing(labels.astype(str).tolist())
        )
    assert taken <= 200 * 0.05
    assert not no_better_than_guessing(0.7, 200, 0.5)


@pytest.mark.parametrize("mistyped", [0, 1, 2])
def test_a_wrong_alphabet_is_a_cause_only_if_characters_are_rare(mistyped):
    labels = ["AB", "BC", "CA"] * 20
    labels[:mistyped] = ["Ao"] * mistyped
    causes = advice(
        labels, 0.4, 60, model_file=Path("m"), report_file=None, data="d", image="", recipe=False
    )  # fmt: skip
    found = [cause for cause in causes if "wrong alphabet" in cause]
    times = f"of the 4 characters of the labels, o occurs {['', 'once', '2 times'][mistyped]}; if"
    assert [times in cause for cause in found] == [True] * (mistyped > 0)
