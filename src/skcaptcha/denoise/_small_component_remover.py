"""Removal of specks."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, Options

from skcaptcha.denoise._base import BatchDenoiser, Images
from skcaptcha.measure._connected_components import expect_pieces, label_pieces


class SmallComponentRemover(BatchDenoiser):
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

    def _denoise_batch(self, images: Images) -> Images:
        pieces = label_pieces(images, self.connectivity)
        small = pieces.area < self.min_area
        if small.any():
            kept = np.full(int(pieces.labels.max()) + 1, 255, dtype=np.uint8)
            kept[pieces.number[small]] = 0
            images = images & kept.take(pieces.labels)
            pieces = pieces.without(small)
        expect_pieces(images, self.connectivity, pieces)
        return images
