"""Convolutional network; all but the first tests need the extra ``torch``."""

import pickle
import subprocess
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import estimator_checks_generator

from skcaptcha import Segments, load_recipe, read_captchas
from skcaptcha.datasets import load_captchas
from skcaptcha.exceptions import ReadingError, RecipeError
from skcaptcha.read import CharacterReader, ConvolutionalClassifier

RECIPE = Path(__file__).parents[2] / "configs" / "cnn.yaml"
SENTENCE = r"ConvolutionalClassifier needs PyTorch and skorch: pip install 'skcaptcha\[torch\]'$"

needs_torch = pytest.mark.skipif(
    not (find_spec("torch") and find_spec("skorch")), reason="needs the extra torch"
)


def strokes(n: int = 200, *, shape=(24, 14), seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return noisy images of a vertical (I), horizontal (-) or diagonal (N) stroke, and names."""
    rng = np.random.default_rng(seed)
    height, width = shape
    names = rng.choice(list("I-N"), n)
    images = rng.uniform(0, 0.4, (n, height, width)).astype(np.float32)
    diagonal = np.arange(height), np.arange(height) * width // height
    for image, name in zip(images, names, strict=True):
        x, y = rng.integers(width // 3, 2 * width // 3), rng.integers(height // 3, 2 * height // 3)
        place = {"I": np.s_[:, x], "-": np.s_[y]}
        image[place.get(name, diagonal)] += 0.6
    return images.reshape(n, -1), names


def small(**parameters) -> ConvolutionalClassifier:
    return ConvolutionalClassifier(
        **{"max_epochs": 10, "learning_rate": 0.01, "random_state": 0, **parameters}
    )


# --- without PyTorch ------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["torch", "skorch"])
def test_a_missing_package_raises_one_sentence(missing, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ReadingError, match=f"^{SENTENCE}"):
        small().fit(*strokes())
    with pytest.raises(RecipeError, match=rf"cnn\.yaml: steps\.read\.estimator: {SENTENCE}"):
        load_recipe(RECIPE)


@pytest.mark.slow
def test_pytorch_is_imported_only_when_needed():
    code = (
        "import sys, skcaptcha.read, skcaptcha.recipes._recipe; "
        "skcaptcha.load_recipe('grid'); skcaptcha.read.ConvolutionalClassifier(); "
        "sys.exit(len({'torch', 'skorch'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=RECIPE.parents[1])


def test_a_recipe_cannot_use_it_as_reader():
    recipe = RECIPE.with_name("grid.yaml")
    with pytest.raises(RecipeError, match=r"steps\.read\.use: .*allowed: CharacterReader"):
        load_recipe(recipe, ["steps.read={use: ConvolutionalClassifier}"])


# --- with it --------------------------------------------------------------------------------------


@needs_torch
def test_it_learns_characters():
    fitted = small().fit(*strokes())
    X, names = strokes(seed=1)
    assert fitted.classes_.tolist() == ["-", "I", "N"]
    assert fitted.predict(X).dtype == names.dtype
    assert fitted.score(X, names) > 0.95
    probabilities = fitted.predict_proba(X)
    assert probabilities.shape == (200, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_array_equal(fitted.classes_[probabilities.argmax(axis=1)], fitted.predict(X))


@needs_torch
def test_the_network_has_the_given_layers():
    net = small(max_epochs=1, n_channels=4, n_hidden=7).fit(*strokes(20)).net_
    shapes = [tuple(weights.shape) for weights in net.module_.parameters()]
    expected = [(4, 1, 3, 3), (4,), (4, 4, 3, 3), (4,), (7, 4 * 24 * 14), (7,), (3, 7), (3,)]
    assert shapes == expected


@needs_torch
def test_pixels_are_read_row_by_row():
    """The network sees images of the given height and width."""
    import torch

    fitted = small(max_epochs=1).fit(*strokes(20))
    X, _ = strokes(5)
    with torch.no_grad():
        seen = fitted.net_.module_[0](torch.from_numpy(X)).numpy()
    np.testing.assert_array_equal(seen[:, 0], X.reshape(5, 24, 14))


@needs_torch
def test_the_same_seed_gives_the_same_weights_with_any_number_of_threads():
    import torch

    def weights(threads, seed=3):
        torch.set_num_threads(threads)
        net = small(max_epochs=2, random_state=seed).fit(*strokes()).net_
        assert torch.get_num_threads() == threads
        return [part.detach().numpy() for part in net.module_.parameters()]

    before, state = torch.get_num_threads(), torch.get_rng_state()
    try:
        one, two, other = weights(1), weights(2), weights(1, seed=4)
    finally:
        torch.set_num_threads(before)
    assert all((a == b).all() for a, b in zip(one, two, strict=True))
    assert not any((a == b).all() for a, b in zip(one, other, strict=True))
    assert torch.equal(torch.get_rng_state(), state)


@needs_torch
def test_clones_are_not_fitted_and_pickles_are(tmp_path):
    X, names = strokes()
    fitted = small().fit(X, names)
    assert not hasattr(clone(fitted), "net_")
    assert clone(fitted).get_params() == fitted.get_params()
    joblib.dump(fitted, tmp_path / "model.joblib", compress=3)
    for twin in (pickle.loads(pickle.dumps(fitted)), joblib.load(tmp_path / "model.joblib")):
        np.testing.assert_array_equal(twin.predict_proba(X), fitted.predict_proba(X))
        np.testing.assert_array_equal(twin.predict(X), fitted.predict(X))


@needs_torch
@pytest.mark.parametrize("n", [1, 2, 65])
def test_few_images_and_few_classes(n):
    X, names = strokes(n)
    assert set(small().fit(X, names).predict(X)) <= set(names)
    alone = small().fit(X, ["A"] * n)
    assert alone.predict(X).tolist() == ["A"] * n
    np.testing.assert_array_equal(alone.predict_proba(X), np.ones((n, 1)))


@needs_torch
def test_predictions_do_not_depend_on_the_other_images():
    X, names = strokes()
    fitted = small().fit(X, names)
    together = fitted.predict_proba(X)
    alone = np.vstack([fitted.predict_proba(image[None]) for image in X])
    np.testing.assert_allclose(alone, together, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(fitted.predict_proba(X[::-1])[::-1], together, rtol=1e-9, atol=1e-12)


@needs_torch
def test_fit_prints_nothing(capfd):
    small().fit(*strokes())
    assert capfd.readouterr() == ("", "")


@needs_torch
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"shape": (24, 15)},
            "24 x 15 has 360 pixels, but there are 336 features; .*that of RawPixels",
        ),
        ({"shape": (24,)}, r"shape must be two positive ints \(height, width\); found \(24,\)"),
        ({"shape": (24.0, 14.0)}, "shape must be two positive ints"),
        ({"shape": (-24, -14)}, "shape must be two positive ints"),
        ({"shape": 336}, "'shape' parameter"),
        ({"n_channels": 0}, "'n_channels' parameter"),
        ({"n_hidden": 0}, "'n_hidden' parameter"),
        ({"max_epochs": 0}, "'max_epochs' parameter"),
        ({"learning_rate": 0}, "'learning_rate' parameter"),
        ({"batch_size": 2.5}, "'batch_size' parameter"),
        ({"random_state": "0"}, "'random_state' parameter"),
    ],
)
def test_errors_name_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        small(**parameters).fit(*strokes(10))


@needs_torch
def test_a_reader_can_use_it():
    X, names = strokes(200)
    boxes = np.tile([[0, 0, 14, 24], [14, 0, 14, 24]], (100, 1))
    segments = Segments(boxes, 2 * np.arange(101), values=X)
    texts = ["".join(pair) for pair in names.reshape(100, 2)]
    reader = CharacterReader(small(), calibration_cv=2).fit(segments, texts)
    assert reader.score(segments, texts) > 0.95
    reading = reader.read(segments)[0]
    assert 0 < reading.confidence <= 1
    assert reading.text == reader.predict(segments)[0]


@needs_torch
def test_the_recipe_reads_generated_captchas(tmp_path):
    recipe = load_recipe(RECIPE, ["data.n=600", "data.train=400"])
    train, test = recipe.load_data()
    model = recipe.pipeline().fit(train.data, train.target)
    assert model.score(test.data, test.target) >= 0.6
    joblib.dump(model, tmp_path / "cnn.joblib")
    twin = joblib.load(tmp_path / "cnn.joblib")
    np.testing.assert_array_equal(twin.predict(test.data), model.predict(test.data))
    assert read_captchas(twin, test.data[:1])[0].text == model.predict(test.data[:1])[0]


@needs_torch
@pytest.mark.slow
def test_the_recipe_reads_most_held_out_captchas(real_data):
    recipe = load_recipe(RECIPE)
    train, test = recipe.load_data()
    model, _ = recipe.fit(train.data, train.target)
    assert model.score(test.data, test.target) >= 0.88
    real = load_captchas(real_data / "dots" / "dev")
    assert model.score(real.data, real.target) >= 4 / 6


# --- scikit-learn's checks, on tables whose rows become images of one row -------------------------


class OneRow(ConvolutionalClassifier):
    """Treats each row of a table as an image of one row."""

    def _image_shape(self) -> tuple[int, int]:
        return 1, self.n_features_in_


def checks():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator = OneRow(max_epochs=40, learning_rate=0.02, random_state=0)
        found = list(estimator_checks_generator(estimator))
    assert len(found) > 40
    for estimator, check in found:
        name = getattr(check.func, "func", check.func).__name__
        yield pytest.param(estimator, check, id=name)


@needs_torch
@pytest.mark.parametrize(("estimator", "check"), list(checks()))
@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_checks(estimator, check):
    check(estimator)
