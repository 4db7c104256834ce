"""Labels that no model can be fitted to; tests/images/test_duplicates.py tests folds."""

from types import SimpleNamespace

import pytest

from labeling_sessions import RECIPE, make_folder
from skcaptcha.images import ImageBatch
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


NETWORK = {
    "denoise": {"gray": {"use": "Grayscale"}, "polarity": {"use": "PolarityNormalizer"}},
    "read": {
        "use": "ConvolutionalReader",
        "channels": [2, 2, 2, 2, 2],
        "n_hidden": 4,
        "max_iter": 1,
        "random_state": 0,
    },
}


@pytest.mark.parametrize(("steps", "is_kept"), [(NETWORK, True), (RECIPE.content["steps"], False)])
def test_a_network_of_the_race_is_not_trained_again(tmp_path, monkeypatch, steps, is_kept):
    truth, models = make_folder(tmp_path, 24), []

    def choose(X, y, **options):
        content = {"steps": steps}
        models.append(Recipe({**RECIPE.content, **content}).pipeline().fit(ImageBatch(X), y))
        trials = [SimpleNamespace(name="it")]
        return SimpleNamespace(recipe=content, accuracy=1.0, trials=trials, model=models[-1])

    monkeypatch.setattr(_learner, "choose_recipe", choose)
    learner = Learner(tmp_path)
    assert len(list(learner.learn(truth))) == 1
    assert (learner._model is models[-1]) == is_kept
    some = list(truth)[:3]
    assert list(learner.read(some)) == some
    assert learner.read_held_out(some).keys() == set(some)
