"""Warped views of an image, which a model that is sure reads alike."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_MAX_ROTATION = 0.03  # radians
_MAX_SHEAR = 0.1
_MAX_LOG_SCALE = 0.06


def warped_view(image: NDArray[np.uint8], rng: np.random.RandomState) -> NDArray[np.uint8]:
    """Return an image (h, w) or (h, w, 3) turned, slanted, and stretched a little at random.

    The warps are weaker than those that networks learn from, so that a reading that changes tells
    about the model, not about the warp.
    """
    h, w = image.shape[:2]
    angle, shear = rng.uniform(-1, 1, 2) * (_MAX_ROTATION, _MAX_SHEAR)
    across, down = np.exp(rng.uniform(-_MAX_LOG_SCALE, _MAX_LOG_SCALE, 2))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.array([[1, shear], [0, 1]]) @ np.diag([across, down])
    center = np.array([(w - 1) / 2, (h - 1) / 2])
    matrix = np.column_stack([linear, center - linear @ center]).astype(np.float32)
    return cv2.warpAffine(
        image, matrix, (w, h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
