"""Removal of specks."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import cv2
import numpy as np
from sklearn.utils._param_validation import Interval, Options

from skcaptcha.denoise._base import BaseDenoiser, Image
from skcaptcha.segments import ink_mask


class RemoveSmallComponents(BaseDenoiser):
    """Remove connected pieces of ink of few pixels.

    Parameters
    ----------
    min_area : int >= 0, default=15
        Pieces of fewer pixels become ground.
    connectivity : {4, 8}, default=8
        Whether pixels that meet at a corner only are connected.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.denoise import RemoveSmallComponents
    >>> image = np.array([[255, 0, 255, 255], [0, 0, 255, 0]], dtype=np.uint8)
    >>> RemoveSmallComponents(min_area=2).fit_transform([image])[0]
    array([[  0,   0, 255, 255],
           [  0,   0, 255,   0]], dtype=uint8)
    """

    _parameter_constraints: dict[str, Any] = {
        "min_area": [Interval(Integral, 0, None, closed="left")],
        "connectivity": [Options(Integral, {4, 8})],
    }

    def __init__(self, min_area: int = 15, *, connectivity: int = 8) -> None:
        self.min_area = min_area
        self.connectivity = connectivity

    def _denoise(self, image: Image) -> Image:
        ink = ink_mask(image).view(np.uint8)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=self.connectivity)
        small = stats[:, cv2.CC_STAT_AREA] < self.min_area
        small[0] = False
        return np.where(small[labels], np.uint8(0), image)
