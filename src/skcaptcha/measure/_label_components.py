"""Connected components of ink, of many images in one pass."""

from __future__ import annotations

from threading import Lock
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from skcaptcha.segments import ink_mask

# OpenCV's default takes twice as long for images with little ink.
_ALGORITHM = {4: cv2.CCL_SAUF, 8: cv2.CCL_BBDT}

# Components that are remembered for the next step. Without them, reading takes 11 % longer
# (`components.yaml`): they are found once, not twice.
_REMEMBERED: dict[tuple[object, ...], Components] = {}
_REMEMBERED_LOCK = Lock()
_MAX_PIXELS_REMEMBERED = 2**22  # 16 MiB of labels


class Components(NamedTuple):
    """The connected components of a batch, image after image."""

    labels: NDArray[np.int32]  # (n, h, w): number of each pixel's component; others: background
    number: NDArray[np.intp]  # (p,): number of each component in labels, ascending from 1
    image: NDArray[np.intp]  # (p,): index of the image, ascending
    first: NDArray[np.intp]  # (p, 2): first column and row
    end: NDArray[np.intp]  # (p, 2): first column and row after the component
    area: NDArray[np.intp]  # (p,): number of pixels

    def without(self, removed: NDArray[np.bool_]) -> Components:
        """Return the components except those in a mask (p,)."""
        kept = ~removed
        return Components(self.labels, *(array[kept] for array in self[1:]))


def label_components(images: NDArray[np.uint8], connectivity: int) -> Components:
    """Find the connected components of ink in images (n, h, w).

    Returns those that `remember_components` was given for such images, if any.
    """
    ink = ink_mask(images)
    with _REMEMBERED_LOCK:
        remembered = _REMEMBERED.pop(_key(ink, connectivity), None)
    return _find_components(ink, connectivity) if remembered is None else remembered


def remember_components(
    images: NDArray[np.uint8], connectivity: int, components: Components
) -> None:
    """Keep the components of images until they are asked for, once.

    After components were removed, those of the resulting images are known; a segmenter asks for
    them next. They are found by the images' ink, so they are never used for other images.
    """
    key = _key(ink_mask(images), connectivity)
    with _REMEMBERED_LOCK:
        _REMEMBERED[key] = components
        while sum(kept.labels.size for kept in _REMEMBERED.values()) > _MAX_PIXELS_REMEMBERED:
            del _REMEMBERED[next(iter(_REMEMBERED))]  # the oldest


def _key(ink: NDArray[np.bool_], connectivity: int) -> tuple[object, ...]:
    return connectivity, ink.shape, np.packbits(ink).tobytes()


def _find_components(ink: NDArray[np.bool_], connectivity: int) -> Components:
    """Label all images in one call: they are stacked vertically, with background between them."""
    n, height, width = ink.shape
    # OpenCV numbers components in blocks of two rows. With an even number of rows for each image,
    # their order does not depend on the images above.
    n_rows = height + 2 - height % 2
    tall = np.zeros((n, n_rows, width), dtype=np.uint8)
    tall[:, :height] = ink
    _, labels, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(
        tall.reshape(n * n_rows, width), connectivity, cv2.CV_32S, _ALGORITHM[connectivity]
    )
    stats = stats[1:].astype(np.intp)
    image, top = np.divmod(stats[:, cv2.CC_STAT_TOP], n_rows)
    left = stats[:, cv2.CC_STAT_LEFT]
    labels = labels.reshape(n, n_rows, width)[:, :height]
    if (image[1:] < image[:-1]).any():
        order = np.argsort(image, kind="stable")
        rank = np.zeros(len(order) + 1, dtype=np.int32)
        rank[1 + order] = np.arange(1, len(order) + 1)
        labels, stats = rank[labels], stats[order]
        image, top, left = image[order], top[order], left[order]
    first = np.stack([left, top], axis=1)
    size = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    number = np.arange(1, len(image) + 1)
    return Components(labels, number, image, first, first + size, stats[:, cv2.CC_STAT_AREA])
