"""Thresholding: gray values to ink and background."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import cv2
import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from skcaptcha.denoise._base import BaseDenoiser, Image, Images
from skcaptcha.measure._otsu import histograms, ink_is_dark, otsu_thresholds
from skcaptcha.measure._polarity import has_dark_ink


class Binarizer(BaseDenoiser):
    """Set ink to 255 and background to 0.

    Parameters
    ----------
    method : {"otsu", "fixed", "adaptive", "sauvola"}, default="otsu"
        Thresholding method: Otsu's threshold of each image; ``threshold`` for all images; the mean
        of each pixel's window minus ``k`` times 255; or Sauvola's threshold,
        ``mean * (1 + k * (std / 128 - 1))`` of each pixel's window.
    threshold : int in 0..255, default=127
        Threshold of ``"fixed"``: dark ink is ``<= threshold``, bright ink is ``> threshold``.
    window : odd int >= 3, default=15
        Side of the square window of ``"adaptive"`` and ``"sauvola"``, in pixels.
    k : float, default=0.2
        Coefficient of ``"adaptive"`` and ``"sauvola"``: the larger it is, the darker than its
        window ink must be.
    ink : {"auto", "dark", "bright"}, default="dark"
        Polarity of the ink. ``"auto"`` decides for each image: ink is the side of the threshold
        with fewer pixels (of Otsu's threshold for the two local methods).

    References
    ----------
    J. Sauvola and M. Pietikainen, "Adaptive document image binarization", Pattern Recognition 33
    (2000), 225-236.

    N. Otsu, "A threshold selection method from gray-level histograms", IEEE Transactions on
    Systems, Man, and Cybernetics 9 (1979), 62-66.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.denoise import Binarizer
    >>> image = np.array([[30, 127, 128, 250]], dtype=np.uint8)
    >>> Binarizer(method="fixed", threshold=127).fit_transform([image])[0]
    array([[255, 255,   0,   0]], dtype=uint8)
    >>> Binarizer(method="fixed", threshold=127, ink="bright").fit_transform([image])[0]
    array([[  0,   0, 255, 255]], dtype=uint8)
    """

    _parameter_constraints: dict[str, Any] = {
        "method": [StrOptions({"otsu", "fixed", "adaptive", "sauvola"})],
        "threshold": [Interval(Integral, 0, 255, closed="both")],
        "window": [Interval(Integral, 3, None, closed="left")],
        "k": [Interval(Real, -1, 1, closed="both")],
        "ink": [StrOptions({"auto", "dark", "bright"})],
    }

    def __init__(
        self,
        method: str = "otsu",
        *,
        threshold: int = 127,
        window: int = 15,
        k: float = 0.2,
        ink: str = "dark",
    ) -> None:
        self.method = method
        self.threshold = threshold
        self.window = window
        self.k = k
        self.ink = ink

    def _validate_params(self) -> None:
        super()._validate_params()
        if self.window % 2 == 0:
            raise ValueError(f"window must be odd, so that it has a center, got {self.window}")

    def _denoise(self, images: Images) -> Images:
        if self.method in ("adaptive", "sauvola"):
            dark = has_dark_ink(images) if self.ink == "auto" else [self.ink == "dark"]
            sides = np.broadcast_to(dark, len(images))
            return np.stack([self._by_window(*pair) for pair in zip(images, sides, strict=True)])
        if self.method == "fixed" and self.ink != "auto":
            level = np.uint8(self.threshold)
            ink = images <= level if self.ink == "dark" else images > level
            return -ink.view(np.uint8)
        thresholds = np.full(len(images), self.threshold)
        bright = np.full(len(images), self.ink == "bright")
        single = np.zeros(len(images), dtype=bool)
        counts = histograms(images)
        if self.method == "otsu":
            thresholds = otsu_thresholds(counts)
            single = np.count_nonzero(counts, axis=1) == 1
        if self.ink == "auto":
            bright = ~ink_is_dark(counts, thresholds)
        ink = images <= thresholds.astype(np.uint8)[:, None, None]
        ink ^= bright[:, None, None]
        ink[single] = False  # an image of a single gray value is all background
        return -ink.view(np.uint8)  # 1 becomes 255

    def _by_window(self, image: Image, dark: bool) -> Image:
        shades = image if dark else ~image
        size = (self.window, self.window)
        mean = cv2.boxFilter(shades, cv2.CV_64F, size)
        if self.method == "adaptive":
            threshold = mean - 255 * self.k
        else:
            variance = cv2.sqrBoxFilter(shades, cv2.CV_64F, size) - mean**2
            threshold = mean * (1 + self.k * (np.sqrt(variance.clip(0)) / 128 - 1))
        return -(shades < threshold).view(np.uint8)
