"""An exported network gives the same values as the model, in other runtimes."""

import json
from copy import copy
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline, make_pipeline

import skcaptcha
from skcaptcha.datasets import make_line_captchas
from skcaptcha.denoise import (
    Grayscale,
    HeightScaler,
    MorphologicalOpening,
    PolarityNormalizer,
    TextCropper,
)
from skcaptcha.exceptions import ModelError
from skcaptcha.images import ImageDecoder
from skcaptcha.persistence import export_onnx
from skcaptcha.read import ConvolutionalReader, Evaluate
from skcaptcha.read._calibration import PlattScaling
from skcaptcha.read._convolutional_reader import _prepare
from template_reader import template_pipeline

pytestmark = pytest.mark.slow

X, Y = make_line_captchas(90, charset="ABC", random_state=0)
N_TRAIN = 60
HEIGHT, MARGIN = 27, 7  # no multiple of what a network divides images into
GRAY = Pipeline([("gray", Grayscale()), ("ink", PolarityNormalizer(ink="auto"))])


def fitted(*steps: Any, **parameters: Any) -> Pipeline:
    small: dict[str, Any] = {"channels": (8, 8, 16, 16, 16), "n_hidden": 32, "random_state": 0}
    model = make_pipeline(ImageDecoder(), *steps, ConvolutionalReader(**small | parameters))
    return model.fit(list(X[:N_TRAIN]), Y[:N_TRAIN])


@pytest.fixture(scope="module")
def model() -> Pipeline:
    """Two networks that read images with a margin."""
    scaler = HeightScaler(height=HEIGHT, margin=MARGIN / HEIGHT)
    return fitted(GRAY, scaler, max_iter=40, n_estimators=2)


