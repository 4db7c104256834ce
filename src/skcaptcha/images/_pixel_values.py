"""Conversion of pixels of any dtype, with or without alpha, to gray or RGB values of uint8."""

import cv2
import numpy as np

from skcaptcha.images._limits import UnusableError

_LUMA = (0.299, 0.587, 0.114)
# On white, ink of this luma differs from its background by a quarter of the range.
_LIGHT_INK = 192


def to_uint8(pixels: np.ndarray) -> np.ndarray:
    """Scale pixels of bool, uint8, uint16 or floats in [0, 1] to uint8 values of 0 to 255.

    Raise UnusableError for other dtypes, for floats outside [0, 1], and for 16-bit values that are
    all at most 255, but not all 0: they are 8-bit values.
    """
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == np.bool_:
        return pixels * np.uint8(255)
    if pixels.dtype.kind == "u" and pixels.dtype.itemsize == 2:
        if 0 < (high := pixels.max()) < 256:
            raise UnusableError(
                f"expected 16-bit values in [0, 65535], found [{pixels.min()}, {high}], which is "
                "black; if 255 is white, pass np.asarray(image).astype('uint8') instead"
            )
        return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if pixels.dtype.kind == "f":
        low, high = pixels.min(), pixels.max()
        # NaN fails this test as well.
        if not (low >= 0 and high <= 1):
            raise UnusableError(
                f"expected floats in [0, 1], found [{low}, {high}]; scale or clip them, or convert "
                "them to uint8"
            )
        scaled = pixels * 255
        return np.rint(scaled, out=scaled).astype(np.uint8)
    raise UnusableError(
        f"expected an array of bool, uint8, uint16 or floats in [0, 1], found {pixels.dtype}; "
        "if its values are in [0, 255], convert it with .astype('uint8')"
    )


def without_alpha(pixels: np.ndarray, *, bgr: bool = False) -> np.ndarray:
    """Composite an image over white, or light ink over black, and return it without alpha.

    Black is used if most of the image is transparent and the mean luma of the visible part is 192
    or more. The shape is (h, w) or (h, w, c) with 1 to 4 channels, and becomes (h, w) or (h, w, 3).
    `bgr` is whether four channels are in OpenCV's order: BGRA.
    """
    if pixels.ndim == 2 or pixels.shape[2] == 3:
        return pixels
    if pixels.shape[2] == 1:
        return pixels[..., 0]
    pixels = np.ascontiguousarray(pixels)
    if pixels.shape[2] == 4:
        image = cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGB if bgr else cv2.COLOR_RGBA2RGB)
        # Alpha is the highest byte of the four as one number.
        if pixels.view("<u4").min() >= 0xFF000000:
            return image
        opacity = cv2.extractChannel(pixels, 3)
        weights = cv2.cvtColor(opacity, cv2.COLOR_GRAY2RGB)
    else:
        image, opacity = cv2.split(pixels)
        weights = opacity
    # Everything is computed in place: allocating memory would cost more than the arithmetic. Over
    # white, opacity scales the darkness. No product is halfway between two multiples of 255, which
    # is odd, so that floats are rounded correctly.
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
