"""Cropping to the ink."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval

from skcaptcha.denoise._base import BaseDenoiser, Image, Images
from skcaptcha.segments import ink_mask


class InkCropper(BaseDenoiser):
    """Crop each image to the smallest rectangle that contains its ink.

    Boxes of later steps are in pixels of the cropped image. An image without ink is not cropped.

    Parameters
    ----------
    margin : int >= 0, default=0
        Number of rows and columns of background to keep on each side, if the image has them.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.denoise import InkCropper
    >>> image = np.zeros((5, 9), dtype=np.uint8)
    >>> image[2:4, 3:8] = 255
    >>> InkCropper().fit_transform([image])[0].shape
    (2, 5)
    """

    _parameter_constraints: dict[str, Any] = {
        "margin": [Interval(Integral, 0, None, closed="left")],
    }

    def __init__(self, margin: int = 0) -> None:
        self.margin = margin

    def _denoise(self, images: Images) -> list[Image]:
        return [self._crop(image) for image in images]

    def _crop(self, image: Image) -> Image:
        ink = ink_mask(image)
        rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
        if not len(rows):
            return image
        top, left = max(rows[0] - self.margin, 0), max(columns[0] - self.margin, 0)
        bottom, right = rows[-1] + 1 + self.margin, columns[-1] + 1 + self.margin
        return np.ascontiguousarray(image[top:bottom, left:right])
