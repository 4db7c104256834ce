"""Cropping to the text."""

from __future__ import annotations

from numbers import Real
from typing import Any

import cv2
from sklearn.utils._param_validation import Interval

from skcaptcha.denoise._base import BaseDenoiser, Image, Images
from skcaptcha.measure import text_box

_MAX_MARGIN = 10


class TextCropper(BaseDenoiser):
    """Crop each image to its text and a margin.

    For captchas whose text varies in size or place. If `HeightScaler` follows, the text of all
    images has about the same height. The ink must be bright, as after `PolarityNormalizer`. Lines
    and specks beyond the text do not count, unlike with `InkCropper`. An image whose text does not
    stand out is not cropped. Boxes of later steps are in pixels of the cropped image.

    Parameters
    ----------
    margin : float in 0..10, default=0.3
        Width of the margin on each side, as a fraction of the height of the text. Beyond the end
        of the image, it repeats the outermost pixels.

    See Also
    --------
    skcaptcha.measure.text_box : How the text is found.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.denoise import TextCropper
    >>> image = np.zeros((60, 200), dtype=np.uint8)
    >>> image[20:40, 60:140:8] = 255
    >>> image[50] = 255
    >>> TextCropper(margin=0.25).fit_transform([image])[0].shape
    (34, 92)
    """

    _parameter_constraints: dict[str, Any] = {
        "margin": [Interval(Real, 0, _MAX_MARGIN, closed="both")],
    }

    def __init__(self, margin: float = 0.3) -> None:
        self.margin = margin

    def _denoise(self, images: Images) -> list[Image]:
        return [self._crop(image) for image in images]

    def _crop(self, image: Image) -> Image:
        box = text_box(image)
        if box is None:
            return image
        x, y, width, height = box
        margin = round(self.margin * height)
        top, bottom = y - margin, y + height + margin
        left, right = x - margin, x + width + margin
        inside = image[max(top, 0) : bottom, max(left, 0) : right]
        beyond = [
            max(missing, 0)
            for missing in (-top, bottom - image.shape[0], -left, right - image.shape[1])
        ]
        return cv2.copyMakeBorder(inside, *beyond, cv2.BORDER_REPLICATE)
