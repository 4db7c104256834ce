"""From shades of grey to ink and ground."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import cv2
import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from skcaptcha.denoise._base import BaseDenoiser, Image
from skcaptcha.denoise._polarity import ink_is_dark, otsu_threshold


class Binarise(BaseDenoiser):
    """Make ink 255 and ground 0.

    Parameters
    ----------
    method : {"otsu", "fixed", "adaptive", "sauvola"}, default="otsu"
        Where the threshold comes from: one per image by Otsu's method; ``threshold`` for all; the
        mean of each pixel's window lowered by ``k`` times 255; or Sauvola's formula,
        ``mean * (1 + k * (std / 128 - 1))`` of each pixel's window.
    threshold : int in 0..255, default=127
        For ``"fixed"``: dark ink is ``<= threshold``, bright ink is ``> threshold``.
    window : odd int >= 3, default=15
        For ``"adaptive"`` and ``"sauvola"``: the side of the square window, in pixels.
    k : float, default=0.2
        For ``"adaptive"`` and ``"sauvola"``: how much darker than its window ink must be.
    ink : {"auto", "dark", "bright"}, default="dark"
        How ink looks in the images given. ``"auto"`` decides for each image: ink is the side of
        the threshold with fewer pixels (Otsu's threshold for the two local methods).

    References
    ----------
    J. Sauvola and M. Pietikainen, "Adaptive document image binarization", Pattern Recognition 33
    (2000), 225-236.

    N. Otsu, "A threshold selection method from gray-level histograms", IEEE Transactions on
    Systems, Man, and Cybernetics 9 (1979), 62-66.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.denoise import Binarise
    >>> image = np.array([[30, 127, 128, 250]], dtype=np.uint8)
    >>> Binarise(method="fixed", threshold=127).fit_transform([image])[0]
    array([[255, 255,   0,   0]], dtype=uint8)
    >>> Binarise(method="fixed", threshold=127, ink="bright").fit_transform([image])[0]
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
            raise ValueError(f"window must be odd, so that it has a middle, got {self.window}")

    def _denoise(self, image: Image) -> Image:
        if self.method in ("adaptive", "sauvola"):
            return self._locally(image)
        if self.method == "otsu" and image.min() == image.max():
            return np.zeros_like(image)  # one shade is all ground: nothing stands out from it
        threshold = self.threshold if self.method == "fixed" else otsu_threshold(image)
        dark = ink_is_dark(image, threshold) if self.ink == "auto" else self.ink == "dark"
        ink = image <= threshold if dark else image > threshold
        return ink.view(np.uint8) * np.uint8(255)

    def _locally(self, image: Image) -> Image:
        dark = ink_is_dark(image) if self.ink == "auto" else self.ink == "dark"
        shades = image if dark else 255 - image
        size = (self.window, self.window)
        mean = cv2.boxFilter(shades, cv2.CV_64F, size)
        if self.method == "adaptive":
            threshold = mean - 255 * self.k
        else:
            variance = cv2.sqrBoxFilter(shades, cv2.CV_64F, size) - mean**2
            threshold = mean * (1 + self.k * (np.sqrt(variance.clip(0)) / 128 - 1))
        return (shades < threshold).view(np.uint8) * np.uint8(255)
