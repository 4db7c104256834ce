"""Fits to all captchas in the time that is left."""

import time

import numpy as np
import pytest

from bar_captchas import FIXED_BOXES, bars, strings
from skcaptcha.auto import choose_recipe, measure
from skcaptcha.auto._candidate import Candidate
from skcaptcha.auto._costs import Costs
from skcaptcha.auto._evaluations import Clock
from skcaptcha.auto._families import Family, families_for
from skcaptcha.auto._final_fits import (
    MIN_SECONDS_FOR_NETWORKS,
    FinalFits,
)
from skcaptcha.auto._process_pool import ProcessPool
from skcaptcha.images import ImageBatch
from skcaptcha.semi_supervised._self_training_reader import N_ROUNDS


def fits_to(labels: list[str], clock: Clock, *, n_unlabeled: int | None = None) -> FinalFits:
    X, y = ImageBatch(bars(labels)), np.array(labels)
    costs = Costs(X, y, 4, ProcessPool(1), [].append)
    unlabeled = None if n_unlabeled is None else ImageBatch(bars(["A"] * n_unlabeled))
    few = np.arange(len(y))[:20]
    return FinalFits(X, y, unlabeled, costs, clock, few=few, random_state=0)


def test_the_final_fit_is_shortened_or_a_warning_logged_if_time_runs_out(caplog):
    """Three different remaining times; each network takes ten seconds."""
    labels = strings(40, "ABC", [3])
    recipe = {
        **FIXED_BOXES,
        "final": {"read__calibration_cv": 3, "read__n_estimators": 3},
        "search": {"cv": 4},
    }
    del recipe["grid"]
    recipe["steps"] = {**recipe["steps"], "read": {"use": "SequenceReader", "n_windows": 40000}}
    for left, final, warned in (
        (100.0, recipe["final"], False),
        (40.0, {"read__calibration_cv": 2}, False),
        (5.0, {"read__calibration_cv": 2}, True),
    ):
        fits = fits_to(labels, Clock(time.perf_counter(), left))
        entry = Candidate(Family(0, "", (), ""), recipe=recipe, fold_seconds=10.0)
        caplog.clear()
        fits.shorten(entry)
        assert entry.recipe["final"] == final
        said = [message for _, _, message in caplog.record_tuples]
        assert said == (
            ["the budget will be exceeded: fitting FixedBoxes + RawPixels + SequenceReader to all "
             "captchas takes about 30.0 s, and 5.0 s are left"] if warned else []
        )  # fmt: skip


def test_a_warning_is_logged_before_the_budget_is_exceeded(caplog):
    labels = strings(40, "ABC", [3])
    family = next(families_for(measure(bars(labels), labels), FIXED_BOXES))
    recipe = family.variants[0].stages[0][0]
    for left, needed, said in (
        (10.0, 2.0, []),
        (-0.1, 0.0, []),  # within the tolerance
        (1.0, 8.0, ["to all captchas takes about 20.0 s, and 1.0 s are left"]),
        (-3.0, 8.0, ["it was used up 3.0 s ago, and fitting"]),
    ):
        clock = Clock(time.perf_counter(), 10.0)
        clock.advance_to(10.0 - left)
        caplog.clear()
        fits_to(labels, clock).shorten(Candidate(family, recipe=recipe, fold_seconds=needed))
        messages = [message for _, _, message in caplog.record_tuples]
        assert len(messages) == len(said)
        assert all(a in b for a, b in zip(said, messages, strict=True))


@pytest.mark.parametrize(("final_fit", "seconds"), [(0.0, 97.0), (20.0, 80.0)])
def test_networks_get_the_time_that_others_do_not_need(monkeypatch, final_fit, seconds):
    clock = Clock(time.perf_counter(), 100.0)
    monkeypatch.setattr(clock, "remaining", lambda: 100.0)
    fits = fits_to(strings(20, "ABC", [3]), clock)
    fits.reserved = final_fit
    assert fits.seconds_for_networks() == seconds


@pytest.mark.parametrize("n_unlabeled", [None, 1, 3000])
@pytest.mark.parametrize("seconds", [25.0, 200.0, 2000.0])
@pytest.mark.parametrize("batch_seconds", [None, 0.01, 10.0])
def test_the_fits_of_networks_share_the_time(n_unlabeled, seconds, batch_seconds):
    fits = fits_to(strings(20, "ABC", [3]), Clock(0.0, 1.0), n_unlabeled=n_unlabeled)
    share, n_rounds, n_captchas = fits.plan_networks(seconds, batch_seconds)
    if n_rounds:
        # Each round fits two members of one network, and the final fit two networks.
        assert n_rounds == N_ROUNDS
        assert (n_rounds + 1) * share <= seconds
        assert share >= MIN_SECONDS_FOR_NETWORKS
        assert n_captchas == 20 + n_unlabeled
    else:
        assert n_unlabeled is None or seconds < 2 * (N_ROUNDS + 1) * MIN_SECONDS_FOR_NETWORKS
        assert (share, n_captchas) == (seconds, 20)


def test_captchas_without_a_label_teach_the_chosen_recipe():
    labels = strings(120, "ABC", [3])
    images = bars(labels)
    rng = np.random.default_rng(0)
    # Noise that hides some bars, so that no recipe reads everything.
    for image in images:
        image[:, rng.integers(0, image.shape[1], 12)] = 255
    known = 40
    choice = choose_recipe(
        images[:known],
        labels[:known],
        unlabeled=[*images[known:], images[0]],
        families=FIXED_BOXES,
        budget=60,
    )
    reader = choice.self_training
    assert reader is not None
    assert (reader.transduction_[:known] == labels[:known]).all()
    # A duplicate of a labeled captcha does not teach.
    assert reader.labeled_iter_[-1] == -1
    assert choice.model is reader.estimator_
    plain = choose_recipe(images[:known], labels[:known], families=FIXED_BOXES, budget=60)
    assert plain.self_training is None
    hurried = choose_recipe(
        images[:known],
        labels[:known],
        unlabeled=images[known:],
        families=FIXED_BOXES,
        budget=0.001,
    )
    assert hurried.self_training is None
