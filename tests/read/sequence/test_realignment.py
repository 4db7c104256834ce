"""The best alignment is kept, and classifiers score only held-out captchas."""

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from skcaptcha.read.sequence import _realignment
from skcaptcha.read.sequence._ensemble import EnsembleParameters
from skcaptcha.read.sequence._realignment import realign
from skcaptcha.read.sequence._training_alignment import TrainingAlignment
from skcaptcha.segments import Segments

N_WINDOWS = 20


def alignment_of(texts):
    """Return an alignment of windows whose only feature is the number of their captcha."""
    n = len(texts)
    x = np.tile(2 * np.arange(N_WINDOWS), n)
    X = Segments(np.stack([x, 0 * x, 0 * x + 10, 0 * x + 10], 1), N_WINDOWS * np.arange(n + 1))
    classes, of = np.unique(list("".join(texts)), return_inverse=True)
    captcha = np.repeat(np.arange(n), [len(text) for text in texts])
    values = X.captcha_index[:, None].astype(np.float32)
    return TrainingAlignment(X, values, captcha, of, classes)


class FakeClassifier:
    """Records the captchas that it was fitted to and those that it scores."""

    def __init__(self, part, n_classes):
        self.learned = None if part is None else set(np.flatnonzero(part))
        self.n_classes = n_classes
        self.scored = set()

    def emission_scores(self, values):
        self.scored |= set(values[:, 0].astype(int))
        scores = np.zeros((len(values), self.n_classes))
        scores[:, 0] = -np.inf  # as for an unseen character
        return scores


@pytest.fixture
def classifiers(monkeypatch):
    """Return a list of all fitted classifiers with their parameters."""
    fitted = []

    def fit_ensembles(parameters, alignment, parts, rng):
        new = [FakeClassifier(part, len(alignment.classes)) for part in parts]
        fitted.extend((parameters, classifier) for classifier in new)
        return new

    monkeypatch.setattr(_realignment, "fit_ensembles", fit_ensembles)
    return fitted


def parameters_for(n_copies):
    return EnsembleParameters(
        KNeighborsClassifier(1), n_estimators=3, n_copies=n_copies, warp=1.0, n_jobs=None
    )


@pytest.mark.parametrize("n", [2, 3, 8])
@pytest.mark.parametrize(("n_copies", "fewer"), [(None, None), (1, 1), (3, 2), (9, 3), (16, 4)])
def test_classifiers_score_held_out_captchas_only(classifiers, n, n_copies, fewer):
    alignment = alignment_of(["ab", "cb", "ba", "bb", "ca", "ac", "bc", "aa"][:n])
    realign(parameters_for(n_copies), alignment, 3, np.random.RandomState(0))
    # Once for the first alignment, and twice for others that were not better.
    assert len(classifiers) == 6
    for used, classifier in classifiers:
        assert (used.n_estimators, used.n_copies) == (1, fewer)
        assert classifier.learned
        assert not classifier.learned & classifier.scored
    for first, second in zip(classifiers[::2], classifiers[1::2], strict=True):
        assert first[1].scored | second[1].scored == set(range(n))
    # A character that no other captcha has does not exclude its captcha.
    assert (alignment.chosen >= 0).all()


@pytest.mark.parametrize("n_copies", [None, 8])
def test_zero_realignments_fit_nothing(classifiers, n_copies):
    realign(parameters_for(n_copies), alignment_of(["ab", "bb"]), 0, np.random.RandomState(0))
    assert not classifiers


def test_a_single_captcha_scores_itself(classifiers):
    realign(parameters_for(8), alignment_of(["abc"]), 1, np.random.RandomState(0))
    assert [classifier.learned for _, classifier in classifiers] == [None] * 3


@pytest.mark.parametrize(
    ("rights", "kept"),
    [([5, 4, 4], 0), ([5, 6, 4, 5, 5], 1), ([5, 6, 7, 6, 7], 2), ([5, 4, 6, 7, 6], 3),
     ([5, 6, 7, 8, 9], 4), ([5, 5, 5], 0)],
)  # fmt: skip
def test_the_alignment_with_the_most_held_out_characters_right_is_kept(
    classifiers, monkeypatch, rights, kept
):
    alignment = alignment_of(["ab", "cb", "ba", "bb"])
    seen = []

    def n_right(alignment, scores):
        seen.append(alignment.chosen)
        return rights[len(seen) - 1]

    monkeypatch.setattr(_realignment, "_n_right", n_right)
    realign(parameters_for(8), alignment, 2, np.random.RandomState(0))
    assert len(seen) == len(rights)
    assert alignment.chosen is seen[kept]


def test_right_characters_are_counted_by_brute_force():
    """Scores are clear and gaps are typical, so the best path uses the best windows."""
    texts = [text for _ in range(40) for text in ("abb", "", "cba", "bca")]
    alignment = alignment_of(texts)
    rng = np.random.default_rng(0)
    read = rng.integers(3, size=len(alignment.chosen))
    scores = np.full((len(alignment.values), 3), -50.0)
    scores[alignment.chosen, read] = 50
    expected = int((read == alignment.classes_of).sum())
    assert _realignment._n_right(alignment, scores) == expected
