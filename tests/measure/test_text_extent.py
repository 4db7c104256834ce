"""The columns occupied by text, and the pitch of its characters."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skcaptcha.datasets import make_image_captchas, make_line_captchas
from skcaptcha.denoise import Grayscale
from skcaptcha.exceptions import SegmentationError
from skcaptcha.measure import pitch, text_extent
from skcaptcha.measure._text_extent import range_of_greatest_sum


def text(x: int, n: int, *, apart: int = 12, width: int = 120, height: int = 30) -> np.ndarray:
    """Evenly spaced frames that begin at x."""
    image = np.zeros((height, width), dtype=np.uint8)
    for left in x + apart * np.arange(n):
        image[6:24, left : left + 8] = 255
        image[8:22, left + 2 : left + 6] = 0
    return image


@pytest.mark.parametrize(("x", "n"), [(10, 4), (30, 6), (50, 2)])
def test_text_is_found(x: int, n: int) -> None:
    left, right = text_extent(text(x, n))
    assert abs(left - x) <= 3
    assert abs(right - (x + 12 * n - 4)) <= 3


def test_polarity_does_not_matter() -> None:
    assert text_extent(255 - text(30, 4)) == text_extent(text(30, 4))


def test_thin_lines_and_shaded_backgrounds_have_little_effect() -> None:
    image = text(30, 5) // 2 + np.linspace(0, 100, 120).astype(np.uint8)
    image[15] = 140
    left, right = text_extent(image)
    assert abs(left - 30) <= 4
    assert abs(right - 86) <= 4


def test_a_frame_far_from_the_text_does_not_belong_to_it() -> None:
    image = text(10, 4, width=150)
    image[[0, -1]] = image[:, [0, -1]] = 255
    left, right = text_extent(image)
    assert abs(left - 10) <= 3
    assert abs(right - 54) <= 3


@pytest.mark.parametrize("height", [30, 45])
def test_dots_do_not_belong_to_the_text(height: int) -> None:
    image = text(20, 5, width=200, height=height)
    image[np.random.default_rng(0).random(image.shape) < 0.02] = 255
    left, right = text_extent(image)
    assert abs(left - 20) <= 4
    assert abs(right - 76) <= 4


def test_strokes_of_one_pixel_are_found() -> None:
    image = np.zeros((22, 120), dtype=np.uint8)
    for x in range(40, 90, 10):
        image[5:17, x] = image[5:17, x + 5] = 255
        image[5, x : x + 6] = image[16, x : x + 6] = 255
    left, right = text_extent(image)
    assert abs(left - 40) <= 2
    assert abs(right - 86) <= 2


@pytest.mark.parametrize("look", [{}, {"gradient": 150}, {"weights": [0, 2]}])
def test_extent_of_generated_captchas(look: dict[str, Any]) -> None:
    """On average, the ends are right within a seventh of the pitch, dots and arcs beside or not."""
    images, _, boxes = make_image_captchas(
        40, n_characters=6, width=260, sizes=[42], return_boxes=True, random_state=0, **look
    )
    extents = np.array([text_extent(image) for image in Grayscale().fit_transform(images)])
    pitch_ = np.diff(boxes[..., 0]).mean()
    ends = np.stack([boxes[:, 0, 0], boxes[:, -1, 0] + boxes[:, -1, 2]], axis=1)
    assert np.abs(np.median(extents - ends, axis=0)).max() < pitch_ / 7


def test_low_and_wide_images_are_not_enlarged_much() -> None:
    image = np.zeros((1, 100_000), dtype=np.uint8)
    image[:, 50_000] = 255
    left, right = text_extent(image)
    assert left <= 50_000 < right


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 1), (30, 100), (3, 4000)])
@pytest.mark.parametrize("shade", [0, 99, 255])
def test_the_extent_of_a_constant_image_is_its_width(size: tuple[int, int], shade: int) -> None:
    assert text_extent(np.full(size, shade, dtype=np.uint8)) == (0, size[1])


def test_the_extent_of_a_horizontal_stripe_is_the_image_width() -> None:
    image = np.zeros((30, 117), dtype=np.uint8)
    image[11:14] = 255
    assert text_extent(image) == (0, 117)


@settings(max_examples=50)
@given(h=st.integers(1, 40), w=st.integers(1, 80), seed=st.integers(0, 99))
def test_extent_is_a_range_of_columns(h: int, w: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (h, w), dtype=np.uint8) * (rng.random((h, w)) < rng.random())
    left, right = text_extent(image)
    assert 0 <= left < right <= w


class TestPitch:
    def test_pitch_is_computed_from_label_lengths(self) -> None:
        images, y = [text(10, 4), text(30, 6), text(9, 8)], ["abcd", "abcdef", ""]
        widths = [np.diff(text_extent(image))[0] for image in images]
        assert pitch(images, y) == pytest.approx((widths[0] / 4 + widths[1] / 6) / 2)
        assert pitch(images, np.array(y)) == pitch(images, y)
        assert pitch(images, y) == pytest.approx(12, abs=1)

    def test_pitch_of_generated_captchas(self) -> None:
        images, y = make_line_captchas(20, random_state=0)
        assert pitch(Grayscale().fit_transform(images), y) == pytest.approx(30, abs=4)

    @pytest.mark.parametrize("y", [None, ["", ""]])
    def test_without_labels_pitch_depends_on_the_height(self, y: list[str] | None) -> None:
        assert pitch([text(10, 4), text(10, 4, height=50)], y) == 20

    def test_wrong_input(self) -> None:
        with pytest.raises(ValueError, match="expected 2 labels, one for each image; got 1"):
            pitch([text(10, 4)] * 2, ["abcd"])
        with pytest.raises(SegmentationError, match="no training images"):
            pitch([], [])


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=12))
def test_no_range_has_a_greater_sum(values):
    begin, end = range_of_greatest_sum(np.array(values, dtype=float))
    ranges = combinations(range(len(values) + 1), 2)
    assert sum(values[begin:end]) == max(0, *(sum(values[i:j]) for i, j in ranges))
