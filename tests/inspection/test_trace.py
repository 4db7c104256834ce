"""A trace equals the output of each step of a pipeline."""

import numpy as np
import pytest
from sklearn.pipeline import Pipeline

from skcaptcha.datasets import make_dot_captchas
from skcaptcha.denoise import Binarizer, Grayscale, ImageRouter, SmallComponentRemover, Smoother
from skcaptcha.exceptions import ImageError, SkcaptchaError
from skcaptcha.features import RawPixels
from skcaptcha.images import ImageDecoder
from skcaptcha.inspection import trace
from skcaptcha.read import CharacterReader, read_captchas
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


def test_trace_equals_the_output_of_each_step(model):
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


def test_decoded_image_is_in_color(model):
    """The trace shows colors even if the decoder converts images to gray for all other steps."""
    steps = [("images", ImageDecoder(gray=True)), *model.steps[1:]]
    in_gray = Pipeline(steps).fit(list(X), Y)
    colored = X[0] // np.array([1, 2, 3], np.uint8)
    original, *others = trace(in_gray, colored).stages
    assert original[0] == "images"
    np.testing.assert_array_equal(original[1], colored)
    (_, gray), *_ = others
    np.testing.assert_array_equal(gray, ImageDecoder(gray=True).transform([colored])[0])
    assert all(stage.ndim == 2 for _, stage in others)


def test_image_or_model_that_cannot_be_traced_is_an_error(model):
    with pytest.raises(ImageError, match="no such file"):
        trace(model, "nosuch.png")
    unsegmented = Pipeline([model.steps[0]])
    with pytest.raises(SkcaptchaError, match="no segmenter"):
        trace(unsegmented, X[0])
