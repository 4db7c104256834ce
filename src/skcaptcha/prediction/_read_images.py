"""Readings of any number of images, in bounded memory."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Iterable, Iterator, Sequence, Sized
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TypeVar

import joblib
import numpy as np
from sklearn.pipeline import Pipeline

from skcaptcha._display.progress import progress
from skcaptcha.base import Model, pipeline_of
from skcaptcha.exceptions import ReadingError, SkcaptchaError
from skcaptcha.images._process_each import Process, process_each
from skcaptcha.prediction._local_workers import Workers, map_in_order, processes, this_process
from skcaptcha.read import Reading, read_captchas
from skcaptcha.read._base import reader_of_strings
from skcaptcha.read._reading import PackedReadings

if TYPE_CHECKING:
    from distributed import Client

_logger = logging.getLogger(__name__)

_BATCH_SIZE = 256
_SECONDS_OF_BATCH = 1.0

_Image = TypeVar("_Image")
_Result = TypeVar("_Result")
_Packed = tuple[PackedReadings, dict[int, SkcaptchaError]]


def read_images(
    model: Model,
    images: Iterable[_Image],
    *,
    require_text: bool = False,
    n_jobs: int | None = None,
    client: Client | None = None,
    verbose: int = 0,
) -> Generator[tuple[_Image, Reading | SkcaptchaError], None, None]:
    """Read any number of images, one after another, in bounded memory.

    Images are taken from the iterable while they are read, in batches of 256. If they arrive
    slowly, as from a live stream, a batch ends with the first image that arrives after a second. An
    image that cannot be read does not stop the others: its error is returned instead of a reading.

    Parameters
    ----------
    model : Pipeline, or fitted search over one
        Fitted model; its last step is a reader.
    images : iterable of paths, bytes or arrays
        Images, each of a type that `skcaptcha.images.ImageDecoder` accepts.
    require_text : bool, default=False
        Whether an empty reading is an error, as it is if no text fits the ``charset`` and
        ``length`` of the reader.
    n_jobs : int, default=None
        Number of processes, as in joblib: None is one, -1 is one per core. The results are the same
        for each number.
    client : distributed.Client, default=None
        Client of a Dask cluster that reads the images instead, see `connect_to_cluster`. Images are
        then paths that the workers can open.
    verbose : int, default=0
        1 shows progress on standard error if there is more than one batch.

    Yields
    ------
    image : path, bytes or array
        Image, as given, in the order of `images`.
    result : Reading or SkcaptchaError
        Reading of the image, or the reason why it cannot be read.

    Raises
    ------
    WorkerError
        If a worker process is killed, or the cluster cannot continue.

    See Also
    --------
    skcaptcha.read_captchas : Read a batch of images that are all known to be good.
    write_readings : Write the readings to a file.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha import load_recipe
    >>> from skcaptcha.datasets import make_line_captchas
    >>> from skcaptcha.prediction import read_images
    >>> X, y = make_line_captchas(40, random_state=0)
    >>> model = load_recipe("grid").pipeline().fit(X, y)
    >>> for image, result in read_images(model, [X[0], b"not an image"]):
    ...     print(getattr(result, "text", result) == y[0], type(result).__name__)
    True Reading
    False ImageError
    """
    batches = read_batches(
        model, images, require_text=require_text, n_jobs=n_jobs, client=client, verbose=verbose
    )
    with closing(batches):
        for batch, results in batches:
            yield from zip(batch, results, strict=True)


def read_batches(
    model: Model,
    images: Iterable[Any],
    *,
    require_text: bool,
    n_jobs: int | None,
    client: Client | None,
    verbose: int,
) -> Generator[tuple[list[Any], list[Reading | SkcaptchaError]], None, None]:
    """Yield what `read_images` yields, in batches."""
    model = pipeline_of(model)
    total = len(images) if isinstance(images, Sized) else None
    batches = _batches(images)
    n = joblib.effective_n_jobs(n_jobs)
    # One process needs no other batch, which a live stream may not have for a while.
    first = list(islice(batches, n)) if n > 1 else []
    n = max(1, min(n, len(first)))
    pack = partial(_read_and_pack, require_text=require_text)
    workers: AbstractContextManager[Workers]
    if client is not None:
        from skcaptcha.prediction._cluster_workers import cluster_workers  # noqa: PLC0415 - optional

        workers = nullcontext(cluster_workers(pack, model, client))
    elif n > 1:
        workers = processes(pack, model, n)
    else:
        workers = nullcontext(this_process(partial(_read, require_text=require_text), model))
    _logger.info(
        "reading with %s", "a cluster" if client else f"{n} processes" if n > 1 else "one process"
    )
    n_read = 0
    with ExitStack() as shown, workers as ready:
        advance = shown.enter_context(progress("reading", total, show=False))

        def watched() -> Iterator[list[Any]]:
            nonlocal advance
            for k, batch in enumerate(chain(first, batches)):
                if k == 1:  # one batch alone needs no bar
                    advance = shown.enter_context(progress("reading", total, show=verbose > 0))
                    advance(n_read)
                yield batch

        for k, (batch, results) in enumerate(map_in_order(ready, watched()), start=1):
            _logger.debug("batch %d: %d images read", k, len(batch))
            yield batch, results if isinstance(results, list) else _unpacked(results)
            n_read += len(batch)
            advance(len(batch))


def process_images(
    model: Pipeline,
    images: Sequence[Any],
    process: Process[_Result],
    *,
    title: str,
    verbose: int = 0,
) -> Iterator[_Result | SkcaptchaError]:
    """Yield the result of a function for each image, or the reason why there is none.

    `process` is a function of the model and a list of decoded images; the ImageDecoder of the model
    sets the limits. `title` is the name of the progress bar.
    """
    with progress(title, len(images), show=verbose > 0 and len(images) > _BATCH_SIZE) as advance:
        for batch in _batches(images):
            yield from process_each(model, batch, process)
            advance(len(batch))


def decoded_images(model: Pipeline, images: list[np.ndarray]) -> list[np.ndarray]:
    """Return the decoded images themselves, for `process_images`."""
    return images


def _batches(images: Iterable[Any]) -> Iterator[list[Any]]:
    batch: list[Any] = []
    for image in images:
        if not batch:
            began = time.monotonic()
        batch.append(image)
        if len(batch) == _BATCH_SIZE or time.monotonic() - began >= _SECONDS_OF_BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _read(
    model: Pipeline, batch: Sequence[Any], *, require_text: bool
) -> list[Reading | SkcaptchaError]:
    results = process_each(model, batch, read_captchas)
    if require_text:
        names = ("charset", "length")
        reader = reader_of_strings(model[-1])
        limits = " and ".join(n for n in names if getattr(reader, n, None) is not None)
        error = ReadingError(f"no text{limits and f' with this {limits}'} fits the image")
        return [result if getattr(result, "text", True) else error for result in results]
    return results


def _read_and_pack(model: Pipeline, batch: Sequence[Any], *, require_text: bool) -> _Packed:
    results = _read(model, batch, require_text=require_text)
    errors = {i: result for i, result in enumerate(results) if isinstance(result, SkcaptchaError)}
    return PackedReadings([r for r in results if isinstance(r, Reading)]), errors


def _unpacked(packed: _Packed) -> list[Reading | SkcaptchaError]:
    readings, errors = packed
    results: list[Reading | SkcaptchaError] = [*readings.unpack()]
    for i, error in errors.items():  # in ascending order
        results.insert(i, error)
    return results
