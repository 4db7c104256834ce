"""The marks that lossy compression leaves on an image."""

import cv2
import numpy as np


def through_jpeg(image: np.ndarray, *qualities: int) -> np.ndarray:
    """Compress and decompress an image, once for each quality.

    Parameters
    ----------
    image : ndarray of shape (h, w) or (h, w, 3), dtype uint8
        Gray or RGB.
    *qualities : int
        JPEG qualities, from 0 to 100, in the order of saving.

    Returns
    -------
    ndarray of the same shape and dtype
        The image as it would be read back from the last file; the input is left alone.
    """
    color = image.ndim == 3
    flag = cv2.IMREAD_COLOR if color else cv2.IMREAD_GRAYSCALE
    # cv2 writes BGR; reading back as BGR lets one reversal at each end serve every round.
    current = np.ascontiguousarray(image[..., ::-1]) if color else image
    for quality in qualities:
        _, encoded = cv2.imencode(".jpg", current, [cv2.IMWRITE_JPEG_QUALITY, quality])
        current = cv2.imdecode(encoded, flag)
    return np.ascontiguousarray(current[..., ::-1]) if color else current
