"""Decoding the content of a file: OpenCV decodes the common kinds, Pillow the others."""

import math
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any, NamedTuple

import cv2
import numpy as np
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from skcaptcha.images._limits import (
    UnusableError,
    check_bytes,
    check_pixels,
    check_pixels_of_frames,
)
from skcaptcha.images._pixel_values import without_alpha
from skcaptcha.images.formats import DamagedFileError, Inspection
from skcaptcha.images.formats.gif import gif_is_animated, inspect_gif
from skcaptcha.images.formats.jpeg import inspect_jpeg, jpeg_has_all_restarts, jpeg_is_whole
from skcaptcha.images.formats.png import (
    inspect_png,
    png_has_gray_and_alpha,
    png_is_animated,
    png_is_whole,
)
from skcaptcha.images.formats.webp import inspect_webp, webp_is_animated


class _Format(NamedTuple):
    first_bytes: re.Pattern[bytes]
    inspect: Callable[[bytes], Inspection] | None
    open: Callable[[BytesIO], ImageFile]


# Pillow's classes are called directly because `Image.open` uses `Image.MAX_IMAGE_PIXELS`, which is
# global. The first bytes determine the format because suffixes are often wrong.
_FORMATS = {
    "PNG": _Format(re.compile(rb"\x89PNG\r\n\x1a\n"), inspect_png, PngImageFile),
    "JPEG": _Format(re.compile(rb"\xff\xd8\xff"), inspect_jpeg, JpegImageFile),
    "GIF": _Format(re.compile(rb"GIF8[79]a"), inspect_gif, GifImageFile),
    "BMP": _Format(re.compile(rb"BM"), None, BmpImageFile),
    "WebP": _Format(re.compile(rb"(?s:RIFF.{4}WEBP)"), inspect_webp, WebPImageFile),
}


def decode_bytes(
    content: bytes | bytearray | memoryview, gray: bool, max_bytes: int, max_pixels: int
) -> np.ndarray:
    """Return the pixels of a file, with alpha if there is any.

    Their dtype is any that `to_uint8` accepts. `gray` is whether JPEG files are decoded to gray.
    Raise UnusableError if the file is damaged, too large or not an image.
    """
    check_bytes(memoryview(content).nbytes, max_bytes)
    content = bytes(content)
    name = _format_of(content)
    if name is None:
        raise UnusableError(
            f"it is not a PNG, JPEG, GIF, BMP or WebP image: it begins with {content[:16]!r}"
        )
    if inspect := _FORMATS[name].inspect:
        try:
            size, content, plain = inspect(content)
        except DamagedFileError as error:
            raise _damaged(name, error) from error
        check_pixels(*size, max_pixels)
        if plain:
            return _decode_plain(content, name, gray)
    return _decode_by_pillow(content, name, max_pixels)


def decode_frames(
    content: bytes | bytearray | memoryview, n: int, max_bytes: int, max_pixels: int
) -> list[np.ndarray]:
    """Return the pixels of at most n frames of an animation, the first ones, as `decode_bytes`.

    Raise UnusableError if one of them is damaged, or if they have too many pixels together.
    """
    check_bytes(memoryview(content).nbytes, max_bytes)
    content = bytes(content)
    name = _format_of(content)
    assert name is not None
    try:
        match name:
            case "GIF":
                size, content, _ = inspect_gif(content, n)
            case "PNG":
                size, content, _ = inspect_png(content, animated=True)
            case _:
                size, content, _ = inspect_webp(content)
    except DamagedFileError as error:
        raise _damaged(name, error) from error
    check_pixels(*size, max_pixels)
    with _pillow(name):
        image: Any = _FORMATS[name].open(BytesIO(content))
        # An animated PNG file may begin with an image for programs that show no animations.
        first = int(getattr(image, "default_image", False))
        n = min(n, image.n_frames - first)
        check_pixels_of_frames(n, *size, max_pixels)
        if name == "PNG" and not png_is_whole(content, first + n):
            raise _damaged(name, "the pixel data of a frame is incomplete")
        frames = []
        for k in range(first, first + n):
            image.seek(k)
            frames.append(_without_false_colors(pixels_of(image, max_pixels), content, name))
    return frames


def is_animation(content: bytes | bytearray | memoryview) -> bool:
    """Return whether a file's content is that of a GIF, PNG or WebP file with several frames."""
    content = bytes(content)
    match _format_of(content):
        case "GIF":
            return gif_is_animated(content)
        case "PNG":
            return png_is_animated(content)
        case "WebP":
            return webp_is_animated(content)
    return False


def _format_of(content: bytes) -> str | None:
    return next((name for name in _FORMATS if _FORMATS[name].first_bytes.match(content)), None)


def is_jpeg(content: bytes | bytearray | memoryview) -> bool:
    """Return whether a file's content begins like a JPEG file."""
    return _FORMATS["JPEG"].first_bytes.match(content) is not None


