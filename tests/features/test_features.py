"""Features of whole batches: HOG compared with scikit-image, raw pixels, and common properties."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from skimage.feature import hog
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skcaptcha import Segments
from skcaptcha.exceptions import SegmentationError
from skcaptcha.features import HOG, BaseFeatures, RawPixels

every = pytest.mark.parametrize(
    "feature",
    [RawPixels(), HOG(), HOG(8, block_norm="L1-sqrt", transform_sqrt=True)],
    ids=["raw", "hog", "hog of roots"],
)


def whole(images: list[np.ndarray]) -> Segments:
    """One segment for each image, which covers it; all have one shape."""
    h, w = images[0].shape
    boxes = np.tile([0, 0, w, h], (len(images), 1))
    return Segments(boxes, range(len(images) + 1), images=images)


def noise(m: int, shape: tuple[int, int] = (20, 14), seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return list(rng.integers(0, 256, (m, *shape), dtype=np.uint8))


def kinds_of(shape: tuple[int, int], seed: int) -> list[np.ndarray]:
    """Gray images, black and white ones, and images with few gray values."""
    rng = np.random.default_rng(seed)
    images = [
        rng.integers(0, 256, shape),
        rng.integers(0, 2, shape) * 255,
        rng.integers(0, 3, shape) + 9,
        np.zeros(shape),
        np.full(shape, rng.integers(0, 256)),
    ]
    return [image.astype(np.uint8) for image in images]


@settings(max_examples=60)
@given(
    parameters=st.fixed_dictionaries(
        {
            "orientations": st.integers(1, 20) | st.just(180),
            "pixels_per_cell": st.tuples(st.integers(1, 8), st.integers(1, 8)),
            "cells_per_block": st.tuples(st.integers(1, 3), st.integers(1, 3)),
            "block_norm": st.sampled_from(["L1", "L1-sqrt", "L2", "L2-Hys"]),
            "transform_sqrt": st.booleans(),
        }
    ),
    room=st.tuples(st.integers(0, 12), st.integers(0, 12)),
    seed=st.integers(0, 2**32 - 1),
)
def test_hog_agrees_with_scikit_image(
    parameters: dict[str, Any], room: tuple[int, int], seed: int
) -> None:
    cell, block = parameters["pixels_per_cell"], parameters["cells_per_block"]
    images = kinds_of((cell[0] * block[0] + room[0], cell[1] * block[1] + room[1]), seed)
    values = HOG(**parameters).fit_transform(whole(images)).values
    # As floats, because scikit-image takes the roots of uint8 in half precision.
    expected = [hog(image.astype(float), **parameters) for image in images]
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("orientations", [8, 9, 12])
def test_hog_puts_gradients_into_the_bins_of_scikit_image(orientations: int) -> None:
    """One gradient for each crop, so that none hides another; many at the edges of bins."""
    rng = np.random.default_rng(0)
    n = np.arange(1, 256)
    across = np.concatenate([rng.integers(-255, 256, 400), n, -n, n, 0 * n])[::3]
    down = np.concatenate([rng.integers(-255, 256, 400), n, n, 0 * n, n])[::3]
    crops = np.zeros((len(across), 3, 3), dtype=np.uint8)
    crops[:, 0, 1], crops[:, 2, 1] = np.maximum(-down, 0), np.maximum(down, 0)
    crops[:, 1, 0], crops[:, 1, 2] = np.maximum(-across, 0), np.maximum(across, 0)
    feature = HOG(orientations, pixels_per_cell=(3, 3), cells_per_block=(1, 1))
    values = feature.fit_transform(whole(list(crops))).values
    expected = [hog(crop, orientations, (3, 3), (1, 1)) for crop in crops]
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-6)


def test_raw_pixels_are_the_crop_row_after_row() -> None:
    images = noise(5)
    values = RawPixels().fit_transform(whole(images)).values
    assert_array_equal(values, np.array([image.ravel() for image in images]) / np.float32(255))
    assert values.dtype == np.float32


@every
def test_vectors_do_not_depend_on_the_batch(feature: BaseFeatures) -> None:
    """Each of many crops is described as if it were alone."""
    images = noise(2500)
    values = feature.fit_transform(whole(images)).values
    assert len(values) == 2500
    for i in (0, 1023, 1024, 2047, 2048, 2499):
        assert_array_equal(values[i], feature.transform(whole(images[i : i + 1])).values[0])


def sizes_of(*sizes: tuple[int, int]) -> Segments:
    """One segment of each height and width, each in an image of its own."""
    images = [np.full(size, 255, dtype=np.uint8) for size in sizes]
    boxes = [np.array([[0, 0, w, h]]) for h, w in sizes]
    return Segments.from_lists(images, boxes)


@every
class TestShape:
    def test_default_is_the_mean_of_the_training_segments(self, feature: BaseFeatures) -> None:
        fitted = clone(feature).fit(sizes_of((20, 10), (13, 18), (14, 16)))
        assert fitted.shape_ == (16, 15)
        # Others are resized to that shape, not to their own.
        other = sizes_of((30, 30))
        assert fitted.crops(other).shape == (1, 16, 15)
        length = fitted.transform(sizes_of((16, 15))).values.shape[1]
        assert fitted.transform(other).values.shape == (1, length)

    def test_given_widths_are_useds(self, feature: BaseFeatures) -> None:
        fitted = clone(feature).set_params(shape=(17, 9)).fit(sizes_of((20, 10)))
        assert fitted.shape_ == (17, 9)
        assert fitted.crops(sizes_of((30, 30))).shape == (1, 17, 9)

    def test_keep_aspect_reaches_the_crops(self, feature: BaseFeatures) -> None:
        white, tall = sizes_of((10, 30)), clone(feature).set_params(shape=(40, 8))
        stretched = tall.fit_transform(white)
        assert tall.crops(white).min() == 255
        kept = tall.set_params(keep_aspect=True).fit_transform(white)
        assert tall.crops(white).min() == 0
        assert (stretched.values != kept.values).any()

    def test_unknown_without_segments(self, feature: BaseFeatures) -> None:
        none = Segments.from_lists(noise(1), [np.empty((0, 4), int)])
        with pytest.raises(SegmentationError, match="no segment was found in any training image"):
            clone(feature).fit(none)

    def test_not_fitted(self, feature: BaseFeatures) -> None:
        for method in (clone(feature).transform, clone(feature).crops):
            with pytest.raises(NotFittedError):
                method(sizes_of((20, 10)))

    @pytest.mark.parametrize("shape", [(7,), (0, 5), (7.0, 5.0), (7, 5, 1), 7, "75"])
    def test_wrong(self, feature: BaseFeatures, shape: Any) -> None:
        with pytest.raises(ValueError, match="shape"):
            clone(feature).set_params(shape=shape).fit(sizes_of((20, 10)))


@every
def test_transform_keeps_the_segments_without_their_images(feature: BaseFeatures) -> None:
    boxes = [[[0, 0, 5, 9]], np.empty((0, 4), int), [[1, 2, 9, 9], [4, 4, 10, 3]]]
    segments = Segments.from_lists(noise(3), boxes)
    described = clone(feature).set_params(shape=(16, 12)).fit(segments).transform(segments)
    assert_array_equal(described.boxes, segments.boxes)
    assert_array_equal(described.counts, [1, 0, 2])
    assert described.images is described.owners is None
    assert described.values.dtype == np.float32
    assert described.values.ndim == 2
    assert segments.values is None


@every
def test_fit_transform_keeps_the_images_and_the_step(feature: BaseFeatures) -> None:
    segments = whole(noise(3))
    described = clone(feature).fit_transform(segments)
    assert described.images is segments.images
    again = described.features.transform(
        Segments(segments.boxes, [0, 1, 2, 3], images=described.images)
    )
    assert_array_equal(again.values, described.values)


@every
@pytest.mark.parametrize("n", [0, 1, 3])
def test_without_segments_vectors_have_the_same_length(feature: BaseFeatures, n: int) -> None:
    none = Segments.from_lists(noise(n), [np.empty((0, 4), int)] * n)
    feature = clone(feature).set_params(shape=(16, 12))
    described = feature.fit_transform(none)
    usual = feature.fit_transform(whole(noise(1, (16, 12)))).values.shape[1]
    assert described.values.shape == (0, usual)
    assert len(described) == n


@every
def test_other_input_is_refused(feature: BaseFeatures) -> None:
    with pytest.raises(
        TypeError, match="needs the Segments that a segmenter returns, found ndarray"
    ):
        feature.fit(np.zeros((3, 4)))
    with pytest.raises(ValueError, match="no images to cut crops from"):
        clone(feature).set_params(shape=(16, 12)).fit_transform(Segments([[0, 0, 1, 1]], [0, 1]))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"orientations": 0}, "orientations"),
        ({"orientations": 181}, "orientations"),
        ({"orientations": 4.5}, "orientations"),
        ({"block_norm": "L3"}, "block_norm"),
        ({"transform_sqrt": 1.5}, "transform_sqrt"),
        ({"pixels_per_cell": 4}, "pixels_per_cell"),
        ({"pixels_per_cell": (4, 0)}, "pixels_per_cell must be two positive ints"),
        ({"pixels_per_cell": (4.0, 4.0)}, "pixels_per_cell must be two positive ints"),
        ({"cells_per_block": (1, 2, 3)}, "cells_per_block must be two positive ints"),
        (
            {"pixels_per_cell": (11, 4)},
            r"\(20, 14\) pixels are too small for one block of \(2, 2\)",
        ),
    ],
)
def test_wrong_parameters_of_hog(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HOG().set_params(**parameters).fit_transform(whole(noise(1)))
