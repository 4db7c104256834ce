"""Random warps: what they leave unchanged, and where columns come from."""

import numpy as np
import pytest

from skcaptcha.read.convolutional._image_warps import warp_image


def smooth(h: int = 40, w: int = 120) -> np.ndarray:
    """An image whose shade at half the height tells the column."""
    return np.repeat(np.linspace(-1, 1, w, dtype=np.float32)[None], h, axis=0)


def test_strength_0_is_the_identity():
    image = np.random.default_rng(0).normal(size=(40, 120)).astype(np.float32)
    warped, source = warp_image(image, 0.0, np.random.default_rng(1))
    np.testing.assert_allclose(warped, image, atol=1e-5)
    np.testing.assert_allclose(source, np.arange(120), atol=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_columns_come_from_where_it_says(seed):
    image = smooth()
    warped, source = warp_image(image, 1.0, np.random.default_rng(seed))
    # The contrast changes all shades by one factor; the rest is noise.
    inside = (source > 1) & (source < 118)
    expected = np.interp(source, np.arange(120), image[0])
    factor = np.median(warped[20][inside] / expected[inside])
    assert np.exp(-0.3) <= factor <= np.exp(0.3)
    difference = (warped[20] - factor * expected)[inside]
    assert np.abs(difference.mean()) < 0.03
    assert difference.std() < 0.2
    assert inside.sum() > 80
    assert (np.diff(source) > 0).all()


@pytest.mark.parametrize(("h", "w"), [(8, 20), (1, 1), (33, 500)])
def test_images_of_any_size(h, w):
    image = np.random.default_rng(0).normal(size=(h, w)).astype(np.float32)
    warped, source = warp_image(image, 1.0, np.random.default_rng(1))
    assert warped.shape == (h, w)
    assert source.shape == (w,)
    assert np.isfinite(warped).all()


def test_the_generator_decides():
    image = smooth()
    before = image.copy()
    first, _ = warp_image(image, 1.0, np.random.default_rng(0))
    again, _ = warp_image(image, 1.0, np.random.default_rng(0))
    other, _ = warp_image(image, 1.0, np.random.default_rng(1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(image, before)
