"""What the commands do with many images, of which some may be unusable."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import cv2
import joblib
import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from skcaptcha.cli._console import progress
from skcaptcha.cli._workers import start_workers
from skcaptcha.errors import ImageError, SegmentationError, SkcaptchaError
from skcaptcha.images import ImageDecoder
from skcaptcha.read import Reading, read_captchas
from skcaptcha.read._reading import PackedReadings

_BATCH = 256
# Of all images that are decoded at a time; a batch of captchas seldom has as many.
_PIXELS_AT_ONCE = 2**22

_Result = TypeVar("_Result")
_Process = Callable[[Pipeline, list[np.ndarray]], Sequence[_Result]]


def read_all(
    model: Pipeline, sources: Sequence[Any], *, n_jobs: int = 1, show_progress: bool = True
) -> Iterator[Reading | SkcaptchaError]:
    """Read captchas in batches; one that cannot be read does not stop the others.

    Parameters
    ----------
    model : Pipeline
        Fitted.
    sources : sequence of n paths, or whatever else an ImageDecoder takes
    n_jobs : int, default=1
        Processes among which batches are shared out, as everywhere in joblib.
    show_progress : bool, default=True

    Yields
    ------
    result : Reading or SkcaptchaError
        What was read, or why it was not.
    """
    return _each(model, sources, read_captchas, "reading", n_jobs, show_progress=show_progress)


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
    return _each(cutter, sources, _cut, "cutting")


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
    results = enumerate(_each(model, sources, _nothing, "decoding"))
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
    decoded = dict(enumerate(_each(steps, images, _themselves, "looking for the cause")))
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


def _cut(cutter: Pipeline, images: list[np.ndarray]) -> list[np.ndarray]:
    segments = cutter.transform(images)
    return np.split(segments.crops(), segments.offsets[1:-1])


def _nothing(model: Pipeline, images: list[np.ndarray]) -> list[None]:
    return [None] * len(images)


def _themselves(model: Pipeline, images: list[np.ndarray]) -> list[np.ndarray]:
    return images


def _each(
    model: Pipeline,
    sources: Sequence[Any],
    process: _Process[_Result],
    title: str,
    n_jobs: int = 1,
    *,
    show_progress: bool = True,
) -> Iterator[_Result | SkcaptchaError]:
    batches = [sources[first : first + _BATCH] for first in range(0, len(sources), _BATCH)]
    show = show_progress and len(batches) > 1
    with (
        progress(title, len(sources), show=show) as advance,
        _results(model, batches, process, n_jobs) as results,
    ):
        for batch, result in zip(batches, results, strict=True):
            yield from result
            advance(len(batch))


@contextmanager
def _results(
    model: Pipeline, batches: Sequence[Sequence[Any]], process: _Process[_Result], n_jobs: int
) -> Iterator[Iterable[list[_Result | SkcaptchaError]]]:
    """Process batches as they are asked for, or by other processes meanwhile."""
    n = min(joblib.effective_n_jobs(n_jobs), len(batches))
    if n <= 1:
        yield (_decode_and_process(model, batch, process) for batch in batches)
        return
    start_workers(n)
    # Windows does not remove a file that a process maps.
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        # Uncompressed, so that all processes map the same pages of it.
        path = os.path.join(folder, "model")
        joblib.dump(model, path)
        results = joblib.Parallel(n, return_as="generator", pre_dispatch="2 * n_jobs")(
            joblib.delayed(_in_a_process)(path, batch, process) for batch in batches
        )
        try:
            yield map(_unpacked, results)
        finally:
            # Nobody waits any more for what was cancelled.
            with warnings.catch_warnings(action="ignore"):
                results.close()


def _in_a_process(
    path: str, batch: Sequence[Any], process: _Process[_Result]
) -> list[_Result | SkcaptchaError] | tuple[PackedReadings, dict[int, SkcaptchaError]]:
    # There is a process for each core already.
    cv2.setNumThreads(1)
    results = _decode_and_process(_load_once(path), batch, process)
    errors = {i: result for i, result in enumerate(results) if isinstance(result, SkcaptchaError)}
    readings = [result for result in results if isinstance(result, Reading)]
    if len(readings) + len(errors) < len(results):
        return results
    return PackedReadings(readings), errors


def _unpacked(results: Any) -> list[Any]:
    if isinstance(results, list):
        return results
    packed, errors = results
    unpacked: list[Any] = packed.unpack()
    for i, error in errors.items():  # which ascend
        unpacked.insert(i, error)
    return unpacked


@lru_cache(maxsize=1)
def _load_once(path: str) -> Pipeline:
    return joblib.load(path, mmap_mode="r")


def _decode_and_process(
    model: Pipeline, batch: Sequence[Any], process: _Process[_Result]
) -> list[_Result | SkcaptchaError]:
    found = (step for _, step in model.steps if isinstance(step, ImageDecoder))
    decoder = next(found, ImageDecoder())
    results: list[_Result | SkcaptchaError] = []
    while len(results) < len(batch):
        decoded = _decode_some(decoder, batch, len(results))
        images = [image for image in decoded if isinstance(image, np.ndarray)]
        processed = iter(_process(model, images, process))
        results += [next(processed) if isinstance(d, np.ndarray) else d for d in decoded]
    return results


def _decode_some(
    decoder: ImageDecoder, batch: Sequence[Any], first: int
) -> list[np.ndarray | SkcaptchaError]:
    """Decode what comes next, until it is much for the memory."""
    decoded: list[np.ndarray | SkcaptchaError] = []
    n_pixels = 0
    for source in batch[first:]:
        image = _decode(decoder, source)
        decoded.append(image)
        if isinstance(image, np.ndarray):
            n_pixels += image.shape[0] * image.shape[1]
            if n_pixels >= _PIXELS_AT_ONCE:
                break
    return decoded


def _decode(decoder: ImageDecoder, source: Any) -> np.ndarray | SkcaptchaError:
    try:
        return decoder.transform([source])[0]
    except SkcaptchaError as error:
        return error


def _process(
    model: Pipeline, images: list[np.ndarray], process: _Process[_Result]
) -> list[_Result | SkcaptchaError]:
    """Process a batch; if that fails, process it in halves until the culprits stand alone."""
    if not images:
        return []
    try:
        return list(process(model, images))
    except (SkcaptchaError, MemoryError) as error:
        if len(images) == 1:
            height, width = images[0].shape[:2]
            too_large = ImageError(
                "image 0", f"{width} x {height} pixels are too many for the memory"
            )
            return [too_large if isinstance(error, MemoryError) else error]
        middle = len(images) // 2
        halves = images[:middle], images[middle:]
        return [result for half in halves for result in _process(model, half, process)]
