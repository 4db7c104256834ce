"""What becomes of an image does not depend on the images that come with it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skcaptcha.denoise import (
    Binarise,
    CropToInk,
    Grey,
    Opening,
    Polarity,
    RemoveSmallComponents,
    RemoveThinLines,
    Rescale,
    Smooth,
)

SIDES = st.tuples(st.integers(1, 9), st.integers(1, 9))
GREYS = arrays(np.uint8, SIDES)
COLOURS = arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)))
CHANNELS = ("luma", "red", "min", "max", "saturation", "contrast", (0.2, 0.5, 0.3))
OF_COLOUR = [*(Grey(channel) for channel in CHANNELS), Smooth(), Smooth("median")]
OF_GREY = [
    *OF_COLOUR,
    *(Binarise(method, ink=ink) for method in ("otsu", "fixed") for ink in ("auto", "bright")),
    *(Binarise(method, ink="auto") for method in ("adaptive", "sauvola")),
    *(Polarity(ink) for ink in ("auto", "dark", "bright")),
    CropToInk(),
    Opening(2),
    RemoveSmallComponents(),
    RemoveThinLines(),
    Rescale(11),
    Smooth("gaussian"),
]


def check(denoiser, images):
    before = [image.copy() for image in images]
    together = denoiser.fit(images).transform(images)
    assert len(together) == len(images)
    for image, copy, found in zip(images, before, together, strict=True):
        np.testing.assert_array_equal(image, copy)
        np.testing.assert_array_equal(found, denoiser.transform([image])[0])


@pytest.mark.parametrize("denoiser", OF_GREY, ids=str)
@given(images=st.lists(GREYS, min_size=1, max_size=5))
def test_grey_images_of_several_sizes(denoiser, images):
    check(denoiser, [*images, *images[::-1]])


@pytest.mark.parametrize("denoiser", OF_COLOUR, ids=str)
@given(images=st.lists(st.one_of(COLOURS, GREYS), min_size=1, max_size=5))
def test_colour_and_grey_images_of_several_sizes(denoiser, images):
    check(denoiser, [*images, *images[::-1]])


@pytest.mark.parametrize("denoiser", OF_COLOUR, ids=str)
def test_more_images_than_are_denoised_at_once(denoiser):
    images = np.random.default_rng(0).integers(0, 256, (90, 30, 40, 3), dtype=np.uint8)
    check(denoiser, images)
