"""The ragged batch: invalid input, indexing, and crops compared with Pillow's resampling."""

import pickle
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from PIL import Image
from sklearn.model_selection import train_test_split

from skcaptcha import Segments
from skcaptcha.segments import ink_mask

IMAGE = np.arange(24, dtype=np.uint8).reshape(4, 6) * 10
OWNER = np.zeros((4, 6), dtype=np.int32)


def assert_same(a: Segments, b: Segments) -> None:
    for name in ("boxes", "offsets", "images", "owners"):
        one, other = getattr(a, name), getattr(b, name)
        assert (one is None) == (other is None)
        if one is not None:
            for x, y in zip(one, other, strict=True):
                assert_array_equal(x, y)


@st.composite
def batches(draw: st.DrawFn, with_owners: bool | None = None, least: int = 0) -> Segments:
    """Captchas of any size with any number of boxes at any positions."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shades = draw(st.sampled_from([np.arange(256), np.array([0, 255]), np.array([255])]))
    far = draw(st.sampled_from([4, 60]))
    images, boxes, owners = [], [], []
    for count in draw(st.lists(st.integers(0, 5), min_size=least, max_size=5)):
        h, w = draw(st.tuples(st.integers(1, far), st.integers(1, far)))
        images.append(rng.choice(shades, (h, w)).astype(np.uint8))
        x, y = rng.integers(0, w, count), rng.integers(0, h, count)
        size = [rng.integers(1, w - x + 1), rng.integers(1, h - y + 1)]
        boxes.append(np.stack([x, y, *size], axis=1))
        owners.append(rng.integers(0, count + 1, (h, w), dtype=np.int32))
    if with_owners is None:
        with_owners = draw(st.booleans())
    return Segments.from_lists(images, boxes, owners=owners if with_owners else None)


# Small shapes with small images, large shapes with large images.
side = st.integers(1, 4) | st.integers(1, 30)
shapes = st.tuples(side, side)


def resized(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    picture = Image.fromarray(pixels.astype(np.float32))
    return np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))


def pieces(segments: Segments) -> list[np.ndarray]:
    """The pixels of every segment before resizing, one after the other."""
    found = []
    for i, image in enumerate(segments.images or []):
        rows = range(segments.offsets[i], segments.offsets[i + 1])
        for k, (x, y, w, h) in enumerate(segments.boxes[rows], 1):
            piece = image[y : y + h, x : x + w]
            if segments.owners is not None:
                piece = np.where(segments.owners[i][y : y + h, x : x + w] == k, piece, 0)
            found.append(piece)
    return found


class TestInvalid:
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"offsets": [0, 2]}, "offsets must run from 0 to the number of boxes"),
            ({"offsets": [1, 1]}, "offsets must run from 0"),
            ({"offsets": []}, "offsets must run from 0"),
            ({"offsets": [[0, 1]]}, "offsets must run from 0"),
            ({"offsets": [0, 2, 1], "images": [IMAGE] * 2}, "offsets must not decrease"),
            ({"values": np.zeros((2, 3), np.float32)}, r"one row per box \(1\), got 2"),
            ({"images": []}, "expected 1 images, got 0"),
            ({"images": [IMAGE] * 2}, "expected 1 images, got 2"),
            ({"images": [IMAGE.astype(float)]}, "image 0 must be uint8 of shape .* got float64"),
            ({"images": [IMAGE[None]]}, "image 0 must be uint8 of shape"),
            ({"owners": [OWNER.T]}, "owners must have the shapes of the images"),
            ({"owners": [OWNER] * 2}, "owners must have the shapes of the images"),
            ({"boxes": [0, 0, 1, 1]}, "reshape"),
            ({"boxes": [[0, 0, 1, 1, 0, 0, 1, 1]], "offsets": [0, 2]}, "reshape"),
        ],
    )
    def test_parameters_that_do_not_match(self, changes: dict[str, Any], message: str) -> None:
        parts = {"boxes": [[0, 0, 1, 1]], "offsets": [0, 1], "images": [IMAGE]}
        with pytest.raises(ValueError, match=message):
            Segments(**parts | changes)

    @pytest.mark.parametrize(
        "box",
        [[-1, 0, 2, 2], [0, -1, 2, 2], [0, 0, 0, 2], [0, 0, 2, 0], [5, 0, 2, 2], [0, 3, 2, 2]],
    )
    def test_box_outside_its_image(self, box: list[int]) -> None:
        with pytest.raises(ValueError, match=r"box \[.*\] .* not inside image 1 of 6 x 4 pixels"):
            Segments([[0, 0, 6, 9], box], [0, 1, 2], images=[np.zeros((9, 6), np.uint8), IMAGE])

    def test_crops_need_images(self) -> None:
        with pytest.raises(ValueError, match="no images to cut crops from"):
            Segments([[0, 0, 1, 1]], [0, 1]).crops((2, 2))


class TestChoosing:
    @given(batches(least=1), st.data())
    def test_any_index_selects_captchas(self, segments: Segments, data: st.DataObject) -> None:
        n = len(segments)
        one = st.integers(-n, n - 1)
        index = data.draw(
            one
            | st.slices(n)
            | st.lists(one, min_size=1, max_size=2 * n)
            | st.lists(one, max_size=2 * n).map(lambda chosen: np.array(chosen, dtype=int))
            | st.lists(st.booleans(), min_size=n, max_size=n).map(np.array)
        )
        if data.draw(st.booleans()):
            values = np.arange(2 * len(segments.boxes), dtype=np.float32).reshape(-1, 2)
            segments = segments.with_values(values)
        chosen = segments[index]
        numbers = np.atleast_1d(np.arange(n)[index])
        parts = [slice(segments.offsets[i], segments.offsets[i + 1]) for i in numbers]
        assert len(chosen) == len(numbers)
        for name in ("boxes", "values"):
            if (whole := getattr(segments, name)) is not None:
                expected = [whole[part] for part in parts]
                assert_array_equal(getattr(chosen, name), np.concatenate([whole[:0], *expected]))
        assert_array_equal(chosen.counts, [len(segments.boxes[part]) for part in parts])
        for name in ("images", "owners"):
            if (whole := getattr(segments, name)) is not None:
                for got, i in zip(getattr(chosen, name), numbers, strict=True):
                    assert_array_equal(got, whole[i])

    @pytest.mark.parametrize("index", [3, -4, [0, 3], [True] * 4])
    def test_index_out_of_range(self, index: Any) -> None:
        with pytest.raises(IndexError):
            Segments([], [0, 0, 0, 0])[index]

    @pytest.mark.parametrize("described", [False, True])
    def test_scikit_learn_counts_and_selects_captchas(self, described: bool) -> None:
        boxes = [np.array([[i, 0, 1, 1]] * i).reshape(-1, 4) for i in range(6)]
        segments = Segments.from_lists([IMAGE] * 6, boxes)
        if described:
            segments = segments.with_values(np.zeros((15, 2), np.float32))
        train, test = train_test_split(segments, test_size=2, shuffle=False)
        assert_array_equal(train.counts, [0, 1, 2, 3])
        assert_array_equal(test.counts, [4, 5])

    @given(batches())
    def test_counts_and_pickling(self, segments: Segments) -> None:
        assert segments.counts.sum() == len(segments.boxes)
        per_captcha = np.bincount(segments.captcha_index, minlength=len(segments))
        assert_array_equal(per_captcha, segments.counts)
        assert_same(pickle.loads(pickle.dumps(segments)), segments)

    def test_empty_batch_and_captcha_without_segments(self) -> None:
        for images in ([], [IMAGE], [IMAGE] * 3):
            none = [np.empty((0, 4), int)] * len(images)
            segments = Segments.from_lists(images, none)
            assert len(segments) == len(images)
            assert_array_equal(segments.counts, np.zeros(len(images)))
            assert segments.crops((3, 2)).shape == (0, 3, 2)
            assert segments.crops().shape[0] == 0
        between = Segments.from_lists([IMAGE] * 3, [[[0, 0, 2, 2]], none[0], [[1, 1, 2, 2]]])
        assert_array_equal(between.counts, [1, 0, 1])

    def test_with_values_drops_the_images(self) -> None:
        segments = Segments([[0, 0, 2, 2]], [0, 1], images=[IMAGE], owners=[OWNER])
        described = segments.with_values(np.ones((1, 3), np.float32))
        assert described.images is described.owners is None
        assert "3 features" in repr(described)


class TestCrops:
    @given(batches(least=1), shapes, st.booleans())
    def test_like_pillow(
        self, segments: Segments, shape: tuple[int, int], keep_aspect: bool
    ) -> None:
        """Pillow resizes floats, so results may differ by rounding to integers."""
        rows, columns = shape
        crops = segments.crops(shape, keep_aspect=keep_aspect)
        for crop, piece in zip(crops, pieces(segments), strict=True):
            h, w = piece.shape
            new_h, new_w = rows, columns
            if keep_aspect:
                # One side fills the shape; the other keeps the ratio. Ties may round either way.
                scale = min(Fraction(rows, h), Fraction(columns, w))
                assume(all((scale * side).denominator != 2 for side in (h, w)))
                new_h, new_w = max(1, round(scale * h)), max(1, round(scale * w))
            top, left = (rows - new_h) // 2, (columns - new_w) // 2
            expected = np.zeros((rows, columns))
            expected[top : top + new_h, left : left + new_w] = resized(piece, new_h, new_w)
            assert np.abs(crop - expected).max() <= 0.5 + 1e-3

    @given(batches(with_owners=False), st.tuples(st.integers(1, 12), st.integers(1, 12)))
    def test_of_the_same_size_are_the_pixels(
        self, segments: Segments, shape: tuple[int, int]
    ) -> None:
        """Alone, and together with crops that are resampled."""
        image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        box = np.array([[0, 0, *shape[::-1]]])
        alone = Segments.from_lists([image], [box])
        assert_array_equal(alone.crops(shape), image[None])
        assert_array_equal(alone.crops(), image[None])
        images, boxes = [*(segments.images or []), image], np.concatenate([segments.boxes, box])
        offsets = [*segments.offsets, len(boxes)]
        among = Segments(boxes, offsets, images=images)
        assert_array_equal(among.crops(shape)[-1], image)

    @settings(max_examples=200)
    @given(batches(least=2), shapes, st.booleans())
    def test_do_not_depend_on_the_batch(
        self, segments: Segments, shape: tuple[int, int], keep_aspect: bool
    ) -> None:
        whole = segments.crops(shape, keep_aspect=keep_aspect)
        alone = [segments[i].crops(shape, keep_aspect=keep_aspect) for i in range(len(segments))]
        assert_array_equal(whole, np.concatenate(alone))

    def test_have_the_mean_shape_of_the_segments_unless_another_is_given(self) -> None:
        segments = Segments([[0, 0, 6, 4], [1, 1, 2, 1], [2, 0, 2, 3]], [0, 3], images=[IMAGE])
        assert segments.mean_shape == (3, 3)
        assert_array_equal(segments.crops(), segments.crops((3, 3)))

    def test_beside_a_crop_that_needs_no_resizing(self) -> None:
        """A smaller piece that already fills one side is still centered."""
        image = np.full((8, 3), 255, dtype=np.uint8)
        boxes = [[0, 0, 3, 8], [0, 0, 3, 2]]
        crops = Segments(boxes, [0, 2], images=[image]).crops((8, 3), keep_aspect=True)
        assert_array_equal(np.flatnonzero(crops[1].any(axis=1)), [3, 4])

    def test_of_more_pixels_than_are_cut_at_once(self) -> None:
        rng = np.random.default_rng(0)
        images = [rng.integers(0, 256, (60, 160), dtype=np.uint8) for _ in range(300)]
        whole = np.array([[0, 0, 160, 60], [3, 5, 7, 11], [20, 0, 8, 60], [0, 1, 160, 9]])
        segments = Segments.from_lists(images, [whole] * 300)
        alone = [segments[i].crops((12, 9)) for i in (0, 150, 299)]
        assert_array_equal(segments.crops((12, 9)).reshape(300, 4, 12, 9)[[0, 150, 299]], alone)

    @given(batches(least=1))
    def test_change_no_image(self, segments: Segments) -> None:
        before = [image.copy() for image in segments.images or []]
        segments.crops((4, 5))[...] = 7
        for image, copy in zip(segments.images or [], before, strict=True):
            assert_array_equal(image, copy)

    @pytest.mark.parametrize("view", [np.asfortranarray, lambda a: a[::-1, ::-1][::-1, ::-1]])
    def test_any_memory_order(self, view: Any) -> None:
        box = [[1, 1, 4, 2]]
        crops = Segments(box, [0, 1], images=[view(IMAGE)]).crops()
        assert_array_equal(crops[0], IMAGE[1:3, 1:5])


def test_ink_is_brighter_than_half() -> None:
    assert_array_equal(ink_mask(np.arange(256, dtype=np.uint8)[None])[0], np.arange(256) >= 128)


@pytest.mark.parametrize("odd", [None, "box", "size", "owner", "count"])
def test_crops_of_the_same_boxes_are_parts_of_their_images(odd):
    """All images and boxes have the same size, or one differs."""
    rng = np.random.default_rng(0)
    images = list(rng.integers(0, 256, (5, 12, 30), dtype=np.uint8))
    boxes = [np.array([[1, 2, 6, 5], [4, 3, 6, 5], [24, 7, 6, 5]]) for _ in images]
    if odd == "box":
        boxes[3][1, :2] += 1
    if odd == "size":
        images[2] = rng.integers(0, 256, (13, 40), dtype=np.uint8)
    if odd == "count":
        boxes[4] = boxes[4][:2]
    owners = None
    if odd == "owner":
        owners = [np.ones(image.shape, dtype=np.int32) for image in images]
    segments = Segments.from_lists(images, boxes, owners=owners)
    places = [(i, k) for i, own in enumerate(boxes) for k in range(len(own))]
    for crop, (i, k) in zip(segments.crops((5, 6)), places, strict=True):
        x, y, w, h = boxes[i][k]
        expected = images[i][y : y + h, x : x + w]
        np.testing.assert_array_equal(crop, expected * (owners is None or k == 0))
