"""Removal of thin lines that cross the characters."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import cv2
import numpy as np
from sklearn.utils._param_validation import Interval

from skcaptcha.denoise._base import Image, Images
from skcaptcha.denoise._mark_keeper import MarkKeeper
from skcaptcha.denoise._morphological_opening import opening
from skcaptcha.segments import ink_mask


class ThinLineRemover(MarkKeeper):
    """Remove long components of ink that are thinner than the strokes of characters.

    Ink is thin if a square of ``max_thickness + 1`` pixels does not fit into it. Thicker ink
    divides thin ink into connected components. A component with a width or height of at least
    ``min_length`` pixels is a line and becomes background. Short thin components (serifs, tips, the
    ends of strokes) remain, and so does all ink into which the square fits: this is a morphological
    opening that keeps the short parts of what it removes.

    Parameters
    ----------
    max_thickness : int >= 1, default=1
        Maximum thickness of the lines, in pixels.
    min_length : int >= 1, default=10
        Minimum width or height of a line, in pixels.
    keep_marks : bool, default=False
        Whether to keep ink that could be a small mark of the labels: a decimal point, a comma, a
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
    J. Serra, "Image Analysis and Mathematical Morphology", Academic Press, 1982 (opening).

    O. Maron and T. Lozano-Perez, "A framework for multiple-instance learning", NIPS 10 (1997),
    570-576 (marks).

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
        **MarkKeeper._parameter_constraints,
    }

    def __init__(
        self, max_thickness: int = 1, *, min_length: int = 10, keep_marks: bool = False
    ) -> None:
        self.max_thickness = max_thickness
        self.min_length = min_length
        self.keep_marks = keep_marks

    def _remove(self, images: Images) -> list[Image]:
        return [self._without_lines(image) for image in images]

    def _without_lines(self, image: Image) -> Image:
        ink = ink_mask(image).view(np.uint8)
        # The opening pads the image with background, so a line along the border is thin, too.
        thick = opening(ink, self.max_thickness + 1)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(ink & ~thick, connectivity=8)
        extent = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1)
        line = extent >= self.min_length
        line[0] = False
        return np.where(line[labels], np.uint8(0), image)
