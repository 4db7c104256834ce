"""Removal of ink that is thinner than the strokes of characters."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval

from skcaptcha.denoise._base import Image, Images
from skcaptcha.denoise._mark_keeper import MarkKeeper
from skcaptcha.measure._otsu import histograms, otsu_thresholds


def opening(image: Image, side: int) -> Image:
    """Open an image with a square; no ink is left if the square does not fit into the image."""
    square = np.ones((side, side), dtype=np.uint8)
    padded = cv2.copyMakeBorder(image, side, side, side, side, cv2.BORDER_CONSTANT, value=0)
    # Not MORPH_OPEN, which moves the ink by a pixel if the side is even.
    eroded = cv2.erode(padded, square, anchor=(0, 0))
    return cv2.dilate(eroded, square, anchor=(side - 1, side - 1))[side:-side, side:-side]


class MorphologicalOpening(MarkKeeper):
    """Remove bright ink that is thinner than a square: a grayscale morphological opening.

    Lines, scratches and dots that are thinner than the strokes of the characters disappear, even
    where they cross characters and have their color; strokes keep their thickness. Unlike
    `ThinLineRemover`, it does not need binary images.

    Parameters
    ----------
    size : int >= 1, default=2
        Side of the square, in pixels; 1 changes nothing.
    keep_marks : bool, default=False
        Whether to keep components of ink (brighter than
        Otsu's threshold) that could be a small mark of the labels: a decimal point, a comma, a
        colon, a minus sign, the dot of an i, an accent. What they look like is learned in `fit`,
        from the images and their labels. If no label contains such a mark, nothing more is kept.

    Attributes
    ----------
    marks_ : ndarray of shape (k, 2, 3)
        Least and greatest vertical position, height and width of k kinds of small marks, as
        fractions of the height of the text; the position is that of the center, below the top of
        the text. k is 0 without ``keep_marks``.

    References
    ----------
    J. Serra, "Image Analysis and Mathematical Morphology", Academic Press, 1982.

    O. Maron and T. Lozano-Perez, "A framework for multiple-instance learning", NIPS 10 (1997),
    570-576 (marks).

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
        **MarkKeeper._parameter_constraints,
    }

    def __init__(self, size: int = 2, *, keep_marks: bool = False) -> None:
        self.size = size
        self.keep_marks = keep_marks

    def _remove(self, images: Images) -> list[Image]:
        return [opening(image, self.size) for image in images]

    def _ink_levels(self, images: Images) -> NDArray[np.uint8]:
        return otsu_thresholds(histograms(images)).astype(np.uint8)[:, None, None]
