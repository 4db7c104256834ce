"""The ragged batch of all segments of all captchas, which later steps transform."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

INK_LEVEL = 127

# More would not stay in the processor's cache from one pass to the next.
_PIXELS_AT_ONCE = 2**16
_MAX_WEIGHTS_CACHED = 2**13
_FEW_CROPS = 12


def ink_mask(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return the mask of the ink in denoised images.

    Parameters
    ----------
    image : ndarray of shape (h, w) or (n, h, w), dtype uint8
        Bright ink on a dark background.

    Returns
    -------
    mask : ndarray of the same shape, dtype bool
        True if the pixel is brighter than 127, half of the full range.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.segments import ink_mask
    >>> ink_mask(np.array([[0, 127, 128, 255]], dtype=np.uint8))
    array([[False, False,  True,  True]])
    """
    return image > INK_LEVEL


class Segments:
    """All segments of a batch of captchas: their boxes, and their images or features.

    Sample i of the batch is captcha i, so the number of samples does not depend on the number of
    segments.

    Parameters
    ----------
    boxes : array-like of shape (m, 4)
        ``x, y, w, h`` of each segment, in pixels of its denoised image, captcha after captcha.
        ``w`` and ``h`` are at least 1.
    offsets : array-like of shape (n + 1,)
        Bounds of the captchas: the segments of captcha i are ``boxes[offsets[i]:offsets[i + 1]]``.
    images : sequence of n ndarrays of shape (h, w), dtype uint8, optional
        Denoised images, with bright ink on a dark background. They may differ in size.
    owners : sequence of n ndarrays of shape (h, w), dtype int32, optional
        Segment of each pixel: k + 1 if it belongs to the k-th segment of its captcha, else 0. A
        crop then shows only its own pixels.
    values : ndarray of shape (m, d), dtype float32, optional
        Features of each segment.
    features : transformer, optional
        Fitted step that computed ``values``, for training only: a reader uses it to describe
        moved or warped segments.

    Attributes
    ----------
    boxes : ndarray of shape (m, 4), dtype intp
    offsets : ndarray of shape (n + 1,), dtype intp
    images, owners, values, features
        Same as the parameters.

    Raises
    ------
    ValueError
        If the parameters do not match, or a box is not inside its image.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha import Segments
    >>> image = np.zeros((4, 6), dtype=np.uint8)
    >>> image[1:3, 3:5] = 255
    >>> segments = Segments([[0, 0, 3, 4], [3, 1, 2, 2]], [0, 2], images=[image])
    >>> len(segments), segments.counts
    (1, array([2]))
    >>> segments.crops((2, 2))[1]
    array([[255, 255],
           [255, 255]], dtype=uint8)
    """

    def __init__(
        self,
        boxes: ArrayLike,
        offsets: ArrayLike,
        *,
        images: Sequence[NDArray[np.uint8]] | None = None,
        owners: Sequence[NDArray[np.int32]] | None = None,
        values: NDArray[np.float32] | None = None,
        features: Any = None,
    ) -> None:
        boxes = np.asarray(boxes, dtype=np.intp)
        self.boxes = boxes.reshape(len(boxes), 4)
        self.offsets = np.asarray(offsets, dtype=np.intp)
        self.images = images
        self.owners = owners
        self.values = values
        self.features = features
        self._check()

    def _check(self) -> None:
        m = len(self.boxes)
        offsets = self.offsets
        if offsets.ndim != 1 or len(offsets) == 0 or offsets[0] != 0 or offsets[-1] != m:
            raise ValueError(f"offsets must run from 0 to the number of boxes ({m}), got {offsets}")
        if (offsets[1:] < offsets[:-1]).any():
            raise ValueError("offsets must not decrease")
        if self.values is not None and len(self.values) != m:
            raise ValueError(f"values must have one row per box ({m}), got {len(self.values)}")
        if self.images is None:
            return
        if len(self.images) != len(self):
            raise ValueError(f"expected {len(self)} images, got {len(self.images)}")
        for i, image in enumerate(self.images):
            if image.ndim != 2 or image.dtype != np.uint8:
                raise ValueError(
                    f"image {i} must be uint8 of shape (h, w), got {image.dtype} of {image.shape}"
                )
        shapes = [image.shape for image in self.images]
        if self.owners is not None and [owner.shape for owner in self.owners] != shapes:
            raise ValueError("owners must have the shapes of the images, one for each")
        x, y, w, h = self.boxes.T
        height, width = self._image_shapes()[self.captcha_index].T
        outside = (x < 0) | (y < 0) | (w < 1) | (h < 1) | (x + w > width) | (y + h > height)
        if outside.any():
            k = int(outside.argmax())
            raise ValueError(
                f"box {self.boxes[k].tolist()} (x, y, w, h) is not inside image "
                f"{self.captcha_index[k]} of {width[k]} x {height[k]} pixels"
            )

    @classmethod
    def from_lists(
        cls,
        images: Sequence[NDArray[np.uint8]],
        boxes: Sequence[NDArray[np.intp]],
        **parts: Any,
    ) -> Segments:
        """Create a batch from the boxes of each image.

        Parameters
        ----------
        images : sequence of n ndarrays of shape (h, w), dtype uint8
            Denoised images.
        boxes : sequence of n ndarrays of shape (k_i, 4)
            Boxes of each image.
        **parts
            Other parameters of `Segments`.

        Returns
        -------
        segments : Segments
        """
        offsets = np.concatenate([[0], np.cumsum([len(b) for b in boxes], dtype=np.intp)])
        joined = np.concatenate(boxes) if len(boxes) else np.empty((0, 4), dtype=np.intp)
        return cls(joined, offsets, images=images, **parts)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __repr__(self) -> str:
        content = "no features" if self.values is None else f"{self.values.shape[1]} features"
        return f"<Segments: {len(self)} captchas, {len(self.boxes)} segments, {content}>"

    def __getitem__(self, index: Any) -> Segments:
        """Select captchas by an index, a slice, a mask or an array of indices.

        The result is always a batch; a single index selects a batch of length 1.
        """
        chosen = np.atleast_1d(np.arange(len(self))[index])
        counts = self.counts[chosen]
        offsets = np.concatenate([[0], np.cumsum(counts)])
        rows = np.arange(offsets[-1]) + np.repeat(self.offsets[chosen] - offsets[:-1], counts)
        return Segments(
            self.boxes[rows],
            offsets,
            images=None if self.images is None else [self.images[i] for i in chosen],
            owners=None if self.owners is None else [self.owners[i] for i in chosen],
            values=None if self.values is None else self.values[rows],
            features=self.features,
        )

    @property
    def shape(self) -> tuple[int]:
        """Number of captchas, as a tuple, for scikit-learn's indexing."""
        return (len(self),)

    @property
    def counts(self) -> NDArray[np.intp]:
        """Number of segments of each captcha, an ndarray of shape (n,)."""
        return self.offsets[1:] - self.offsets[:-1]  # faster than `np.diff`

    @property
    def captcha_index(self) -> NDArray[np.intp]:
        """Index of the captcha of each segment, an ndarray of shape (m,)."""
        return np.repeat(np.arange(len(self)), self.counts)

    def with_values(
        self,
        values: NDArray[np.float32],
        *,
        features: Any = None,
    ) -> Segments:
        """Return the same segments with their features, without their images.

        Parameters
        ----------
        values : ndarray of shape (m, d), dtype float32
            Features of each segment.
        features : transformer, optional
            Step that computed the values. The images are then kept for it.

        Returns
        -------
        segments : Segments
        """
        kept: dict[str, Any] = {}
        if features is not None:
            kept = {"images": self.images, "owners": self.owners}
        return Segments(self.boxes, self.offsets, values=values, features=features, **kept)

    @property
    def mean_shape(self) -> tuple[int, int]:
        """Mean height and width of the segments, rounded to whole pixels; needs a segment."""
        width, height = np.rint(self.boxes[:, 2:].mean(axis=0)).astype(int).tolist()
        return height, width

    def crops(
        self, shape: tuple[int, int] | None = None, *, keep_aspect: bool = False
    ) -> NDArray[np.uint8]:
        """Cut every segment out of its image and resize all to one shape.

        Crops are resampled with a triangle filter, which is widened for shrinking (the antialiased
        "bilinear" filter of image libraries).

        Parameters
        ----------
        shape : tuple of two ints, default=None
            Height and width of every crop, in pixels. None: the mean height and width of these
            segments.
        keep_aspect : bool, default=False
            Whether to keep the proportions of the segment, centered on a dark background, instead
            of stretching it to ``shape``.

        Returns
        -------
        crops : ndarray of shape (m, shape[0], shape[1]), dtype uint8

        Raises
        ------
        ValueError
            If the batch holds no images.
        """
        if self.images is None:
            raise ValueError("these segments hold no images to cut crops from")
        if shape is None:
            shape = self.mean_shape if len(self.boxes) else (1, 1)
        crops = np.empty((len(self.boxes), *shape), dtype=np.uint8)
        if not len(crops):
            return crops
        if self._are_alike(shape):
            images = np.stack(self.images)
            of_captcha = crops.reshape(len(images), -1, *shape)
            for k, (x, y, w, h) in enumerate(self.boxes[: of_captcha.shape[1]].tolist()):
                of_captcha[:, k] = images[:, y : y + h, x : x + w]
            return crops
        if len(crops) <= _FEW_CROPS:
            return self._crop_each(crops, keep_aspect)
        height, width = self._image_shapes().T
        image_start = np.concatenate([[0], np.cumsum(height * width)[:-1]])
        captcha = self.captcha_index
        stride = width[captcha]
        start = image_start[captcha] + self.boxes[:, 1] * stride + self.boxes[:, 0]
        across, down = int(self.boxes[:, 2].max()), int(self.boxes[:, 3].max())
        # The padding of a crop may extend beyond the last image.
        beyond = np.zeros(down * int(width.max()) + across, dtype=np.uint8)
        flat = np.concatenate([*(image.ravel() for image in self.images), beyond])
        owner = None
        if self.owners is not None:
            owner = np.concatenate([*(of_image.ravel() for of_image in self.owners), beyond])
        number = np.arange(len(self.boxes)) - self.offsets[captcha] + 1
        at_once = max(1, _PIXELS_AT_ONCE // (across * down))
        # Crops of similar size together: less padding and fewer products.
        order = np.lexsort([self.boxes[:, 3], self.boxes[:, 2]])
        for first in range(0, len(crops), at_once):
            part = order[first : first + at_once]
            w, h = self.boxes[part, 2], self.boxes[part, 3]
            rows, columns = np.arange(h.max()), np.arange(w.max())
            where = (start[part, None] + rows * stride[part, None])[:, :, None] + columns
            inside = None
            if (w < len(columns)).any() or (h < len(rows)).any():
                inside = (rows < h[:, None])[:, :, None] & (columns < w[:, None])[:, None, :]
            padded = flat.take(where)
            if owner is not None:
                own = owner.take(where) == number[part, None, None]
                inside = own if inside is None else inside & own
            if inside is not None:
                padded *= inside.view(np.uint8)
            crops[part] = _resample(padded, w, h, shape, keep_aspect)
        return crops

    def _are_alike(self, shape: tuple[int, int]) -> bool:
        """Check whether all images have one size and the same boxes, of the size of the crops."""
        assert self.images is not None
        counts = self.counts
        if self.owners is not None or (counts != counts[0]).any():
            return False
        boxes = self.boxes.reshape(len(counts), -1, 4)
        height, width = shape
        return bool(
            (boxes[0, :, 2:] == (width, height)).all()
            and (boxes == boxes[0]).all()
            and len({image.shape for image in self.images}) == 1
        )

    def _crop_each(self, crops: NDArray[np.uint8], keep_aspect: bool) -> NDArray[np.uint8]:
        """Cut one segment after the other, which is faster for a few segments."""
        assert self.images is not None
        rows, columns = crops.shape[1:]
        captcha = self.captcha_index
        number = np.arange(1, len(captcha) + 1) - self.offsets[captcha]
        new_w, new_h = _sizes(self.boxes[:, 2], self.boxes[:, 3], (rows, columns), keep_aspect)
        each = np.column_stack([captcha, number, self.boxes, new_w, new_h]).tolist()
        for crop, (i, n, x, y, w, h, wide, high) in zip(crops, each, strict=True):
            place = slice(y, y + h), slice(x, x + w)
            piece: NDArray[Any] = self.images[i][place]
            if self.owners is not None:
                piece = piece * (self.owners[i][place] == n)
            if piece.shape != (rows, columns):
                piece = piece.astype(np.float64) @ _weights(w, wide, columns)
                piece = np.rint(_weights(h, high, rows).T @ piece)
            crop[:] = piece
        return crops

    def _image_shapes(self) -> NDArray[np.intp]:
        assert self.images is not None
        return np.array([image.shape for image in self.images], dtype=np.intp).reshape(-1, 2)


def have_same_sizes(captchas: Segments | Sequence[NDArray[np.uint8]]) -> bool:
    """Check whether all captchas have images, or segments, of the same sizes.

    Parameters
    ----------
    captchas : Segments, or sequence of n ndarrays of shape (h, w) or (h, w, 3)

    Returns
    -------
    same : bool

    Examples
    --------
    >>> from skcaptcha.segments import Segments, have_same_sizes
    >>> have_same_sizes(Segments([[0, 0, 3, 4], [5, 1, 3, 4]], [0, 1, 2]))
    True
    >>> have_same_sizes(Segments([[0, 0, 3, 4], [5, 1, 4, 4]], [0, 1, 2]))
    False
    """
    if not isinstance(captchas, Segments):
        return len({image.shape for image in captchas}) <= 1
    counts = captchas.counts
    if (counts != counts[:1]).any():
        return False
    sizes = captchas.boxes[:, 2:].reshape(len(counts), -1, 2)
    return bool((sizes == sizes[:1]).all())


def _sizes(
    w: NDArray[np.intp], h: NDArray[np.intp], shape: tuple[int, int], keep_aspect: bool
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the widths and heights (m,) to which segments are resized."""
    rows, columns = shape
    if not keep_aspect:
        return np.full_like(w, columns), np.full_like(h, rows)
    scale = np.minimum(columns / w, rows / h)
    new_w = np.maximum(np.rint(w * scale), 1).astype(np.intp)
    new_h = np.maximum(np.rint(h * scale), 1).astype(np.intp)
    return np.minimum(new_w, columns), np.minimum(new_h, rows)


def _resample(
    padded: NDArray[np.uint8],
    w: NDArray[np.intp],
    h: NDArray[np.intp],
    shape: tuple[int, int],
    keep_aspect: bool,
) -> NDArray[np.uint8]:
    """Resize crops, each in the upper left corner of its padding, to one shape."""
    rows, columns = shape
    if (w == columns).all() and (h == rows).all():
        return padded
    new_w, new_h = _sizes(w, h, shape, keep_aspect)
    # Along the rows, then along the columns of the result.
    narrow = _resample_last(padded, w, new_w, columns)
    turned = _resample_last(narrow.swapaxes(1, 2), h, new_h, rows)
    return np.rint(turned, out=turned).astype(np.uint8).swapaxes(1, 2)


def _resample_last(
    padded: NDArray[Any], old: NDArray[np.intp], new: NDArray[np.intp], size: int
) -> NDArray[np.float64]:
    """Resample the last axis of (m, k, padding) from ``old`` to ``new`` values of ``size``."""
    resampled = np.empty((*padded.shape[:2], size))
    pairs = old * (size + 1) + new
    # All crops of one width are one product.
    for pair in set(pairs.tolist()):
        part = np.flatnonzero(pairs == pair)
        n, n_new = divmod(pair, size + 1)
        numbers = padded[part, :, :n].astype(np.float64)
        # Two axes make it one product instead of one for each crop.
        product = numbers.reshape(-1, n) @ _weights(n, n_new, size)
        resampled[part] = product.reshape(len(part), -1, size)
    return resampled


def _weights(old: int, new: int, size: int) -> NDArray[np.float64]:
    compute = _cached_weights if old * size <= _MAX_WEIGHTS_CACHED else _resampling_weights
    return compute(old, new, size)


def _resampling_weights(old: int, new: int, size: int) -> NDArray[np.float64]:
    """Return weights (old, size) that resample ``old`` pixels to ``new``, centered in ``size``."""
    scale = old / new
    target = np.arange(size) - (size - new) // 2
    distance = np.abs(np.arange(old)[:, None] + 0.5 - (target + 0.5) * scale)
    weights = np.maximum(0.0, 1.0 - distance / max(scale, 1.0))
    weights *= (target >= 0) & (target < new)
    weights /= np.maximum(weights.sum(axis=0), np.finfo(float).tiny)
    # With 22 bits, all products and sums are exact in float64, so a crop does not depend on the
    # order of summation, or on the rest of the batch.
    return np.ldexp(np.rint(np.ldexp(weights, 22)), -22)


# For a single image, computing the weights takes longer than resampling its characters.
_cached_weights = lru_cache(maxsize=256)(_resampling_weights)
