"""Color images to one channel."""

from __future__ import annotations

from numbers import Real
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, StrOptions

from skcaptcha.denoise._base import BaseDenoiser, Image, Images

_CHANNELS = ("luma", "red", "green", "blue", "min", "max", "saturation", "contrast")
_HUES = {
    "red": 0,
    "orange": 30,
    "yellow": 60,
    "green": 120,
    "cyan": 180,
    "blue": 240,
    "purple": 285,
    "pink": 330,
}
# The hue of a color that is closer to gray depends on noise.
_MIN_RANGE = 16
# Weaker color is compression noise, which must not become ink if an image has no such ink.
_MIN_PEAK = 64


class Grayscale(BaseDenoiser):
    """Convert color images to one channel.

    Ink and noise often differ more in color than in brightness: a pale line disappears from the
    channel in which it is as bright as the background.

    Parameters
    ----------
    channel : str or array-like of 3 floats, default="luma"
        Source of the gray values:

        - ``"luma"``: ``0.299 R + 0.587 G + 0.114 B`` (ITU-R BT.601);
        - ``"red"``, ``"green"``, ``"blue"``: that channel;
        - ``"min"``, ``"max"``: the minimum or maximum of the three channels;
        - ``"saturation"``: ``255 (max - min) / max``, the distance from gray;
        - ``"contrast"``: the distance in RGB from the background, the most common color of the
          image; ink and colored noise become bright;
        - three weights: the weighted sum of (R, G, B), clipped to 0..255.

        Gray images remain unchanged, except with ``"contrast"``; their saturation is 0.
    color : str or array-like of 3 ints in 0..255, default=None
        Color of the ink to keep, for captchas that ask for the characters of one color; ``channel``
        is then ignored. Ink of this color becomes bright, and everything else becomes dark, so
        that the steps after it need ``ink="bright"``. The strongest pixel becomes 255, unless its
        color is very weak.

        - ``"red"``, ``"orange"``, ``"yellow"``, ``"green"``, ``"cyan"``, ``"blue"``, ``"purple"``
          or ``"pink"``: the chroma of the pixels whose hue is within ``tolerance`` of this hue (0,
          30, 60, 120, 180, 240, 285 and 330 degrees), pale or dark;
        - a measured color (R, G, B): the same, with the hue of this color;
        - ``"black"``, ``"white"``: darkness or brightness without color,
          ``255 - max - (max - min)`` or ``min - (max - min)``, so that gray is half of each.

        Gray images have neither hue nor chroma; only ``"black"`` and ``"white"`` find ink in them.
    tolerance : float in 0..180, default=30
        Greatest difference from the hue of ``color``, in degrees. Decrease it if another ink has a
        similar hue, such as orange and red.

    Notes
    -----
    Chroma and hue are length and angle of the color in the plane of
    ``(R - (G + B) / 2, sqrt(3) / 2 (G - B))`` [1]_. A pixel that is partly ink on a gray
    background has the hue of the ink, and a chroma in proportion to the part that is ink.

    References
    ----------
    .. [1] A. Hanbury, "Constructing cylindrical coordinate colour spaces", Pattern Recognition
           Letters 29 (2008), 494-500.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.denoise import Grayscale
    >>> red_ink = np.full((2, 2, 3), 255, dtype=np.uint8)
    >>> red_ink[0, 0] = 200, 10, 10
    >>> Grayscale(channel="green").fit_transform([red_ink])[0]
    array([[ 10, 255],
           [255, 255]], dtype=uint8)

    Only the red ink, or only the black ink:

    >>> inks = np.array([[[200, 10, 10], [10, 10, 200], [20, 20, 20]]], dtype=np.uint8)
    >>> Grayscale(color="red").fit_transform([inks])[0]
    array([[255,   0,   0]], dtype=uint8)
    >>> Grayscale(color="black").fit_transform([inks])[0]
    array([[  0,   0, 255]], dtype=uint8)
    """

    # Models that were saved before these parameters existed have the defaults of the class.
    color: Any = None
    tolerance: float = 30.0

    _accepts_color = True
    _parameter_constraints: dict[str, Any] = {
        "channel": [StrOptions(set(_CHANNELS)), "array-like"],
        "color": [StrOptions({*_HUES, "black", "white"}), "array-like", None],
        "tolerance": [Interval(Real, 0, 180, closed="both")],
    }

    def __init__(
        self, channel: Any = "luma", *, color: Any = None, tolerance: float = 30.0
    ) -> None:
        self.channel = channel
        self.color = color
        self.tolerance = tolerance

    def _validate_params(self) -> None:
        super()._validate_params()
        if not isinstance(self.channel, str):
            weights = np.asarray(self.channel)
            if weights.shape != (3,) or weights.dtype.kind not in "iuf" or np.isnan(weights).any():
                raise ValueError(
                    "channel must be a name or three weights (red, green, blue), "
                    f"got {self.channel}"
                )
        if self.color is not None and not isinstance(self.color, str):
            rgb = np.asarray(self.color)
            in_range = rgb.dtype.kind in "iu" and ((rgb >= 0) & (rgb <= 255)).all()
            if rgb.shape != (3,) or not in_range:
                raise ValueError(
                    "color must be a name or three integers in 0..255 (red, green, blue), "
                    f"got {self.color}"
                )
            if np.ptp(rgb) < _MIN_RANGE:
                raise ValueError(
                    f"color must have a hue, got {self.color}, which is almost gray; use 'black' "
                    "or 'white'"
                )

    def _denoise(self, images: Images) -> Images:
        if self.color is not None:
            return _scaled_to_peak(self._amounts_of_ink(images))
        match self.channel:
            case "contrast":
                return np.stack([_distance_from_background(image) for image in images])
            case "saturation" if images.ndim == 3:
                return np.zeros_like(images)
            case _ if images.ndim == 3:
                return images
            case "luma":
                return _convert_colors(images, cv2.COLOR_RGB2GRAY)
            case "red" | "green" | "blue" as name:
                return np.ascontiguousarray(images[..., ("red", "green", "blue").index(name)])
            case "min":
                return np.minimum(np.minimum(images[..., 0], images[..., 1]), images[..., 2])
            case "max":
                return np.maximum(np.maximum(images[..., 0], images[..., 1]), images[..., 2])
            case "saturation":
                return np.ascontiguousarray(_convert_colors(images, cv2.COLOR_RGB2HSV)[..., 1])
            case weights:
                projection = images @ np.asarray(weights, dtype=float)
                return np.rint(projection).clip(0, 255).astype(np.uint8)

    def _amounts_of_ink(self, images: Images) -> NDArray[np.float32]:
        """Return how much ink of the color each pixel has, 0 to 255."""
        if images.ndim == 3:
            images = np.repeat(images[..., None], 3, axis=-1)
        match self.color:
            case str("black" | "white"):
                low, high = (f(images, axis=-1).astype(np.float32) for f in (np.min, np.max))
                amounts = 255 + low - 2 * high if self.color == "black" else 2 * low - high
                return amounts.clip(0)
            case str(name):
                angle = np.deg2rad(_HUES[name])
            case rgb:
                angle = np.arctan2(*_chroma_plane(np.asarray(rgb))[::-1])
        x, y = _chroma_plane(images)
        chroma = np.hypot(x, y)
        similar = x * np.cos(angle) + y * np.sin(angle)
        return chroma * (similar >= chroma * np.cos(np.deg2rad(self.tolerance)))


