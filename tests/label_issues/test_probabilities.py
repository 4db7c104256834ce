"""Probabilities of characters and lengths, from scores with a known distribution."""

from typing import cast

import numpy as np

from skcaptcha.label_issues._out_of_fold import HeldOut
from skcaptcha.label_issues._probabilities import character_probabilities, length_probabilities
from skcaptcha.read import LabelScores, Reading

NO_READING = cast(Reading, None)  # probabilities do not depend on readings
CLASSES = np.array(["A", "B", "C"])


def test_overconfident_scores_are_calibrated():
    rng = np.random.default_rng(0)
    true = rng.dirichlet([1, 1, 1], 2000)
    labels = np.array([rng.choice(CLASSES, p=p) for p in true])
    held_out = [
        HeldOut(NO_READING, LabelScores(3 * np.log(p)[None], np.zeros(2)), CLASSES) for p in true
    ]
    found = character_probabilities(held_out, labels)
    assert found.names == CLASSES.tolist()
    np.testing.assert_allclose(found.probabilities, true, atol=0.05)


def test_unknown_characters_get_the_remaining_probability():
    scores = np.log([[0.9, 0.1]])
    held_out = [HeldOut(NO_READING, LabelScores(scores, np.zeros(2)), CLASSES[:2])] * 21
    found = character_probabilities(held_out, np.array(["A"] * 18 + ["B"] * 2 + ["C"]))
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1)
    best, other, unknown = found.probabilities[-1]
    assert best > unknown >= other > 0


def test_captchas_of_a_different_length_are_excluded():
    known = HeldOut(NO_READING, LabelScores(np.zeros((2, 3)), np.zeros(3)), CLASSES)
    other = HeldOut(NO_READING, LabelScores(None, np.zeros(3)), CLASSES)
    found = character_probabilities([other, known], np.array(["ABC", "BC"]))
    assert found.owner.tolist() == [1, 1]
    assert found.position.tolist() == [0, 1]


def test_without_a_possible_length_frequencies_are_used():
    held_out = [HeldOut(NO_READING, LabelScores(None, np.full(9, -np.inf)), CLASSES)] * 4
    found = length_probabilities(held_out, np.array(["AB", "AB", "BC", "ABC"]))
    assert found.names == ["2", "3"]
    np.testing.assert_allclose(found.probabilities, [[0.75, 0.25]] * 4)
