"""Single decisions of the race."""

import time

import numpy as np
import pytest

from bar_captchas import FIXED_BOXES, SEGMENTING, WINDOWS, bars, strings
from skcaptcha.auto import choose_recipe, measure
from skcaptcha.auto._candidate import Candidate
from skcaptcha.auto._costs import Costs
from skcaptcha.auto._evaluations import Clock, Evaluations
from skcaptcha.auto._families import families_for
from skcaptcha.auto._process_pool import ProcessPool
from skcaptcha.auto._race import Race
from skcaptcha.images import ImageBatch
from skcaptcha.recipes import Recipe


def race_of(
    images: list[np.ndarray],
    labels: list[str],
    left: float,
    report_progress=None,
    *,
    networks: bool = True,
) -> Race:
    y, clock = np.array(labels), Clock(time.perf_counter(), left)
    batch = ImageBatch(images)
    return Race(
        batch,
        y,
        np.arange(len(y)),
        Evaluations(batch, y, clock, None),
        report_progress or [].append,
        folds=4,
        pool=ProcessPool(1),
        random_state=0,
        networks=networks,
    )


def test_useless_candidates_do_not_use_the_time_of_readers_with_a_surrogate():
    blank = {
        "denoise__ink__threshold": [254],
        "denoise__binarize__threshold": [254],
        "read": [{"use": "CharacterReader", "estimator": {"use": "RidgeClassifier"}}],
    }
    meant = {
        "read": [
            {"use": "CharacterReader", "estimator": {"use": "KNeighborsClassifier"}},
            {"use": "CharacterReader", "estimator": {"use": "SVC"}},
        ]
    }
    labels = strings(80, "ABC", [3])
    images = bars(labels)
    labels[::10] = [label[::-1] for label in labels[::10]]
    said: list[str] = []
    race = race_of(images, labels, 60, said.append)
    families = FIXED_BOXES | {"grid": [blank, meant]}
    race.run(list(families_for(measure(images, labels), families)))
    validated = [text for text in said if text.startswith("cross-validating")]
    assert validated[0].endswith("KNeighborsClassifier")  # the name of its surrogate


@pytest.mark.parametrize(("seconds", "screened"), [(1000.0, False), (0.1, True)])
def test_families_that_take_too_long_are_not_screened(monkeypatch, seconds, screened):
    """Its first variant is timed on a few captchas if another candidate exists."""
    labels = strings(60, "ABC", [3])
    images = bars(labels)
    timed = []
    monkeypatch.setattr(
        Costs,
        "fit_and_read",
        lambda costs, recipe, few, read=True: timed.append(few) or (seconds, 0.0),
    )
    race = race_of(images, labels, 30.0)
    families = list(families_for(measure(images, labels), SEGMENTING))[:2]
    for family in families:
        race._screen(family, 10.0)
    assert len(timed) == 1
    second = [entry for entry in race.candidates if entry.family is families[1]]
    assert [entry.screened is not None for entry in second] == [screened] * len(second)
    assert all(entry.outcome == "not tried: no time left" for entry in second) != screened


def test_readers_that_take_too_long_are_not_fitted(monkeypatch):
    """A reader with an unknown fit time is fitted to a few captchas first."""
    labels = strings(80, "ABC", [3])
    labels[::10] = [label[::-1] for label in labels[::10]]
    family = {
        "read": [
            {"use": "CharacterReader", "estimator": {"use": "KNeighborsClassifier"}},
            {"use": "CharacterReader", "estimator": {"use": "SVC"}},
        ]
    }
    timed = []
    monkeypatch.setattr(Costs, "fold", lambda costs, recipe, few: timed.append(recipe) or 1000.0)
    choice = choose_recipe(
        bars(labels), labels, families=FIXED_BOXES | {"grid": [family]}, budget=120
    )
    assert len(timed) == 1
    assert "needs about" in choice.trials[0].outcome or choice.trials[0].outcome == "chosen"
    assert choice.trials[0].name.endswith("KNeighborsClassifier")


