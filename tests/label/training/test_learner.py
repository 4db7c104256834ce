"""Labels that no model can be fitted to; tests/images/test_duplicates.py tests folds."""

from labeling_sessions import RECIPE, make_folder
from skcaptcha.label import LabelingSession
from skcaptcha.label._selection import shuffled
from skcaptcha.label.training._learner import _without_networks


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
