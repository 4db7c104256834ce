"""Connected pieces of ink, of many images in one pass."""

from __future__ import annotations

from threading import Lock
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from skcaptcha.segments import ink_mask

# What OpenCV would choose takes twice as long where little is ink.
_ALGORITHM = {4: cv2.CCL_SAUF, 8: cv2.CCL_BBDT}


# Pieces that were not asked for once more do not fill the memory: 16 MiB of labels.
_MOST_PIXELS_EXPECTED = 2**22

_EXPECTED: dict[tuple[object, ...], Pieces] = {}
_EXPECTED_LOCK = Lock()


class Pieces(NamedTuple):
    """The pieces of a batch, image after image.

    Attributes
    ----------
    labels : ndarray of shape (n, h, w), dtype int32
        Number of the piece that each pixel belongs to; what is no number of a piece is ground.
    number : ndarray of shape (p,), dtype intp
        Number of each piece in ``labels``: at least 1; ascends.
    image : ndarray of shape (p,), dtype intp
        Which image each piece is in; ascends.
    least, most : ndarrays of shape (p, 2), dtype intp
        Columns and rows of each piece: the first, and the first beyond it.
    area : ndarray of shape (p,), dtype intp
        Number of pixels.
    """

    labels: NDArray[np.int32]
    number: NDArray[np.intp]
    image: NDArray[np.intp]
    least: NDArray[np.intp]
    most: NDArray[np.intp]
    area: NDArray[np.intp]

    def without(self, removed: NDArray[np.bool_]) -> Pieces:
        """Give the pieces that are left when some are removed, a mask of shape (p,)."""
        kept = ~removed
        return Pieces(self.labels, *(array[kept] for array in self[1:]))


def label_pieces(images: NDArray[np.uint8], connectivity: int) -> Pieces:
    """Find the connected pieces of ink of images of one shape.

    The images are labeled as one, in which they stand over each other, a row of ground between
    them: one call for all.

    Parameters
    ----------
    images : ndarray of shape (n, h, w), dtype uint8
        Ink bright on a dark ground.
    connectivity : {4, 8}
        Whether pixels that meet at a corner only are connected.

    Returns
    -------
    pieces : Pieces
        Those that `expect_pieces` was given for such images, or else found now.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.measure._connected_components import label_pieces
    >>> images = np.zeros((2, 3, 4), dtype=np.uint8)
    >>> images[0, 2, 3] = images[1, 0, :2] = 255
    >>> pieces = label_pieces(images, connectivity=8)
    >>> pieces.image, pieces.area
    (array([0, 1]), array([1, 2]))
    >>> pieces.least.tolist(), pieces.most.tolist()
    ([[3, 2], [0, 0]], [[4, 3], [2, 1]])
    """
    ink = ink_mask(images)
    with _EXPECTED_LOCK:
        expected = _EXPECTED.pop(_key(ink, connectivity), None)
    return _find_pieces(ink, connectivity) if expected is None else expected


def expect_pieces(images: NDArray[np.uint8], connectivity: int, pieces: Pieces) -> None:
    """Keep the pieces of images, which are likely to be asked for once more.

    Removing pieces leaves images whose pieces are known; a segmenter asks for them next. They are
    found by the images' ink, so that nothing else can be given for other images.

    Parameters
    ----------
    images : ndarray of shape (n, h, w), dtype uint8
        Ink bright on a dark ground.
    connectivity : {4, 8}
    pieces : Pieces
        As `label_pieces` gives them for these images.
    """
    key = _key(ink_mask(images), connectivity)
    with _EXPECTED_LOCK:
        _EXPECTED[key] = pieces
        while sum(kept.labels.size for kept in _EXPECTED.values()) > _MOST_PIXELS_EXPECTED:
            del _EXPECTED[next(iter(_EXPECTED))]  # the oldest


def _key(ink: NDArray[np.bool_], connectivity: int) -> tuple[object, ...]:
    return connectivity, ink.shape, np.packbits(ink).tobytes()


def _find_pieces(ink: NDArray[np.bool_], connectivity: int) -> Pieces:
    n, height, width = ink.shape
    # OpenCV numbers pieces in blocks of two rows: with an even number for each image, in the same
    # order whatever stands above.
    room = height + 2 - height % 2
    tall = np.zeros((n, room, width), dtype=np.uint8)
    tall[:, :height] = ink
    _, labels, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(
        tall.reshape(n * room, width), connectivity, cv2.CV_32S, _ALGORITHM[connectivity]
    )
    stats = stats[1:].astype(np.intp)
    image, top = np.divmod(stats[:, cv2.CC_STAT_TOP], room)
    left = stats[:, cv2.CC_STAT_LEFT]
    labels = labels.reshape(n, room, width)[:, :height]
    if (image[1:] < image[:-1]).any():
        order = np.argsort(image, kind="stable")
        place = np.zeros(len(order) + 1, dtype=np.int32)
        place[1 + order] = np.arange(1, len(order) + 1)
        labels, stats = place[labels], stats[order]
        image, top, left = image[order], top[order], left[order]
    least = np.stack([left, top], axis=1)
    size = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    number = np.arange(1, len(image) + 1)
    return Pieces(labels, number, image, least, least + size, stats[:, cv2.CC_STAT_AREA])
