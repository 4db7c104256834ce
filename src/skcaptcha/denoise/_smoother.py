"""Smoothing filters."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, StrOptions

from skcaptcha.denoise._base import BaseDenoiser, Image, Images


class Smoother(BaseDenoiser):
    """Smooth gray or color images.

    Pixels beyond the border are mirrored (for the median: repeated).

    Parameters
    ----------
    method : {"binomial", "gaussian", "median", "bilateral"}, default="binomial"
        Smoothing filter. ``"binomial"`` weights each pixel's neighbors by a row of Pascal's
        triangle in both directions (for size 3: 1 2 1; 2 4 2; 1 2 1, divided by 16);
        ``"gaussian"`` by a normal density; ``"median"`` uses the median of the window;
        ``"bilateral"`` is a Gaussian filter that gives less weight to pixels of different gray
        values, so that it preserves edges.
    size : odd int >= 1, default=3
        Side of the window, in pixels; 1 changes nothing.
    sigma : float > 0, default=1.0
        Standard deviation in space of ``"gaussian"`` and ``"bilateral"``, in pixels.
    sigma_shade : float > 0, default=50.0
        Standard deviation of ``"bilateral"`` in gray values, of 0..255.

    References
    ----------
    C. Tomasi and R. Manduchi, "Bilateral filtering for gray and color images", ICCV 1998.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.denoise import Smoother
    >>> dot = np.zeros((3, 3), dtype=np.uint8)
    >>> dot[1, 1] = 160
    >>> int(Smoother(method="median").fit_transform([dot])[0].max())
    0
    """

    _accepts_color = True
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
            raise ValueError(f"size must be odd, so that the window has a center, got {self.size}")

    def _denoise(self, images: Images) -> list[Image] | Images:
        if self.size == 1:  # OpenCV's bilateral filter would use 3
            return images
        if self.method == "binomial":
            return _binomial(images, self.size)
        return [self._filter(image) for image in images]

    def _filter(self, image: Image) -> Image:
        match self.method:
            case "median":
                return cv2.medianBlur(image, self.size)
            case "bilateral":
                return cv2.bilateralFilter(image, self.size, self.sigma_shade, self.sigma)
            case _:
                return cv2.GaussianBlur(image, (self.size, self.size), self.sigma)


def _binomial(images: Images, size: int) -> Images:
    """Weight neighbors by a row of Pascal's triangle: by 1 2 1, repeatedly."""
    shift = 2 * (size - 1)  # the sum of the weights is 2^shift
    # Sums of integers are exact, so that ties are rounded to even everywhere. Beyond 64 bits,
    # floats are used.
    kind = next((kind for kind in "HIQ" if 8 + shift <= 8 * np.dtype(kind).itemsize), "d")
    total: NDArray[Any] = np.ascontiguousarray(images).astype(kind)
    for axis in (1, 2):
        for _ in range(size // 2):
            total = _one_two_one(total, axis)
    if kind == "d":
        return np.rint(total / 2.0**shift).astype(np.uint8)
    total += (total >> shift & 1) + (2 ** (shift - 1) - 1)
    total >>= shift
    return total.astype(np.uint8)


def _one_two_one(values: NDArray[Any], axis: int) -> NDArray[Any]:
    """Add each value twice and its two neighbors along an axis; the border is mirrored."""
    step = math.prod(values.shape[axis + 1 :])
    total = values + values
    # One pass over all memory is several times faster than one over each row.
    flat, flat_total = values.reshape(-1), total.reshape(-1)
    flat_total[step:] += flat[:-step]
    flat_total[:-step] += flat[step:]
    # The first and last value of each row have got a neighbor from another row: correct them.
    given, found = np.moveaxis(values, axis, 0), np.moveaxis(total, axis, 0)
    second = min(1, len(given) - 1)
    found[0] = 2 * (given[0] + given[second])
    found[-1] = 2 * (given[-1] + given[-1 - second])
    return total
