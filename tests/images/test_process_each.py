"""Each image gives its own result or error, in the order of the sources."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from skcaptcha.exceptions import ImageError, SegmentationError
from skcaptcha.images import ImageDecoder
from skcaptcha.images import _process_each as module
from skcaptcha.images._process_each import process_each

MODEL = make_pipeline(ImageDecoder(max_pixels=100), "passthrough")
# Images that are too wide cannot be decoded; images with 9 columns cannot be processed.
WIDTHS = [3, 9, 101, 4, 5, 9, 9, 6]


def image(width):
    return np.zeros((1, width), np.uint8)


@pytest.mark.parametrize("pixels_at_once", [1, 10, 2**22])
@pytest.mark.parametrize("error", [SegmentationError("no ink"), MemoryError()])
def test_unusable_images_do_not_affect_the_others(error, pixels_at_once, monkeypatch):
    monkeypatch.setattr(module, "_PIXELS_AT_ONCE", pixels_at_once)

    def process(model, images):
        assert model is MODEL
        widths = [image.shape[1] for image in images]
        if 9 in widths:
            raise error
        return widths

    results = process_each(MODEL, [image(width) for width in WIDTHS], process)
    failed = {i: result for i, result in enumerate(results) if not isinstance(result, int)}
    assert [result for result in results if isinstance(result, int)] == [3, 4, 5, 6]
    assert sorted(failed) == [1, 2, 5, 6]
    assert isinstance(failed.pop(2), ImageError)
    expected = "no ink" if isinstance(error, SegmentationError) else "not enough memory for 9 x 1"
    assert all(expected in str(result) for result in failed.values())


def test_programming_errors_are_not_hidden():
    def process(model, images):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        process_each(MODEL, [image(3)], process)
