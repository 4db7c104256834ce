"""What the commands do with many images, of which some may be unusable."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from skcaptcha.cli._console import progress
from skcaptcha.errors import ImageError, SegmentationError, SkcaptchaError
from skcaptcha.images import ImageDecoder
from skcaptcha.read import Reading, read_captchas

_BATCH = 256

_Result = TypeVar("_Result")
_Process = Callable[[list[np.ndarray]], Sequence[_Result]]


def read_all(
    model: Pipeline, sources: Sequence[Any], *, show_progress: bool = True
) -> Iterator[Reading | SkcaptchaError]:
    """Read captchas in batches; one that cannot be read does not stop the others.

    Parameters
    ----------
    model : Pipeline
        Fitted.
    sources : sequence of n paths, or whatever else an ImageDecoder takes
    show_progress : bool, default=True

    Yields
    ------
    result : Reading or SkcaptchaError
        What was read, or why it was not.
    """
    return _each(
        model,
        sources,
        lambda images: read_captchas(model, images),
        "reading",
        show_progress=show_progress,
    )


def cut_all(cutter: Pipeline, sources: Sequence[Any]) -> Iterator[np.ndarray | SkcaptchaError]:
    """Cut captchas in batches; one that cannot be cut does not stop the others.

    Parameters
    ----------
    cutter : Pipeline
        Fitted; its last step is a segmenter.
    sources : sequence of n paths, or whatever else an ImageDecoder takes

    Yields
    ------
    result : ndarray of shape (k, h, w), dtype uint8, or SkcaptchaError
        The captcha's crops, or why there are none.
    """

    def cut(images: list[np.ndarray]) -> list[np.ndarray]:
        segments = cutter.transform(images)
        return np.split(segments.crops(), segments.offsets[1:-1])

    return _each(cutter, sources, cut, "cutting")


def undecodable(model: Pipeline, sources: Sequence[Any]) -> dict[int, SkcaptchaError]:
    """Find the sources that are no images.

    Parameters
    ----------
    model : Pipeline
        Its ImageDecoder sets the limits.
    sources : sequence of n paths, or whatever else an ImageDecoder takes

    Returns
    -------
    errors : dict of int to SkcaptchaError
        By index.
    """
    results = enumerate(_each(model, sources, lambda images: [None] * len(images), "decoding"))
    return {i: result for i, result in results if isinstance(result, SkcaptchaError)}


def unusable(steps: Pipeline, images: Sequence[Any]) -> dict[int, SkcaptchaError]:
    """Find the training images that stop steps from being fitted.

    Parameters
    ----------
    steps : Pipeline
        Not fitted: all steps of a model but its reader.
    images : sequence of n paths, or whatever else an ImageDecoder takes

    Returns
    -------
    errors : dict of int to SkcaptchaError
        By index.
    """
    decoded = dict(enumerate(_each(steps, images, list, "looking for the cause")))
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


def why(error: SkcaptchaError) -> str:
    """Give the reason of an error that is shown after the image's name.

    Parameters
    ----------
    error : SkcaptchaError
        Of one image alone.

    Returns
    -------
    reason : str

    Examples
    --------
    >>> from skcaptcha.cli._reading import why
    >>> from skcaptcha.errors import ImageError, SegmentationError
    >>> why(ImageError("a.png", "it is empty"))
    'it is empty'
    >>> why(SegmentationError("image 0: 3 columns are too few for 4 characters"))
    '3 columns are too few for 4 characters'
    """
    reason = error.reason if isinstance(error, ImageError) else str(error)
    return reason.removeprefix("image 0: ")


def _each(
    model: Pipeline,
    sources: Sequence[Any],
    process: _Process[_Result],
    title: str,
    *,
    show_progress: bool = True,
) -> Iterator[_Result | SkcaptchaError]:
    decoder = next((step for _, step in model.steps if isinstance(step, ImageDecoder)), None)
    show = show_progress and len(sources) > _BATCH
    with progress(title, len(sources), show=show) as advance:
        for first in range(0, len(sources), _BATCH):
            batch = sources[first : first + _BATCH]
            decoded = [_decode(decoder or ImageDecoder(), source) for source in batch]
            images = [image for image in decoded if isinstance(image, np.ndarray)]
            results = iter(_process(images, process))
            for image in decoded:
                yield next(results) if isinstance(image, np.ndarray) else image
            advance(len(batch))


def _decode(decoder: ImageDecoder, source: Any) -> np.ndarray | SkcaptchaError:
    try:
        return decoder.transform([source])[0]
    except SkcaptchaError as error:
        return error


def _process(
    images: list[np.ndarray], process: _Process[_Result]
) -> list[_Result | SkcaptchaError]:
    """Process a batch; if that fails, process it in halves until the culprits stand alone."""
    if not images:
        return []
    try:
        return list(process(images))
    except (SkcaptchaError, MemoryError) as error:
        if len(images) == 1:
            height, width = images[0].shape[:2]
            too_large = ImageError(
                "image 0", f"{width} x {height} pixels are too many for the memory"
            )
            return [too_large if isinstance(error, MemoryError) else error]
        middle = len(images) // 2
        return _process(images[:middle], process) + _process(images[middle:], process)
