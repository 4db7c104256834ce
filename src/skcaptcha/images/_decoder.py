"""Decoding: the one place that opens an image file, with limits on what it lets in."""

import os
import warnings
from collections import Counter
from collections.abc import Sequence
from numbers import Integral
from typing import Any, Self, TypeAlias, TypeGuard

import cv2
import numpy as np
from PIL import Image
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval

from skcaptcha._files.regular_file import UnreadableError, read_regular_file
from skcaptcha.base import Documented, StepTags
from skcaptcha.exceptions import ImageError, ImageWarning
from skcaptcha.images._encoded_text import content_of_text, name_of_source
from skcaptcha.images._limits import UnusableError, check_bytes, check_pixels
from skcaptcha.images._pixel_values import to_uint8, without_alpha
from skcaptcha.images.formats import decode_bytes, pixels_of
from skcaptcha.novelty import FEWEST_IMAGES, NoveltyDetector

__all__ = ["ImageDecoder", "Source", "decode"]

Source: TypeAlias = (
    str | os.PathLike[str] | bytes | bytearray | memoryview | Image.Image | np.ndarray
)
"""What one image can come as."""

# Captchas have less than a tenth of it. The heaviest ready recipe takes 50 bytes for each pixel.
_MAX_BYTES = 2**24
_MAX_PIXELS = 2**20
_FEWEST_TO_WARN = 10


def decode(
    source: Source,
    *,
    gray: bool = False,
    max_bytes: int = _MAX_BYTES,
    max_pixels: int = _MAX_PIXELS,
) -> np.ndarray:
    """Decode one image.

    The format is told from the content, whatever a file's suffix says. The number of pixels is
    read from the header, before any pixel is decoded.

    Parameters
    ----------
    source : str, path, bytes, bytearray, memoryview, PIL image or ndarray
        The path or the content of a PNG, JPEG, GIF (its first frame), BMP or WebP file; its content
        as a data URL or in base64, as web pages hold it; or an image in memory. An array has the
        shape (h, w), (h, w, 1) or (h, w, 2) for gray and gray with alpha, (h, w, 3) or (h, w, 4)
        for RGB and RGBA. It holds bool, uint8, uint16 or floats in [0, 1].
    gray : bool, default=False
        Whether to bring color to gray: to luma, ``0.299 R + 0.587 G + 0.114 B`` (ITU-R BT.601).
        JPEG files hold luma, and it is decoded at once, in less time. It is within 1 of the luma of
        the decoded colors, except at saturated pixels: where a channel of RGB is clipped to 0 or
        255, it may differ by tens of levels, and the luma that the file holds is the right one.
    max_bytes : int, default=16777216
        The largest file to read, in bytes.
    max_pixels : int, default=1048576
        The largest image to decode, in pixels. No side may have more than 16,384.

    Returns
    -------
    image : ndarray of uint8, shape (h, w) or (h, w, 3)
        Gray for a gray source, RGB for a colored one (palette images count as colored),
        C-contiguous. A C-contiguous uint8 array of such a shape is returned as it is, not copied.

    Raises
    ------
    ImageError
        If the source is missing, unreadable, empty, too large, damaged or no image.

    Notes
    -----
    Transparent pixels are laid over white. They are laid over black where white would hide the
    ink: most of the image is transparent, and the mean luma of what shows is 192 or more.

    16-bit values are divided by 257 and rounded, but of 16-bit files with colors or transparency
    only the high bytes are decoded. 16-bit values of at most 255, if not all are 0, raise an error:
    they are those of 8 bits, and the image would be black.

    An EXIF orientation is not applied: the pixels come as they are stored. Of an animation, also in
    PNG and WebP files, the first image is decoded.

    A file of which pixels are missing is refused, even if something wrote an end mark after what
    is left. What cannot be seen: whether a JPEG file lost nothing but codes of the last block or
    two, each 8 to 32 pixels wide, of a scan or of a part before a restart.

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
        return _decode(source, gray, max_bytes, max_pixels)
    except UnusableError as error:
        name = _name(source, "the image") or "an empty path"
        raise ImageError(name, str(error)) from error.__cause__


class ImageDecoder(  # type: ignore[call-arg]
    Documented, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    """Decode images: the first step of every pipeline.

    `transform` works without `fit`. What `fit` learns tells images that are unlike those of the
    training set (see `skcaptcha.read_captchas`). See :func:`decode` for what an image may be.

    Parameters
    ----------
    gray : bool, default=False
        Whether to bring color to gray; for recipes that make no use of color.
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
    >>> gray, color = np.zeros((30, 120)), np.zeros((20, 90, 3))
    >>> [image.shape for image in ImageDecoder().fit_transform([gray, color])]
    [(30, 120), (20, 90, 3)]
    """

    gray = False  # of decoders that were pickled before there was a choice

    _parameter_constraints: dict = {
        "gray": ["boolean"],
        "max_bytes": [Interval(Integral, 1, None, closed="left")],
        "max_pixels": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        *,
        gray: bool = False,
        max_bytes: int = _MAX_BYTES,
        max_pixels: int = _MAX_PIXELS,
    ) -> None:
        self.gray = gray
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

        Warns
        -----
        ImageWarning
            If more than half of ten or more images show a single color.
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

        Warns
        -----
        ImageWarning
            If more than half of ten or more images show a single color.
        """
        images = self.transform(X)
        _warn_of_blank(images)
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
                images.append(_decode(source, self.gray, self.max_bytes, self.max_pixels))
        except UnusableError as error:
            place = f"image {len(images)}"
            raise ImageError(_name(source, place) or place, str(error)) from error.__cause__
        return images

    def __sklearn_tags__(self) -> Tags:
        tags = StepTags.extend(
            super().__sklearn_tags__(), learns_from="nothing", modifies_input=False
        )
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        return tags


