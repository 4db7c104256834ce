"""Decoding one image: the only place that opens image files, with limits on their size."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias, TypeGuard

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from skcaptcha._files.regular_file import UnreadableError, read_regular_file
from skcaptcha.exceptions import ImageError
from skcaptcha.images._decode_bytes import decode_bytes, decode_frames, is_animation, pixels_of
from skcaptcha.images._encoded_text import content_of_text, name_of_source
from skcaptcha.images._frames import merge_frames
from skcaptcha.images._limits import UnusableError, check_bytes, check_pixels
from skcaptcha.images._pixel_values import to_uint8, without_alpha

# Captchas have less than a tenth of this. The heaviest ready recipe needs 50 bytes per pixel.
MAX_BYTES = 2**24
MAX_PIXELS = 2**20


class Decoding(NamedTuple):
    """How an image is decoded: the parameters of `ImageDecoder`."""

    gray: bool = False
    max_bytes: int = MAX_BYTES
    max_pixels: int = MAX_PIXELS
    frames: int = 1
    merge: str = "minimum"


@dataclass(frozen=True, slots=True, eq=False)
class DecodedImage:
    """An image of an `ImageBatch`: its pixels, size and digest, or the reason why it has none.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (h, w) or (h, w, 3), or None
        Gray or RGB values. None if the image cannot be decoded, or was not kept in memory.
    shape : tuple of int
        Shape of the pixels.
    name : str
        Path of the file; empty if the image did not come from a path.
    digest : str
        SHA-256 of shape and pixels, or of the file if it is an animation, in hexadecimal; empty if
        the image cannot be decoded.
    n_bytes : int
        Size of the encoded file; 0 if the image did not come from a file's content.
    source : source or None
        Encoded content to decode again if the pixels do not suffice: they were not kept in memory,
        or the luma of a color JPEG file or more frames of an animation are needed.
    error : str
        The reason why the image cannot be decoded; empty if it can.
    animated : bool
        Whether it is the first frame of an animation.
    """

    pixels: NDArray[np.uint8] | None
    shape: tuple[int, ...]
    name: str
    digest: str
    n_bytes: int
    source: Any
    error: str
    animated: bool = False
    _again: dict[Decoding, NDArray[np.uint8]] = field(default_factory=dict, init=False, repr=False)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.shape[1], self.shape[0]

    def decode_again(self, how: Decoding) -> NDArray[np.uint8]:
        """Decode luma or frames from the content when they are first needed, and keep them."""
        if how not in self._again:
            self._again[how] = decode_source(self.source, how)
        return self._again[how]


Source: TypeAlias = (
    str
    | os.PathLike[str]
    | bytes
    | bytearray
    | memoryview
    | Image.Image
    | np.ndarray
    | DecodedImage
)
"""The types that an image can have."""


def decode(
    source: Source,
    *,
    gray: bool = False,
    max_bytes: int = MAX_BYTES,
    max_pixels: int = MAX_PIXELS,
) -> np.ndarray:
    """Decode one image.

    The content determines the format; the file's suffix is ignored. The size is read from the
    header and checked before any pixel is decoded.

    Parameters
    ----------
    source : str, path, bytes, bytearray, memoryview, PIL image, ndarray or DecodedImage
        The path or the content of a PNG, JPEG, GIF (first frame only), BMP or WebP file; its
        content as a data URL or in base64, as in web pages; or an image in memory. An array has
        the shape (h, w), (h, w, 1) or (h, w, 2) for gray and gray with alpha, (h, w, 3) or
        (h, w, 4) for RGB and RGBA. Its dtype is bool, uint8, uint16, or float with values in
        [0, 1].
    gray : bool, default=False
        Whether to convert color images to gray: to luma, ``0.299 R + 0.587 G + 0.114 B`` (ITU-R
        BT.601). JPEG files store luma, so that only luma is decoded, which is faster. It is within
        1 of the luma of the decoded colors except at saturated pixels: if a channel of RGB is
        clipped to 0 or 255, the two may differ by tens of levels, and the luma in the file is the
        correct one.
    max_bytes : int, default=16777216
        Maximum file size in bytes.
    max_pixels : int, default=1048576
        Maximum number of pixels. No side may have more than 16,384 pixels.

    Returns
    -------
    image : ndarray of uint8, shape (h, w) or (h, w, 3)
        Gray values for a gray source, RGB for a color source (palette images count as color),
        C-contiguous. A C-contiguous uint8 array of such a shape is returned itself, not copied.

    Raises
    ------
    ImageError
        If the source is missing, unreadable, empty, too large, damaged or not an image.

    Notes
    -----
    Transparent images are composited over white. They are composited over black if the ink would
    be invisible on white: most of the image is transparent, and the mean luma of the visible part
    is 192 or more.

    16-bit values are divided by 257 and rounded, but only the high bytes of 16-bit files with
    color or transparency are decoded. 16-bit values that are all at most 255, but not all 0, raise
    an error: they are 8-bit values, and the image would be black.

    An EXIF orientation is ignored: pixels are returned as stored. Only the first image of an
    animation is decoded, in PNG and WebP files too; `ImageDecoder` can merge several.

    A file with missing pixels is rejected, even if an end marker follows the rest. One case cannot
    be detected: a JPEG file that lost only codes of the last one or two blocks, each 8 to 32 pixels
    wide, of a scan or of a part before a restart marker.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.images import decode
    >>> decode(np.array([[0.0, 0.5, 1.0]]))
    array([[  0, 128, 255]], dtype=uint8)
    >>> decode(b"<html>")
    Traceback (most recent call last):
        ...
    skcaptcha.exceptions.ImageError: the image: it is not a PNG, JPEG, GIF, BMP or WebP image: it
    begins with b'<html>'
    """
    try:
        return decode_source(source, Decoding(gray, max_bytes, max_pixels))
    except UnusableError as error:
        name = name_of(source, "the image") or "an empty path"
        raise ImageError(name, str(error)) from error.__cause__


def decode_source(source: Source, how: Decoding) -> np.ndarray:
    """Decode one image as `decode` does, or merge frames, but raise UnusableError."""
    gray, max_bytes, max_pixels, frames, merge = how
    source = read_source(source, max_bytes)
    if isinstance(source, DecodedImage):
        if source.pixels is None:
            return decode_source(source.source, how)
        if frames > 1 and source.animated:
            return source.decode_again(how)
        if source.n_bytes:
            check_bytes(source.n_bytes, max_bytes)
        check_pixels(*source.size, max_pixels)
        has_luma = gray and source.source is not None and not source.animated
        pixels: np.ndarray = source.decode_again(how) if has_luma else source.pixels
    elif isinstance(source, bytes | bytearray | memoryview):
        if frames > 1 and is_animation(source):
            found = decode_frames(source, frames, max_bytes, max_pixels)
            pixels = merge_frames(_on_one_background(found), merge)
        else:
            pixels = decode_bytes(source, gray, max_bytes, max_pixels)
    elif isinstance(source, Image.Image):
        pixels = pixels_of(source, max_pixels)
    elif isinstance(source, np.ndarray):
        _check_array(source, max_pixels)
        pixels = source
    else:
        raise UnusableError(
            "expected a path, the bytes of a file, a PIL image or a numpy array, "
            f"found {type(source).__name__}"
        )
    if pixels.ndim == 3 or pixels.dtype != np.uint8:
        pixels = without_alpha(to_uint8(pixels))
    image = np.ascontiguousarray(pixels)
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if gray and image.ndim == 3 else image


def _on_one_background(frames: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
    """Return frames of one size without alpha; light ink in some of them makes all black."""
    if len({(frame.shape, frame.dtype) for frame in frames}) > 1:
        return [without_alpha(to_uint8(frame)) for frame in frames]
    together = without_alpha(to_uint8(np.concatenate(frames)))
    return np.split(together, len(frames))


def read_source(source: Source, max_bytes: int) -> Source:
    """Return the content of the file if the source is a path, and the source itself otherwise."""
    if not _is_path(source):
        return source
    try:
        return read_regular_file(source, lambda size: check_bytes(size, max_bytes))
    except UnreadableError as error:
        if (content := content_of_text(os.fspath(source))) is not None:
            return content
        raise UnusableError(str(error)) from error.__cause__


def name_of(source: Source, default: str) -> str:
    """Return the path of a source for messages, or the default for an image in memory."""
    if isinstance(source, DecodedImage):
        return source.name or default
    return name_of_source(os.fspath(source)) if _is_path(source) else default


def check_batch(X: Any) -> None:
    """Raise ImageError unless X is a sequence of sources or an array of images."""
    if _is_path(X) or isinstance(X, bytes | bytearray | memoryview | Image.Image):
        raise ImageError("X", f"it is a single image ({type(X).__name__}); wrap it in a list: [X]")
    if isinstance(X, np.ndarray):
        # Paths, or images of different shapes, come as an array of one axis.
        sources = X.ndim == 1 and X.dtype.kind in "OUT"
        if X.ndim == 2 or (X.ndim == 3 and len(X) and X.shape[2] <= 4):
            raise ImageError(
                "X",
                f"an array of shape {X.shape} looks like a single image; wrap it in a list: [X], "
                "or pass list(X) if it is a batch",
            )
        if not sources and X.ndim not in (3, 4):
            raise ImageError(
                "X",
                "expected an array of shape (n, h, w) or (n, h, w, 3), "
                f"found {X.dtype} of shape {X.shape}",
            )
    elif not isinstance(X, Sequence):
        raise ImageError(
            "X",
            f"expected a list of images or an array, found {type(X).__name__}; pass list(X) if "
            "it holds images",
        )


def _is_path(source: Any) -> TypeGuard[str | os.PathLike[str]]:
    return isinstance(source, str | os.PathLike)


def _check_array(array: np.ndarray, max_pixels: int) -> None:
    if array.ndim != 2 and not (array.ndim == 3 and 1 <= array.shape[2] <= 4):
        raise UnusableError(
            "expected an array of shape (h, w), or (h, w, c) with 1 to 4 channels, "
            f"found shape {array.shape}"
        )
    height, width = array.shape[:2]
    check_pixels(width, height, max_pixels)
