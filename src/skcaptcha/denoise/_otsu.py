"""Two classes of gray: where they part, and which of them is ink, for a batch of images."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from skcaptcha.denoise._base import Batch

_IMAGES_AT_ONCE = 256  # which 8 bits can count


def histograms(images: Batch) -> NDArray[np.int64]:
    """Count the pixels of each shade.

    Parameters
    ----------
    images : ndarray of shape (n, h, w), or sequence of n ndarrays of shape (h, w), dtype uint8

    Returns
    -------
    counts : ndarray of shape (n, 256)

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.denoise._otsu import histograms
    >>> histograms([np.array([[0, 2, 2]], dtype=np.uint8)])[0, :4]
    array([1, 0, 2, 0])
    """
    if not isinstance(images, np.ndarray):
        return np.concatenate([histograms(image[None]) for image in images])
    n, height, width = images.shape
    counts = np.empty((n, 256), dtype=np.int64)
    for first in range(0, n, _IMAGES_AT_ONCE):
        part = images[first : first + _IMAGES_AT_ONCE]
        # One histogram of two axes, the image and the shade, instead of one for each image.
        number = np.arange(len(part), dtype=np.uint8).repeat(height * width)
        channels = [number.reshape(-1, width), part.reshape(-1, width)]
        # Its floats are exact: no image has 2^24 pixels of one shade.
        counts[first : first + len(part)] = cv2.calcHist(
            channels, [0, 1], None, [len(part), 256], [0, len(part), 0, 256]
        )
    return counts


def otsu_thresholds(counts: NDArray[np.int64]) -> NDArray[np.intp]:
    """Find the thresholds that separate two classes of gray best.

    Parameters
    ----------
    counts : ndarray of shape (n, 256)
        As `histograms` gives them.

    Returns
    -------
    thresholds : ndarray of shape (n,)
        In 0..255; one class is ``image <= threshold``. The least of those that are equally good;
        for an image of one shade, that shade.

    References
    ----------
    N. Otsu, "A threshold selection method from gray-level histograms", IEEE Transactions on
    Systems, Man, and Cybernetics 9 (1979), 62-66.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.denoise._otsu import histograms, otsu_thresholds
    >>> otsu_thresholds(histograms([np.array([[10, 10, 200]], dtype=np.uint8)]))
    array([10])
    """
    below = counts.cumsum(axis=1)
    total = (counts * np.arange(256)).cumsum(axis=1)
    n, sum_of_all = below[:, -1:], total[:, -1:]
    # The variance between the classes, but for a factor that all thresholds of an image share.
    distance = (n * total - sum_of_all * below).astype(np.float64)
    spread = below.astype(np.float64) * (n - below)
    # Where one class is empty, the distance is 0 as well.
    thresholds: NDArray[np.intp] = (distance**2 / np.maximum(spread, 1)).argmax(axis=1)
    # With all pixels in one class there is no threshold before their shade.
    of_one_shade = counts.max(axis=1) == n[:, 0]
    thresholds[of_one_shade] = counts[of_one_shade].argmax(axis=1)
    return thresholds


def ink_is_dark(
    counts: NDArray[np.int64], thresholds: NDArray[np.intp] | int | None = None
) -> NDArray[np.bool_]:
    """Tell whether ink is darker than the ground: ink is the side with fewer pixels.

    Parameters
    ----------
    counts : ndarray of shape (n, 256)
        As `histograms` gives them.
    thresholds : ndarray of shape (n,) or int in 0..255, optional
        Where the sides meet; by default Otsu's thresholds.

    Returns
    -------
    dark : ndarray of shape (n,), dtype bool

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.denoise._otsu import histograms, ink_is_dark
    >>> ink_is_dark(histograms([np.array([[250, 250, 3]], dtype=np.uint8)]))
    array([ True])
    """
    levels = otsu_thresholds(counts) if thresholds is None else thresholds
    below = counts.cumsum(axis=1)
    at_most = below[np.arange(len(counts)), levels]
    return 2 * at_most <= below[:, -1]
