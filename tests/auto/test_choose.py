"""Choose a recipe for labeled captchas within a time budget."""

import numpy as np
import pytest
import yaml

from bar_captchas import ALL, FIXED_BOXES, SEGMENTING, bars, strings
from skcaptcha.auto import choose_recipe
from skcaptcha.datasets import load_captchas, make_line_captchas
from skcaptcha.exceptions import DatasetError, ReadingError
from skcaptcha.recipes import Recipe


def outcomes(choice) -> dict[int, str]:
    """Return the outcome of the best candidate of each family."""
    return {trial.family: trial.outcome for trial in reversed(choice.trials)}


def test_a_captcha_without_a_label_is_refused():
    images, _ = make_line_captchas(4, random_state=0)
    with pytest.raises(DatasetError, match="captcha 2 has no label"):
        choose_recipe(list(images), ["AB12", "CD34", "", "EF56"])


def test_other_families_are_skipped_if_one_is_perfect():
    images, labels = make_line_captchas(160, random_state=0)
    choice = choose_recipe(
        list(images[:120]), labels[:120], families=FIXED_BOXES | {"grid": ALL["grid"]}
    )
    best = choice.trials[0]
    assert "FixedBoxes" in best.name
    assert best.outcome == "chosen"
    assert best.accuracy == choice.accuracy >= 0.995
    assert (choice.folds, choice.n_validated) == (4, 120)
    assert choice.model.score(images[120:], labels[120:]) > 0.95
    assert set(list(outcomes(choice).values())[:-1]) == {"not tried: not needed"}
    assert choice.seconds < choice.budget


def test_the_chosen_recipe_reproduces_the_model():
    images, labels = make_line_captchas(60, random_state=1)
    choice = choose_recipe(list(images[:40]), labels[:40], families=FIXED_BOXES)
    content = {"data": {"generate": "lines"}, **choice.recipe}
    recipe = Recipe(yaml.safe_load(yaml.safe_dump(content, sort_keys=False)))
    model, search = recipe.fit(list(images[:40]), labels[:40])
    assert search.best_score_ == choice.accuracy
    assert model["read"].temperature_ == choice.model["read"].temperature_
    assert repr(model) == repr(choice.model)
    np.testing.assert_array_equal(model.predict(images), choice.model.predict(images))


@pytest.mark.slow
def test_labels_of_mixed_lengths_and_images_of_many_sizes():
    labels = strings(60, "ABC", [2, 3, 4])
    images = bars(labels)
    images[::2] = [255 - image for image in images[::2]]
    choice = choose_recipe(images[:50], labels[:50], families=SEGMENTING)
    assert outcomes(choice)[0] == "cannot apply: labels differ in length"
    assert choice.model.score(images[50:], labels[50:]) == 1
    same_length = ["ABC", "BCA", "CAB"] * 4
    widths = [np.pad(image, ((0, 0), (0, i)), "edge") for i, image in enumerate(bars(same_length))]
    choice = choose_recipe(widths, same_length, families=SEGMENTING)
    assert outcomes(choice)[0] == "cannot apply: images differ in size"


@pytest.mark.parametrize("n", [2, 5])
def test_very_few_captchas(n):
    labels = strings(n, "AB", [3], seed=1)
    choice = choose_recipe(bars(labels), labels, families=SEGMENTING)
    assert choice.folds == min(n, 4)
    assert choice.model.predict(bars(labels)).tolist() == labels
    with pytest.raises(DatasetError, match="1 labeled captchas are too few"):
        choose_recipe(bars(labels)[:1], labels[:1])


def test_wrong_labels_and_a_character_that_occurs_once():
    labels = strings(100, "ABCD", [3], seed=2)
    images = bars([*labels, "AEA"])
    wrong = [label[::-1] if i % 10 == 0 else label for i, label in enumerate([*labels, "AEA"])]
    choice = choose_recipe(images, wrong, families=SEGMENTING)
    assert choice.measurement.rare == "E"
    assert choice.accuracy > 0.8
    assert np.mean(choice.model.predict(images[:100]) == labels) > 0.9


