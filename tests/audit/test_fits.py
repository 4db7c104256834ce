"""Unreadable captchas count as wrong; recipes that cannot be fitted count as missing."""

import numpy as np
import pytest

from skcaptcha.audit._fits import Split, choose_and_read, fit_and_read

RECIPE = {
    "steps": {
        "denoise": {"gray": {"use": "Grayscale"}, "binarize": {"use": "Binarizer", "ink": "dark"}},
        "segment": {"use": "ConnectedComponents", "n_characters": 3},
        "features": {"use": "RawPixels", "shape": [20, 20]},
        "read": {"use": "CharacterReader", "estimator": {"use": "KNeighborsClassifier"}},
    }
}


def make_split(drawn, labels) -> Split:
    images, y = drawn(labels[:60]), np.array(labels[:60])
    return Split(images[:40], y[:40], images[40:], y[40:])


def test_captcha_that_cannot_be_read_counts_as_wrong(drawn, labels):
    split = make_split(drawn, labels)
    all_read = fit_and_read(RECIPE, split, seconds=60)
    assert all_read is not None
    assert all_read.all()
    broken = [*split.X_held_out[:7], b"no image", *split.X_held_out[8:]]
    correct = fit_and_read(RECIPE, split._replace(X_held_out=broken), seconds=60)
    assert correct is not None
    assert np.flatnonzero(~correct).tolist() == [7]


def test_recipe_that_cannot_be_fitted_has_no_readings(drawn, labels):
    split = make_split(drawn, labels)
    assert fit_and_read(RECIPE, split._replace(y=np.char.add(split.y, "XY")), seconds=60) is None


def test_networks_train_no_longer_than_allowed(drawn, labels):
    read = {
        "use": "ConvolutionalReader",
        "channels": [2] * 5,
        "n_hidden": 4,
        "max_iter": 10**6,
        "random_state": 0,
    }
    denoise = {"gray": {"use": "Grayscale"}, "polarity": {"use": "PolarityNormalizer"}}
    split = make_split(drawn, labels)
    correct = fit_and_read({"steps": {"denoise": denoise, "read": read}}, split, seconds=0.5)
    assert correct is not None
    assert correct.shape == (20,)


def test_captchas_without_labels_are_the_other_training_captchas_and_those_given(drawn, labels):
    split = make_split(drawn, labels)._replace(unlabeled=drawn(labels[60:70]))
    images = split.first_labeled(25).unlabeled
    assert split.first(25).unlabeled is None
    assert [image.pixels.tobytes() for image in images] == [
        image.tobytes() for image in [*split.X[25:], *drawn(labels[60:70])]
    ]


@pytest.mark.slow
def test_point_contains_the_results_of_its_fit(drawn, labels):
    split = make_split(drawn, labels).first(30)
    outcome = choose_and_read(split, budget=3, keep_choice=True)
    assert (outcome.point.n_labels, outcome.point.read.n) == (30, 20)
    assert outcome.choice is not None
    texts = outcome.choice.model.predict(split.X_held_out)
    assert outcome.correct.tolist() == (texts == split.y_held_out).tolist()
    assert outcome.point.read.n_correct == outcome.correct.sum()
    assert outcome.point.recipe == outcome.choice.trials[0].name
