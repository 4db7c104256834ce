"""Readings of any number of images as a table that an interrupted run can resume."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import joblib

from skcaptcha.base import Model
from skcaptcha.exceptions import SkcaptchaError, WorkerError
from skcaptcha.prediction._read_images import read_batches
from skcaptcha.prediction._table import Format, Table, open_table

if TYPE_CHECKING:
    from distributed import Client

    from skcaptcha.prediction._table_settings import Settings
    from skcaptcha.read import Reading

_COLUMNS = ("filename", "text", "confidence")


@dataclass(frozen=True)
class WrittenReadings:
    """Numbers of images that `write_readings` has processed.

    Attributes
    ----------
    n_read : int
        Number of images that were read.
    n_failed : int
        Number of images that cannot be read. They have no row, and are tried again when the table
        is resumed.
    n_skipped : int
        Number of images that were not read again, because they were in the table already.
    """

    n_read: int
    n_failed: int
    n_skipped: int


def write_readings(
    model: Model,
    images: Iterable[str | os.PathLike[str]],
    file: str | os.PathLike[str],
    *,
    format: Format = "csv",  # noqa: A002 - as in pandas and in save
    resume: bool = False,
    min_confidence: float | None = None,
    require_text: bool = False,
    settings: Settings | None = None,
    on_result: Callable[[Any, Reading | SkcaptchaError], object] | None = None,
    n_jobs: int | None = None,
    client: Client | None = None,
    verbose: int = 0,
) -> WrittenReadings:
    """Read any number of images and write a table of file name, text and confidence.

    The file is complete or absent: rows are collected in a file next to it, with ``.part`` after
    its name, which takes its place when all images are read. If the call is interrupted, or the
    process is killed, the rows stay there, and a call with ``resume=True`` reads the other images.
    Rows are in the order of `images`, and memory does not grow with their number.

    Parameters
    ----------
    model : Pipeline, or fitted search over one
        Fitted model; its last step is a reader.
    images : iterable of str or path-like
        Paths of image files, such as `find_images` returns.
    file : str or path-like
        File to write. A pipe or a device receives the rows as they are read.
    format : {"csv", "parquet"}, default="csv"
        Format of the file. Confidences have four digits in CSV, and full precision in Parquet,
        which needs pyarrow.
    resume : bool, default=False
        Whether to keep the rows of an interrupted call or, if there are none, those of `file`, and
        to read only the images that have no row.
    min_confidence : float, default=None
        Minimum confidence. The text of less confident readings is left empty, and a column
        ``reason`` explains why. If None, all texts are written.
    require_text : bool, default=False
        Whether an empty reading is an error, as it is if no text fits the ``charset`` and
        ``length`` of the reader.
    settings : mapping of str to str, int, float or None, default=None
        Settings that the readings depend on. They are stored next to the unfinished table, which
        can only be resumed with the same settings. If None, a hash of the model and
        `min_confidence`.
    on_result : callable, default=None
        Function of an image and its reading or error, called after its row was written.
    n_jobs, client, verbose
        See `read_images`.

    Returns
    -------
    written : WrittenReadings
        Numbers of images that were read, that failed, and that were skipped.

    Raises
    ------
    SkcaptchaError
        If an interrupted call left rows and `resume` is False, if these rows were read with another
        model, if another process is writing to the same table, or if the disk is full.
    WorkerError
        If a worker process is killed, or the cluster cannot continue. Rows are kept.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skcaptcha import load_recipe
    >>> from skcaptcha.datasets import make_line_captchas, write_captchas
    >>> from skcaptcha.prediction import find_images, write_readings
    >>> X, y = make_line_captchas(40, random_state=0)
    >>> model = load_recipe("grid").pipeline().fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_captchas(folder, X, y)
    ...     table = Path(folder, "readings.csv")
    ...     first = write_readings(model, find_images(folder), table)
    ...     again = write_readings(model, find_images(folder), table, resume=True)
    >>> first
    WrittenReadings(n_read=40, n_failed=0, n_skipped=0)
    >>> again
    WrittenReadings(n_read=0, n_failed=0, n_skipped=40)
    """
    if settings is None:
        settings = {"model": joblib.hash(model), "min_confidence": min_confidence}
    n_read = n_failed = 0
    columns = _COLUMNS if min_confidence is None else (*_COLUMNS, "reason")
    opened = open_table(file, columns, format=format, resume=resume, settings=settings)
    table: Table | None = None
    try:
        with opened as table:
            reading = read_batches(
                model,
                table.skip_done(images),
                require_text=require_text,
                n_jobs=n_jobs,
                client=client,
                verbose=verbose,
            )
            with closing(reading):
                for batch, results in reading:
                    rows = [
                        table_row(image, result, min_confidence, exact=format == "parquet")
                        for image, result in zip(batch, results, strict=True)
                        if not isinstance(result, SkcaptchaError)
                    ]
                    table.write(rows)
                    n_read += len(rows)
                    n_failed += len(batch) - len(rows)
                    if on_result is not None:
                        for image, result in zip(batch, results, strict=True):
                            on_result(image, result)
    except (KeyboardInterrupt, WorkerError) as stop:
        if table is None or not table.is_unfinished:
            raise
        raise type(stop)(
            f"{str(stop) or 'interrupted'}; {table.n_rows} images are in {table.path}, resume with "
            "--resume (resume=True)"
        ) from stop.__cause__
    return WrittenReadings(n_read, n_failed, table.n_skipped)


def table_row(
    image: Any, reading: Reading, min_confidence: float | None = None, *, exact: bool = False
) -> list[Any]:
    """Return the row that `write_readings` writes for a reading.

    Parameters
    ----------
    image : path-like
        Path of the image.
    reading : Reading
        Reading of the image.
    min_confidence : float, default=None
        Minimum confidence. If it is given, the row has a fourth column: why the text is left
        empty, or "".
    exact : bool, default=False
        Whether the confidence is a number instead of text with four digits.

    Returns
    -------
    row : list
        File name, text or answer, confidence, and with `min_confidence` the reason.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.prediction import table_row
    >>> from skcaptcha.read import Reading
    >>> reading = Reading("AB", 0.75, np.zeros((2, 4), int), np.ones(2), ())
    >>> table_row("1.png", reading)
    ['1.png', 'AB', '0.7500']
    >>> table_row("1.png", reading, min_confidence=0.9)
    ['1.png', '', '0.7500', 'its confidence is 0.7500, below 0.9']
    """
    confidence = reading.confidence if exact else f"{reading.confidence:.4f}"
    text = reading.text if reading.answer is None else reading.answer
    row = [str(image), text, confidence]
    if min_confidence is None:
        return row
    reason = ""
    if reading.confidence < min_confidence:
        row[1] = ""
        reason = f"its confidence is {reading.confidence:.4f}, below {min_confidence}"
        if reading.out_of_distribution:
            reason += ", because the image is unlike the training images"
    return [*row, reason]
