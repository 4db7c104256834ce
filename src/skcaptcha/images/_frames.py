"""Merging the frames of an animation into one image."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

MERGES: dict[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    "minimum": lambda frames: frames.min(axis=0),
    "maximum": lambda frames: frames.max(axis=0),
    "mean": lambda frames: np.rint(frames.mean(axis=0)).astype(np.uint8),
    "sharpest": lambda frames: frames[int(np.argmax([_sharpness(frame) for frame in frames]))],
}
"""Functions that merge frames (n, h, w) or (n, h, w, 3), by name."""


def merge_frames(frames: Sequence[Image], merge: str) -> Image:
    """Merge frames of one size; if some are gray and others are in color, all become RGB."""
    if len({frame.ndim for frame in frames}) > 1:
        frames = [cv2.cvtColor(f, cv2.COLOR_GRAY2RGB) if f.ndim == 2 else f for f in frames]
    return MERGES[merge](np.stack(frames))


def _sharpness(frame: Image) -> float:
    """Return the variance of the Laplacian."""
    gray = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) if frame.ndim == 3 else frame
    return float(cv2.Laplacian(gray, cv2.CV_64F).var())
