from fractions import Fraction
from math import comb

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import correlate

from skcaptcha.denoise import Smoother

METHODS = ("binomial", "gaussian", "median", "bilateral")
RNG = np.random.default_rng(0)
SHAPES = st.one_of(
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)),
)


def smooth(image, method, **parameters):
    return Smoother(method, **parameters).fit_transform([image])[0]


def mirrored(image, kernel):
    return correlate(image.astype(float), kernel, mode="mirror")


def gaussian_row(size, sigma):
    row = np.exp(-((np.arange(size) - size // 2) ** 2) / (2 * sigma**2))
    return row / row.sum()


def test_binomial_of_three_is_the_kernel_over_16():
    image = RNG.integers(0, 256, (20, 30), dtype=np.uint8)
    kernel = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]])
    inside = np.zeros((18, 28))
    for down, across in np.ndindex(3, 3):
        weight = kernel[down, across] / 16
        inside += weight * image[down : down + 18, across : across + 28]
    found = smooth(image, "binomial")
    assert np.abs(found[1:-1, 1:-1] - inside).max() <= 0.5
    assert np.abs(found - mirrored(image, kernel / 16)).max() <= 0.5


@pytest.mark.parametrize("size", [5, 9, 11, 21, 31])
def test_binomial_is_a_row_of_pascals_triangle(size):
    row = np.ones(1)
    for _ in range(size - 1):
        row = np.convolve(row, [0.5, 0.5])
    image = RNG.integers(0, 256, (40, 50), dtype=np.uint8)
    expected = mirrored(image, np.outer(row, row))
    assert np.abs(smooth(image, "binomial", size=size) - expected).max() <= 1


@pytest.mark.parametrize("size", [3, 5, 7, 13, 23])
@given(image=arrays(np.uint8, SHAPES))
def test_binomial_rounds_the_exact_mean_to_even(size, image):
    """Compare with integers and Python's own rounding."""
    row = np.array([comb(size - 1, k) for k in range(size)], dtype=object)
    half, shape = size // 2, image.shape[:2]
    total = np.zeros(image.shape, dtype=object)
    for down, across in np.ndindex(size, size):
        rows = mirrored_indices(down - half, shape[0])
        columns = mirrored_indices(across - half, shape[1])
        total += row[down] * row[across] * image[np.ix_(rows, columns)].astype(object)
    expected = [round(Fraction(value, 4 ** (size - 1))) for value in total.ravel()]
    assert smooth(image, "binomial", size=size).ravel().tolist() == expected


def mirrored_indices(offset, n):
    """Indices of n pixels, mirrored at the centers of the outermost pixels."""
    place = np.abs(np.arange(offset, offset + n)) % max(2 * n - 2, 1)
    return np.minimum(place, 2 * n - 2 - place)


@pytest.mark.parametrize(("size", "sigma"), [(3, 1.0), (5, 0.7), (9, 2.0)])
def test_gaussian(size, sigma):
    image = RNG.integers(0, 256, (20, 30), dtype=np.uint8)
    row = gaussian_row(size, sigma)
    expected = mirrored(image, np.outer(row, row))
    assert np.abs(smooth(image, "gaussian", size=size, sigma=sigma) - expected).max() <= 1.5


@pytest.mark.parametrize("size", [3, 5, 9])
def test_median(size):
    image = RNG.integers(0, 256, (20, 30), dtype=np.uint8)
    half = size // 2
    windows = np.lib.stride_tricks.sliding_window_view(image, (size, size))
    found = smooth(image, "median", size=size)
    np.testing.assert_array_equal(found[half:-half, half:-half], np.median(windows, axis=(2, 3)))


def test_bilateral_preserves_an_edge_that_gaussian_blurs():
    edge = np.zeros((15, 20), dtype=np.uint8)
    edge[:, 10:] = 255
    speckled = edge ^ RNG.integers(0, 8, edge.shape, dtype=np.uint8)
    kept = smooth(speckled, "bilateral", size=7, sigma=2.0, sigma_shade=30.0)
    blurred = smooth(speckled, "gaussian", size=7, sigma=2.0)
    assert np.abs(kept.astype(int) - edge).max() <= 7 < np.abs(blurred.astype(int) - edge).max()
    assert kept[:, :8].std() < speckled[:, :8].std()


@pytest.mark.parametrize("method", METHODS)
@given(image=arrays(np.uint8, SHAPES))
def test_size_one_changes_nothing(method, image):
    np.testing.assert_array_equal(smooth(image, method, size=1), image)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [3, 5, 7, 11, 17, 31])
@settings(max_examples=15)
@given(shade=st.integers(0, 255), shape=SHAPES)
def test_a_constant_image_remains_unchanged(method, size, shade, shape):
    even = np.full(shape, shade, dtype=np.uint8)
    np.testing.assert_array_equal(smooth(even, method, size=size), even)


@pytest.mark.parametrize("method", METHODS)
@given(image=arrays(np.uint8, SHAPES), size=st.sampled_from([3, 5, 9]))
def test_shape_range_and_symmetry(method, image, size):
    found = smooth(image, method, size=size)
    assert found.shape == image.shape
    assert found.dtype == np.uint8
    assert image.min() <= found.min() <= found.max() <= image.max()
    turned = smooth(np.ascontiguousarray(image[:, ::-1]), method, size=size)
    assert np.abs(turned[:, ::-1].astype(int) - found).max() <= 1


@pytest.mark.parametrize("method", ["binomial", "gaussian", "median"])
def test_channels_are_smoothed_independently(method):
    image = RNG.integers(0, 256, (12, 13, 3), dtype=np.uint8)
    found = smooth(image, method, size=5)
    for k in range(3):
        alone = np.ascontiguousarray(image[:, :, k])
        np.testing.assert_array_equal(found[:, :, k], smooth(alone, method, size=5))


def test_all_methods_except_the_median_mirror_the_border():
    image = RNG.integers(0, 256, (12, 13), dtype=np.uint8)
    for method in METHODS:
        way = cv2.BORDER_REPLICATE if method == "median" else cv2.BORDER_REFLECT_101
        padded = cv2.copyMakeBorder(image, 4, 4, 4, 4, way)
        inside = smooth(padded, method, size=5)[4:-4, 4:-4]
        assert np.abs(smooth(image, method, size=5).astype(int) - inside).max() <= 1, method
