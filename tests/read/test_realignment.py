"""Which places are kept, and that nobody judges those that it has learned from."""

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from skcaptcha.read import _realignment
from skcaptcha.read._alignment import Characters
from skcaptcha.read._fitting import Plan, n_copies_for
from skcaptcha.read._realignment import realign
from skcaptcha.read._training import Training
from skcaptcha.segments import Segments

N_WINDOWS = 20


def training_of(texts):
    """Windows whose only feature is the number of their captcha."""
    n = len(texts)
    x = np.tile(2 * np.arange(N_WINDOWS), n)
    X = Segments(np.stack([x, 0 * x, 0 * x + 10, 0 * x + 10], 1), N_WINDOWS * np.arange(n + 1))
    classes, of = np.unique(list("".join(texts)), return_inverse=True)
    characters = Characters(np.repeat(np.arange(n), [len(text) for text in texts]), of)
    return Training(X, X.captcha_index[:, None].astype(np.float32), characters, classes)


class Witness:
    """Stands for a classifier; notes which captchas it has learned from, and which it scores."""

    def __init__(self, part, n_classes):
        self.learned = None if part is None else set(np.flatnonzero(part))
        self.n_classes = n_classes
        self.scored = set()

    def log_odds(self, values):
        self.scored |= set(values[:, 0].astype(int))
        odds = np.zeros((len(values), self.n_classes))
        odds[:, 0] = -np.inf  # as if it had never seen that character
        return odds


@pytest.fixture
def witnesses(monkeypatch):
    """Whatever is fitted, with its plan."""
    fitted = []

    def fit_classifiers(plan, training, parts, rng):
        new = [Witness(part, len(training.classes)) for part in parts]
        fitted.extend((plan, witness) for witness in new)
        return new

    monkeypatch.setattr(_realignment, "fit_classifiers", fit_classifiers)
    return fitted


def plan(n_copies):
    return Plan(KNeighborsClassifier(1), n_estimators=3, n_copies=n_copies, warp=1.0, n_jobs=None)


@pytest.mark.parametrize("n", [2, 3, 8])
@pytest.mark.parametrize(("n_copies", "fewer"), [(None, None), (1, 1), (3, 2), (9, 3), (16, 4)])
def test_nobody_judges_what_it_has_learned_from(witnesses, n, n_copies, fewer):
    training = training_of(["ab", "cb", "ba", "bb", "ca", "ac", "bc", "aa"][:n])
    realign(plan(n_copies), training, 3, np.random.RandomState(0))
    # Once for the places that there were, twice for others, which were no better.
    assert len(witnesses) == 6
    for used, witness in witnesses:
        assert (used.n_estimators, used.n_copies) == (1, fewer)
        assert witness.learned
        assert not witness.learned & witness.scored
    for first, second in zip(witnesses[::2], witnesses[1::2], strict=True):
        assert first[1].scored | second[1].scored == set(range(n))
    # A character that none of the others has is no reason to give up a captcha.
    assert (training.chosen >= 0).all()


@pytest.mark.parametrize("n_copies", [None, 8])
def test_nothing_is_realigned_if_none_is_asked_for(witnesses, n_copies):
    realign(plan(n_copies), training_of(["ab", "bb"]), 0, np.random.RandomState(0))
    assert not witnesses


def test_a_single_captcha_is_its_own_judge(witnesses):
    realign(plan(8), training_of(["abc"]), 1, np.random.RandomState(0))
    assert [witness.learned for _, witness in witnesses] == [None] * 3


@pytest.mark.parametrize(
    ("rights", "kept"),
    [([5, 4, 4], 0), ([5, 6, 4, 5, 5], 1), ([5, 6, 7, 6, 7], 2), ([5, 4, 6, 7, 6], 3),
     ([5, 6, 7, 8, 9], 4), ([5, 5, 5], 0)],
)  # fmt: skip
def test_the_places_that_others_are_read_best_from_are_kept(witnesses, monkeypatch, rights, kept):
    training = training_of(["ab", "cb", "ba", "bb"])
    seen = []

    def n_right(training, log_odds):
        seen.append(training.chosen)
        return rights[len(seen) - 1]

    monkeypatch.setattr(_realignment, "_n_right", n_right)
    realign(plan(8), training, 2, np.random.RandomState(0))
    assert len(seen) == len(rights)
    assert training.chosen is seen[kept]


def test_right_characters_are_counted_by_brute_force():
    """Scores so clear, and gaps so usual, that the best window of each place is the best path."""
    texts = [text for _ in range(40) for text in ("abb", "", "cba", "bca")]
    training = training_of(texts)
    rng = np.random.default_rng(0)
    read = rng.integers(3, size=len(training.chosen))
    log_odds = np.full((len(training.values), 3), -50.0)
    log_odds[training.chosen, read] = 50
    expected = int((read == training.characters.classes).sum())
    assert _realignment._n_right(training, log_odds) == expected


def test_windows_are_copies_of_characters_and_of_what_lies_between():
    assert n_copies_for(40_000, 2_000) == 7  # 6,000 windows each
    assert n_copies_for(100, 2_000) == 1
    assert n_copies_for(40_000, 100) == 16