def _decode(source: Source, gray: bool, max_bytes: int, max_pixels: int) -> np.ndarray:
    if _is_path(source):
        pixels = decode_bytes(_read(source, max_bytes), gray, max_bytes, max_pixels)
    elif isinstance(source, bytes | bytearray | memoryview):
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


def _is_path(source: Any) -> TypeGuard[str | os.PathLike[str]]:
    return isinstance(source, str | os.PathLike)


def single_color(image: np.ndarray) -> str:
    """Name the color of an image that shows no other.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w) or (h, w, 3)

    Returns
    -------
    color : str
        ``"white"``, ``"gray level 7"`` or ``"RGB (0, 9, 9)"``; empty if there are several colors.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.images import single_color
    >>> single_color(np.zeros((3, 4, 3), np.uint8))
    'black'
    """
    if (image != image[0, 0]).any():
        return ""
    color = image[0, 0].ravel().tolist()
    if len(set(color)) == 1:
        return {0: "black", 255: "white"}.get(color[0], f"gray level {color[0]}")
    return f"RGB {tuple(color)}"


WHY_BLANK = (
    "is the ink transparent, of the color of its ground, or missing from the first frame of an "
    "animation, the one that is read?"
)


def _warn_of_blank(images: list[np.ndarray]) -> None:
    """Say so if most images show a single color: whatever is fitted to them reads nothing."""
    colors = Counter(filter(None, map(single_color, images)))
    if len(images) >= _FEWEST_TO_WARN and 2 * colors.total() > len(images):
        commonest = colors.most_common(1)[0][0]
        warnings.warn(
            f"{colors.total()} of {len(images)} images show a single color (mostly {commonest}), "
            f"so that nothing in them can be read; {WHY_BLANK}",
            ImageWarning,
            stacklevel=4,
        )


def _name(source: Source, otherwise: str) -> str:
    return name_of_source(os.fspath(source)) if _is_path(source) else otherwise


def _check_batch(X: Any) -> None:
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


def _read(path: str | os.PathLike[str], max_bytes: int) -> bytes:
    try:
        return read_regular_file(path, lambda size: check_bytes(size, max_bytes))
    except UnreadableError as error:
        if (content := content_of_text(os.fspath(path))) is not None:
            return content
        raise UnusableError(str(error)) from error.__cause__


def _check_array(array: np.ndarray, max_pixels: int) -> None:
    if array.ndim != 2 and not (array.ndim == 3 and 1 <= array.shape[2] <= 4):
        raise UnusableError(
            "expected an array of shape (h, w), or (h, w, c) with 1 to 4 channels, "
            f"found shape {array.shape}"
        )
    height, width = array.shape[:2]
    check_pixels(width, height, max_pixels)
