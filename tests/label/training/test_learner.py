"""Labels that no model can be fitted to; tests/images/test_duplicates.py tests folds."""

import pytest

from image_samples import animated_captchas
from labeling_sessions import RECIPE, make_folder
from skcaptcha.auto import choose_recipe
from skcaptcha.label import LabelingSession
from skcaptcha.label._selection import shuffled
from skcaptcha.label.training import _learner
from skcaptcha.label.training._learner import Learner, _without_networks
from skcaptcha.recipes import Recipe


def test_undecodable_images_do_not_end_the_sample(tmp_path):
    truth = make_folder(tmp_path, 40)
    rows = "".join(f"{name},{label}\n" for name, label in truth.items())
    (tmp_path / "labels.csv").write_text("filename,label\n" + rows)
    (tmp_path / shuffled(truth, 0)[0]).write_bytes(b"no image")
    with LabelingSession(tmp_path, train="here", recipe=RECIPE) as session:
        estimate = session.progress().estimate
    assert estimate.n == 40
    assert estimate.accuracy < 1


def test_failed_training_is_reported(tmp_path):
    for k in range(25):
        (tmp_path / f"{k}.png").write_bytes(b"no image")
    with LabelingSession(tmp_path, train="here") as session:
        for k in range(20):
            session.label(f"{k}.png", "AB", tab="a")
        assert "could not be fitted to 20 labels" in session.progress().training
        assert session.next("a") is not None


def test_first_guesses_do_not_wait_for_networks():
    quick = {"use": "SequenceReader", "estimator": None}
    network = {"use": "SequenceReader", "estimator": {"use": "MLPClassifier"}}
    of_images = {"use": "ConvolutionalReader"}
    readers = [[quick], [quick, network], [quick, of_images], [of_images], [network]]
    families = {"cv": 4, "grid": [{"a": [k], "read": read} for k, read in enumerate(readers)]}
    assert _without_networks(families) == {
        "cv": 4,
        "grid": [{"a": [k], "read": [quick]} for k in range(3)],
    }


@pytest.mark.slow
def test_a_recipe_is_chosen_without_networks_on_images(tmp_path, monkeypatch):
    truth, given = make_folder(tmp_path, 24), []

    def choose(X, y, **options):
        given.append(options["networks"])
        return choose_recipe(X, y, **options)

    monkeypatch.setattr(_learner, "choose_recipe", choose)
    learner = Learner(tmp_path)
    assert list(learner.learn(truth))
    assert set(given) == {False}


def test_a_network_of_a_given_recipe_trains_no_longer_than_allowed(tmp_path, monkeypatch):
    monkeypatch.setattr(_learner, "_SECONDS_OF_NETWORKS", 0.3)
    truth = make_folder(tmp_path, 24)
    read = {
        "use": "ConvolutionalReader",
        "channels": [2, 2, 2, 2, 2],
        "n_hidden": 4,
        "max_iter": 10**6,
        "random_state": 0,
    }
    denoise = {"gray": {"use": "Grayscale"}, "polarity": {"use": "PolarityNormalizer"}}
    steps = {"denoise": denoise, "read": read}
    learner = Learner(tmp_path, Recipe({"data": {"generate": "lines"}, "steps": steps}))
    assert len(list(learner.learn(truth))) == 1
    some = list(truth)[:3]
    assert list(learner.read(some)) == some
    assert learner.read_held_out(some).keys() == set(some)


def test_frames_of_animations_are_merged_as_the_recipe_says(tmp_path):
    contents, texts = animated_captchas()
    labels = {f"{k}.gif": text for k, text in enumerate(texts)}
    for name, content in zip(labels, contents, strict=True):
        (tmp_path / name).write_bytes(content)
    recipe = Recipe(
        {
            "data": {"folder": "."},
            "steps": {
                "images": {"frames": 2},
                "denoise": {
                    "gray": {"use": "Grayscale"},
                    "ink": {"use": "Binarizer", "ink": "dark"},
                },
                "segment": {"use": "EqualSplit", "n_characters": 2},
                "features": {"use": "RawPixels"},
                "read": {"use": "CharacterReader", "calibration_cv": None},
            },
        }
    )
    learner = Learner(tmp_path, recipe)
    assert list(learner.learn(labels))
    found = {name: guess.text for name, guess in learner.read(list(labels)).items()}
    assert found == labels
