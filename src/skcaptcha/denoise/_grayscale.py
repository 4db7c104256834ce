"""Color images to one channel."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from sklearn.utils._param_validation import StrOptions

from skcaptcha.denoise._base import BaseDenoiser, Image, Images

_CHANNELS = ("luma", "red", "green", "blue", "min", "max", "saturation", "contrast")


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

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.denoise import Grayscale
    >>> red_ink = np.full((2, 2, 3), 255, dtype=np.uint8)
    >>> red_ink[0, 0] = 200, 10, 10
    >>> Grayscale(channel="green").fit_transform([red_ink])[0]
    array([[ 10, 255],
           [255, 255]], dtype=uint8)
    """

    _accepts_color = True
    _parameter_constraints: dict[str, Any] = {"channel": [StrOptions(set(_CHANNELS)), "array-like"]}

    def __init__(self, channel: Any = "luma") -> None:
        self.channel = channel

    def _validate_params(self) -> None:
        super()._validate_params()
        if not isinstance(self.channel, str):
            weights = np.asarray(self.channel)
            if weights.shape != (3,) or weights.dtype.kind not in "iuf" or np.isnan(weights).any():
                raise ValueError(
                    "channel must be a name or three weights (red, green, blue), "
                    f"got {self.channel}"
                )

    def _denoise(self, images: Images) -> Images:
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
