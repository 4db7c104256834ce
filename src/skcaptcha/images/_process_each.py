"""Processing many images, some of which may be unusable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from sklearn.pipeline import Pipeline

from skcaptcha.exceptions import ImageError, SkcaptchaError, release_frames
from skcaptcha.images._decoder import ImageDecoder

# Maximum number of pixels decoded at a time; a batch of captchas seldom has as many.
_PIXELS_AT_ONCE = 2**22

Result = TypeVar("Result")
Process = Callable[[Pipeline, list[np.ndarray]], Sequence[Result]]


def process_each(
    model: Pipeline, sources: Sequence[Any], process: Process[Result]
) -> list[Result | SkcaptchaError]:
    """Decode and process images; return the error of each image that cannot be used.

    `process` takes the model and a list of decoded images, and returns a result for each. The
    model's ImageDecoder decodes the sources.
    """
    found = (step for _, step in model.steps if isinstance(step, ImageDecoder))
    decoder = next(found, ImageDecoder())
    results: list[Result | SkcaptchaError] = []
    while len(results) < len(sources):
        decoded = _decode_some(decoder, sources, len(results))
        images = [image for image in decoded if isinstance(image, np.ndarray)]
        processed = iter(process_decoded(model, images, process))
        results += [next(processed) if isinstance(d, np.ndarray) else d for d in decoded]
    return results


def process_decoded(
    model: Pipeline, images: list[np.ndarray], process: Process[Result]
) -> list[Result | SkcaptchaError]:
    """Process decoded images; return the error of each image that cannot be used.

    If that fails, each half is processed, until only failing images are left.
    """
    if not images:
        return []
    try:
        return list(process(model, images))
    except (SkcaptchaError, MemoryError) as error:
        if len(images) == 1:
            height, width = images[0].shape[:2]
            too_large = ImageError(
                "image 0", f"there is not enough memory for {width} x {height} pixels"
            )
            return [too_large if isinstance(error, MemoryError) else release_frames(error)]
        middle = len(images) // 2
        halves = images[:middle], images[middle:]
        return [result for half in halves for result in process_decoded(model, half, process)]


def _decode_some(
    decoder: ImageDecoder, sources: Sequence[Any], first: int
) -> list[np.ndarray | SkcaptchaError]:
    """Decode the sources from `first` on until they have `_PIXELS_AT_ONCE` pixels."""
    decoded: list[np.ndarray | SkcaptchaError] = []
    n_pixels = 0
    for source in sources[first:]:
        try:
            (image,) = decoder.transform([source])
        except SkcaptchaError as error:
            decoded.append(release_frames(error))
            continue
        decoded.append(image)
        n_pixels += image.shape[0] * image.shape[1]
        if n_pixels >= _PIXELS_AT_ONCE:
            break
    return decoded
