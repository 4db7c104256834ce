"""Overlapping candidates from a window that slides over the image."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval

from skcaptcha.exceptions import SegmentationError
from skcaptcha.measure import pitch
from skcaptcha.segment._base import BaseSegmenter, Boxes, Image, Images
from skcaptcha.segment._projection_valleys import MAX_COLUMNS


class SlidingWindow(BaseSegmenter):
    """Slide a window of the image's full height over the image.

    The segments overlap. They are candidates for characters, for readers that choose among them.

    Parameters
    ----------
    width : int >= 1, default=None
        Width of the window, in pixels; a narrower image is one window. None: ``ratio`` times the
        distance between characters, estimated from the training images and the lengths of their
        labels (without labels: half the height of the images).
    ratio : float > 0, default=1.4
        Ratio of the window's width to the distance between characters. With more than 1, a window
        also shows parts of the neighboring characters.
    step : int >= 1, default=2
        Number of columns from one window to the next. The last window ends at the image's edge.

    Attributes
    ----------
    width_ : int
        Width of the window, in pixels.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.segment import SlidingWindow
    >>> image = np.zeros((8, 13), dtype=np.uint8)
    >>> SlidingWindow(width=6, step=4).fit_transform([image]).boxes[:, 0].tolist()
    [0, 4, 7]
    """

    _parameter_constraints: dict[str, Any] = {
        "width": [Interval(Integral, 1, None, closed="left"), None],
        "ratio": [Interval(Real, 0, None, closed="neither")],
        "step": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, width: int | None = None, *, ratio: float = 1.4, step: int = 2) -> None:
        self.width = width
        self.ratio = ratio
        self.step = step

    def _learn(self, X: Sequence[Image], y: Sequence[str] | None) -> None:
        self.width_ = self.width or max(1, round(self.ratio * pitch(X, y)))

    def _segment(self, images: Images) -> tuple[list[Boxes], None]:
        n, height, image_width = images.shape
        if image_width > MAX_COLUMNS:
            raise SegmentationError(
                f"the image has {image_width} columns; windows slide over at most {MAX_COLUMNS}"
            )
        width = min(self.width_, image_width)
        x = np.arange(0, image_width - width, self.step, dtype=np.intp)
        x = np.append(x, image_width - width)
        return [np.stack([x, 0 * x, 0 * x + width, 0 * x + height], axis=1)] * n, None