def _decode_plain(content: bytes, name: str, gray: bool) -> np.ndarray:
    # For PNG files, OpenCV would use other weights of the colors.
    gray &= name == "JPEG"
    kind = cv2.IMREAD_GRAYSCALE if gray else cv2.IMREAD_UNCHANGED
    try:
        array = np.frombuffer(content, dtype=np.uint8)
        pixels = cv2.imdecode(array, kind | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        pixels = None
    if pixels is None or pixels.dtype != np.uint8:
        raise _damaged(name, "its pixel data is incomplete")
    if pixels.ndim == 3:
        if pixels.shape[2] == 4:
            return without_alpha(pixels, bgr=True)
        pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
    if name == "JPEG" and _may_be_incomplete(pixels):
        with _pillow(name):
            if not jpeg_is_whole(content, pixels, gray=gray):
                raise _damaged(name, "its pixel data is incomplete")
    return pixels


def _may_be_incomplete(pixels: np.ndarray) -> bool:
    """Return whether the last block has the gray level that replaces missing codes in JPEG files.

    If colors have a lower resolution, those of neighboring pixels may be mixed into it.
    """
    last = pixels[-1, -1].tolist()
    if pixels.ndim == 3:
        last = 0.299 * last[0] + 0.587 * last[1] + 0.114 * last[2]
    if not 127 <= last <= 129:
        return False
    block = pixels[(pixels.shape[0] - 1) // 8 * 8 :, (pixels.shape[1] - 1) // 8 * 8 :]
    luma = block if block.ndim == 2 else cv2.cvtColor(block, cv2.COLOR_RGB2GRAY)
    return bool(luma.min() >= 127 and luma.max() <= 129)


def _decode_by_pillow(content: bytes, name: str, max_pixels: int) -> np.ndarray:
    if name == "PNG" and not png_is_whole(content):
        raise _damaged(name, "its pixel data is incomplete")
    if name == "JPEG" and not jpeg_has_all_restarts(content):
        raise _damaged(name, "data between two restart markers is missing")
    with _pillow(name):
        image = _FORMATS[name].open(BytesIO(content))
        if name == "BMP" and len(content) > _max_bmp_bytes(image):
            raise _damaged(name, "it has more compressed data than pixels")
        pixels = pixels_of(image, max_pixels)
        if name == "JPEG" and not jpeg_is_whole(content, np.asarray(image), gray=False):
            raise _damaged(name, "its pixel data is incomplete")
    return _without_false_colors(pixels, content, name)


def _without_false_colors(pixels: np.ndarray, content: bytes, name: str) -> np.ndarray:
    """Return the gray values and the alpha of a gray PNG file that Pillow converted to RGBA."""
    if name == "PNG" and png_has_gray_and_alpha(content) and pixels.shape[2] == 4:
        return pixels[..., [0, 3]]
    return pixels


def _max_bmp_bytes(image: ImageFile) -> float:
    """Return the most bytes that an encoder needs; Pillow would read any number of them."""
    if not image.tile or image.tile[0][0] != "bmp_rle":
        return math.inf
    # Two bytes per pixel and per row, the header, and a color profile.
    return 4 * image.width * image.height + 2**16


@contextmanager
def _pillow(name: str) -> Iterator[None]:
    """Convert the errors that Pillow raises for a damaged file, and ignore its warnings."""
    with warnings.catch_warnings():
        # Pillow warns of damaged metadata, which does not affect the pixels. Only its own warnings
        # are ignored, so that a filter left behind by a race of threads does not hide others.
        warnings.filterwarnings("ignore", module=r"PIL\.")
        try:
            yield
        except UnusableError:
            raise
        except MemoryError as error:
            raise UnusableError("there is not enough memory to decode it") from error
        except Image.DecompressionBombError as error:
            raise UnusableError(f"it has too many pixels ({error})") from error
        except Exception as error:
            if str(error).startswith("Unsupported"):
                raise UnusableError(
                    f"it is a {name} image of an unsupported kind ({error}); save it as PNG"
                ) from error
            raise _damaged(name, error) from error


def pixels_of(image: Image.Image, max_pixels: int) -> np.ndarray:
    """Return the pixels of a PIL image, with alpha if there is any.

    Their dtype is any that `to_uint8` accepts. Raise UnusableError if the image is damaged or too
    large.
    """
    check_pixels(*image.size, max_pixels)
    try:
        image.load()
        if image.mode == "F" or image.mode.startswith("I"):
            pixels = np.array(image)
        else:
            colors = "L" if image.mode in ("1", "L", "LA", "La") else "RGB"
            pixels = np.array(image.convert(colors + "A" * image.has_transparency_data))
    except Exception as error:
        raise _damaged(image.format or "PIL", error) from error
    if not image.mode.startswith("I"):
        return pixels
    # Some versions of Pillow use mode I, which has 32 bits, for 16-bit files.
    if pixels.min() < 0 or pixels.max() > 65535:
        raise UnusableError(
            f"expected integers in [0, 65535], found [{pixels.min()}, {pixels.max()}]"
        )
    pixels = pixels.astype(np.uint16)
    if "transparency" in image.info:
        opacity = np.where(pixels == image.info["transparency"], 0, 65535).astype(np.uint16)
        pixels = np.dstack([pixels, opacity])
    return pixels


def _damaged(name: str, error: Exception | str) -> UnusableError:
    detail = " ".join(str(error).split()) or type(error).__name__
    return UnusableError(f"it is a damaged or truncated {name} image ({detail})")
