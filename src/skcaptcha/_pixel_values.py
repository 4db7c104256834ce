"""From the values that pixels can have to uint8, grey or RGB."""

import numpy as np

from skcaptcha._image_limits import UnusableError


def to_uint8(pixels: np.ndarray) -> np.ndarray:
    """Scale values to 0 .. 255.

    Parameters
    ----------
    pixels : ndarray of bool, uint8, uint16 or floats in [0, 1]

    Returns
    -------
    pixels : ndarray of uint8, of the same shape

    Raises
    ------
    UnusableError
        If it is of another dtype, or floats lie outside of [0, 1].
    """
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == np.bool_:
        return pixels * np.uint8(255)
    if pixels.dtype.kind == "u" and pixels.dtype.itemsize == 2:
        return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if pixels.dtype.kind == "f":
        low, high = pixels.min(), pixels.max()
        # Written so that NaN fails.
        if not (low >= 0 and high <= 1):
            raise UnusableError(
                f"its floats were expected in [0, 1], and lie in [{low}, {high}]; scale or clip "
                "them, or convert them to uint8"
            )
        scaled = pixels * 255
        return np.rint(scaled, out=scaled).astype(np.uint8)
    raise UnusableError(
        f"expected an array of bool, uint8, uint16 or floats in [0, 1], found {pixels.dtype}; "
        "if its values lie in [0, 255], convert it with .astype('uint8')"
    )


def without_alpha(pixels: np.ndarray) -> np.ndarray:
    """Lay an image over white.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (h, w), (h, w, 1), (h, w, 2), (h, w, 3) or (h, w, 4)

    Returns
    -------
    pixels : ndarray of uint8, shape (h, w) or (h, w, 3)
    """
    if pixels.ndim == 2 or pixels.shape[2] == 3:
        return pixels
    if pixels.shape[2] == 1:
        return pixels[..., 0]
    # Laid over white, the darkness of a colour is multiplied by its alpha.
    darkness = (255 - pixels[..., :-1]) * pixels[..., -1:].astype(np.uint16)
    return without_alpha(255 - ((darkness + 127) // 255).astype(np.uint8))
