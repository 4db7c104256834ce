"""Histograms of oriented gradients agree with scikit-image."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.feature import hog

from skcaptcha.features import HOG
from whole_crops import noise, whole


def kinds_of(shape: tuple[int, int], seed: int) -> list[np.ndarray]:
    """Gray images, black-and-white images, and images with few gray values."""
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
    # Floats, because scikit-image computes square roots of uint8 in half precision.
    expected = [hog(image.astype(float), **parameters) for image in images]
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("orientations", [8, 9, 12])
def test_hog_puts_gradients_into_the_bins_of_scikit_image(orientations: int) -> None:
    """Each crop has one gradient, so none hides another; many are at the edges of bins."""
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
def test_invalid_parameters_of_hog(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HOG().set_params(**parameters).fit_transform(whole(noise(1)))
