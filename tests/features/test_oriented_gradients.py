import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from skcaptcha.features import OrientedGradients
from skcaptcha.segment import SlidingWindow
from skcaptcha.segments import Segments


def pictures(n=3, shape=(40, 70), seed=0):
    rng = np.random.default_rng(seed)
    return [
        gaussian_filter(rng.normal(128, 120, shape), 1.5).clip(0, 255).astype(np.uint8)
        for _ in range(n)
    ]


def by_definition(image, box, features):
    """The features of one box, computed pixel by pixel."""
    gray = np.pad(image / 255, 1, mode="edge")
    dx, dy = gray[1:-1, 2:] - gray[1:-1, :-2], gray[2:, 1:-1] - gray[:-2, 1:-1]
    size = np.hypot(dx, dy)
    x, y, w, h = box
    rows, columns = features.grid_shape_
    orientations, cell, power = features.orientations, features.cell, features.power
    values = np.zeros((columns, rows, orientations))
    ys, xs = np.mgrid[: image.shape[0], : image.shape[1]]
    for o in range(orientations):
        turned = np.arctan2(dy, dx) - 2 * np.pi * o / orientations
        energy = size**power * np.maximum(np.cos(turned), 0) ** 4
        for c in range(columns):
            for r in range(rows):
                px = x + int((c + 0.5) * w / columns)
                py = y + int((r + 0.5) * h / rows)
                far = ((xs - px) ** 2 + (ys - py) ** 2) / (cell / 2) ** 2
                weight = np.exp(-far / 2) / (2 * np.pi * (cell / 2) ** 2)
                values[c, r, o] = (energy * weight).sum()
    return values.ravel()


@pytest.mark.parametrize(("orientations", "cell", "power"), [(8, 4, 0.5), (5, 3, 1.0)])
def test_values_agree_with_their_definition(orientations, cell, power):
    images = pictures()
    boxes = [[2, 3, 20, 16], [10, 0, 25, 40], [0, 0, 12, 12]]
    segments = Segments(boxes, [0, 2, 3, 3], images=images)
    features = OrientedGradients(orientations, cell=cell, power=power)
    found = features.fit_transform(segments).values
    for k, box in enumerate(boxes):
        image = images[segments.captcha_index[k]]
        expected = by_definition(image, box, features)
        np.testing.assert_allclose(found[k], expected, atol=1e-4)


def test_the_sides_of_a_stroke_and_polarities_differ():
    image = np.zeros((40, 40), dtype=np.uint8)
    image[:, 20:] = 200
    window = SlidingWindow(16, step=4)
    rising = OrientedGradients().fit_transform(window.fit_transform([image])).values
    falling = OrientedGradients().fit_transform(window.fit_transform([200 - image])).values
    shape = (-1, 4, 10, 8)
    assert (rising.reshape(shape)[..., 0] > 0).any()
    assert (rising.reshape(shape)[..., 4] == 0).all()
    # Equal except for rounding to float32.
    np.testing.assert_allclose(
        np.roll(rising.reshape(shape), 4, axis=3), falling.reshape(shape), rtol=2**-22
    )
