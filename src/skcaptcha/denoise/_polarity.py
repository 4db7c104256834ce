"""Which side of an image is ink, and bringing it to bright on dark."""

from __future__ import annotations

from typing import Any

import numpy as np
from skimage.filters import threshold_otsu
from sklearn.utils._param_validation import StrOptions

from skcaptcha.denoise._base import BaseDenoiser, Image


def otsu_threshold(image: Image) -> int:
    """Threshold that separates two classes of grey best.

    Parameters
    ----------
    image : ndarray of shape (h, w), dtype uint8

    Returns
    -------
    threshold : int in 0..255
        One class is ``image <= threshold``. For an image of one value, that value.

    References
    ----------
    N. Otsu, "A threshold selection method from gray-level histograms", IEEE Transactions on
    Systems, Man, and Cybernetics 9 (1979), 62-66.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.denoise._polarity import otsu_threshold
    >>> otsu_threshold(np.array([[10, 10, 200]], dtype=np.uint8)) in range(10, 200)
    True
    """
    counts = np.bincount(image.ravel(), minlength=256)
    if counts.max() == image.size:
        return int(image[0, 0])
    return int(threshold_otsu(hist=counts))


def ink_is_dark(image: Image, threshold: int | None = None) -> bool:
    """Tell whether ink is darker than the ground: ink is the side with fewer pixels.

    Parameters
    ----------
    image : ndarray of shape (h, w), dtype uint8
    threshold : int in 0..255, optional
        Where the sides meet; by default Otsu's threshold.

    Returns
    -------
    dark : bool

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.denoise._polarity import ink_is_dark
    >>> ink_is_dark(np.array([[250, 250, 3]], dtype=np.uint8))
    True
    """
    level = otsu_threshold(image) if threshold is None else threshold
    return 2 * int((image <= level).sum()) <= image.size


class Polarity(BaseDenoiser):
    """Bring grey images to bright ink on a dark ground, keeping their shades.

    Parameters
    ----------
    ink : {"auto", "dark", "bright"}, default="auto"
        How ink looks in the images given. ``"auto"`` decides for each image: after Otsu's
        threshold, ink is the side with fewer pixels.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.denoise import Polarity
    >>> Polarity().fit_transform([np.array([[250, 250, 5]], dtype=np.uint8)])[0]
    array([[  5,   5, 250]], dtype=uint8)
    """

    _parameter_constraints: dict[str, Any] = {"ink": [StrOptions({"auto", "dark", "bright"})]}

    def __init__(self, ink: str = "auto") -> None:
        self.ink = ink

    def _denoise(self, image: Image) -> Image:
        dark = ink_is_dark(image) if self.ink == "auto" else self.ink == "dark"
        return 255 - image if dark else image
