"""Decoding: the one place that opens an image file, with limits on what it lets in."""

import os
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from numbers import Integral
from typing import Any, NamedTuple, Self, TypeAlias, TypeGuard

import cv2
import numpy as np
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval

from skcaptcha._image_files import (
    DamagedFileError,
    Inspected,
    inspect_gif,
    inspect_jpeg,
    inspect_png,
    inspect_webp,
    jpeg_is_whole,
    png_has_grey_and_alpha,
    png_is_whole,
)
from skcaptcha._regular_file import UnreadableError, read_regular_file
from skcaptcha.errors import ImageError
from skcaptcha.novelty import FEWEST_IMAGES, NoveltyDetector

__all__ = ["ImageDecoder", "Source", "decode"]

Source: TypeAlias = (
    str | os.PathLike[str] | bytes | bytearray | memoryview | Image.Image | np.ndarray
)
"""What one image can come as."""

# Captchas have less than a tenth of it. The heaviest ready recipe takes 50 bytes for each pixel,
# if no side is longer.
_MAX_BYTES = 2**24
_MAX_PIXELS = 2**20
_MAX_SIDE = 2**14


class _Format(NamedTuple):
    begins: re.Pattern[bytes]
    inspect: Callable[[bytes], Inspected] | None
    open: Callable[[BytesIO], ImageFile]


# Pillow's classes are called directly because `Image.open` obeys `Image.MAX_IMAGE_PIXELS`, which
# belongs to the whole process. The first bytes decide, since suffixes are often wrong.
_FORMATS = {
    "PNG": _Format(re.compile(rb"\x89PNG\r\n\x1a\n"), inspect_png, PngImageFile),
    "JPEG": _Format(re.compile(rb"\xff\xd8\xff"), inspect_jpeg, JpegImageFile),
    "GIF": _Format(re.compile(rb"GIF8[79]a"), inspect_gif, GifImageFile),
    "BMP": _Format(re.compile(rb"BM"), None, BmpImageFile),
    "WebP": _Format(re.compile(rb"(?s:RIFF.{4}WEBP)"), inspect_webp, WebPImageFile),
}


class _UnusableError(Exception):
    """Why a source is no image; `decode` adds which source it was."""


def decode(
    source: Source,
    *,
    grey: bool = False,
    max_bytes: int = _MAX_BYTES,
    max_pixels: int = _MAX_PIXELS,
) -> np.ndarray:
    """Decode one image.

    The format is told from the content, whatever a file's suffix says. The number of pixels is
    read from the header, before any pixel is decoded.

    Parameters
    ----------
    source : str, path, bytes, bytearray, memoryview, PIL image or ndarray
        The path or the content of a PNG, JPEG, GIF (its first frame), BMP or WebP file; or an
        image in memory. An array has the shape (h, w), (h, w, 1) or (h, w, 2) for grey and grey
        with alpha, (h, w, 3) or (h, w, 4) for RGB and RGBA. It holds bool, uint8, uint16 or
        floats in [0, 1].
    grey : bool, default=False
        Whether to bring colour to grey: to luma, ``0.299 R + 0.587 G + 0.114 B`` (ITU-R BT.601).
        JPEG files, which hold it, are decoded to it at once, in less time; it may differ by some
        shades from that of the colours, which were rounded.
    max_bytes : int, default=16777216
        The largest file to read, in bytes.
    max_pixels : int, default=1048576
        The largest image to decode, in pixels. No side may have more than 16,384.

    Returns
    -------
    image : ndarray of uint8, shape (h, w) or (h, w, 3)
        Grey for a grey source, RGB for a coloured one (palette images count as coloured),
        C-contiguous. A C-contiguous uint8 array of such a shape is returned as it is, not copied.

    Raises
    ------
    ImageError
        If the source is missing, unreadable, empty, too large, damaged or no image.

    Notes
    -----
    Transparent pixels are laid over white. 16-bit values are divided by 257 and rounded, but of
    16-bit files with colours or transparency only the high bytes are decoded. An EXIF orientation
    is not applied: the pixels come as they are stored. Of an animation, also in PNG and WebP files,
    the first image is decoded.

    A file of which pixels are missing is refused, even if something wrote an end mark after what
    is left. What cannot be seen: whether a JPEG file that was ended so lost codes of its last
    block only, 8 to 32 pixels wide.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.images import decode
    >>> decode(np.array([[0.0, 0.5, 1.0]]))
    array([[  0, 128, 255]], dtype=uint8)
    >>> decode(b"<html>")
    Traceback (most recent call last):
        ...
    skcaptcha.errors.ImageError: the image: it is not a PNG, JPEG, GIF, BMP or WebP image: it
    begins with b'<html>'
    """
    try:
        return _decode(source, grey, max_bytes, max_pixels)
    except _UnusableError as error:
        name = os.fspath(source) if _is_path(source) else "the image"
        raise ImageError(name, str(error)) from error.__cause__


