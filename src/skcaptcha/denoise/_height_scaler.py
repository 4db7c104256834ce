"""Bringing all images to one height."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, Self

import cv2
import numpy as np
from sklearn.base import _fit_context
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from skcaptcha.base import StepTags
from skcaptcha.denoise._base import BaseDenoiser, Image, check_images
from skcaptcha.exceptions import ImageError
from skcaptcha.measure import pitch

_LEAST_HEIGHT, _GREATEST_HEIGHT = 20, 96
# A row of a few pixels would become much wider than it was.
_GREATEST_WIDTH = 2**14


class HeightScaler(BaseDenoiser):
    """Bring images to one height, keeping their proportions, with room on the left and the right.

    Characters then stand about as far apart in all schemes, so that sizes in pixels (the step of a
    window, the cell of a gradient) mean the same everywhere. Boxes of later steps are in pixels of
    the rescaled image.

    Parameters
    ----------
    height : int >= 1, default=None
        Height of every image, in pixels. What shrinks is averaged, what grows is interpolated.
        None: chosen in `fit`, by ``pitch``.
    pitch : float > 0, default=24.0
        How far apart characters shall stand, in pixels, as estimated from the training images and
        the lengths of their labels. The height is between 20 and 96 pixels nevertheless.
    margin : float >= 0, default=0.5
        Room on either side, as a share of the height. It repeats the outermost column, so that a
        window can be centerd on a character at the edge without seeing an edge of its own making.

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

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Sequence[Image], y: Sequence[str] | None = None) -> Self:
        """Choose the height, if it is not given.

        Parameters
        ----------
        X : sequence of n ndarrays of shape (h, w), dtype uint8
        y : sequence of n str, optional
            The labels; only their lengths count. Without them, characters are taken to stand half
            the height of the images apart.

        Returns
        -------
        self
        """
        check_images(X, gray=True)
        self.height_ = self.height or self._learn_height(X, y)
        return self

    def transform(self, X: Sequence[Image]) -> list[Image]:
        """HeightScaler  every image.

        Parameters
        ----------
        X : sequence of n ndarrays of shape (h, w), dtype uint8

        Returns
        -------
        images : list of n ndarrays, dtype uint8

        Raises
        ------
        ImageError
            If an element of X is not such an image (names its index), or would be scaled to
            more than 16,384 columns.
        """
        check_is_fitted(self)
        return super().transform(X)

    def _learn_height(self, X: Sequence[Image], y: Sequence[str] | None) -> int:
        labels = [None] * len(X) if y is None else y
        # Of each image by itself, as images may differ in size.
        relative = [
            pitch([image], None if label is None else [label]) / len(image)
            for image, label in zip(X, labels, strict=True)
            if label != ""
        ]
        height = round(self.pitch / float(np.mean(relative or [0.5])))
        return min(max(height, _LEAST_HEIGHT), _GREATEST_HEIGHT)

    def _denoise(self, image: Image) -> Image:
        height, width = image.shape
        size = max(1, round(width * self.height_ / height)), self.height_
        if size[0] > _GREATEST_WIDTH:
            raise ImageError(
                "the image",
                f"of {width} x {height} pixels it would be scaled to {size[0]} x {size[1]}, and "
                f"{_GREATEST_WIDTH} columns are the most; cut it",
            )
        method = cv2.INTER_AREA if self.height_ < height else cv2.INTER_LINEAR
        room = round(self.margin * self.height_)
        resized = cv2.resize(image, size, interpolation=method)
        return cv2.copyMakeBorder(resized, 0, 0, room, room, cv2.BORDER_REPLICATE)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        learns_from = "samples" if self.height is None else "nothing"
        tags = StepTags.extend(tags, learns_from=learns_from)
        tags.requires_fit = True
        return tags
