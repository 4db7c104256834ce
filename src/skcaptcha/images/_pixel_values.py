"""From the values that pixels can have to uint8, gray or RGB."""

import cv2
import numpy as np

from skcaptcha.images._limits import UnusableError

_LUMA = (0.299, 0.587, 0.114)
# Over white, ink of this luma differs from its ground by a quarter of the range.
_LIGHT_INK = 192


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
        If it is of another dtype, if floats lie outside of [0, 1], or if 16-bit values are not all
        0 and at most 255: those of 8 bits.
    """
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == np.bool_:
        return pixels * np.uint8(255)
    if pixels.dtype.kind == "u" and pixels.dtype.itemsize == 2:
        if 0 < (high := pixels.max()) < 256:
            raise UnusableError(
                f"its 16-bit values were expected in [0, 65535], and lie in [{pixels.min()}, "
                f"{high}], which is black; if 255 is white, pass "
                "np.asarray(image).astype('uint8') instead"
            )
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


def without_alpha(pixels: np.ndarray, *, bgr: bool = False) -> np.ndarray:
    """Lay an image over white, or light ink over black.

    Black is chosen where most of the image is transparent, and what shows is so light that little
    of it would be seen over white: its mean luma is 192 or more.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (h, w), (h, w, 1), (h, w, 2), (h, w, 3) or (h, w, 4)
    bgr : bool, default=False
        Whether four channels are in the order of OpenCV: BGRA.

    Returns
    -------
    pixels : ndarray of uint8, shape (h, w) or (h, w, 3)
    """
    if pixels.ndim == 2 or pixels.shape[2] == 3:
        return pixels
    if pixels.shape[2] == 1:
        return pixels[..., 0]
    pixels = np.ascontiguousarray(pixels)
    if pixels.shape[2] == 4:
        image = cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGB if bgr else cv2.COLOR_RGBA2RGB)
        # The last of four bytes is the highest of the number that they are together.
        if pixels.view("<u4").min() >= 0xFF000000:
            return image
        opacity = cv2.extractChannel(pixels, 3)
        weights = cv2.cvtColor(opacity, cv2.COLOR_GRAY2RGB)
    else:
        image, opacity = cv2.split(pixels)
        weights = opacity
    # Everything happens in one array: taking memory would cost more than all arithmetic. Over
    # white, opacity scales the darkness. No product lies halfway between two multiples of 255,
    # which is odd, so that scaling in floats rounds rightly.
    cv2.bitwise_not(image, image)
    cv2.multiply(image, weights, image, 1 / 255)
    means = cv2.mean(image)
    cv2.bitwise_not(image, image)
    shown = cv2.mean(opacity)[0]
    if 0 < shown < 255 / 2:
        darkness = means[0] if image.ndim == 2 else float(np.dot(_LUMA, means[:3]))
        if 255 * (1 - darkness / shown) >= _LIGHT_INK:
            cv2.subtract(image, cv2.bitwise_not(weights), image)
    return image
