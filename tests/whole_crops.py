"""Crops that are whole images, for tests of features."""

import numpy as np

from skcaptcha import Segments


def whole(images: list[np.ndarray]) -> Segments:
    """One segment for each image, which covers it; all have one shape."""
    h, w = images[0].shape
    boxes = np.tile([0, 0, w, h], (len(images), 1))
    return Segments(boxes, range(len(images) + 1), images=images)


def noise(m: int, shape: tuple[int, int] = (20, 14), seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return list(rng.integers(0, 256, (m, *shape), dtype=np.uint8))
