"""Removal of ink that is thinner than the strokes of characters."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import cv2
import numpy as np
from sklearn.utils._param_validation import Interval

from skcaptcha.denoise._base import BaseDenoiser, Image, Images


def opening(image: Image, side: int) -> Image:
    """Open an image with a square; no ink is left if the square does not fit into the image."""
    square = np.ones((side, side), dtype=np.uint8)
    padded = cv2.copyMakeBorder(image, side, side, side, side, cv2.BORDER_CONSTANT, value=0)
    # Not MORPH_OPEN, which moves the ink by a pixel if the side is even.
    eroded = cv2.erode(padded, square, anchor=(0, 0))
    return cv2.dilate(eroded, square, anchor=(side - 1, side - 1))[side:-side, side:-side]


class MorphologicalOpening(BaseDenoiser):
    """Remove bright ink that is thinner than a square: a grayscale morphological opening.

    Lines, scratches and dots that are thinner than the strokes of the characters disappear, even
    where they cross characters and have their color; strokes keep their thickness. Unlike
    `ThinLineRemover`, it does not need binary images.

    Parameters
    ----------
    size : int >= 1, default=2
        Side of the square, in pixels; 1 changes nothing.

    References
    ----------
    J. Serra, "Image Analysis and Mathematical Morphology", Academic Press, 1982.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.denoise import MorphologicalOpening
    >>> image = np.zeros((5, 7), dtype=np.uint8)
    >>> image[2] = 90
    >>> image[1:4, 3:5] = 200
    >>> MorphologicalOpening(size=2).fit_transform([image])[0][2]
    array([  0,   0,   0, 200, 200,   0,   0], dtype=uint8)
    """

    _parameter_constraints: dict[str, Any] = {
        "size": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, size: int = 2) -> None:
        self.size = size

    def _denoise(self, images: Images) -> list[Image]:
        return [opening(image, self.size) for image in images]
