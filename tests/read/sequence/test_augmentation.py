"""Augmented windows."""

import numpy as np
from scipy.ndimage import gaussian_filter

from skcaptcha.features import OrientedGradients
from skcaptcha.read.sequence._augmentation import augmented_features
from skcaptcha.segment import SlidingWindow


def pictures(n=3, shape=(40, 70), seed=0):
    rng = np.random.default_rng(seed)
    return [
        gaussian_filter(rng.normal(128, 120, shape), 1.5).clip(0, 255).astype(np.uint8)
        for _ in range(n)
    ]


def test_strength_zero_changes_no_feature_inside_the_window():
    images = [np.pad(image, 15, mode="edge") for image in pictures()]
    segments = SlidingWindow(20).fit_transform(images)
    described = OrientedGradients().fit_transform(segments)
    # Features at the border see the replicated pixels beyond it.
    x = segments.boxes[:, 0]
    rows = np.flatnonzero((x >= 12) & (x <= 100 - 32))[::3]
    rng = np.random.RandomState(0)
    features = described.features
    del features.across_  # keeps the neighbors
    values = augmented_features(described, rows, rng, strength=0, step=0, pitch=15)
    inner = np.s_[:, :, 2:-2]
    shape = (len(rows), *features.grid_shape_[::-1], 8)
    np.testing.assert_allclose(
        values.reshape(shape)[inner], described.values[rows].reshape(shape)[inner], atol=1e-4
    )


def test_neighbors_are_exchanged_but_the_center_is_not():
    images = [np.pad(image, 20, mode="edge") for image in pictures(20)]
    described = OrientedGradients().fit_transform(SlidingWindow(36).fit_transform(images))
    x = described.boxes[:, 0]
    rows = np.flatnonzero((x >= 12) & (x <= 110 - 48))
    rng = np.random.RandomState(0)
    values = augmented_features(described, rows, rng, strength=0, step=0, pitch=20)
    columns = described.features.grid_shape_[1]
    changed = np.abs(values - described.values[rows])
    changed = changed.reshape(len(rows), columns, -1, 8)[:, :, 2:-2].max(axis=(2, 3)) > 0.01
    center = slice(columns // 2 - 1, columns // 2 + 2)
    assert not changed[:, center].any(axis=None)
    assert 0.3 < changed[:, 0].mean() < 0.6
    assert 0.3 < changed[:, -1].mean() < 0.6
