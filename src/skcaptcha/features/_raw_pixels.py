"""The pixels themselves."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from skcaptcha.features._base import CropFeatures


class RawPixels(CropFeatures):
    """Describe a crop by its pixels, row after row, scaled to 0..1.

    Parameters
    ----------
    shape : tuple of two ints, default=None
        Height and width, in pixels, to which every segment is resized. None: the mean height and
        width of the training segments.
    keep_aspect : bool, default=False
        Whether a crop keeps the proportions of its segment, centered on a dark background, instead
        of being stretched to ``shape``.

    Attributes
    ----------
    shape_ : tuple of two ints
        Height and width of the crops, in pixels.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha import Segments
    >>> from skcaptcha.features import RawPixels
    >>> image = np.array([[0, 255], [51, 0]], dtype=np.uint8)
    >>> segments = Segments([[0, 0, 2, 2]], [0, 1], images=[image])
    >>> RawPixels().fit_transform(segments).values
    array([[0. , 1. , 0.2, 0. ]], dtype=float32)
    """

    def _describe_crops(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        pixels = crops.reshape(len(crops), math.prod(crops.shape[1:]))
        return np.divide(pixels, 255, dtype=np.float32)
