"""Warped views: their size, their strength, and that the image itself stays as it is."""

import cv2
import numpy as np
import pytest

from skcaptcha.semi_supervised._views import warped_view


@pytest.mark.parametrize("shape", [(40, 120), (40, 120, 3), (1, 1)])
def test_a_view_has_the_shape_of_its_image(shape):
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    before = image.copy()
    view = warped_view(image, np.random.RandomState(0))
    assert view.shape == shape
    assert view.dtype == np.uint8
    assert (image == before).all()


def test_points_move_a_little_and_the_center_stays():
    points = [(60, 20), (10, 20), (110, 20), (60, 5), (60, 35)]
    moved = []
    for seed in range(30):
        image = np.zeros((41, 121, len(points)), np.uint8)
        for i, point in enumerate(points):
            cv2.circle(layer := np.zeros((41, 121), np.uint8), point, 3, 255, -1)
            image[:, :, i] = layer
        for i, point in enumerate(points):
            view = warped_view(image[:, :, i].copy(), np.random.RandomState(seed))
            rows, columns = np.nonzero(view > 127)
            moved.append(np.hypot(columns.mean() - point[0], rows.mean() - point[1]))
    distances = np.array(moved).reshape(30, len(points))
    assert distances[:, 0].max() < 0.5
    # Turned by 0.03 and stretched by 6 %: at most 3.5 pixels at a distance of 50.
    assert 1 < distances[:, 1:3].max() < 4
    assert 0.3 < distances[:, 3:].max() < 3
