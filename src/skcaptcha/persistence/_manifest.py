"""The manifest of a model: its characters and its training captchas."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from skcaptcha.images import ImageBatch, ImageDecoder
from skcaptcha.images._batch import pixel_digest
from skcaptcha.read._base import folds_case, reader_of_strings

_MAX_SIZES = 20
_DIGEST_SIZE = 5  # bytes; two different images in a million million share one
PSEUDO_LABELED = "pseudo_labeled_images"
"""Key of the manifest for images without a label that taught, as ``training_images``."""


def describe_model(model: Pipeline) -> dict[str, Any]:
    """Return the characters of a fitted pipeline, and its label lengths if they are counted.

    ``fold_case`` is only present if its reader folds upper and lower case.
    """
    about: dict[str, Any] = {"characters": "".join(getattr(model[-1], "classes_", []))}
    if folds_case(model[-1]):
        about["fold_case"] = True
    if isinstance(lengths := getattr(reader_of_strings(model[-1]), "lengths_", None), dict):
        about["lengths"] = _with_text_keys(lengths)
    return about


def describe_training(
    X: Iterable[Any], y: Sequence[str], decoder: ImageDecoder | None = None
) -> dict[str, Any]:
    """Describe the training captchas of a model for its manifest.

    Parameters
    ----------
    X : iterable of n captchas
        Paths, bytes, PIL images or arrays.
    y : sequence of n str
        Their labels.
    decoder : ImageDecoder, default=None
        Decoder of the model, whose limits for files and images apply.

    Returns
    -------
    about : dict
        ``n_train``: number of captchas. ``lengths``: number of labels of each length.
        ``image_sizes``: number of images of each size, in pixels; missing for more than 20 sizes.
        ``image_widths``, ``image_heights``: minimum and maximum. ``training_sha256``: hash of all
        labels, and of the shapes and pixels of all images, in their order. ``training_images``:
        the first five bytes of each image's SHA-256, in base64, to recognize training images.

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
    about: dict[str, Any] = {
        "n_train": len(y),
        "lengths": _with_text_keys(Counter(map(len, y))),
    }
    if len(sizes) <= _MAX_SIZES:
        about["image_sizes"] = {f"{w} x {h}": n for (w, h), n in sorted(sizes.items())}
    if sizes:
        about["image_widths"], about["image_heights"] = (
            [min(values), max(values)] for values in zip(*sizes, strict=True)
        )
    about["training_sha256"] = everything.hexdigest()
    about["training_images"] = encode_digests(batch, decoder)
    return about


def encode_digests(batch: ImageBatch, decoder: ImageDecoder) -> str:
    """Return the first five bytes of each image's SHA-256 in base64."""
    # Those of the pixels that the model gets.
    digests = [
        pixel_digest(decoder.transform([image])[0])
        if decoder.gray or image.animated
        else image.digest
        for image in batch
    ]
    return b64encode(b"".join(map(_short, digests))).decode()


def count_training_images(
    manifest: Mapping[str, Any], images: Iterable[NDArray[np.uint8]]
) -> int | None:
    """Count the images with the same pixels as one of the model's training images.

    Images without a label that taught are training images too. They have to be decoded like the
    training images. None if the manifest does not contain ``training_images``.
    """
    known = training_digests(manifest)
    if known is None:
        return None
    known |= training_digests(manifest, PSEUDO_LABELED) or set()
    return sum(is_among(known, image) for image in images)


def training_digests(
    manifest: Mapping[str, Any], key: str = "training_images"
) -> set[bytes] | None:
    """Return digests of a model's training images; None if the manifest does not contain them."""
    try:
        content = b64decode(manifest[key], validate=True)
    except (KeyError, TypeError, ValueError):
        return None
    return {content[i : i + _DIGEST_SIZE] for i in range(0, len(content), _DIGEST_SIZE)}


def is_among(digests: Collection[bytes], image: NDArray[np.uint8]) -> bool:
    """Return whether an image, decoded like the training images, has one of their digests."""
    return _short(pixel_digest(image)) in digests


def _short(digest: str) -> bytes:
    return bytes.fromhex(digest)[:_DIGEST_SIZE]


def _with_text_keys(numbers: dict[int, int]) -> dict[str, int]:
    return {str(length): numbers[length] for length in sorted(numbers)}
