"""Random warps of whole images, which make many training images out of few."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_MAX_ROTATION = 0.05  # radians
_MAX_SHEAR = 0.15
_MAX_LOG_SCALE = 0.1
_MAX_SHIFT = 0.06  # of the height
_MAX_BEND = 2.5  # pixels
_BEND_GRID = 32  # pixels between random displacements
_MAX_LOG_CONTRAST = 0.3
_MAX_NOISE = 0.05  # of the standard deviation of the image


def warp_image(
    image: NDArray[np.float32], strength: float, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return a standardized image (h, w) after a random warp, and where its columns come from.

    At ``strength`` 1, the image is turned by up to 0.05 radians, slanted by up to 0.15, stretched
    by up to 10 % in each direction, moved by up to 6 % of its height, and bent smoothly by up to
    2.5 pixels; then its contrast is changed by up to 30 % and normal noise is added. The second
    array (w,) holds for each new column, at half the height, the column of the image that it shows.
    """
    h, w = image.shape
    angle, shear = strength * rng.uniform(-1, 1, 2) * (_MAX_ROTATION, _MAX_SHEAR)
    across, down = np.exp(strength * rng.uniform(-_MAX_LOG_SCALE, _MAX_LOG_SCALE, 2))
    dx, dy = strength * _MAX_SHIFT * h * rng.uniform(-1, 1, 2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.array([[1, shear], [0, 1]]) @ np.diag([across, down])
    x = np.arange(w, dtype=np.float32) - (w - 1) / 2
    y = np.arange(h, dtype=np.float32)[:, None] - (h - 1) / 2
    grid = (max(h // _BEND_GRID, 2), max(w // _BEND_GRID, 2), 2)
    bend = strength * _MAX_BEND * rng.uniform(-1, 1, grid).astype(np.float32)
    source = cv2.resize(bend, (w, h), interpolation=cv2.INTER_CUBIC)
    source[:, :, 0] += (linear[0, 0] * x + (dx + (w - 1) / 2)).astype(np.float32)
    source[:, :, 0] += np.float32(linear[0, 1]) * y
    source[:, :, 1] += (linear[1, 0] * x + (dy + (h - 1) / 2)).astype(np.float32)
    source[:, :, 1] += np.float32(linear[1, 1]) * y
    warped = cv2.remap(image, source, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    warped *= np.float32(np.exp(strength * rng.uniform(-_MAX_LOG_CONTRAST, _MAX_LOG_CONTRAST)))
    noise = rng.standard_normal(warped.shape, np.float32)
    noise *= np.float32(strength * rng.uniform(0, _MAX_NOISE))
    warped += noise
    return warped, source[h // 2, :, 0].copy()
