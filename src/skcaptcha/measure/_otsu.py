"""Otsu's thresholds, and which side of them is ink, for many images at a time."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_IMAGES_AT_ONCE = 256  # as many as 8 bits can number


def histograms(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count the pixels of each gray value in images (n, h, w): an array (n, 256)."""
    n, height, width = images.shape
    counts = np.empty((n, 256), dtype=np.int64)
    for first in range(0, n, _IMAGES_AT_ONCE):
        part = images[first : first + _IMAGES_AT_ONCE]
        # One histogram of two axes, the image and the gray value, instead of one for each image.
        number = np.arange(len(part), dtype=np.uint8).repeat(height * width)
        channels = [number.reshape(-1, width), part.reshape(-1, width)]
        # Its floats are exact: no image has 2^24 pixels of one gray value.
        counts[first : first + len(part)] = cv2.calcHist(
            channels, [0, 1], None, [len(part), 256], [0, len(part), 0, 256]
        )
    return counts


def otsu_thresholds(counts: NDArray[np.int64]) -> NDArray[np.intp]:
    """Find the thresholds (n,) that best separate two classes of values, by Otsu's method.

    ``counts`` (n, k) are histograms of the values 0 to k - 1. One class is ``value <= threshold``.
    Of equally good thresholds, the least is returned; for a single value, that value.

    N. Otsu, "A threshold selection method from gray-level histograms", IEEE Transactions on
    Systems, Man, and Cybernetics 9 (1979), 62-66.
    """
    below = counts.cumsum(axis=1)
    total = (counts * np.arange(counts.shape[1])).cumsum(axis=1)
    n, sum_of_all = below[:, -1:], total[:, -1:]
    # The variance between the classes, except for a factor that all thresholds of an image share.
    distance = (n * total - sum_of_all * below).astype(np.float64)
    spread = below.astype(np.float64) * (n - below)
    # If one class is empty, the distance is 0 as well.
    thresholds: NDArray[np.intp] = (distance**2 / np.maximum(spread, 1)).argmax(axis=1)
    single = counts.max(axis=1) == n[:, 0]
    thresholds[single] = counts[single].argmax(axis=1)
    return thresholds


def ink_is_dark(
    counts: NDArray[np.int64], thresholds: NDArray[np.intp] | None = None
) -> NDArray[np.bool_]:
    """Return whether ink is darker than the background (n,): ink is the side with fewer pixels.

    The sides are separated by ``thresholds`` (n,), by default Otsu's.
    """
    levels = otsu_thresholds(counts) if thresholds is None else thresholds
    below = counts.cumsum(axis=1)
    return 2 * below[np.arange(len(counts)), levels] <= below[:, -1]
