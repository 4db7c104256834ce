"""Images are cropped to their text and a margin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from skcaptcha.datasets import make_image_captchas
from skcaptcha.denoise import Grayscale, HeightScaler, PolarityNormalizer, TextCropper
from skcaptcha.measure import text_box


def frames(x, y, height):
    """Five evenly spaced frames, the first of which has its upper left corner at (x, y)."""
    image = np.zeros((80, 240), dtype=np.uint8)
    for left in x + 20 * np.arange(5):
        image[y : y + height, left : left + 14] = 255
        image[y + 4 : y + height - 4, left + 4 : left + 10] = 0
    return image


@settings(max_examples=30)
@given(
    x=st.integers(0, 140),
    y=st.integers(0, 40),
    height=st.integers(12, 40),
    margin=st.floats(0, 2),
)
def test_crop_to_text(x, y, height, margin):
    image = frames(x, y, height)
    cropped = TextCropper(margin).fit_transform([image])[0]
    left, top, w, h = text_box(image)
    border = round(margin * h)
    rows = np.clip(np.arange(top - border, top + h + border), 0, 79)
    columns = np.clip(np.arange(left - border, left + w + border), 0, 239)
    np.testing.assert_array_equal(cropped, image[np.ix_(rows, columns)])


@pytest.mark.parametrize("y", [20, 0])
def test_text_of_several_sizes_gets_one_height(y):
    images = [frames(40, y, height) for height in (14, 20, 32, 40)]
    cropped = TextCropper().fit_transform(images)
    scaled = HeightScaler(height=40).fit_transform(cropped)
    heights = [int((image.max(axis=1) > 127).sum()) for image in scaled]
    assert max(heights) - min(heights) <= 3


def test_captchas_without_outstanding_text_remain():
    noise = np.random.default_rng(0).integers(0, 256, (80, 240), dtype=np.uint8)
    noise[:40] = noise[:40] // 2
    blank = np.zeros((80, 240), dtype=np.uint8)
    for image, cropped in zip(
        [noise, blank], TextCropper().fit_transform([noise, blank]), strict=True
    ):
        assert np.array_equal(cropped, image)


@pytest.mark.parametrize("size", [24, 40])
def test_crops_of_generated_captchas_are_parts_of_the_padded_image(size):
    images, _ = make_image_captchas(5, width=240, height=90, sizes=[size], random_state=0)
    ink = PolarityNormalizer().fit_transform(Grayscale().fit_transform(images))
    padded = [np.pad(image, len(image), mode="edge") for image in ink]
    for image, cropped in zip(padded, TextCropper().fit_transform(ink), strict=True):
        windows = sliding_window_view(image, cropped.shape)
        assert (windows == cropped).all(axis=(2, 3)).any()
