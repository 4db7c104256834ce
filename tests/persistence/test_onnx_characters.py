"""An exported pipeline with fixed boxes reads what the pipeline reads, in ONNX Runtime."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC, LinearSVC

from skcaptcha.datasets import make_line_captchas
from skcaptcha.denoise import (
    Binarizer,
    Grayscale,
    MorphologicalOpening,
    PolarityNormalizer,
    Smoother,
    TextCropper,
)
from skcaptcha.exceptions import ModelError
from skcaptcha.features import HOG, RawPixels
from skcaptcha.images import ImageDecoder
from skcaptcha.persistence import export_onnx
from skcaptcha.persistence._onnx_characters import _crop, _denoise, can_denoise
from skcaptcha.persistence._onnx_graph import Graph
from skcaptcha.read import CharacterReader, Evaluate, SequenceReader
from skcaptcha.segment import EqualSplit, FixedBoxes, SlidingWindow
from skcaptcha.segments import Segments

X, Y = make_line_captchas(140, charset="ABé", random_state=0)
N_TRAIN = 40
BOXES = [[8, 4, 20, 21], [38, 4, 20, 21], [68, 4, 20, 21], [98, 4, 20, 21]]
GRAY = Grayscale()
INK = (Binarizer(method="fixed", threshold=127), Smoother(), Binarizer("fixed", ink="bright"))


def fitted(classifier: Any = None, *, denoise: Any = INK, **features: Any) -> Pipeline:
    steps = ImageDecoder(), GRAY, *denoise, FixedBoxes(BOXES, margin=1), RawPixels(**features)
    model = make_pipeline(*steps, CharacterReader(classifier))
    with warnings.catch_warnings(action="ignore"):  # of estimators that are stopped early
        return model.fit(list(X[:N_TRAIN]), Y[:N_TRAIN])


def run(graph: Any, images: NDArray[Any]) -> NDArray[Any]:
    """Return the output for images (n, height, width)."""
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    found: Any = session.run(None, {"image": images[:, None].astype(np.float32)})
    return found[0]


def metadata(file: Path) -> dict[str, Any]:
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    about: dict[str, Any] = json.loads(session.get_modelmeta().custom_metadata_map["skcaptcha"])
    return about


def read(file: Path, images: NDArray[np.uint8]) -> list[str]:
    classes = metadata(file)["classes"]
    return ["".join(classes[k] for k in labels) for labels in run(str(file), images)]


CLASSIFIERS = [
    KNeighborsClassifier(1),
    LinearSVC(),
    LogisticRegression(),
    LinearDiscriminantAnalysis(),
    MLPClassifier([20], max_iter=150, random_state=0),
    make_pipeline(StandardScaler(), PCA(20), SVC(C=10)),
    SVC(kernel="poly"),
]


@pytest.mark.parametrize(
    "classifier",
    [
        pytest.param(one, marks=[] if k == 0 else pytest.mark.slow)
        for k, one in enumerate(CLASSIFIERS)
    ],
    ids=str,
)
@pytest.mark.parametrize("features", [{}, {"shape": (14, 31), "keep_aspect": True}], ids=str)
def test_texts_are_those_of_predict(
    tmp_path: Path, classifier: Any, features: dict[str, Any]
) -> None:
    model = fitted(classifier, **features)
    export_onnx(model, tmp_path / "m.onnx")
    onnx.checker.check_model(onnx.load(tmp_path / "m.onnx"), full_check=True)
    gray = np.stack(GRAY.fit_transform(list(X)))
    texts = read(tmp_path / "m.onnx", gray)
    assert texts == model.predict(list(X)).tolist()
    assert np.mean(np.array(texts[N_TRAIN:]) == Y[N_TRAIN:]) > 0.5  # of 81 strings


DENOISERS = [
    *(
        Binarizer("fixed", threshold=level, ink=ink)
        for level in (0, 127)
        for ink in ("dark", "bright")
    ),
    *(Smoother(size=size) for size in (1, 3, 5, 9)),
    *(PolarityNormalizer(ink=ink) for ink in ("dark", "bright")),
]


@pytest.mark.parametrize("step", DENOISERS, ids=str)
@settings(max_examples=10)
@given(data=st.data())
def test_denoisers_give_the_same_pixels(step: Any, data: st.DataObject) -> None:
    assert can_denoise(step)
    shape = data.draw(st.tuples(st.just(2), st.integers(2, 12), st.integers(2, 12)))
    images = data.draw(arrays(np.uint8, shape))
    graph = Graph()
    graph.add("Identity", _denoise(graph, "image", step), output="pixels")
    model = graph.model(["n", 1, *shape[1:]], "pixels", ["n", 1, *shape[1:]])
    found = run(model.SerializeToString(), images)[:, 0]
    np.testing.assert_array_equal(found, step.fit_transform(images))


def test_denoisers_that_decide_for_each_image_are_not_in_the_graph() -> None:
    others = Binarizer(), Binarizer("fixed", ink="auto"), PolarityNormalizer(), Smoother("median")
    assert not any(map(can_denoise, (*others, Smoother(size=11), MorphologicalOpening())))


@settings(max_examples=60)
@given(data=st.data())
def test_crops_are_the_same(data: st.DataObject) -> None:
    height, width = data.draw(st.tuples(st.integers(1, 15), st.integers(1, 15)))
    x, y = data.draw(st.tuples(st.integers(0, width - 1), st.integers(0, height - 1)))
    w, h = data.draw(st.tuples(st.integers(1, width - x), st.integers(1, height - y)))
    image = data.draw(arrays(np.uint8, (height, width)))
    shape = data.draw(st.tuples(st.integers(1, 15), st.integers(1, 15)))
    features = RawPixels(shape=shape, keep_aspect=data.draw(st.booleans()))
    segments = Segments([[x, y, w, h]], [0, 1], images=[image])
    features.fit(segments)
    graph = Graph()
    graph.add("Identity", _crop(graph, "image", [x, y, w, h], features), output="pixels")
    model = graph.model(["n", 1, height, width], "pixels", ["n", 1, None])
    found = run(model.SerializeToString(), image[None])
    np.testing.assert_array_equal(found.reshape(shape), features.crops(segments)[0])


def test_the_metadata_is_complete(tmp_path: Path) -> None:
    export_onnx(fitted(denoise=(Smoother("median"), *INK)), tmp_path / "m.onnx")
    about = metadata(tmp_path / "m.onnx")
    assert (about["format_version"], about["arithmetic"]) == (1, False)
    assert (about["input"], about["output"]) == ("image", "labels")
    assert (about["image_height"], about["image_width"]) == (30, 120)
    assert about["classes"] == ["A", "B", "é"]
    assert about["boxes"] == [[x - 1, y - 1, w + 2, h + 2] for x, y, w, h in BOXES]
    assert "from left to right" in about["decoding"]
    steps = [step["estimator"] for step in about["preparation"]]
    assert steps == ["ImageDecoder", "Grayscale", "Smoother"]
    assert about["preparation"][2]["parameters"]["method"] == "median"


def test_arithmetic_is_read_as_it_is_shown(tmp_path: Path) -> None:
    """The file has the reader inside Evaluate."""
    model = fitted()
    evaluate = Evaluate(model[-1])
    evaluate.reader_, evaluate.classes_ = model[-1], model[-1].classes_
    export_onnx(model, tmp_path / "plain.onnx")
    export_onnx(make_pipeline(*model[:-1], evaluate), tmp_path / "m.onnx")
    plain = metadata(tmp_path / "plain.onnx")
    assert metadata(tmp_path / "m.onnx") == plain | {"arithmetic": True}
    gray = np.stack(GRAY.fit_transform(list(X[:5])))
    assert read(tmp_path / "m.onnx", gray) == read(tmp_path / "plain.onnx", gray)


BOXED = FixedBoxes(BOXES)


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        (
            (SlidingWindow(), RawPixels(), SequenceReader(random_state=0)),
            "a SequenceReader cannot be exported, because its text is the best path through "
            "windows, for which ONNX has no operators; fit the recipe convolutional, or",
        ),
        (
            (EqualSplit(4), RawPixels(), CharacterReader()),
            "EqualSplit (step equalsplit) and RawPixels (step rawpixels) cannot be exported; "
            "before a CharacterReader, only FixedBoxes and RawPixels can, as in the recipe grid",
        ),
        ((BOXED, HOG(), CharacterReader()), "and HOG (step hog) cannot be exported"),
        (
            (TextCropper(), EqualSplit(4), RawPixels(), CharacterReader()),
            "the step textcropper (TextCropper) cannot be exported, because other programs cannot "
            "repeat it from its parameters; delete it from the recipe, and fit that",
        ),
        (
            (BOXED, RawPixels(), CharacterReader(RandomForestClassifier(2))),
            "the classifier RandomForestClassifier(n_estimators=2) cannot be exported without "
            "changing what it reads; the classifiers KNeighborsClassifier, ",
        ),
        (
            (BOXED, RawPixels(), CharacterReader(KNeighborsClassifier(weights="distance"))),
            "with uniform weights",
        ),
        (
            (BOXED, RawPixels(), CharacterReader(make_pipeline(MinMaxScaler(), SVC()))),
            "MinMaxScaler",
        ),
        ((BOXED, RawPixels(), CharacterReader(SVC(break_ties=True))), "break_ties=True"),
    ],
)
def test_what_cannot_be_exported_is_refused(
    tmp_path: Path, steps: tuple[Any, ...], sentence: str
) -> None:
    model = make_pipeline(ImageDecoder(), GRAY, PolarityNormalizer(ink="dark"), *steps)
    model.fit(list(X[:N_TRAIN]), Y[:N_TRAIN])
    with pytest.raises(ModelError) as refused:
        export_onnx(model, tmp_path / "m.onnx")
    assert str(refused.value).startswith(f"{tmp_path / 'm.onnx'}: ")
    assert sentence in str(refused.value)
    assert not list(tmp_path.iterdir())


def test_segments_without_their_images(tmp_path: Path) -> None:
    segments = Segments(np.ones((4, 4), int), [0, 2, 4], values=np.eye(4, dtype=np.float32))
    model = make_pipeline(CharacterReader(KNeighborsClassifier(1))).fit(segments, ["AB", "CD"])
    with pytest.raises(ModelError, match="the model cannot be exported; before a CharacterReader"):
        export_onnx(model, tmp_path / "m.onnx")
