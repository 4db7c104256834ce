"""What is remembered of a model: what it was fitted with, and what it was fitted from."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from skcaptcha.images import ImageBatch, ImageDecoder
from skcaptcha.images._batch import pixel_digest

_MOST_SIZES = 20
_DIGEST_SIZE = 5  # bytes; a manifest has room for those of ten thousand images


def describe_model(model: Pipeline) -> dict[str, Any]:
    """Say what a fitted pipeline itself knows of what it was fitted from.

    Parameters
    ----------
    model : Pipeline
        Fitted.

    Returns
    -------
    about : dict
        ``characters``, and ``lengths`` if its reader remembers the lengths of the labels.
    """
    about: dict[str, Any] = {"characters": "".join(getattr(model[-1], "classes_", []))}
    if (lengths := getattr(model[-1], "lengths_", None)) is not None:
        about["lengths"] = _counted(lengths)
    return about


def describe_training(
    X: Iterable[Any], y: Sequence[str], decoder: ImageDecoder | None = None
) -> dict[str, Any]:
    """Say what captchas a model is fitted to, for its manifest.

    Parameters
    ----------
    X : iterable of n captchas
        Paths, bytes, PIL images or arrays.
    y : sequence of n str
        Their labels.
    decoder : ImageDecoder, default=None
        Sets the limits of what is decoded; None: one with the usual limits.

    Returns
    -------
    about : dict
        ``n_train``; ``lengths`` (how many labels have each length); ``image_sizes`` (how many
        images have each size, in pixels; left out if there are more than 20 sizes),
        ``image_widths`` and ``image_heights`` (least and greatest); ``training_sha256``, of
        all labels, and of the shapes and pixels of all images, in their order; and
        ``training_images``, by which `count_training_images` knows them: five bytes of each
        image's SHA-256, in base64.

    Raises
    ------
    ImageError
        If an image cannot be decoded.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.persistence import describe_training
    >>> about = describe_training(np.zeros((3, 20, 50), np.uint8), ["AB", "CD", "EFG"])
    >>> about["n_train"], about["lengths"], about["image_sizes"]
    (3, {'2': 2, '3': 1}, {'50 x 20': 3})
    """
    decoder = ImageDecoder() if decoder is None else decoder
    batch = ImageBatch(X, max_bytes=decoder.max_bytes, max_pixels=decoder.max_pixels)
    for error in batch.errors.values():
        raise error
    sizes = Counter(image.size for image in batch)
    everything = sha256()
    for image, label in zip(batch, y, strict=True):
        text = str(label).encode(errors="surrogatepass")
        everything.update(len(text).to_bytes(8, "little") + text + bytes.fromhex(image.digest))
    digests = [image.digest for image in batch]
    if decoder.gray:
        digests = [pixel_digest(decoder.transform([image])[0]) for image in batch]
    about: dict[str, Any] = {
        "n_train": len(y),
        "lengths": _counted(Counter(map(len, y))),
    }
    if len(sizes) <= _MOST_SIZES:
        about["image_sizes"] = {f"{w} x {h}": n for (w, h), n in sorted(sizes.items())}
    if sizes:
        about["image_widths"], about["image_heights"] = (
            [min(values), max(values)] for values in zip(*sizes, strict=True)
        )
    about["training_sha256"] = everything.hexdigest()
    about["training_images"] = b64encode(b"".join(map(_short, digests))).decode()
    return about


def count_training_images(
    manifest: Mapping[str, Any], images: Iterable[NDArray[np.uint8]]
) -> int | None:
    """Count the images that a model is fitted to.

    Parameters
    ----------
    manifest : mapping
        Of the model.
    images : iterable of ndarrays
        Decoded as those that the model was fitted to.

    Returns
    -------
    n : int or None
        How many of them show the same pixels as one of the training images; None if the manifest
        does not say what these were.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.persistence._manifest import count_training_images, describe_training
    >>> images = [np.full((20, 50), shade, np.uint8) for shade in (0, 9)]
    >>> count_training_images(describe_training(images[:1], ["AB"]), images)
    1
    """
    try:
        content = b64decode(manifest["training_images"], validate=True)
    except (KeyError, TypeError, ValueError):
        return None
    known = {content[i : i + _DIGEST_SIZE] for i in range(0, len(content), _DIGEST_SIZE)}
    return sum(_short(pixel_digest(image)) in known for image in images)


def _short(digest: str) -> bytes:
    # Of a million million images that differ, one has the same.
    return bytes.fromhex(digest)[:_DIGEST_SIZE]


def _counted(numbers: dict[int, int]) -> dict[str, int]:
    # The keys of JSON are strings.
    return {str(length): numbers[length] for length in sorted(numbers)}