class ImageDecoder(  # type: ignore[call-arg]
    TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    """Decode images: the first step of every pipeline.

    `transform` works without `fit`. What `fit` learns tells images that are unlike those of the
    training set (see `skcaptcha.read_captchas`). See :func:`decode` for what an image may be.

    Parameters
    ----------
    grey : bool, default=False
        Whether to bring colour to grey; for recipes that make no use of colour.
    max_bytes : int, default=16777216
        The largest file to read, in bytes.
    max_pixels : int, default=1048576
        The largest image to decode, in pixels.

    Attributes
    ----------
    novelty_ : NoveltyDetector or None
        Knows what the training images look like; None if they are fewer than 20.

    See Also
    --------
    decode : The same for one image.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.images import ImageDecoder
    >>> grey, colour = np.zeros((30, 120)), np.zeros((20, 90, 3))
    >>> [image.shape for image in ImageDecoder().fit_transform([grey, colour])]
    [(30, 120), (20, 90, 3)]
    """

    grey = False  # of decoders that were pickled before there was a choice

    _parameter_constraints: dict = {
        "grey": ["boolean"],
        "max_bytes": [Interval(Integral, 1, None, closed="left")],
        "max_pixels": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        *,
        grey: bool = False,
        max_bytes: int = _MAX_BYTES,
        max_pixels: int = _MAX_PIXELS,
    ) -> None:
        self.grey = grey
        self.max_bytes = max_bytes
        self.max_pixels = max_pixels

    def fit(self, X: Sequence[Source] | np.ndarray, y: Any = None) -> Self:
        """Check the parameters, and learn what the images look like.

        Parameters
        ----------
        X : sequence of n sources, or ndarray of shape (n, h, w), (n, h, w, 3) or (n, h, w, 4)
            The images.
        y : None
            Ignored.

        Returns
        -------
        self : ImageDecoder
            The same object.

        Raises
        ------
        ImageError
            As `transform` does.
        """
        self.fit_transform(X)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X: Sequence[Source] | np.ndarray, y: Any = None) -> list[np.ndarray]:
        """Fit and decode; nothing is decoded twice.

        Parameters
        ----------
        X : sequence of n sources, or ndarray of shape (n, h, w), (n, h, w, 3) or (n, h, w, 4)
            The images.
        y : None
            Ignored.

        Returns
        -------
        images : list of n ndarrays of uint8, each of shape (h, w) or (h, w, 3)
            As `transform` gives them.

        Raises
        ------
        ImageError
            As `transform` does.
        """
        images = self.transform(X)
        enough = len(images) >= FEWEST_IMAGES
        self.novelty_ = NoveltyDetector().fit(images) if enough else None
        return images

    def transform(self, X: Sequence[Source] | np.ndarray) -> list[np.ndarray]:
        """Decode every image of a batch.

        Parameters
        ----------
        X : sequence of n sources, or ndarray of shape (n, h, w), (n, h, w, 3) or (n, h, w, 4)
            The images.

        Returns
        -------
        images : list of n ndarrays of uint8, each of shape (h, w) or (h, w, 3)
            The images in the same order. They share the memory of the uint8 arrays in `X`.

        Raises
        ------
        ImageError
            If `X` is not a sequence of images, or an image cannot be used. The error names the
            file's path, or the position in `X` (``"image 3"``, counted from 0).
        """
        _check_batch(X)
        images: list[np.ndarray] = []
        try:
            for source in X:
                images.append(_decode(source, self.grey, self.max_bytes, self.max_pixels))
        except _UnusableError as error:
            name = os.fspath(source) if _is_path(source) else f"image {len(images)}"
            raise ImageError(name, str(error)) from error.__cause__
        return images

    def _learns_same_from_parts(self, X: Any) -> bool:
        return True

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        return tags


