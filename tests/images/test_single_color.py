"""Images of a single color are described, and a warning is issued if most images are."""

import warnings

import numpy as np
import pytest

from skcaptcha.exceptions import ImageWarning
from skcaptcha.images._single_color import single_color, warn_if_blank


@pytest.mark.parametrize(
    ("color", "name"),
    [
        (0, "black"),
        ([255, 255, 255], "white"),
        (7, "gray level 7"),
        ([7, 7, 7], "gray level 7"),
        ([0, 9, 9], "RGB (0, 9, 9)"),
    ],
)
def test_names_of_colors(color, name):
    image = np.full((3, 4, *np.shape(color)), color, np.uint8)
    assert single_color(image) == name
    image[2, 3] ^= 1
    assert single_color(image) == ""


@pytest.mark.parametrize(("n", "n_blank", "warns"), [(10, 6, 1), (10, 5, 0), (9, 9, 0)])
def test_warning_if_most_images_show_one_color(n, n_blank, warns):
    blank, striped = np.full((2, 2), 9, np.uint8), np.array([[0, 9], [0, 9]], np.uint8)
    images = [blank] * n_blank + [striped] * (n - n_blank)
    with warnings.catch_warnings(record=True, action="always") as caught:
        warn_if_blank(images, stacklevel=1)
    assert [warning.category for warning in caught] == [ImageWarning] * warns
