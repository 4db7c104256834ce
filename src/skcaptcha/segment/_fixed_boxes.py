"""Boxes at the same positions in every image."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval

from skcaptcha.base import StepTags
from skcaptcha.exceptions import SegmentationError
from skcaptcha.segment._base import BaseSegmenter, Boxes, Image, Images

_TOLERANCE = 0.1


class FixedBoxes(BaseSegmenter):
    """Use the same boxes in every image, for schemes that always draw their characters there.

    Parameters
    ----------
    boxes : array-like of shape (k, 4)
        ``x, y, w, h`` of each character, in pixels, from left to right.
    offset : pair of ints, default=(0, 0)
        Number of pixels by which all boxes move right and down. A grid search over ``offset`` and
        ``margin`` finds the positions if ``boxes`` has them only roughly.
    margin : int, default=0
        Number of pixels by which all boxes grow on every side, up to the edge of the image;
        negative values shrink them.

    Attributes
    ----------
    boxes_ : ndarray of shape (k, 4)
        The boxes, moved by ``offset`` and grown by ``margin``.
    image_shape_ : ndarray of shape (2,)
        Median height and width of the training images, in pixels.

    Notes
    -----
    If the size of an image differs from that of the training images by more than 10 %,
    `skcaptcha.exceptions.SegmentationError` is raised, because its characters are elsewhere.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.segment import FixedBoxes
    >>> images = np.zeros((2, 30, 120), dtype=np.uint8)
    >>> segmenter = FixedBoxes([[8, 4, 20, 21], [38, 4, 20, 21], [68, 4, 20, 21], [98, 4, 20, 21]])
    >>> segmenter.fit_transform(images).crops().shape
    (8, 21, 20)
    """

    _parameter_constraints: dict[str, Any] = {
        "boxes": ["array-like"],
        "offset": ["array-like"],
        "margin": [Interval(Integral, None, None, closed="neither")],
    }

    def __init__(
        self, boxes: ArrayLike, *, offset: tuple[int, int] = (0, 0), margin: int = 0
    ) -> None:
        self.boxes = boxes
        self.offset = offset
        self.margin = margin

    def _validate_params(self) -> None:
        super()._validate_params()
        self._adjusted_boxes()

    def _adjusted_boxes(self) -> Boxes:
        """Move the boxes by the offset and grow them by the margin."""
        boxes, offset = np.asarray(self.boxes), np.asarray(self.offset)
        if not boxes.size or boxes.shape[1:] != (4,) or boxes.dtype.kind not in "iu":
            raise ValueError(f"boxes must be rows of four ints (x, y, w, h), got {self.boxes!r}")
        if offset.shape != (2,) or offset.dtype.kind not in "iu":
            raise ValueError(f"offset must be two ints (right, down), got {self.offset!r}")
        boxes = boxes.astype(np.intp)
        if (np.diff(boxes[:, 0]) < 0).any():
            raise ValueError(f"boxes must be sorted from left to right, got {self.boxes!r}")
        adjusted = boxes + [*offset, 0, 0] + np.array([-1, -1, 2, 2]) * self.margin
        if (adjusted[:, 2:] < 1).any():
            raise ValueError(f"a margin of {self.margin} leaves no pixels in at least one box")
        return adjusted

    def _learn(self, X: Sequence[Image], y: Sequence[str] | None) -> None:
        self.boxes_ = self._adjusted_boxes()
        self.image_shape_ = np.median([image.shape for image in X], axis=0).astype(np.intp)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        learns = type(self)._learn is not FixedBoxes._learn
        return StepTags.extend(tags, learns_from="samples" if learns else "sizes")

    def _segment(self, images: Images) -> tuple[list[Boxes], None]:
        n, *shape = images.shape
        height, width = shape
        usual = self.image_shape_
        # Images of one scheme may differ by a few pixels; those of another scheme differ by more.
        if (np.abs(shape - usual) > _TOLERANCE * usual).any():
            raise SegmentationError(
                f"the image is {width} x {height}, but the training images are {usual[1]} x "
                f"{usual[0]}; fixed boxes need images of one size"
            )
        begin, end = self.boxes_[:, :2], self.boxes_[:, :2] + self.boxes_[:, 2:]
        (left, top), (right, bottom) = begin.min(axis=0), end.max(axis=0)
        grown = max(self.margin, 0)
        left, top, right, bottom = left + grown, top + grown, right - grown, bottom - grown
        if left < 0 or top < 0 or right > width or bottom > height:
            raise SegmentationError(
                f"the boxes span columns {left} to {right} and rows {top} to {bottom}, but the "
                f"image is {width} x {height}; use images of the size that the boxes are for"
            )
        begin, end = np.maximum(begin, 0), np.minimum(end, [width, height])
        return [np.concatenate([begin, end - begin], axis=1)] * n, None