def _decode(source: Source, grey: bool, max_bytes: int, max_pixels: int) -> np.ndarray:
    if _is_path(source):
        pixels = _decode_bytes(_read(source, max_bytes), grey, max_bytes, max_pixels)
    elif isinstance(source, bytes | bytearray | memoryview):
        pixels = _decode_bytes(source, grey, max_bytes, max_pixels)
    elif isinstance(source, Image.Image):
        pixels = _load(source, max_pixels)
    elif isinstance(source, np.ndarray):
        _check_array(source, max_pixels)
        pixels = source
    else:
        raise _UnusableError(
            "expected a path, the bytes of a file, a PIL image or a numpy array, "
            f"found {type(source).__name__}"
        )
    if pixels.ndim == 3 or pixels.dtype != np.uint8:
        pixels = _without_alpha(_to_uint8(pixels))
    image = np.ascontiguousarray(pixels)
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if grey and image.ndim == 3 else image


def _is_path(source: Any) -> TypeGuard[str | os.PathLike[str]]:
    return isinstance(source, str | os.PathLike)


def _check_batch(X: Any) -> None:
    if _is_path(X) or isinstance(X, bytes | bytearray | memoryview | Image.Image):
        raise ImageError("X", f"it is a single image ({type(X).__name__}); wrap it in a list: [X]")
    if isinstance(X, np.ndarray):
        # Paths, or images of different shapes, come as an array of one axis.
        sources = X.ndim == 1 and X.dtype.kind in "OUT"
        if X.ndim == 2 or (X.ndim == 3 and X.shape[2] <= 4):
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


def _read(path: str | os.PathLike[str], max_bytes: int) -> bytes:
    try:
        return read_regular_file(path, lambda size: _check_bytes(size, max_bytes))
    except UnreadableError as error:
        raise _UnusableError(str(error)) from error.__cause__


def _check_bytes(size: int, max_bytes: int) -> None:
    if size == 0:
        raise _UnusableError("it is empty")
    if size > max_bytes:
        raise _UnusableError(f"it has {size} bytes, more than the limit max_bytes={max_bytes}")


def _check_pixels(width: int, height: int, max_pixels: int) -> None:
    if width * height == 0:
        raise _UnusableError(f"it has no pixels ({width} x {height})")
    if width * height > max_pixels:
        raise _UnusableError(
            f"it has {width} x {height} pixels, more than the limit max_pixels={max_pixels}; "
            "scale it, or fit with --set steps.images.max_pixels=N"
        )
    if max(width, height) > _MAX_SIDE:
        raise _UnusableError(
            f"it has {width} x {height} pixels, and {_MAX_SIDE} are the most for a side; cut it"
        )


def _decode_bytes(
    content: bytes | bytearray | memoryview, grey: bool, max_bytes: int, max_pixels: int
) -> np.ndarray:
    _check_bytes(memoryview(content).nbytes, max_bytes)
    content = bytes(content)
    name = next((name for name, kind in _FORMATS.items() if kind.begins.match(content)), None)
    if name is None:
        raise _UnusableError(
            f"it is not a PNG, JPEG, GIF, BMP or WebP image: it begins with {content[:16]!r}"
        )
    if inspect := _FORMATS[name].inspect:
        try:
            size, content, plain = inspect(content)
        except DamagedFileError as error:
            raise _damaged(name, error) from error
        _check_pixels(*size, max_pixels)
        if plain:
            return _decode_plain(content, name, grey)
    return _decode_by_pillow(content, name, max_pixels)


def _decode_plain(content: bytes, name: str, grey: bool) -> np.ndarray:
    # Of PNG, OpenCV would weigh the colours in its own way.
    grey &= name == "JPEG"
    kind = cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_UNCHANGED
    try:
        content_array = np.frombuffer(content, dtype=np.uint8)
        pixels = cv2.imdecode(content_array, kind | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        pixels = None
    if pixels is None or pixels.dtype != np.uint8:
        raise _damaged(name, "its pixels are incomplete")
    if pixels.ndim == 3:
        if pixels.shape[2] == 3:
            pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
        else:
            opaque = bool((pixels[..., 3] == 255).all())
            pixels = cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGB if opaque else cv2.COLOR_BGRA2RGBA)
    if name == "JPEG" and _may_be_filled_up(pixels):
        with _pillow(name):
            if not jpeg_is_whole(content, pixels, grey=grey):
                raise _damaged(name, "its pixels are incomplete")
    return pixels


