"""Alignment of training labels with windows whose true positions are known."""

import numpy as np

from skcaptcha.read.sequence._candidate_classifier import BLANK
from skcaptcha.read.sequence._training_alignment import TrainingAlignment
from skcaptcha.segments import Segments

WIDTH, STEP, N_WINDOWS, PITCH = 14, 2, 40, 22


def problem(texts):
    """Return an alignment, and the right window of each character."""
    rng = np.random.default_rng(0)
    n = len(texts)
    x = np.tile(STEP * np.arange(N_WINDOWS), n)
    boxes = np.stack([x, 0 * x, 0 * x + WIDTH, 0 * x + 20], axis=1)
    X = Segments(boxes, N_WINDOWS * np.arange(n + 1))
    classes, of = np.unique(list("".join(texts)), return_inverse=True)
    captcha = np.repeat(np.arange(n), [len(text) for text in texts])
    values = rng.normal(size=(len(x), 5)).astype(np.float32)
    own = [rng.integers(1, 4) + np.arange(len(text)) * (PITCH // STEP) for text in texts]
    right = np.concatenate([windows + i * N_WINDOWS for i, windows in enumerate(own)])
    return TrainingAlignment(X, values, captcha, of, classes), right


def scores_of(alignment, right):
    """Return emission scores that are good only for the right windows."""
    scores = np.full((len(alignment.values), len(alignment.classes)), -9.0)
    scores[right, alignment.classes_of] = 9
    return scores


def test_labels_are_aligned_with_the_windows_of_their_characters():
    alignment, right = problem(["abca", "bbca", "cabb", "acbc"] * 5)
    alignment.align(scores_of(alignment, right))
    off = alignment.chosen - right
    # All positions are shifted together, toward the even layout.
    assert len(set(off)) == 1
    assert (alignment.names[alignment.chosen] == alignment.classes[alignment.classes_of]).all()
    assert (alignment.names == BLANK).sum() == len(alignment.values) - len(right)
    assert alignment.geometry().half_widths.tolist() == [PITCH // 2] * 3


def test_blanks_are_far_from_all_characters():
    alignment, right = problem(["abca", "bbca", "cabb"])
    alignment.chosen = right
    use = np.array([True, False, True])
    rows = alignment.draw(2, np.random.RandomState(0), use)
    characters, blanks = rows[:8], rows[8:]
    assert (characters == right[use[alignment.captcha]]).all()
    assert 0 < len(blanks) <= 16
    assert len(set(blanks)) == len(blanks)
    assert use[alignment.X.captcha_index[blanks]].all()
    distance = np.abs(blanks[:, None] - right).min(axis=1) * STEP
    assert (distance >= 0.33 * alignment.pitch).all()
