"""Images that are decoded once for everything that is done with them."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from skcaptcha.exceptions import ImageError
from skcaptcha.images._decode import (
    MAX_BYTES,
    MAX_PIXELS,
    DecodedImage,
    Decoding,
    Source,
    check_batch,
    decode_source,
    name_of,
    read_source,
)
from skcaptcha.images._decode_bytes import is_animation, is_jpeg
from skcaptcha.images._limits import UnusableError

# Enough for about 100,000 captchas of 100 x 36 pixels in color.
_MAX_PIXEL_BYTES = 2**30

# Whether an image has pixels, and the other fields of a DecodedImage.
_Record = tuple[bool, tuple[Any, ...]]
_Packed = tuple[NDArray[np.uint8], list[_Record]]


class ImageBatch(Sequence[DecodedImage]):
    """Images that are decoded once and passed as `X` to any number of estimators.

    Use it to fit or to evaluate several models with the same files: no file is opened or decoded
    again, and duplicates are found without hashing the pixels again.

    Parameters
    ----------
    sources : iterable of n sources
        Paths, bytes, PIL images or arrays. See :func:`decode`.
    max_bytes : int, default=16777216
        Maximum file size in bytes.
    max_pixels : int, default=1048576
        Maximum number of pixels of an image.

    Attributes
    ----------
    errors : dict of int to ImageError
        The error of each image that cannot be decoded, by its index. An estimator raises it again
        if the image is passed to it.
    digest : str
        SHA-256 of the shapes and pixels of all images, in hexadecimal.

    See Also
    --------
    ImageDecoder : The pipeline step that accepts such a batch.

    Notes
    -----
    At most 1 GiB of pixels is kept in memory. Of further images the encoded content is kept, which
    is decoded again whenever they are used.

    Pickles hold the pixels in one array, which joblib maps into the memory of its worker processes
    instead of copying it. The content of color JPEG files is kept as well, because
    ``ImageDecoder(gray=True)`` decodes their luma, which cannot be computed from RGB. It does so
    once in each process. So is the content of animations, whose first frame is not enough for
    ``ImageDecoder(frames=N)``.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.images import ImageBatch
    >>> batch = ImageBatch([np.zeros((20, 50), np.uint8), b"not an image"])
    >>> batch[0].size
    (50, 20)
    >>> print(batch.errors[1])
    image 1: it is not a PNG, JPEG, GIF, BMP or WebP image: it begins with b'not an image'
    """

    def __init__(
        self,
        sources: Iterable[Source],
        *,
        max_bytes: int = MAX_BYTES,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        if not isinstance(sources, Iterator):
            check_batch(sources)
        self._packed: _Packed | None = None
        self._images: list[DecodedImage] = []
        n_bytes = 0
        for source in sources:
            keep = n_bytes < _MAX_PIXEL_BYTES
            image = _decode_once(source, max_bytes, max_pixels, keep_pixels=keep)
            self._images.append(image)
            if image.pixels is not None and image.pixels is not source:
                n_bytes += image.pixels.nbytes

    @property
    def errors(self) -> dict[int, ImageError]:
        """The error of each image that cannot be decoded, by its index."""
        return {
            i: ImageError(image.name or f"image {i}", image.error)
            for i, image in enumerate(self._images)
            if image.error
        }

    @property
    def digest(self) -> str:
        """SHA-256 of the shapes and pixels of all images, in hexadecimal."""
        return sha256(" ".join(image.digest for image in self._images).encode()).hexdigest()

    def take(self, indices: Iterable[int]) -> ImageBatch:
        """Return some of the images, which are not decoded again.

        Parameters
        ----------
        indices : iterable of m int

        Returns
        -------
        batch : ImageBatch of m images
            This batch itself if the indices are those of all images in their order.
        """
        images = [self._images[i] for i in indices]
        if len(images) == len(self) and all(map(operator.is_, images, self._images)):
            return self
        return ImageBatch(images)

    def __len__(self) -> int:
        return len(self._images)

    @overload
    def __getitem__(self, index: int) -> DecodedImage: ...
    @overload
    def __getitem__(self, index: slice) -> ImageBatch: ...
    def __getitem__(self, index: int | slice) -> DecodedImage | ImageBatch:
        if isinstance(index, slice):
            return self.take(range(*index.indices(len(self))))
        return self._images[index]

    def __repr__(self) -> str:
        return f"ImageBatch of {len(self)} images"

    def __reduce__(self) -> Any:
        if self._packed is None:
            # The images become views of the array, so that their pixels are not held twice.
            self._packed = _pack(self._images)
            self._images = _unpack(*self._packed)
        return _unpickle, self._packed


def as_batch(X: Iterable[Source]) -> ImageBatch:
    """Return X as an ImageBatch. Raise the error of the first image that cannot be decoded."""
    batch = X if isinstance(X, ImageBatch) else ImageBatch(X)
    for error in batch.errors.values():
        raise error
    return batch


def pixel_digest(image: NDArray[np.uint8]) -> str:
    """Return the SHA-256 of an image's shape and pixels, in hexadecimal."""
    return sha256(repr(image.shape).encode() + np.ascontiguousarray(image).tobytes()).hexdigest()


def _decode_once(
    source: Source, max_bytes: int, max_pixels: int, *, keep_pixels: bool
) -> DecodedImage:
    if isinstance(source, DecodedImage):
        return source
    name = name_of(source, "")
    try:
        content = read_source(source, max_bytes)
        pixels = decode_source(content, Decoding(False, max_bytes, max_pixels))
    except UnusableError as error:
        return DecodedImage(None, (0, 0), name, "", 0, source, str(error))
    n_bytes, has_luma, animated, digest = 0, False, False, pixel_digest(pixels)
    if isinstance(content, bytes | bytearray | memoryview):
        n_bytes = memoryview(content).nbytes
        has_luma = pixels.ndim == 3 and is_jpeg(content)
        if animated := is_animation(content):
            # Different animations often have the same first frame.
            digest = sha256(content).hexdigest()
    return DecodedImage(
        pixels if keep_pixels else None,
        pixels.shape,
        name,
        digest,
        n_bytes,
        content if has_luma or animated or not keep_pixels else None,
        "",
        animated,
    )


def _pack(images: list[DecodedImage]) -> _Packed:
    pixels = [image.pixels.ravel() for image in images if image.pixels is not None]
    records = [
        (
            image.pixels is not None,
            (
                image.shape,
                image.name,
                image.digest,
                image.n_bytes,
                image.source,
                image.error,
                image.animated,
            ),
        )
        for image in images
    ]
    return np.concatenate([np.empty(0, np.uint8), *pixels]), records


def _unpack(pixels: NDArray[np.uint8], records: list[_Record]) -> list[DecodedImage]:
    # Slicing a memory map itself would take ten times as long.
    pixels = np.asarray(pixels)
    images, end = [], 0
    for has_pixels, fields in records:
        own = None
        if has_pixels:
            shape = fields[0]
            begin, end = end, end + math.prod(shape)
            own = pixels[begin:end].reshape(shape)
        images.append(DecodedImage(own, *fields))
    return images


def _unpickle(pixels: NDArray[np.uint8], records: list[_Record]) -> ImageBatch:
    batch = ImageBatch(_unpack(pixels, records))
    batch._packed = pixels, records
    return batch