def _chroma_plane(pixels: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return coordinates of RGB colors in a plane: gray is the origin, and hue is the angle."""
    red, green, blue = np.moveaxis(pixels.astype(np.float32), -1, 0)
    return red - (green + blue) / 2, np.float32(3**0.5 / 2) * (green - blue)


def _scaled_to_peak(amounts: NDArray[np.float32]) -> Images:
    """Scale images (n, h, w) so that the greatest value of each becomes 255."""
    peaks = amounts.max(axis=(1, 2), keepdims=True)
    return np.rint(amounts * (255 / np.maximum(peaks, _MIN_PEAK))).astype(np.uint8)


def _convert_colors(images: Images, code: int) -> Images:
    """Convert the colors of a batch, as if it were one tall image."""
    n, height, width, _ = images.shape
    converted = cv2.cvtColor(images.reshape(n * height, width, 3), code)
    return converted.reshape(n, height, width, *converted.shape[2:])


def _distance_from_background(image: Image) -> Image:
    """Return the distance of each pixel from the image's most common color, at most 255."""
    pixels = image.reshape(len(image), image.shape[1], -1).astype(np.int32)
    # The background is rarely a single color: bins of 16 levels combine similar ones.
    bins = (pixels // 16) @ 17 ** np.arange(pixels.shape[2])
    background = pixels[bins == np.bincount(bins.ravel()).argmax()].mean(axis=0)
    distance = np.sqrt(((pixels - background) ** 2).sum(axis=2))
    return np.rint(distance * (255 / max(distance.max(), 1.0))).astype(np.uint8)
