"""Whether the ink of an image is darker than its background."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skcaptcha.measure._otsu import histograms, ink_is_dark


def has_dark_ink(images: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return for images (n, h, w) whether their ink is darker than their background, (n,).

    Ink is the side of Otsu's threshold with fewer pixels, after the slope of the background is
    removed: the dark end of a shaded background would otherwise be mistaken for ink.
    """
    return ink_is_dark(histograms(_without_slope(images)))


def _without_slope(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Subtract from each image the slopes of the plane that is nearest to its gray values.

    The least-squares plane over a rectangle has independent slopes, of the means of columns and of
    the means of rows.
    """
    _, height, width = images.shape
    flat = images.astype(np.int16)
    for axis, size in ((2, height), (1, width)):
        # Centered, so that the mean of the image stays the same.
        place = np.arange(size) - (size - 1) / 2
        slope = images.mean(axis=axis) @ place / (float(place @ place) or 1.0)
        flat -= np.expand_dims(np.rint(np.outer(slope, place)).astype(np.int16), axis)
    return np.clip(flat, 0, 255, out=flat).astype(np.uint8)
