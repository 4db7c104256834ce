"""The picture shows what the pipeline does."""

import numpy as np
import pytest
from sklearn.pipeline import Pipeline

from skcaptcha.datasets import make_dot_captchas
from skcaptcha.denoise import Binarizer, Grayscale, ImageRouter, SmallComponentRemover, Smoother
from skcaptcha.exceptions import ImageError, SkcaptchaError
from skcaptcha.features import RawPixels
from skcaptcha.images import ImageDecoder
from skcaptcha.read import CharacterReader, Reading, read_captchas
from skcaptcha.report import Trace, draw_traces, trace
from skcaptcha.segment import EqualSplit

X, Y = make_dot_captchas(20, random_state=0)


@pytest.fixture(scope="module")
def model() -> Pipeline:
    dashes = Pipeline(
        [
            ("smooth", Smoother(method="gaussian")),
            ("binarize", Binarizer(method="fixed", threshold=155)),
        ]
    )
    branches = [("dashes", dashes), ("dots", Binarizer()), ("none", "passthrough")]
    router = ImageRouter(branches, thresholds=[500, 10**6])
    denoise = Pipeline(
        [("gray", Grayscale()), ("kind", router), ("clean", SmallComponentRemover(min_area=5))]
    )
    steps = [
        ("images", ImageDecoder()),
        ("denoise", denoise),
        ("segment", EqualSplit(6)),
        ("features", RawPixels()),
        ("read", CharacterReader()),
    ]
    return Pipeline(steps).fit(list(X), Y)


def test_a_trace_is_what_the_pipeline_does(model):
    kinds = set()
    for image in X:
        steps = trace(model, image)
        kinds.add(tuple(name for name, _ in steps.stages))
        denoised = model[:2].transform([image])[0]
        np.testing.assert_array_equal(steps.stages[0][1], image)
        np.testing.assert_array_equal(steps.stages[-1][1], denoised)
        segments = model[:3].transform([image])
        np.testing.assert_array_equal(steps.boxes, segments.boxes)
        np.testing.assert_array_equal(steps.crops, model[3].crops(segments))
        assert steps.reading.text == read_captchas(model, [image])[0].text
    assert kinds == {
        ("images", "gray", "dashes: smooth", "dashes: binarize", "clean"),
        ("images", "gray", "kind: dots", "clean"),
    }


def test_the_original_is_shown_in_its_colors(model):
    """Also where the decoder gives gray, of which all further steps are made."""
    steps = [("images", ImageDecoder(gray=True)), *model.steps[1:]]
    in_gray = Pipeline(steps).fit(list(X), Y)
    colored = X[0] // np.array([1, 2, 3], np.uint8)
    original, *others = trace(in_gray, colored).stages
    assert original[0] == "images"
    np.testing.assert_array_equal(original[1], colored)
    (_, gray), *_ = others
    np.testing.assert_array_equal(gray, ImageDecoder(gray=True).transform([colored])[0])
    assert all(stage.ndim == 2 for _, stage in others)


def test_every_image_is_a_row(model):
    traces = [trace(model, image, title=f"${k}$ <&") for k, image in enumerate(X[:3])]
    figure = draw_traces(traces)
    columns = max(len(each.stages) for each in traces) + 3
    assert len(figure.axes) == 3 * columns
    written = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert all(each.reading.text in written for each in traces)
    figure.canvas.draw()


def test_of_many_windows_those_that_were_read_are_drawn():
    image = np.zeros((20, 60), dtype=np.uint8)
    boxes = np.array([[x, 0, 10, 20] for x in range(0, 50, 5)])
    image[:, 10:20] = image[:, 30:40] = 255
    crops = np.zeros((len(boxes), 20, 10), dtype=np.uint8)
    reading = Reading("AB", 0.9, boxes[[2, 6]], np.array([0.9, 0.9]), ())
    figure = draw_traces([Trace("a.png", [("gray", image)], boxes, crops, reading)])
    _, drawn, strip, _ = figure.axes
    assert [patch.get_x() for patch in drawn.patches] == [9.5, 29.5]
    assert strip.images[0].get_array().min() == 255
    assert [text.get_text()[0] for text in strip.texts] == ["A", "B"]


def test_what_cannot_be_traced_is_an_error(model):
    with pytest.raises(ImageError, match="no such file"):
        trace(model, "nosuch.png")
    unsegmented = Pipeline([model.steps[0]])
    with pytest.raises(SkcaptchaError, match="no segmenter"):
        trace(unsegmented, X[0])
