"""Smoothing filters."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import cv2
import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from skcaptcha.denoise._base import BaseDenoiser, Image


class Smooth(BaseDenoiser):
    """Smooth images, grey or colour; the border is mirrored (for the median: repeated).

    Parameters
    ----------
    method : {"binomial", "gaussian", "median", "bilateral"}, default="binomial"
        ``"binomial"`` weighs each pixel's neighbours by a row of Pascal's triangle in both
        directions (for size 3: 1 2 1; 2 4 2; 1 2 1, over 16); ``"gaussian"`` by a normal density
        of deviation ``sigma``; ``"median"`` takes the middle value; ``"bilateral"`` is a Gaussian
        that gives less weight to pixels of another shade, and so keeps edges.
    size : odd int >= 1, default=3
        The side of the window, in pixels; 1 changes nothing.
    sigma : float > 0, default=1.0
        For ``"gaussian"`` and ``"bilateral"``: the deviation in space, in pixels.
    sigma_shade : float > 0, default=50.0
        For ``"bilateral"``: the deviation in shade, of 0..255.

    References
    ----------
    C. Tomasi and R. Manduchi, "Bilateral filtering for gray and color images", ICCV 1998.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.denoise import Smooth
    >>> dot = np.zeros((3, 3), dtype=np.uint8)
    >>> dot[1, 1] = 160
    >>> int(Smooth(method="median").fit_transform([dot])[0].max())
    0
    """

    _takes_colour = True
    _parameter_constraints: dict[str, Any] = {
        "method": [StrOptions({"binomial", "gaussian", "median", "bilateral"})],
        "size": [Interval(Integral, 1, 31, closed="both")],
        "sigma": [Interval(Real, 0, None, closed="neither")],
        "sigma_shade": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        method: str = "binomial",
        *,
        size: int = 3,
        sigma: float = 1.0,
        sigma_shade: float = 50.0,
    ) -> None:
        self.method = method
        self.size = size
        self.sigma = sigma
        self.sigma_shade = sigma_shade

    def _validate_params(self) -> None:
        super()._validate_params()
        if self.size % 2 == 0:
            raise ValueError(f"size must be odd, so that the window has a middle, got {self.size}")

    def _denoise(self, image: Image) -> Image:
        if self.size == 1:  # OpenCV's bilateral filter would take 3
            return image
        match self.method:
            case "median":
                return cv2.medianBlur(image, self.size)
            case "bilateral":
                return cv2.bilateralFilter(image, self.size, self.sigma_shade, self.sigma)
            case "gaussian":
                return cv2.GaussianBlur(image, (self.size, self.size), self.sigma)
            case _:
                row = (np.poly1d([1.0, 1.0]) ** (self.size - 1)).coeffs
                # Whole numbers are summed exactly, so that ties are rounded alike everywhere.
                total = cv2.sepFilter2D(image, cv2.CV_64F, row, row)
                return np.rint(total / row.sum() ** 2).astype(np.uint8)
