"""Resizing of all images to one height."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import cv2
import numpy as np
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval

from skcaptcha.base import StepTags
from skcaptcha.denoise._base import BaseDenoiser, Image, Images
from skcaptcha.exceptions import ImageError
from skcaptcha.measure import pitch

_MIN_HEIGHT, _MAX_HEIGHT = 20, 96
# An image of a few rows would become much wider than it was.
_MAX_WIDTH = 2**14


class HeightScaler(BaseDenoiser):
    """Resize images to one height, keeping their proportions, and pad them on the left and right.

    Characters of all schemes then have about the same distance, so that sizes in pixels (the step
    of a window, the cell of a gradient) mean the same everywhere. Boxes of later steps are in
    pixels of the resized image.

    Parameters
    ----------
    height : int >= 1, default=None
        Height of every image, in pixels. Shrinking averages pixels, enlarging interpolates them.
        None: chosen in `fit`, according to ``pitch``.
    pitch : float > 0, default=24.0
        Distance between characters after resizing, in pixels, as estimated from the training
        images and the lengths of their labels. The height is limited to 20 to 96 pixels.
    margin : float >= 0, default=0.5
        Width of the padding on either side, as a fraction of the height. It repeats the outermost
        column, so that a window can be centered on a character at the edge without showing an
        artificial edge.

    Attributes
    ----------
    height_ : int
        Height of every image, in pixels.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.denoise import HeightScaler
    >>> image = np.zeros((80, 240), dtype=np.uint8)
    >>> image[20:60, 40:200:5] = 255
    >>> HeightScaler(height=40, margin=0.25).fit_transform([image])[0].shape
    (40, 140)
    >>> HeightScaler().fit([image], ["abcd"]).height_
    49
    """

    _parameter_constraints: dict[str, Any] = {
        "height": [Interval(Integral, 1, None, closed="left"), None],
        "pitch": [Interval(Real, 0, None, closed="neither")],
        "margin": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self, height: int | None = None, *, pitch: float = 24.0, margin: float = 0.5
    ) -> None:
        self.height = height
        self.pitch = pitch
        self.margin = margin

    def _learn(self, X: Sequence[Image], y: Sequence[str] | None) -> None:
        if self.height is not None:
            self.height_ = self.height
            return
        labels = [None] * len(X) if y is None else y
        # Relative to the height of each image, because images may differ in size.
        relative = [
            pitch([image], None if label is None else [label]) / len(image)
            for image, label in zip(X, labels, strict=True)
            if label != ""
        ]
        height = round(self.pitch / float(np.mean(relative or [0.5])))
        self.height_ = min(max(height, _MIN_HEIGHT), _MAX_HEIGHT)

    def _denoise(self, images: Images) -> list[Image]:
        _, height, width = images.shape
        size = max(1, round(width * self.height_ / height)), self.height_
        if size[0] > _MAX_WIDTH:
            raise ImageError(
                "the image",
                f"{width} x {height} pixels would be resized to {size[0]} x {size[1]}, but at most "
                f"{_MAX_WIDTH} columns are supported; crop it",
            )
        method = cv2.INTER_AREA if self.height_ < height else cv2.INTER_LINEAR
        pad = round(self.margin * self.height_)
        return [
            cv2.copyMakeBorder(
                cv2.resize(image, size, interpolation=method), 0, 0, pad, pad, cv2.BORDER_REPLICATE
            )
            for image in images
        ]

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        learns = self.height is None or type(self)._learn is not HeightScaler._learn
        return StepTags.extend(tags, learns_from="samples" if learns else "nothing")
