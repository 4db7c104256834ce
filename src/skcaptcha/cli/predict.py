"""The command ``predict``."""

# ruff: noqa: PLC0415 - heavy imports are late, so that --help is fast

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skcaptcha.cli._app import EXIT_SOME_FAILED
from skcaptcha.cli._check_outputs import check_outputs, refuse_outputs
from skcaptcha.cli._console import note, say, shows_progress
from skcaptcha.cli._options import DEFAULT_MODEL, Jobs, Json, Model, Scheduler, Trust, within
from skcaptcha.cli._output import STDOUT, JsonList, write_json
from skcaptcha.exceptions import SkcaptchaError, reason_of

if TYPE_CHECKING:
    from skcaptcha.prediction import OutlierWatch
    from skcaptcha.read import Reading

_MAX_NAMED = 5
# Also the characters that some terminals and programs treat as the end of a line.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

EXAMPLE = "skcaptcha predict new/ 'more/**/*.png' --csv readings.csv --resume --jobs -1"


def predict(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="Images; folders, with all images in their subfolders; quoted patterns, such as "
            "'in/**/*.png'; or - for a list of paths on standard input.",
        ),
    ],
    *,
    model: Model = DEFAULT_MODEL,
    trust: Trust = False,
    csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write filename,text,confidence to a CSV file."),
    ] = None,
    parquet: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the same table as a Parquet file; needs skcaptcha[parquet].",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Keep the rows of an interrupted run, or else those of FILE, and read the other "
            "images; needs the same model and options.",
        ),
    ] = False,
    null: Annotated[
        bool,
        typer.Option(
            "--null",
            "-0",
            help="Paths on standard input end with a null character, as find -print0 writes.",
        ),
    ] = False,
    charset: Annotated[
        str | None,
        typer.Option(metavar="CHARACTERS", help="Read only these characters."),
    ] = None,
    length: Annotated[
        int | None,
        typer.Option(
            metavar="N", callback=within(1, 1000), help="Read only texts of N characters."
        ),
    ] = None,
    min_confidence: Annotated[
        float | None,
        typer.Option(
            metavar="P",
            callback=within(0, 1),
            help="Leave the text of less confident readings empty, with the reason in a fourth "
            "column.",
        ),
    ] = None,
    watch: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keep a JSON file up to date, for a monitor: how many of the last 1000 images are "
            "unlike the training images.",
        ),
    ] = None,
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    json: Json = None,
) -> None:
    """Read images: print path, text and confidence of each on one line, separated by tabs.

    Images that cannot be read are listed on standard error and have no row; the exit code is
    then 1. A file in a folder is named folder/name. Hidden files and folders, and folders that are
    links, are skipped. Memory does not grow with the number of images. If paths arrive slowly on
    standard input, they are read about once a second.

    The confidence is the probability that the text is correct. It is lowered for images that are
    unlike the training images; their number is printed at the end.

    Rows are collected in FILE.part, which replaces FILE at the end. If an interrupted run left such
    a file, use --resume, or delete it.
    """
    from skcaptcha.persistence import read_model
    from skcaptcha.prediction import (
        OutlierWatch,
        connect_to_cluster,
        find_images,
        input_paths,
        table_row,
        write_readings,
    )
    from skcaptcha.prediction._read_images import read_batches

    table = csv or parquet
    if resume and table is None:
        raise SkcaptchaError("--resume continues a table: add --csv FILE or --parquet FILE")
    if csv is not None and parquet is not None:
        raise SkcaptchaError("--csv and --parquet cannot be combined; use one of them")
    check_outputs(
        *([] if table is None else [Path(f"{table}.part"), Path(f"{table}.part.json")]),
        watch,
        csv=csv,
        parquet=parquet,
        json=json,
        reads=chain([model], input_paths(paths)),
        model=model,
    )
    loaded = read_model(model, trust=trust)
    outliers = None if watch is None else OutlierWatch(loaded.model, watch)
    constrained = _constrain(loaded.model, {"charset": charset, "length": length})
    prints = table is None and json != STDOUT
    n_skipped = 0
    with (
        JsonList() as captchas,
        JsonList() as failed,
        connect_to_cluster(scheduler) as client,
    ):
        listed = None if json is None else captchas
        results = _Results(failed, listed, min_confidence, outliers)
        options: dict[str, Any] = {
            "require_text": constrained,
            "n_jobs": jobs,
            "client": client,
            # A bar and the lines would mix on a terminal.
            "verbose": shows_progress() and not (prints and sys.stdout.isatty()),
        }
        images = find_images(paths, on_error=results.add_failure, null_separated=null)
        images = _at_least_one(refuse_outputs(images, table, json, watch))
        started = time.perf_counter()
        if table is not None:
            n_skipped = write_readings(
                loaded.model,
                images,
                table,
                format="csv" if parquet is None else "parquet",
                resume=resume,
                min_confidence=min_confidence,
                settings={
                    "model": loaded.sha256,
                    "--charset": charset,
                    "--length": length,
                    "--min-confidence": min_confidence,
                },
                on_result=results.add,
                **options,
            ).n_skipped
        else:
            with closing(read_batches(loaded.model, images, **options)) as batches:
                for batch, found in batches:
                    for image, result in zip(batch, found, strict=True):
                        results.add(image, result)
                        if prints and not isinstance(result, SkcaptchaError):
                            fields = table_row(image, result, min_confidence)
                            print(*map(_on_one_line, fields), sep="\t")
                    # The next images of a live stream may come late.
                    sys.stdout.flush()
        seconds = time.perf_counter() - started
        if outliers is not None:
            outliers.write()
        report = {
            "model": str(model),
            "n": results.n,
            "n_failed": len(failed),
            "n_already_read": n_skipped,
            "n_out_of_distribution": results.n_unlike,
            "n_left_empty": results.n_left_empty,
            "seconds": seconds,
            "images_per_second": results.n / seconds,
            "captchas": captchas,
            "failed": failed,
        }
        write_json(report, json)
    n_failed = len(failed)
    if not prints or n_failed:
        before = f", {n_skipped} were in {table} already" if n_skipped else ""
        note(f"{results.n - n_failed} of {results.n} images read in {seconds:.2f} s{before}")
    results.print_warnings()
    if n_failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def _constrain(model: Any, constraints: dict[str, Any]) -> bool:
    """Set the constraints that are given; return whether there are any."""
    from skcaptcha.read._base import reader_of_strings

    given = {name: value for name, value in constraints.items() if value is not None}
    reader = reader_of_strings(model[-1])
    unknown = given.keys() - reader.get_params(deep=False).keys()
    if unknown:
        raise SkcaptchaError(
            f"--{min(unknown)}: a {type(reader).__name__} cannot be constrained; fit the ready "
            "recipe sequence, whose SequenceReader can"
        )
    if given:
        reader.set_params(**given).check_constraints()
    return bool(given)


