"""Removal of thin lines that cross the characters."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import cv2
import numpy as np
from sklearn.utils._param_validation import Interval

from skcaptcha.denoise._base import BaseDenoiser, Image
from skcaptcha.denoise._morphological_opening import opened
from skcaptcha.segments import ink_mask


class ThinLineRemover(BaseDenoiser):
    """Remove long pieces of ink that are thinner than the strokes of characters.

    Ink in which no square of ``max_thickness + 1`` pixels fits is thin. Thin ink falls into
    connected pieces where thicker ink interrupts it; a piece that spans at least ``min_length``
    pixels across or down is a line and becomes ground. Short thin pieces (serifs, tips, the ends
    of strokes) stay, and so does all ink in which the square fits: this is a morphological
    opening whose remainder is judged by its length.

    Parameters
    ----------
    max_thickness : int >= 1, default=1
        The thickness of the lines, in pixels.
    min_length : int >= 1, default=10
        The least extent, in pixels, of a piece that counts as a line.

    References
    ----------
    J. Serra, "Image Analysis and Mathematical Morphology", Academic Press, 1982 (opening).

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.denoise import ThinLineRemover
    >>> image = np.zeros((5, 12), dtype=np.uint8)
    >>> image[2] = 255
    >>> image[1:4, 8:10] = 255
    >>> cleaned = ThinLineRemover(max_thickness=1, min_length=5).fit_transform([image])[0]
    >>> cleaned[2]
    array([  0,   0,   0,   0,   0,   0,   0,   0, 255, 255, 255, 255], dtype=uint8)
    """

    _parameter_constraints: dict[str, Any] = {
        "max_thickness": [Interval(Integral, 1, None, closed="left")],
        "min_length": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, max_thickness: int = 1, *, min_length: int = 10) -> None:
        self.max_thickness = max_thickness
        self.min_length = min_length

    def _denoise(self, image: Image) -> Image:
        ink = ink_mask(image).view(np.uint8)
        # What lies on the border is judged as if ground were around the image.
        thick = opened(ink, self.max_thickness + 1)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(ink & ~thick, connectivity=8)
        extent = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1)
        line = extent >= self.min_length
        line[0] = False
        return np.where(line[labels], np.uint8(0), image)
