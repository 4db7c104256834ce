"""Extent of the text in an image, and the pitch of its characters."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from skcaptcha.base import as_texts
from skcaptcha.exceptions import SegmentationError

_MIN_HEIGHT, _MAX_SCALE = 40, 4
_SMOOTHING = 0.04  # standard deviation, relative to the height
_EXCESS = 0.35
_PITCH_OF_HEIGHT = 0.5


def text_extent(image: NDArray[np.uint8]) -> tuple[int, int]:
    """Find the columns that the text spans.

    Text is where gray values change most. Dots and thin lines are first removed by a median of 3 x
    3 pixels; images of less than 40 rows are enlarged before. For each column, the absolute
    differences to the pixels on the right and below are summed and smoothed. The excess of a column
    is what its sum has more than the 5th percentile and 0.35 of its distance to the 90th. The text
    is the range of columns with the greatest total excess: a frame or noise far from the text does
    not belong to it, because the empty columns between count against it. The polarity of the text
    does not matter. Columns at the edges that only repeat their neighbors are ignored.

    Parameters
    ----------
    image : ndarray of shape (h, w), dtype uint8

    Returns
    -------
    left, right : int
        Columns from ``left`` up to, but not including, ``right``. If no column stands out, these
        are all columns that are not ignored.

    References
    ----------
    J. Bentley, "Programming pearls: algorithm design techniques", Communications of the ACM 27
    (1984), 865-873 (the range with the greatest sum, in one pass).

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.measure import text_extent
    >>> image = np.zeros((30, 100), dtype=np.uint8)
    >>> image[5:25, 20:80:4] = 255
    >>> image[5:25, 21:80:4] = 255
    >>> text_extent(image)
    (19, 79)
    >>> text_extent(image[:, :20])
    (0, 20)
    """
    differing = np.flatnonzero((image[:, 1:] != image[:, :-1]).any(axis=0))
    if not len(differing):
        return 0, image.shape[1]
    begin, end = int(differing[0]), int(differing[-1]) + 2
    # In a low image, characters have strokes of one pixel, which a median would remove.
    scale = min(-(-_MIN_HEIGHT // len(image)), _MAX_SCALE)
    shades = cv2.resize(image[:, begin:end], None, fx=scale, fy=scale)
    shades = cv2.medianBlur(shades, 3).astype(np.float32)
    change = np.abs(np.diff(shades, axis=0)).sum(axis=0)
    change[:-1] += np.abs(np.diff(shades, axis=1)).sum(axis=0)
    # The vertical line of a frame changes one or two columns more than any character does.
    change = np.minimum(change, np.percentile(change, 90))
    # Rounded, so that equal columns stay equal.
    change = np.rint(cv2.GaussianBlur(change[None], (0, 0), len(shades) * _SMOOTHING)[0])
    low, high = np.percentile(change, [5, 90])
    left, right = range_of_greatest_sum(change - (low + _EXCESS * (high - low)))
    if left == right:
        return begin, end
    return begin + left // scale, begin - (-right // scale)


def range_of_greatest_sum(values: NDArray[np.floating]) -> tuple[int, int]:
    """Return the begin and end of the range with the greatest sum; it is empty if none is > 0."""
    total = np.concatenate([[0.0], np.cumsum(values, dtype=float)])
    end = int((total - np.minimum.accumulate(total)).argmax())
    return int(total[: end + 1].argmin()), end


def pitch(images: Sequence[NDArray[np.uint8]], y: Sequence[str] | None) -> float:
    """Estimate the distance between characters, from the lengths of the labels.

    Parameters
    ----------
    images : sequence of n ndarrays of shape (h, w), dtype uint8
    y : sequence of n str, or None
        Labels; images with an empty label are ignored.

    Returns
    -------
    pitch : float > 0
        Mean width of the text divided by the length of its label, in pixels. Without any label,
        half the mean height of the images.

    Raises
    ------
    ValueError
        If the numbers of labels and images differ.
    SegmentationError
        If there are no images.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.measure import pitch
    >>> image = np.zeros((30, 100), dtype=np.uint8)
    >>> image[5:25, 20:80:4] = 255
    >>> pitch([image], ["abcd"]), pitch([image], None)
    (14.75, 15.0)
    """
    if not len(images):
        raise SegmentationError("there are no training images to learn the pitch from")
    labels = [""] * len(images) if y is None else as_texts(y)
    if len(labels) != len(images):
        raise ValueError(f"expected {len(images)} labels, one for each image; got {len(labels)}")
    pitches = []
    for image, label in zip(images, labels, strict=True):
        if label:
            left, right = text_extent(image)
            pitches.append((right - left) / len(label))
    if not pitches:
        return _PITCH_OF_HEIGHT * float(np.mean([len(image) for image in images]))
    return float(np.mean(pitches))
