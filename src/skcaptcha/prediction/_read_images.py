"""What the commands do with many images, of which some may be unusable."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TypeVar

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from skcaptcha._display.progress import progress
from skcaptcha.exceptions import SegmentationError, SkcaptchaError
from skcaptcha.images._process_each import Process, process_each
from skcaptcha.prediction._ordered_batches import Workers, in_order, processes, this_process
from skcaptcha.read import Reading, read_captchas
from skcaptcha.read._reading import PackedReadings

if TYPE_CHECKING:
    from distributed import Client

_logger = logging.getLogger(__name__)

_BATCH = 256

_Result = TypeVar("_Result")
_Packed = tuple[PackedReadings, dict[int, SkcaptchaError]]


def read_all(
    model: Pipeline,
    sources: Sequence[Any],
    *,
    n_jobs: int = 1,
    client: Client | None = None,
    show_progress: bool = False,
) -> Iterator[Reading | SkcaptchaError]:
    """Read captchas in batches; one that cannot be read does not stop the others.

    Parameters
    ----------
    model : Pipeline
        Fitted.
    sources : sequence of n paths, or whatever else an ImageDecoder takes
    n_jobs, client, show_progress
        See `read_batches`.

    Yields
    ------
    result : Reading or SkcaptchaError
        What was read, or why it was not.
    """
    batches = read_batches(
        model,
        in_batches(sources),
        n_jobs=n_jobs,
        client=client,
        total=len(sources),
        show_progress=show_progress,
    )
    with closing(batches):
        for _, results in batches:
            yield from results


def read_batches(
    model: Pipeline,
    batches: Iterable[Sequence[Any]],
    *,
    n_jobs: int = 1,
    client: Client | None = None,
    total: int | None = None,
    show_progress: bool = False,
) -> Generator[tuple[Sequence[Any], list[Reading | SkcaptchaError]], None, None]:
    """Read batches of captchas as they come, and hold but a few of them at a time.

    Parameters
    ----------
    model : Pipeline
        Fitted.
    batches : iterable of sequences of paths, or whatever else an ImageDecoder takes
    n_jobs : int, default=1
        Processes among which batches are shared out, as everywhere in joblib.
    client : distributed.Client, optional
        Of the cluster that reads instead; only paths can then be read.
    total : int, optional
        How many captchas there are, if that is known.
    show_progress : bool, default=False

    Yields
    ------
    batch : sequence of sources
    results : list of Reading or SkcaptchaError
        What was read in each, or why it was not.
    """
    batches = iter(batches)
    n = joblib.effective_n_jobs(n_jobs)
    first = list(islice(batches, max(n, 2)))
    n = min(n, len(first))
    workers: AbstractContextManager[Workers]
    if client is not None:
        from skcaptcha.prediction._cluster_workers import cluster  # noqa: PLC0415 - most do without one

        workers = cluster(_read_and_pack, model, client)
    elif n > 1:
        workers = processes(_read_and_pack, model, n)
    else:
        workers = nullcontext(this_process(_read, model))
    _logger.info(
        "reading, by %s", "a cluster" if client else f"{n} processes" if n > 1 else "one process"
    )
    with (
        progress("reading", total, show=show_progress and len(first) > 1) as advance,
        workers as ready,
    ):
        for k, (batch, results) in enumerate(in_order(chain(first, batches), ready), start=1):
            _logger.debug("batch %d: %d images read", k, len(batch))
            yield batch, results if isinstance(results, list) else _unpacked(results)
            advance(len(batch))


def in_batches(sources: Iterable[Any]) -> Iterator[list[Any]]:
    """Join sources to batches of the size that is read at once.

    Parameters
    ----------
    sources : iterable

    Returns
    -------
    batches : iterator of lists
    """
    sources = iter(sources)
    return iter(lambda: list(islice(sources, _BATCH)), [])


def cut_all(
    cutter: Pipeline, sources: Sequence[Any], *, show_progress: bool = False
) -> Iterator[np.ndarray | SkcaptchaError]:
    """Cut captchas in batches; one that cannot be cut does not stop the others.

    Parameters
    ----------
    cutter : Pipeline
        Fitted; its last step is a features step.
    sources : sequence of n paths, or whatever else an ImageDecoder takes

    Yields
    ------
    result : ndarray of shape (k, h, w), dtype uint8, or SkcaptchaError
        The captcha's crops, or why there are none.
    """
    return _each(cutter, sources, _cut, "cutting", show_progress)


def undecodable(
    model: Pipeline, sources: Sequence[Any], *, show_progress: bool = False
) -> dict[int, SkcaptchaError]:
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
    results = enumerate(_each(model, sources, _nothing, "decoding", show_progress))
    return {i: result for i, result in results if isinstance(result, SkcaptchaError)}


def decoded(
    model: Pipeline, sources: Sequence[Any], *, show_progress: bool = False
) -> Iterator[np.ndarray]:
    """Decode the images that can be decoded.

    Parameters
    ----------
    model : Pipeline
        Its ImageDecoder decodes.
    sources : sequence of n paths, or whatever else an ImageDecoder takes

    Yields
    ------
    image : ndarray of shape (h, w) or (h, w, 3), dtype uint8
    """
    for image in _each(model, sources, _themselves, "looking for training captchas", show_progress):
        if not isinstance(image, SkcaptchaError):
            yield image


def unusable(
    steps: Pipeline, images: Sequence[Any], *, show_progress: bool = False
) -> dict[int, SkcaptchaError]:
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
    decoded = dict(
        enumerate(_each(steps, images, _themselves, "looking for the cause", show_progress))
    )
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


def _cut(cutter: Pipeline, images: list[np.ndarray]) -> list[np.ndarray]:
    segments = cutter[:-1].transform(images)
    return np.split(cutter[-1].crops(segments), segments.offsets[1:-1])


def _nothing(model: Pipeline, images: list[np.ndarray]) -> list[None]:
    return [None] * len(images)


def _themselves(model: Pipeline, images: list[np.ndarray]) -> list[np.ndarray]:
    return images


def _each(
    model: Pipeline, sources: Sequence[Any], process: Process[_Result], title: str, show: bool
) -> Iterator[_Result | SkcaptchaError]:
    with progress(title, len(sources), show=show and len(sources) > _BATCH) as advance:
        for batch in in_batches(sources):
            yield from process_each(model, batch, process)
            advance(len(batch))


def _read(model: Pipeline, batch: Sequence[Any]) -> list[Reading | SkcaptchaError]:
    return process_each(model, batch, read_captchas)


def _read_and_pack(model: Pipeline, batch: Sequence[Any]) -> _Packed:
    results = _read(model, batch)
    errors = {i: result for i, result in enumerate(results) if isinstance(result, SkcaptchaError)}
    return PackedReadings([r for r in results if isinstance(r, Reading)]), errors


def _unpacked(packed: _Packed) -> list[Reading | SkcaptchaError]:
    readings, errors = packed
    results: list[Reading | SkcaptchaError] = [*readings.unpack()]
    for i, error in errors.items():  # which ascend
        results.insert(i, error)
    return results