def _may_be_filled_up(pixels: np.ndarray) -> bool:
    """Tell whether the last pixel is of the grey that is decoded where a JPEG file lacks codes.

    Where the resolution of colour is lower, that of the pixels before it may be mixed into it.
    """
    last = pixels[-1, -1].tolist()
    luma = last if pixels.ndim == 2 else 0.299 * last[0] + 0.587 * last[1] + 0.114 * last[2]
    return bool(126 <= luma <= 130)


def _decode_by_pillow(content: bytes, name: str, max_pixels: int) -> np.ndarray:
    if name == "PNG" and not png_is_whole(content):
        raise _damaged(name, "its pixels are incomplete")
    with _pillow(name):
        image = _FORMATS[name].open(BytesIO(content))
        pixels = _load(image, max_pixels)
        if name == "JPEG" and not jpeg_is_whole(content, np.asarray(image), grey=False):
            raise _damaged(name, "its pixels are incomplete")
    if name == "PNG" and png_has_grey_and_alpha(content) and pixels.shape[2] == 4:
        return pixels[..., [0, 3]]
    return pixels


@contextmanager
def _pillow(name: str) -> Iterator[None]:
    """Let Pillow decode a file; whatever it says of a damaged one is about that."""
    with warnings.catch_warnings():
        # Pillow warns of damaged metadata, which does not touch the pixels. Only its own warnings
        # are silenced, so that a filter that threads leave behind in a race hides no others.
        warnings.filterwarnings("ignore", module=r"PIL\.")
        try:
            yield
        except _UnusableError:
            raise
        except MemoryError as error:
            raise _UnusableError("it takes more memory than there is") from error
        except Image.DecompressionBombError as error:
            raise _UnusableError(f"it has too many pixels ({error})") from error
        except Exception as error:
            raise _damaged(name, error) from error


def _load(image: Image.Image, max_pixels: int) -> np.ndarray:
    """Pixels of a PIL image, of any dtype that `_to_uint8` takes, with alpha if it has any."""
    _check_pixels(*image.size, max_pixels)
    try:
        image.load()
        if image.mode == "F" or image.mode.startswith("I"):
            pixels = np.array(image)
        else:
            colours = "L" if image.mode in ("1", "L", "LA", "La") else "RGB"
            pixels = np.array(image.convert(colours + "A" * image.has_transparency_data))
    except Exception as error:
        raise _damaged(image.format or "PIL", error) from error
    if not image.mode.startswith("I"):
        return pixels
    # Mode I has 32 bits, and yet is what some versions of Pillow give for 16-bit files.
    if pixels.min() < 0 or pixels.max() > 65535:
        raise _UnusableError(
            f"its integers were expected in [0, 65535], and lie in [{pixels.min()}, {pixels.max()}]"
        )
    if "transparency" in image.info:
        pixels[pixels == image.info["transparency"]] = 65535
    return pixels.astype(np.uint16)


def _damaged(name: str, error: Exception | str) -> _UnusableError:
    detail = " ".join(str(error).split()) or type(error).__name__
    return _UnusableError(f"it is a damaged or truncated {name} image ({detail})")


def _check_array(array: np.ndarray, max_pixels: int) -> None:
    if array.ndim != 2 and not (array.ndim == 3 and 1 <= array.shape[2] <= 4):
        raise _UnusableError(
            "expected an array of shape (h, w), or (h, w, c) with 1 to 4 channels, "
            f"found shape {array.shape}"
        )
    height, width = array.shape[:2]
    _check_pixels(width, height, max_pixels)


def _to_uint8(pixels: np.ndarray) -> np.ndarray:
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
            raise _UnusableError(
                f"its floats were expected in [0, 1], and lie in [{low}, {high}]; scale or clip "
                "them, or convert them to uint8"
            )
        return np.rint(pixels * 255).astype(np.uint8)
    raise _UnusableError(
        f"expected an array of bool, uint8, uint16 or floats in [0, 1], found {pixels.dtype}; "
        "if its values lie in [0, 255], convert it with .astype('uint8')"
    )


def _without_alpha(pixels: np.ndarray) -> np.ndarray:
    """Grey (h, w) or RGB (h, w, 3), laid over white where it was transparent."""
    if pixels.ndim == 2 or pixels.shape[2] == 3:
        return pixels
    if pixels.shape[2] == 1:
        return pixels[..., 0]
    # Laid over white, the darkness of a colour is multiplied by its alpha.
    darkness = (255 - pixels[..., :-1]) * pixels[..., -1:].astype(np.uint16)
    return _without_alpha(255 - ((darkness + 127) // 255).astype(np.uint8))
