"""Removal of specks."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, Options

from skcaptcha.denoise._base import Images
from skcaptcha.denoise._mark_keeper import MarkKeeper
from skcaptcha.measure._label_components import label_components, remember_components


class SmallComponentRemover(MarkKeeper):
    """Remove connected components of ink with few pixels.

    Parameters
    ----------
    min_area : int >= 0, default=15
        Minimum number of pixels of a component that is kept.
    connectivity : {4, 8}, default=8
        Whether a pixel is connected to its 4 neighbors or also to the 4 diagonal ones.
    keep_marks : bool, default=False
        Whether to keep components that could be a small mark of the labels: a decimal point, a
        comma, a colon, a minus sign, the dot of an i, an accent. What they look like is learned in
        `fit`, from the images and their labels. If no label contains such a mark, nothing more is
        kept.

    Attributes
    ----------
    marks_ : ndarray of shape (k, 2, 3)
        Least and greatest vertical position, height and width of k kinds of small marks, as
        fractions of the height of the text; the position is that of the center, below the top of
        the text. k is 0 without ``keep_marks``.

    References
    ----------
    O. Maron and T. Lozano-Perez, "A framework for multiple-instance learning", NIPS 10 (1997),
    570-576 (marks).

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
        **MarkKeeper._parameter_constraints,
    }

    def __init__(
        self, min_area: int = 15, *, connectivity: int = 8, keep_marks: bool = False
    ) -> None:
        self.min_area = min_area
        self.connectivity = connectivity
        self.keep_marks = keep_marks

    def _remove(self, images: Images) -> Images:
        components = label_components(images, self.connectivity)
        small = components.area < self.min_area
        if small.any():
            kept = np.full(int(components.labels.max()) + 1, 255, dtype=np.uint8)
            kept[components.number[small]] = 0
            images = images & kept.take(components.labels)
            components = components.without(small)
        remember_components(images, self.connectivity, components)
        return images
