"""Training images of a model are recognized by their pixels."""

from skcaptcha import load_recipe, save
from skcaptcha.datasets import make_line_captchas
from skcaptcha.persistence import describe_training, read_model
from skcaptcha.prediction import count_training_images


def test_images_that_cannot_be_decoded_are_not_counted(tmp_path):
    X, y = make_line_captchas(40, random_state=0)
    file = tmp_path / "model.joblib"
    model = load_recipe("grid").pipeline().fit(X[:30], y[:30])
    save(model, file, manifest=describe_training(X[:30], y[:30], model[0]))
    assert count_training_images(read_model(file), [*X[25:35], b"no image"]) == 5
    assert count_training_images(read_model(file), X[30:]) == 0


def test_a_manifest_without_training_images_gives_none(tmp_path):
    X, y = make_line_captchas(20, random_state=0)
    save(load_recipe("grid").pipeline().fit(X, y), tmp_path / "model.joblib")
    assert count_training_images(read_model(tmp_path / "model.joblib"), X) is None
