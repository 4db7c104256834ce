"""The estimate is unbiased, although most labeled images have low confidence."""

import numpy as np
import pytest

from skcaptcha.label._acceptance import find_acceptance
from skcaptcha.label._estimate import estimate_accuracy, random_sample
from skcaptcha.label._selection import ImageSelector
from skcaptcha.label._store import State
from skcaptcha.label._task import Guess


def test_sample_ends_at_the_first_undecided_image():
    states = {
        "a": State("A"), "b": State(None, "unreadable"), "c": State(None, "skipped"),
        "d": State("A"), "e": State(), "f": State("A"), "g": State(), "h": State("A"),
    }  # fmt: skip
    assert random_sample(states, states.__getitem__) == ["a", "d"]
    assert random_sample(states, states.__getitem__, beyond=1) == ["a", "d", "f"]


def test_sample_ends_at_the_first_accepted_reading():
    states = {"a": State("A"), "b": State("A", accepted=True), "c": State("A"), "d": State()}
    assert random_sample(states, states.__getitem__) == ["a"]
    assert random_sample(states, states.__getitem__, beyond=5) == ["a"]


def test_estimate_needs_readings_of_ten_images():
    names = [str(k) for k in range(30)]
    labels = dict.fromkeys(names, "A")
    readings = dict.fromkeys(names, "A") | {"15": None}
    assert estimate_accuracy(names, labels, readings).n == 15
    assert estimate_accuracy(names, labels, dict.fromkeys(names[:9], "A")) is None


def label_some(rng, n_images, n_labels):
    """Label a simulated folder; return the estimate, the true value and the naive estimate."""
    names = [str(k) for k in range(n_images)]
    hard = rng.random(n_images) < 0.4
    right = rng.random(n_images) < np.where(hard, 0.3, 0.95)
    confidence = np.where(hard, 0.3, 0.9) + 0.1 * rng.random(n_images)
    texts = {name: "A" if ok else "B" for name, ok in zip(names, right, strict=True)}
    guesses = {
        name: Guess(texts[name], float(sure), (), (), False)
        for name, sure in zip(names, confidence, strict=True)
    }
    labeled = {}
    order = [names[k] for k in rng.permutation(n_images)]
    chooser = ImageSelector(order, explore=0.2)
    for k in range(n_labels):
        known = guesses if k >= 20 else {}
        filename, _ = chooser.choose(lambda name: name not in labeled, known)
        labeled[filename] = "A"
    sample = random_sample(order, lambda name: State(labeled.get(name)))
    naive = np.mean([texts[name] == "A" for name in labeled])
    return estimate_accuracy(sample, labeled, texts), right.mean(), naive


@pytest.mark.slow
def test_estimate_is_unbiased_and_interval_covers():
    rng = np.random.default_rng(0)
    trials = [label_some(rng, 300, 120) for _ in range(250)]
    errors = np.array([estimate.accuracy - truth for estimate, truth, _ in trials])
    holds = np.mean([estimate.low <= truth <= estimate.high for estimate, truth, _ in trials])
    naive = np.array([share - truth for _, truth, share in trials])
    assert abs(errors.mean()) < 3 * errors.std() / np.sqrt(len(errors)) + 0.005
    assert naive.mean() < -0.05  # bias of the estimate from all labeled images
    assert holds >= 0.93


def label_all(rng, n_images):
    """Type or accept all images; return the estimate, and how many were accepted, and wrongly."""
    order = [str(k) for k in range(n_images)]
    hard = rng.random(n_images) < 0.2
    right = dict(zip(order, rng.random(n_images) < np.where(hard, 0.8, 0.999), strict=True))
    level = np.where(hard, 0.6, 0.8) + 0.2 * rng.random(n_images)
    confidence = dict(zip(order, level.tolist(), strict=True))
    texts = {name: "A" if right[name] else "B" for name in order}
    states = dict.fromkeys(order, State())
    n_typed = n_accepted = n_wrong = 0
    while left := [name for name in order if states[name] == State()]:
        states[left[0]] = State("A")
        n_typed += 1
        if n_typed % 20:
            continue
        sample = random_sample(order, states.__getitem__)
        found = find_acceptance((confidence[name], right[name]) for name in sample)
        page = [name for name in left[:0:-1] if confidence[name] >= (found.threshold or 2)][:20]
        states |= dict.fromkeys(page, State("A", accepted=True))
        n_accepted += len(page)
        n_wrong += sum(not right[name] for name in page)
    sample = random_sample(order, states.__getitem__)
    return estimate_accuracy(sample, dict.fromkeys(order, "A"), texts), n_accepted, n_wrong


@pytest.mark.slow
def test_estimate_is_unbiased_if_sure_readings_are_accepted():
    rng = np.random.default_rng(0)
    trials = [label_all(rng, 300) for _ in range(150)]
    truth = 0.2 * 0.8 + 0.8 * 0.999
    errors = np.array([estimate.accuracy - truth for estimate, _, _ in trials])
    holds = np.mean([estimate.low <= truth <= estimate.high for estimate, _, _ in trials])
    n_accepted, n_wrong = (sum(trial[k] for trial in trials) for k in (1, 2))
    assert n_accepted > 30 * len(trials)
    assert n_wrong / n_accepted < 0.005
    assert abs(errors.mean()) < 3 * errors.std() / np.sqrt(len(errors)) + 0.003
    assert holds >= 0.93
