"""Excluding the captchas that cannot be used for training."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils import Bunch

from skcaptcha._display.progress import progress
from skcaptcha.exceptions import (
    FitWarning,
    ImageError,
    SegmentationError,
    SkcaptchaError,
    reason_of,
)
from skcaptcha.images import ImageBatch, ImageDecoder, find_duplicates
from skcaptcha.prediction._read_images import decoded_images, process_images

_logger = logging.getLogger(__name__)

_MANY = 256  # images, whose decoding takes long enough to show progress

Failures = list[dict[str, str]]


def exclude_unusable_images(
    captchas: Bunch, decoder: ImageDecoder | None = None, *, verbose: int = 0
) -> tuple[Bunch, Failures]:
    """Exclude files that are not images, and images with fewer columns than label characters.

    Parameters
    ----------
    captchas : Bunch
        Labeled captchas, as `skcaptcha.datasets.load_captchas` returns them.
    decoder : ImageDecoder, optional
        Decoder whose limits apply; by default one with the default limits.
    verbose : int, default=0
        1 shows progress on standard error if there are more than 256 images.

    Returns
    -------
    usable : Bunch
        The other captchas. Their ``data`` is an `skcaptcha.images.ImageBatch`, so that no image is
        decoded again.
    excluded : list of dict
        ``filename`` and ``reason`` of each excluded captcha. Each is also logged.

    Raises
    ------
    SkcaptchaError
        If no captcha is left.

    Warns
    -----
    FitWarning
        If images are duplicates of others, or animations of which only one frame is used.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.utils import Bunch
    >>> from skcaptcha.fitting import exclude_unusable_images
    >>> captchas = Bunch(data=[np.zeros((9, 9), np.uint8), b"text"], target=["AB", "CD"])
    >>> usable, excluded = exclude_unusable_images(captchas)
    >>> usable.target, [failure["filename"] for failure in excluded]
    (['AB'], ['1'])
    """
    decoder = ImageDecoder() if decoder is None else decoder
    n = len(captchas.data)
    with progress("decoding", n, show=verbose > 0 and n > _MANY) as advance:
        batch = decode_captchas(captchas, decoder, advance)
    _warn_of_duplicates(batch, names_of(captchas))
    if decoder.frames == 1:
        _warn_of_animations(batch)
    errors: dict[int, SkcaptchaError] = dict(batch.errors)
    for i, (image, label) in enumerate(zip(batch, captchas.target, strict=True)):
        width, height = image.size
        if not image.error and width < len(label):
            problem = f"{width} x {height} pixels are too few for {len(label)} characters"
            errors[i] = ImageError(f"image {i}", problem)
    decoded = type(captchas)(**{**captchas, "data": batch})
    usable, excluded = _exclude(decoded, dict(sorted(errors.items())))
    if len(errors) == n:
        raise SkcaptchaError(f"none of the {n} training images can be used")
    return usable, excluded


def decode_captchas(
    captchas: Bunch, decoder: ImageDecoder, advance: Callable[[int], None] = lambda n: None
) -> ImageBatch:
    """Decode the images of captchas once, within the limits of a decoder."""

    def sources() -> Iterator[Any]:
        for source in captchas.data:
            yield source
            advance(1)

    limits = {"max_bytes": decoder.max_bytes, "max_pixels": decoder.max_pixels}
    return ImageBatch(sources(), **limits)


def _warn_of_duplicates(batch: ImageBatch, names: Sequence[Any]) -> None:
    duplicates = [(i, k) for i, k in enumerate(find_duplicates(batch).tolist()) if i != k]
    if duplicates:
        i, k = duplicates[0]
        are = "is a duplicate of another" if len(duplicates) == 1 else "are duplicates of others"
        warnings.warn(
            f"{len(duplicates)} of {len(names)} images {are} ({names[i]} of {names[k]}); no model "
            "is evaluated on a duplicate of its training images",
            FitWarning,
            stacklevel=3,
        )


def _warn_of_animations(batch: ImageBatch) -> None:
    n = sum(image.animated for image in batch)
    if n:
        of_which = "is an animation, of which" if n == 1 else "are animations, of which"
        warnings.warn(
            f"{n} of {len(batch)} images {of_which} only the first frame is used; if others show "
            "more, fit a recipe with --set steps.images.frames=N, which merges N frames",
            FitWarning,
            stacklevel=3,
        )


def warn_of_known_held_out(train: Bunch, test: Bunch) -> None:
    """Warn if held-out images are duplicates of training images."""
    groups = find_duplicates([*train.data, *test.data])
    n = len(train.data)
    known = {int(group) for group in groups[:n]}
    n_known = sum(int(group) in known for group in groups[n:])
    if n_known:
        are = "is a duplicate" if n_known == 1 else "are duplicates"
        warnings.warn(
            f"{n_known} of the {len(test.data)} held-out images {are} of training images, which "
            "makes the held-out accuracy too high; use other ranges for data.train and data.test",
            FitWarning,
            stacklevel=3,
        )


def exclude_unsegmentable(
    error: SkcaptchaError, steps: Pipeline, captchas: Bunch
) -> tuple[Bunch, Failures]:
    """Exclude the captchas because of which a fit raised `error`.

    `steps` are the unfitted steps before the reader. `error` is raised again if no captcha is the
    cause; another one if more than half of them are, because then the recipe is at fault.
    """
    n = len(captchas.data)
    errors = _find_unusable(steps, captchas.data)
    if not errors:
        raise error
    if 2 * len(errors) > n:
        # The error of the fit only has the number of the image.
        first, reason = next(iter(errors.items()))
        raise SkcaptchaError(
            f"{names_of(captchas)[first]}: {reason_of(reason)}; {len(errors)} of {n} training "
            "images cannot be used"
        ) from error
    return _exclude(captchas, errors)


def _find_unusable(steps: Pipeline, images: Sequence[Any]) -> dict[int, SkcaptchaError]:
    """Return the errors of the images that stop the steps from being fitted, by index."""
    decoded = dict(enumerate(process_images(steps, images, decoded_images, title="decoding")))
    errors: dict[int, SkcaptchaError] = {}
    while len(errors) < len(decoded):
        rest = [i for i in decoded if i not in errors]
        try:
            clone(steps).fit([decoded[i] for i in rest])
            break
        except SegmentationError as error:
            if error.index is None:
                break
            errors[rest[error.index]] = SegmentationError(error.reason)
    return errors


def failures_of(captchas: Bunch, results: Mapping[int, Any]) -> Failures:
    """Return the names and the reasons of the captchas whose result is an error, and log them."""
    names = names_of(captchas)
    failures = [
        {"filename": str(names[i]), "reason": reason_of(result)}
        for i, result in results.items()
        if isinstance(result, SkcaptchaError)
    ]
    for failure in failures:
        _logger.error("%(filename)s: %(reason)s", failure)
    return failures


def names_of(captchas: Bunch) -> Sequence[Any]:
    """Return the file names of captchas, or their numbers if they have none."""
    names: Sequence[Any] = captchas.get("filenames", range(len(captchas.data)))
    return names


def _exclude(captchas: Bunch, errors: Mapping[int, SkcaptchaError]) -> tuple[Bunch, Failures]:
    rest = [i for i in range(len(captchas.data)) if i not in errors]
    usable = type(captchas)(
        **{
            key: values
            if isinstance(values, bool)
            else values.take(rest)
            if isinstance(values, ImageBatch)
            else [values[i] for i in rest]
            for key, values in captchas.items()
        }
    )
    return usable, failures_of(captchas, errors)