def test_without_time_for_a_network_the_windows_are_read_by_another_classifier():
    labels = strings(40, "ABC", [3])
    race = race_of(bars(labels), labels, 10.0)
    race.run(list(families_for(measure(bars(labels), labels), WINDOWS)))
    model, chosen = race.best_model(refit=False)
    (network,) = [each for each in race.candidates if each.name == "ConvolutionalReader"]
    assert network.outcome == "no time left"
    assert chosen is not network
    assert "segment" in model.named_steps


def test_no_network_is_trained_if_windows_are_not_among_the_families():
    labels = strings(40, "ABC", [3])
    race = race_of(bars(labels), labels, 10.0)
    *_, valleys = families_for(measure(bars(labels), labels), SEGMENTING)
    recipe = valleys.variants[0].stages[0][0]
    race.candidates.append(Candidate(valleys, valleys.variants[0], screened=0.5, recipe=recipe))
    assert race._start_of_network() is None


def test_networks_can_be_excluded():
    labels = strings(40, "ABC", [3])
    race = race_of(bars(labels), labels, 10.0, networks=False)
    race.run(list(families_for(measure(bars(labels), labels), WINDOWS)))
    assert "ConvolutionalReader" not in {each.name for each in race.candidates}


@pytest.mark.parametrize(("n", "n_networks"), [(19, 0), (20, 1)])
def test_a_network_is_trained_only_if_captchas_can_be_held_out(n, n_networks):
    labels = strings(n, "ABC", [3])
    race = race_of(bars(labels), labels, 10.0)
    (family,) = families_for(measure(bars(labels), labels), WINDOWS)
    recipe = family.variants[0].stages[0][0]
    race.candidates.append(Candidate(family, family.variants[0], screened=0.5, recipe=recipe))
    race._train_network()
    outcomes = [each.outcome for each in race.candidates[1:]]
    assert outcomes == ["no time left"] * n_networks


@pytest.mark.parametrize(
    ("accuracy", "n_held_out", "network_first"),
    [(1.0, 5, True), (0.97, 1000, True), (0.95, 20, True), (0.9, 1000, False)],
)
def test_a_network_wins_unless_it_reads_significantly_less_than_windows(
    accuracy, n_held_out, network_first
):
    labels = strings(40, "ABC", [3])
    race = race_of(bars(labels), labels, 10.0)
    (family,) = families_for(measure(bars(labels), labels), WINDOWS)
    recipe = family.variants[0].stages[-1][0]
    windows = Candidate(family, family.variants[0], accuracy=0.96, n_validated=400, recipe=recipe)
    network = Candidate(
        family,
        family.variants[0],
        accuracy=accuracy,
        n_validated=n_held_out,
        recipe=recipe,
        model=Recipe(recipe).pipeline(),
    )
    race.candidates = [windows, network]
    assert (race._ranked()[0] is network) == network_first


@pytest.mark.parametrize(
    ("accuracy", "n_held_out", "network_first"),
    [(1.0, 5, False), (1.0, 39, False), (1.0, 40, True), (0.975, 40, True), (0.95, 40, False)],
)
def test_a_network_wins_over_quick_readers_if_enough_captchas_were_held_out_of_it(
    accuracy, n_held_out, network_first
):
    labels = strings(40, "ABC", [3])
    race = race_of(bars(labels), labels, 10.0)
    (family,) = families_for(measure(bars(labels), labels), WINDOWS)
    boxes = next(families_for(measure(bars(labels), labels), FIXED_BOXES))
    recipe = family.variants[0].stages[-1][0]
    quick = Candidate(boxes, boxes.variants[0], accuracy=0.98, n_validated=100, recipe=recipe)
    network = Candidate(
        family,
        family.variants[0],
        accuracy=accuracy,
        n_validated=n_held_out,
        recipe=recipe,
        model=Recipe(recipe).pipeline(),
    )
    race.candidates = [network, quick]
    assert (race._ranked()[0] is network) == network_first


