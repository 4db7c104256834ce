"""Removal of specks."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, Options

from skcaptcha.denoise._base import BaseDenoiser, Images
from skcaptcha.measure._label_components import label_components, remember_components


class SmallComponentRemover(BaseDenoiser):
    """Remove connected components of ink with few pixels.

    Parameters
    ----------
    min_area : int >= 0, default=15
        Minimum number of pixels of a component that is kept.
    connectivity : {4, 8}, default=8
        Whether a pixel is connected to its 4 neighbors or also to the 4 diagonal ones.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.denoise import SmallComponentRemover
    >>> image = np.array([[255, 0, 255, 255], [0, 0, 255, 0]], dtype=np.uint8)
    >>> SmallComponentRemover(min_area=2).fit_transform([image])[0]
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

    def _denoise(self, images: Images) -> Images:
        components = label_components(images, self.connectivity)
        small = components.area < self.min_area
        if small.any():
            kept = np.full(int(components.labels.max()) + 1, 255, dtype=np.uint8)
            kept[components.number[small]] = 0
            images = images & kept.take(components.labels)
            components = components.without(small)
        remember_components(images, self.connectivity, components)
        return images
