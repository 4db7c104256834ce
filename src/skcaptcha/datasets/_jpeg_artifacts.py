"""Artifacts of lossy compression."""

import cv2
import numpy as np


def add_jpeg_artifacts(image: np.ndarray, *qualities: int) -> np.ndarray:
    """Compress and decompress an image with each of the given JPEG qualities (0 to 100) in turn.

    The image is uint8 of shape (h, w) or (h, w, 3), gray or RGB; it is not modified.
    """
    color = image.ndim == 3
    flag = cv2.IMREAD_COLOR if color else cv2.IMREAD_GRAYSCALE
    # OpenCV uses BGR; reversing the channels once at each end is enough for all qualities.
    current = np.ascontiguousarray(image[..., ::-1]) if color else image
    for quality in qualities:
        _, encoded = cv2.imencode(".jpg", current, [cv2.IMWRITE_JPEG_QUALITY, quality])
        current = cv2.imdecode(encoded, flag)
    return np.ascontiguousarray(current[..., ::-1]) if color else current
