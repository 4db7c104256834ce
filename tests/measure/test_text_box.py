"""The rows and columns occupied by text."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skcaptcha.datasets import make_image_captchas
from skcaptcha.denoise import Grayscale, PolarityNormalizer
from skcaptcha.measure import text_box
from skcaptcha.measure._text_box import _without_straight_lines


def text(
    x: int, y: int, *, n: int = 5, height: int = 20, apart: int = 20, shade: int = 255
) -> np.ndarray:
    """Evenly spaced frames, the first of which has its upper left corner at (x, y)."""
    image = np.zeros((80, 240), dtype=np.uint8)
    for left in x + apart * np.arange(n):
        image[y : y + height, left : left + 14] = shade
        image[y + 4 : y + height - 4, left + 4 : left + 10] = 0
    return image


def check(image: np.ndarray, x: int, y: int, width: int, height: int) -> None:
    """Check that no edge of the box is wrong by more than four pixels or a fifth of the height."""
    found = text_box(image)
    assert found is not None
    edges = [found[0], found[1], found[0] + found[2], found[1] + found[3]]
    np.testing.assert_allclose(edges, [x, y, x + width, y + height], atol=max(4, height / 5))


@pytest.mark.parametrize(("x", "y", "height"), [(20, 5, 12), (60, 30, 20), (130, 24, 50)])
def test_text_is_found(x: int, y: int, height: int) -> None:
    check(text(x, y, height=height), x, y, 94, height)


def test_spaces_between_characters_belong_to_the_text() -> None:
    check(text(20, 30, n=5, apart=44), 20, 30, 4 * 44 + 14, 20)


def test_pale_characters_belong_to_the_text() -> None:
    image = np.maximum(text(60, 30, n=3), text(120, 30, n=3, shade=100))
    check(image, 60, 30, 114, 20)


LINES = {
    "level": ((0, 10), (239, 10)),
    "sloped": ((5, 5), (235, 75)),
    "upright": ((20, 0), (20, 79)),
    "across": ((0, 39), (239, 42)),
}


@pytest.mark.parametrize("line", LINES)
def test_lines_beyond_the_text_do_not_belong_to_it(line: str) -> None:
    image = text(80, 30, shade=120)
    cv2.line(image, *LINES[line], 255, 1)
    check(image, 80, 30, 94, 20)


def test_neither_specks_nor_slopes_belong_to_the_text() -> None:
    image = text(80, 30, shade=150) + np.linspace(0, 90, 240).astype(np.uint8)
    rng = np.random.default_rng(0)
    image[rng.integers(0, 80, 20), rng.integers(0, 240, 20)] = 255
    check(image, 80, 30, 94, 20)


def test_a_frame_does_not_belong_to_the_text() -> None:
    image = text(80, 30)
    image[[0, -1]] = image[:, [0, -1]] = 255
    check(image, 80, 30, 94, 20)


@pytest.mark.parametrize("factor", [2, 5])
def test_larger_images_have_larger_boxes(factor: int) -> None:
    image = text(60, 30).repeat(factor, axis=0).repeat(factor, axis=1)
    check(image, 60 * factor, 30 * factor, 94 * factor, 20 * factor)


def test_text_of_generated_captchas_is_inside() -> None:
    """With a margin of 0.3 of its height, the box contains nearly all ink of the characters."""
    images, _, boxes = make_image_captchas(
        40, n_characters=5, width=300, height=100, sizes=[36], return_boxes=True, random_state=0
    )
    ink = PolarityNormalizer().fit_transform(Grayscale().fit_transform(images))
    n_found = 0
    for image, box in zip(ink, boxes, strict=True):
        found = text_box(image)
        if found is None:
            continue
        n_found += 1
        margin = 0.3 * found[3]
        left, top = box[:, 0].min(), box[:, 1].min()
        right, bottom = (box[:, 0] + box[:, 2]).max(), (box[:, 1] + box[:, 3]).max()
        assert found[0] - margin <= left + 2
        assert found[1] - margin <= top + 2
        assert found[0] + found[2] + margin >= right - 2
        assert found[1] + found[3] + margin >= bottom - 2
        assert found[3] < 80
    assert n_found > 20


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 1), (30, 100), (3, 4000), (300, 2)])
@pytest.mark.parametrize("shade", [0, 99, 255])
def test_constant_images_have_no_text(size: tuple[int, int], shade: int) -> None:
    assert text_box(np.full(size, shade, dtype=np.uint8)) is None


def test_text_does_not_stand_out_from_noise() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (80, 240), dtype=np.uint8)
    box = text_box(noise)
    assert box is None or (box[2] > 200 and box[3] > 65)


@settings(max_examples=50)
@given(h=st.integers(1, 120), w=st.integers(1, 120), seed=st.integers(0, 99))
def test_box_is_inside_the_image(h: int, w: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (h, w), dtype=np.uint8) * (rng.random((h, w)) < rng.random())
    found = text_box(image)
    if found is not None:
        x, y, width, height = found
        assert x >= 0
        assert y >= 0
        assert 0 < width <= w - x
        assert 0 < height <= h - y


@pytest.mark.parametrize("thickness", [5, 6, 9])
def test_thick_strokes_are_no_lines(thickness: int) -> None:
    image = text(20, 10)
    cv2.line(image, (5, 60), (235, 60), 200, thickness)
    np.testing.assert_array_equal(_without_straight_lines(image, 30.0), image)