@pytest.mark.parametrize(
    ("accuracy", "characters", "network_first"),
    [(0.3, 0.78, True), (0.3, 0.74, False), (0.5, 0.74, True)],
)
def test_characters_decide_if_few_captchas_are_held_out_and_read(
    accuracy, characters, network_first
):
    labels = strings(40, "ABC", [3])
    race = race_of(bars(labels), labels, 10.0)
    measurement = measure(bars(labels), labels)
    (family,) = families_for(measurement, WINDOWS)
    boxes = next(families_for(measurement, FIXED_BOXES))
    recipe = family.variants[0].stages[-1][0]
    quick = Candidate(
        boxes, boxes.variants[0], accuracy=0.4, character_accuracy=0.75, n_validated=50
    )
    network = Candidate(
        family,
        family.variants[0],
        accuracy=accuracy,
        character_accuracy=characters,
        n_validated=10,
        model=Recipe(recipe).pipeline(),
    )
    quick.recipe = network.recipe = recipe
    race.candidates = [network, quick]
    assert (race._ranked()[0] is network) == network_first


@pytest.mark.parametrize(
    ("n", "accuracy", "n_networks"), [(60, 0.95, 0), (60, 0.88, 1), (200, 0.99, 1)]
)
def test_no_network_is_trained_that_could_not_win(n, accuracy, n_networks):
    """Of 60 captchas, two networks are tested on 12: 13 of 14 is the most they can show."""
    labels = strings(n, "ABC", [3])
    race = race_of(bars(labels), labels, 10.0)
    measurement = measure(bars(labels), labels)
    (family,) = families_for(measurement, WINDOWS)
    boxes = next(families_for(measurement, FIXED_BOXES))
    recipe = family.variants[0].stages[0][0]
    race.candidates = [
        Candidate(family, family.variants[0], screened=0.5, recipe=recipe),
        Candidate(boxes, boxes.variants[0], accuracy=accuracy, n_validated=n),
    ]
    race._train_network()
    assert [each.outcome for each in race.candidates[2:]] == ["no time left"] * n_networks


@pytest.mark.parametrize(("accuracy", "size"), [(0.78, 1), (0.5, 2)])
def test_a_network_starts_from_windows_without_an_opening_if_they_are_nearly_as_good(
    accuracy, size
):
    labels = strings(40, "ABC", [3])
    race = race_of(bars(labels), labels, 10.0)
    families = {**WINDOWS, "grid": [WINDOWS["grid"][0] | {"denoise__opening__size": [1, 2, 3]}]}
    (family,) = families_for(measure(bars(labels), labels), families)
    for variant in family.variants:
        opening = variant.stages[0][0]["steps"]["denoise"]["opening"]["size"]
        reads = {1: accuracy, 2: 0.8, 3: 0.79}[opening]
        recipe = variant.stages[0][0]
        race.candidates.append(
            Candidate(family, variant, screened=0.1, character_accuracy=reads, recipe=recipe)
        )
    start = race._start_of_network()
    assert start.variant.stages[0][0]["steps"]["denoise"]["opening"]["size"] == size


@pytest.mark.parametrize(
    ("reads", "segmenter"), [(0.5, "SlidingWindow"), (0.45, "ProjectionValleys")]
)
def test_a_network_starts_from_segments_if_far_less_is_read_in_windows(reads, segmenter):
    labels = strings(40, "ABC", [3])
    race = race_of(bars(labels), labels, 10.0)
    measurement = measure(bars(labels), labels)
    (windows,) = families_for(measurement, WINDOWS)
    *_, valleys = families_for(measurement, SEGMENTING)
    for family, characters in ((windows, reads), (valleys, 0.8)):
        race.candidates.append(
            Candidate(
                family,
                family.variants[0],
                screened=0.1,
                character_accuracy=characters,
                recipe=family.variants[0].stages[0][0],
            )
        )
    start = race._start_of_network()
    assert start.recipe["steps"]["segment"]["use"] == segmenter
