"""Several lines of text to one."""

from __future__ import annotations

import math
from itertools import pairwise
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval

from skcaptcha.denoise._base import BaseDenoiser, Image, Images
from skcaptcha.segments import ink_mask

_BALANCE = 0.3
# A line is at most this many times as high as the mean line.
_MAX_HEIGHT = 1.5
# Soft edges of characters are not bright enough to count as ink.
_MARGIN = 2


class TextLineJoiner(BaseDenoiser):
    """Split each image into lines of text, and place them side by side.

    All later steps and readers then work on one line. The lines are cut at the rows with the least
    ink that divide the text evenly: the cuts minimize the fraction of ink in the emptier of the
    two adjacent rows, plus ``0.3 * (height / mean height - 1) ** 2`` for each line. No line may be
    higher than one and a half times the mean, or the mean rounded up. Each line is centered
    vertically; boxes of later steps are in pixels of the joined image.

    Parameters
    ----------
    n_lines : int >= 2, default=2
        Number of lines of text.
    separator : bool, default=True
        Whether to draw a bar between two lines. A reader learns it like any other character, so
        the labels need a character for it, which separates the lines in what is read as well:
        ``"AB12 CD34"``. Without it, the labels are the lines without anything between them.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.denoise import TextLineJoiner
    >>> image = np.zeros((8, 3), dtype=np.uint8)
    >>> image[1:3, 0] = image[5:7, 2] = 255
    >>> joined = TextLineJoiner(separator=False).fit_transform([image])[0]
    >>> joined.shape
    (10, 11)
    >>> joined[4:6] // 255
    array([[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
           [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]], dtype=uint8)
    """

    _parameter_constraints: dict[str, Any] = {
        "n_lines": [Interval(Integral, 2, None, closed="left")],
        "separator": ["boolean"],
    }

    def __init__(self, n_lines: int = 2, *, separator: bool = True) -> None:
        self.n_lines = n_lines
        self.separator = separator

    def _denoise(self, images: Images) -> Images:
        n, height, width = images.shape
        # Fewer rows with ink than lines are not divided.
        line_height = max(math.ceil(_MAX_HEIGHT * height / self.n_lines), self.n_lines)
        line_height += 2 * _MARGIN
        gap = line_height // 2
        pitch = width + gap
        joined = np.zeros((n, line_height, self.n_lines * pitch - gap), dtype=np.uint8)
        bar = max(line_height // 8, 1) if self.separator else 0
        for k in range(1, self.n_lines):
            begin = k * pitch - (gap + bar) // 2
            joined[:, :, begin : begin + bar] = 255
        inks = ink_mask(images).sum(axis=2)
        for image, ink, canvas in zip(images, inks, joined, strict=True):
            for k, (begin, end) in enumerate(pairwise(_cuts(ink, self.n_lines))):
                rows = begin + np.flatnonzero(ink[begin:end])
                if len(rows):
                    place = slice(k * pitch, k * pitch + width)
                    _center(image[begin:end], canvas[:, place], rows - begin)
        return joined


def _center(line: Image, canvas: Image, rows: NDArray[np.intp]) -> None:
    """Copy a line to the vertical center of a canvas; `rows` are its rows with ink."""
    first, end = max(rows[0] - _MARGIN, 0), min(rows[-1] + 1 + _MARGIN, len(line))
    top = (len(canvas) - (rows[-1] + 1 - rows[0])) // 2 - (rows[0] - first)
    canvas[top : top + end - first] = line[first:end]


def _cuts(ink: NDArray[np.intp], n: int) -> list[int]:
    """Return the n + 1 edges of n lines in an image whose rows have so many pixels of ink."""
    rows = np.flatnonzero(ink)
    if len(rows) == 0 or rows[-1] + 1 - rows[0] < n:
        return [0] * n + [len(ink)]  # too little ink for lines: all of it in the last one
    top, height = int(rows[0]), len(ink)
    ink = ink[top : rows[-1] + 1]
    mean = len(ink) / n
    at = np.arange(len(ink) + 1)
    high = at[None, :] - at[:, None]
    highest = max(_MAX_HEIGHT * mean, math.ceil(mean))
    piece = np.where((high > 0) & (high <= highest), _BALANCE * (high / mean - 1) ** 2, np.inf)
    cost = np.concatenate([[np.inf], np.minimum(ink[:-1], ink[1:]) / ink.max(), [np.inf]])
    best, origins = piece[0], []
    for _ in range(n - 1):
        total = (best + cost)[:, None] + piece
        origins.append(total.argmin(axis=0))
        best = total[origins[-1], at]
    edges = [len(ink)]
    for origin in reversed(origins):
        edges.append(int(origin[edges[-1]]))
    return [0, *(top + edge for edge in edges[:0:-1]), height]