@pytest.fixture(scope="module")
def file(model: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "model.onnx"
    export_onnx(model, path)
    return path


def run(file: Path, images: NDArray[Any]) -> NDArray[np.float32]:
    """Return the output for images (n, height, width)."""
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    found: Any = session.run(None, {"image": images[:, None].astype(np.float32)})
    return found[0]


def metadata(file: Path) -> dict[str, Any]:
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    about: dict[str, Any] = json.loads(session.get_modelmeta().custom_metadata_map["skcaptcha"])
    return about


def expected(model: Pipeline, image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the log-probabilities of the model's own networks for a denoised image."""
    reader = model[-1]
    prepared, _ = _prepare(image, reader.image_height_)
    each = [softmax(network.logits(prepared), axis=1) for network in reader.networks_]
    return np.log(np.mean(each, axis=0, dtype=np.float64))


def decoded(log_probabilities: NDArray[Any], about: dict[str, Any]) -> str:
    labels = log_probabilities.argmax(axis=1)
    changes = np.flatnonzero(np.diff(labels, prepend=-1))
    return "".join(about["classes"][k] for k in labels[changes] if k != about["blank"])


def with_margin(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.pad(image, ((0, 0), (MARGIN, MARGIN)), mode="edge")


@pytest.mark.parametrize("width", [1, 2, 90, 91, 92, 93, 200])
def test_values_are_those_of_the_model(model: Pipeline, file: Path, width: int) -> None:
    image = np.random.default_rng(width).integers(0, 256, (HEIGHT, width), dtype=np.uint8)
    own = expected(model, with_margin(image))
    found = run(file, image[None])
    assert found.shape == (1, *own.shape)
    np.testing.assert_allclose(found[0], own, rtol=0, atol=1e-4)
    np.testing.assert_allclose(logsumexp(found[0], axis=1), 0, atol=1e-5)


def test_an_image_of_one_color(model: Pipeline, file: Path) -> None:
    image = np.full((HEIGHT, 40), 77, dtype=np.uint8)
    own = expected(model, with_margin(image))
    np.testing.assert_allclose(run(file, image[None])[0], own, rtol=0, atol=1e-4)


def test_images_of_a_batch_do_not_depend_on_each_other(file: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, HEIGHT, 50), dtype=np.uint8)
    images[1] //= 4
    together = run(file, images)
    for image, found in zip(images, together, strict=True):
        np.testing.assert_allclose(run(file, image[None])[0], found, rtol=0, atol=1e-5)


def test_texts_are_those_of_a_reader_without_constraints(model: Pipeline, file: Path) -> None:
    about = metadata(file)
    new = list(X[N_TRAIN:])
    scale = HeightScaler(height=HEIGHT, margin=0)
    images = make_pipeline(*GRAY, scale).fit_transform(new)
    texts = [decoded(run(file, image[None])[0], about) for image in images]
    reader = copy(model[-1]).set_params(length="free")
    # The file always averages all networks.
    reader.calibrator_ = PlattScaling(0.0, -100.0)
    free = make_pipeline(*model[:-1], reader)
    assert texts == free.predict(new).tolist()
    assert np.mean(np.array(texts) == Y[N_TRAIN:]) > 0.3  # of 81 strings


def test_other_steps_stay_outside(tmp_path: Path) -> None:
    """Without a final HeightScaler, images are only resized."""
    model = fitted(*GRAY, MorphologicalOpening(size=1), max_iter=2)
    export_onnx(model, tmp_path / "m.onnx")
    image = model[:-1].transform(list(X[:1]))[0]
    found = run(tmp_path / "m.onnx", image[None])[0]
    np.testing.assert_allclose(found, expected(model, image), rtol=0, atol=1e-4)
    about = metadata(tmp_path / "m.onnx")
    assert about["first_column"] == 2 - 4
    steps = [step["estimator"] for step in about["preparation"]]
    assert steps == [type(step).__name__ for _, step in model.steps]
    assert "height of 30 pixels" in about["preparation"][-1]["description"]


def test_the_file_is_valid(file: Path) -> None:
    exported = onnx.load(file)
    onnx.checker.check_model(exported, full_check=True)
    assert exported.producer_name == "skcaptcha"


@pytest.mark.skipif(
    int(cv2.__version__.partition(".")[0]) < 5, reason="OpenCV 4 does not compute with sizes"
)
def test_opencv_reads_the_file(file: Path) -> None:
    network = cv2.dnn.readNetFromONNX(str(file))
    image = np.random.default_rng(0).integers(0, 256, (1, HEIGHT, 90), dtype=np.uint8)
    network.setInput(image[:, None].astype(np.float32))
    np.testing.assert_allclose(network.forward(), run(file, image), rtol=0, atol=1e-4)


def test_the_metadata_is_complete(model: Pipeline, file: Path) -> None:
    about = metadata(file)
    assert about["format_version"] == 1
    assert about["skcaptcha_version"] == skcaptcha.__version__
    assert (about["input"], about["output"]) == ("image", "log_probabilities")
    assert (about["classes"], about["blank"]) == (["A", "B", "C"], 3)
    assert about["image_height"] == HEIGHT
    assert about["lengths"] == {"4": N_TRAIN}
    assert "blanks" in about["decoding"]
    decode, gray, ink, size = about["preparation"]
    assert (decode["estimator"], gray["estimator"]) == ("ImageDecoder", "Grayscale")
    assert gray["step"] == "pipeline.gray"
    assert gray["parameters"] == {"channel": "luma", "color": None, "tolerance": 30.0}
    assert (ink["step"], ink["parameters"]) == ("pipeline.ink", {"ink": "auto"})
    assert (size["step"], size["learned"]) == ("heightscaler", {"height_": HEIGHT})
    assert f"round(width * {HEIGHT} / height)" in size["description"]
    assert all(step["description"].endswith(".") for step in about["preparation"])


def test_columns_are_where_the_metadata_says(file: Path) -> None:
    """Other pixels around the center of a column change that column and its neighbors only."""
    about = metadata(file)
    image = np.random.default_rng(0).integers(0, 256, (HEIGHT, 160), dtype=np.uint8)
    column = 24
    center = about["first_column"] + column * about["column_width"]
    own = slice(round(center - 2), round(center + 2))
    other = image.copy()
    other[:, own] = image[::-1, own]  # mean and deviation stay
    change = np.abs(run(file, image[None]) - run(file, other[None]))[0].max(axis=1)
    (changed,) = np.nonzero(change > 1e-5)
    assert changed[0] < column < changed[-1] < column + 12
    assert abs(changed[0] + changed[-1] - 2 * column) <= 1


def test_a_model_without_networks(tmp_path: Path) -> None:
    model = template_pipeline().fit(list(X[:20]), Y[:20])
    with pytest.raises(ModelError, match="a TemplateReader cannot be exported, because ONNX has"):
        export_onnx(model, tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_arithmetic(model: Pipeline, file: Path, tmp_path: Path) -> None:
    """The file of an Evaluate is that of the reader inside it."""
    evaluate = Evaluate(model[-1])
    evaluate.reader_, evaluate.classes_ = model[-1], model[-1].classes_
    export_onnx(make_pipeline(*model[:-1], evaluate), tmp_path / "m.onnx")
    assert metadata(tmp_path / "m.onnx") == metadata(file) | {"arithmetic": True}
    image = np.random.default_rng(0).integers(0, 256, (1, HEIGHT, 50), dtype=np.uint8)
    np.testing.assert_array_equal(run(tmp_path / "m.onnx", image), run(file, image))


def test_text_cropper_is_refused(model: Pipeline, tmp_path: Path) -> None:
    """Texts of other programs that skip it would be nonsense."""
    cropping = make_pipeline(*model[:2], TextCropper(), *model[2:])
    with pytest.raises(ModelError, match=r"m\.onnx: the step textcropper \(TextCropper\) cannot"):
        export_onnx(cropping, tmp_path / "m.onnx")


def test_a_step_that_keeps_marks(tmp_path: Path, model: Pipeline) -> None:
    images = np.zeros((2, 20, 20), dtype=np.uint8)
    images[:, 2:19, 2:5] = images[0, 16:19, 9:12] = 255
    opening = MorphologicalOpening(keep_marks=True).fit([*images] * 20, ["1.", "1"] * 20)
    assert len(opening.marks_) == 1
    keeping = make_pipeline(*model[:2], opening, *model[2:])
    with pytest.raises(ModelError, match=r"the step morphologicalopening .*remove its keep_marks"):
        export_onnx(keeping, tmp_path / "m.onnx")


def test_a_model_that_is_not_fitted(tmp_path: Path) -> None:
    with pytest.raises(NotFittedError, match=r"m\.onnx: the pipeline is not fitted"):
        export_onnx(make_pipeline(ConvolutionalReader()), tmp_path / "m.onnx")


def test_without_the_extra(
    model: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skcaptcha.persistence._export_onnx.find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"pip install 'skcaptcha\[onnx\]'"):
        export_onnx(model, tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())