def _at_least_one(images: Iterator[str]) -> Iterator[str]:
    first = next(images, None)
    if first is None:
        raise SkcaptchaError("nothing to read: the list of paths is empty")
    return chain([first], images)


class _Results:
    """Results for the report and the warnings; `captchas` is None without a report."""

    def __init__(
        self,
        failed: JsonList,
        captchas: JsonList | None,
        min_confidence: float | None,
        outliers: OutlierWatch | None,
    ) -> None:
        self._outliers = outliers
        self.failed = failed
        self.n = self.n_unlike = self.n_left_empty = 0
        self._unlike: list[str] = []
        self._captchas = captchas
        self._min_confidence = min_confidence

    def add_failure(self, image: str, reason: str) -> None:
        """Print the reason why an image, or a folder, cannot be read."""
        say(f"{image}: {reason}")
        self.failed.append({"filename": image, "reason": reason})

    def add(self, image: str, result: Reading | SkcaptchaError) -> None:
        """Count a result, and list it for the report."""
        from skcaptcha.prediction import table_row

        self.n += 1
        if self._outliers is not None:
            self._outliers.add(result)
        if isinstance(result, SkcaptchaError):
            self.add_failure(image, reason_of(result))
            return
        if result.out_of_distribution:
            self.n_unlike += 1
            if self.n_unlike <= _MAX_NAMED:
                self._unlike.append(image)
        _, _, _, *reasons = table_row(image, result, self._min_confidence)
        reason = "".join(reasons)
        self.n_left_empty += bool(reason)
        if self._captchas is not None:
            if reason:
                answer = None if result.answer is None else ""
                result = replace(result, text="", answer=answer)
            reading = asdict(result)
            why = {"reason": reason} if reason else {}
            self._captchas.append({"filename": image, **reading, **why})

    def print_warnings(self) -> None:
        """Print how many readings are doubtful."""
        if self.n_left_empty:
            note(
                f"{self.n_left_empty} texts left empty, with a confidence below "
                f"{self._min_confidence}"
            )
        if self.n_unlike:
            n_others = self.n_unlike - len(self._unlike)
            named = ", ".join(self._unlike) + (f" and {n_others} others" if n_others else "")
            say(
                f"warning: {self.n_unlike} of {self.n - len(self.failed)} images are unlike the "
                f"training images, and their confidence is lowered: {named}"
            )


def _on_one_line(field: object) -> str:
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), str(field))
