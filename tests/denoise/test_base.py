"""The result for an image does not depend on the other images in the batch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skcaptcha.denoise import (
    Binarizer,
    Grayscale,
    HeightScaler,
    InkCropper,
    MorphologicalOpening,
    PolarityNormalizer,
    SmallComponentRemover,
    Smoother,
    TextCropper,
    ThinLineRemover,
)

SIDES = st.tuples(st.integers(1, 9), st.integers(1, 9))
GRAYS = arrays(np.uint8, SIDES)
COLORS = arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)))
CHANNELS = ("luma", "red", "min", "max", "saturation", "contrast", (0.2, 0.5, 0.3))
OF_COLOR = [*(Grayscale(channel) for channel in CHANNELS), Smoother(), Smoother("median")]
OF_GRAY = [
    *OF_COLOR,
    *(Binarizer(method, ink=ink) for method in ("otsu", "fixed") for ink in ("auto", "bright")),
    *(Binarizer(method, ink="auto") for method in ("adaptive", "sauvola")),
    *(PolarityNormalizer(ink) for ink in ("auto", "dark", "bright")),
    InkCropper(),
    MorphologicalOpening(2),
    SmallComponentRemover(),
    TextCropper(),
    ThinLineRemover(),
    HeightScaler(11),
    Smoother("gaussian"),
]


def check(denoiser, images):
    before = [image.copy() for image in images]
    together = denoiser.fit(images).transform(images)
    assert len(together) == len(images)
    for image, copy, found in zip(images, before, together, strict=True):
        np.testing.assert_array_equal(image, copy)
        np.testing.assert_array_equal(found, denoiser.transform([image])[0])


@pytest.mark.parametrize("denoiser", OF_GRAY, ids=str)
@given(images=st.lists(GRAYS, min_size=1, max_size=5))
def test_gray_images_of_several_sizes(denoiser, images):
    check(denoiser, [*images, *images[::-1]])


@pytest.mark.parametrize("denoiser", OF_COLOR, ids=str)
@given(images=st.lists(st.one_of(COLORS, GRAYS), min_size=1, max_size=5))
def test_color_and_gray_images_of_several_sizes(denoiser, images):
    check(denoiser, [*images, *images[::-1]])


@pytest.mark.parametrize("denoiser", OF_COLOR, ids=str)
def test_more_images_than_one_chunk(denoiser):
    images = np.random.default_rng(0).integers(0, 256, (90, 30, 40, 3), dtype=np.uint8)
    check(denoiser, images)
