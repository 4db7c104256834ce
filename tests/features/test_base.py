"""Shapes, results and errors common to all features of crops."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skcaptcha import Segments
from skcaptcha.exceptions import SegmentationError
from skcaptcha.features import HOG, BaseFeatures, RawPixels
from whole_crops import noise, whole

every = pytest.mark.parametrize(
    "feature",
    [RawPixels(), HOG(), HOG(8, block_norm="L1-sqrt", transform_sqrt=True)],
    ids=["raw", "hog", "hog of roots"],
)


@every
def test_vectors_do_not_depend_on_the_batch(feature: BaseFeatures) -> None:
    """The features of a crop do not depend on the other crops."""
    images = noise(2500)
    values = feature.fit_transform(whole(images)).values
    assert len(values) == 2500
    for i in (0, 1023, 1024, 2047, 2048, 2499):
        assert_array_equal(values[i], feature.transform(whole(images[i : i + 1])).values[0])


def sizes_of(*sizes: tuple[int, int]) -> Segments:
    """One segment for each height and width, each in its own image."""
    images = [np.full(size, 255, dtype=np.uint8) for size in sizes]
    boxes = [np.array([[0, 0, w, h]]) for h, w in sizes]
    return Segments.from_lists(images, boxes)


@every
class TestShape:
    def test_default_is_the_mean_of_the_training_segments(self, feature: BaseFeatures) -> None:
        fitted = clone(feature).fit(sizes_of((20, 10), (13, 18), (14, 16)))
        assert fitted.shape_ == (16, 15)
        # Other segments are resized to that shape, not to their own mean.
        other = sizes_of((30, 30))
        assert fitted.crops(other).shape == (1, 16, 15)
        length = fitted.transform(sizes_of((16, 15))).values.shape[1]
        assert fitted.transform(other).values.shape == (1, length)

    def test_a_given_shape_is_used(self, feature: BaseFeatures) -> None:
        fitted = clone(feature).set_params(shape=(17, 9)).fit(sizes_of((20, 10)))
        assert fitted.shape_ == (17, 9)
        assert fitted.crops(sizes_of((30, 30))).shape == (1, 17, 9)

    def test_keep_aspect_is_passed_to_the_crops(self, feature: BaseFeatures) -> None:
        white, tall = sizes_of((10, 30)), clone(feature).set_params(shape=(40, 8))
        stretched = tall.fit_transform(white)
        assert tall.crops(white).min() == 255
        kept = tall.set_params(keep_aspect=True).fit_transform(white)
        assert tall.crops(white).min() == 0
        assert (stretched.values != kept.values).any()

    def test_shape_is_unknown_without_segments(self, feature: BaseFeatures) -> None:
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
def test_input_other_than_segments_is_refused(feature: BaseFeatures) -> None:
    with pytest.raises(
        TypeError, match="needs the Segments that a segmenter returns, found ndarray"
    ):
        feature.fit(np.zeros((3, 4)))
    with pytest.raises(ValueError, match="no images to cut crops from"):
        clone(feature).set_params(shape=(16, 12)).fit_transform(Segments([[0, 0, 1, 1]], [0, 1]))
