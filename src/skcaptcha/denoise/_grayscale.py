"""From color to one channel, chosen so that ink and noise fall apart."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from sklearn.utils._param_validation import StrOptions

from skcaptcha.denoise._base import BatchDenoiser, Image, Images

_CHANNELS = ("luma", "red", "green", "blue", "min", "max", "saturation", "contrast")


class Grayscale(BatchDenoiser):
    """Bring color images to one channel.

    Ink and noise often differ in color more than in brightness: a pale line vanishes from the
    channel in which it is as bright as the ground.

    Parameters
    ----------
    channel : str or array-like of 3 floats, default="luma"
        What becomes the gray value:

        - ``"luma"``: ``0.299 R + 0.587 G + 0.114 B`` (ITU-R BT.601);
        - ``"red"``, ``"green"``, ``"blue"``: that channel;
        - ``"min"``, ``"max"``: the least or greatest of the three;
        - ``"saturation"``: ``255 (max - min) / max``, how far from gray;
        - ``"contrast"``: distance in RGB from the ground, the commonest color of the image;
          ink and colored noise come out bright;
        - three weights: that projection of (R, G, B), clipped to 0..255.

        Images that are gray already pass unchanged, but for ``"contrast"``; their saturation is 0.

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

    _takes_color = True
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

    def _denoise_batch(self, images: Images) -> Images:
        match self.channel:
            case "contrast":
                return np.stack([_distance_from_ground(image) for image in images])
            case "saturation" if images.ndim == 3:
                return np.zeros_like(images)
            case _ if images.ndim == 3:
                return images
            case "luma":
                return _converted(images, cv2.COLOR_RGB2GRAY)
            case "red" | "green" | "blue" as name:
                return np.ascontiguousarray(images[..., ("red", "green", "blue").index(name)])
            case "min":
                return np.minimum(np.minimum(images[..., 0], images[..., 1]), images[..., 2])
            case "max":
                return np.maximum(np.maximum(images[..., 0], images[..., 1]), images[..., 2])
            case "saturation":
                return np.ascontiguousarray(_converted(images, cv2.COLOR_RGB2HSV)[..., 1])
            case weights:
                projection = images @ np.asarray(weights, dtype=float)
                return np.rint(projection).clip(0, 255).astype(np.uint8)


def _converted(images: Images, code: int) -> Images:
    """Convert colors of a batch, as if it were one tall image."""
    n, height, width, _ = images.shape
    converted = cv2.cvtColor(images.reshape(n * height, width, 3), code)
    return converted.reshape(n, height, width, *converted.shape[2:])


def _distance_from_ground(image: Image) -> Image:
    """Euclidean distance from the image's commonest color, scaled so that 255 is the greatest."""
    pixels = image.reshape(len(image), image.shape[1], -1).astype(np.int32)
    # Ground is seldom exactly one color: its bins, 16 levels wide, hold it together.
    bins = (pixels // 16) @ 17 ** np.arange(pixels.shape[2])
    ground = pixels[bins == np.bincount(bins.ravel()).argmax()].mean(axis=0)
    distance = np.sqrt(((pixels - ground) ** 2).sum(axis=2))
    return np.rint(distance * (255 / max(distance.max(), 1.0))).astype(np.uint8)