def test_equal_labels_leave_families_that_can_apply():
    images = bars(["AAA"] * 12)
    for i, image in enumerate(images):
        image[0, i] ^= 1  # avoid duplicates
    choice = choose_recipe(images, ["AAA"] * 12, families=SEGMENTING)
    assert choice.model.predict(images).tolist() == ["AAA"] * 12
    assert any("class" in outcome for outcome in outcomes(choice).values())


def test_accuracies_are_counts_of_captchas():
    images, labels = make_line_captchas(33, charset="ABCDEFGH", random_state=3)
    choice = choose_recipe(list(images), labels, families=SEGMENTING)
    counts = [t.accuracy * t.n_validated for t in choice.trials if t.accuracy is not None]
    assert counts
    assert counts == pytest.approx(np.rint(counts), abs=1e-9)


def test_character_accuracy_decides_between_equal_string_accuracies():
    shown = strings(24, "ABCDE", [4], seed=4)
    # A character that occurs once is never in both training and test captchas.
    labels = [text[:3] + "abcdefghijklmnopqrstuvwx"[i] for i, text in enumerate(shown)]
    seeing = {
        "denoise": [{"gray": {"use": "Grayscale"}, "ink": {"use": "Binarizer", "ink": "auto"}}],
        "segment": [{"use": "EqualSplit", "n_characters": None}],
        "features": [{"use": "RawPixels", "shape": [20, 16]}],
        "read": [{"use": "CharacterReader", "estimator": {"use": "KNeighborsClassifier"}}],
    }
    blank = {"use": "Binarizer", "method": "fixed", "threshold": 255, "ink": "bright"}
    blind = {**seeing, "denoise": [{"gray": {"use": "Grayscale"}, "ink": blank}]}
    for families in ([blind, seeing], [seeing, blind]):
        choice = choose_recipe(bars(shown), labels, families=ALL | {"grid": families})
        assert [trial.accuracy for trial in choice.trials] == [0, 0]
        assert choice.trials[0].family == families.index(seeing)
        assert choice.trials[1].outcome == "same string accuracy, lower character accuracy"


def test_the_error_lists_why_each_family_cannot_apply():
    images = [np.full((20, 60), 255 - i, np.uint8) for i in range(20)]
    labels = strings(20, "ABC", [2, 3])
    with pytest.raises(ReadingError, match=r"no recipe can be fitted .*differ in length.*segments"):
        choose_recipe(images, labels, families=SEGMENTING)


def test_a_tiny_budget_still_returns_a_model():
    labels = strings(60, "ABC", [3])
    choice = choose_recipe(bars(labels), labels, families=SEGMENTING, budget=0.01)
    assert choice.model.score(bars(labels), labels) > 0.9
    assert any("no time left" in trial.outcome for trial in choice.trials)


def test_a_reader_is_screened_with_its_surrogate():
    family = {
        "read": [
            {"use": "CharacterReader", "estimator": {"use": "KNeighborsClassifier"}},
            {"use": "CharacterReader", "estimator": {"use": "SVC"}},
        ]
    }
    labels = strings(60, "ABC", [3])
    choice = choose_recipe(bars(labels), labels, families=FIXED_BOXES | {"grid": [family]})
    assert choice.trials[0].name.endswith("SVC")
    assert choice.trials[0].screened is not None


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize(
    ("scheme", "least"), [("lines", 0.98), ("really_simple", 0.98), ("amazon", 0.96)]
)
def test_real_captchas(real_data, scheme, least):
    train, dev = (load_captchas(real_data / scheme / part) for part in ("train", "dev"))
    choice = choose_recipe(train.data, train.target, n_jobs=-1)
    assert choice.model.score(dev.data, dev.target) >= least


def test_without_refit_the_validated_pipeline_is_returned_unfitted():
    images, labels = make_line_captchas(60, charset="ABC", random_state=0)
    choice = choose_recipe(list(images), labels, budget=1, refit=False)
    assert choice.trials[0].outcome == "chosen"
    content = {"data": {"generate": "lines", "n": 10}, **choice.recipe}
    assert repr(choice.model) == repr(Recipe(content).pipeline())
    assert choice.model.fit(list(images), labels).score(list(images), labels) > 0.9
