"""The command ``predict``."""

# ruff: noqa: PLC0415 - heavy imports are late, so that --help is fast

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skcaptcha.cli._answers import Answers
from skcaptcha.cli._app import EXIT_SOME_FAILED
from skcaptcha.cli._check_outputs import check_outputs, refuse_outputs
from skcaptcha.cli._console import note, shows_progress
from skcaptcha.cli._options import DEFAULT_MODEL, Jobs, Json, Model, Scheduler, Trust, within
from skcaptcha.cli._output import STDOUT, write_json
from skcaptcha.exceptions import SkcaptchaError

if TYPE_CHECKING:
    from skcaptcha.prediction._done_names import DoneNames

EXAMPLE = "skcaptcha predict new/ 'more/**/*.png' --csv readings.csv --resume --jobs -1"


def predict(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="Images; folders, of whose trees every image is read; quoted patterns, such as "
            "'in/**/*.png'; or - for a list of paths on the standard input.",
        ),
    ],
    *,
    model: Model = DEFAULT_MODEL,
    trust: Trust = False,
    csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write filename,text,confidence here."),
    ] = None,
    parquet: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write the same table as a folder of Parquet files; needs skcaptcha[parquet].",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Keep the rows of an interrupted run, else those of --csv FILE or --parquet DIR, "
            "and read the others; with the same model and options as those rows.",
        ),
    ] = False,
    null: Annotated[
        bool,
        typer.Option(
            "--null",
            "-0",
            help="Paths on the standard input end with a null character, as find -print0 writes.",
        ),
    ] = False,
    charset: Annotated[
        str | None,
        typer.Option(metavar="CHARACTERS", help="Read no other characters than these."),
    ] = None,
    length: Annotated[
        int | None,
        typer.Option(
            metavar="N", callback=within(1, 1000), help="Read strings of so many characters."
        ),
    ] = None,
    min_confidence: Annotated[
        float | None,
        typer.Option(
            metavar="P",
            callback=within(0, 1),
            help="Leave the text empty where a reading is less sure, and say why in a column more.",
        ),
    ] = None,
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    json: Json = None,
) -> None:
    """Read images: one line of path, text and confidence for each, with tabs between.

    An image that cannot be read is named on the standard error and has no row; the exit code is
    then 1. A file inside a folder is called folder/name; hidden files and folders, and folders
    that are links, are passed over. However many images there are, they take no more memory.

    The confidence is how probable it is that the text is right. That of an image unlike those that
    the model was fitted to is lowered, and at the end their number is said.

    Rows gather in FILE.part or DIR.part, which takes the place of FILE or DIR at the end. If an
    interrupted run left some there, give --resume, or delete it.
    """
    from skcaptcha.persistence import read_model
    from skcaptcha.prediction._cluster_connection import connect_if_given
    from skcaptcha.prediction._find_images import images_of, named
    from skcaptcha.prediction._ordered_batches import WorkersEndedError
    from skcaptcha.prediction._read_images import read_batches
    from skcaptcha.prediction._tables import open_table

    if resume and csv is None and parquet is None:
        raise SkcaptchaError(
            "--resume continues a table: give its name with --csv FILE or --parquet DIR"
        )
    if csv is not None and parquet is not None:
        raise SkcaptchaError("--csv and --parquet exclude each other: give one of them")
    # Rows gather there.
    gathering = [] if csv is None else [Path(f"{csv}.part"), Path(f"{csv}.part.json")]
    check_outputs(
        *gathering,
        csv=csv,
        json=json,
        reads=chain([model], named(paths)),
        models=[model],
    )
    loaded = read_model(model, trust=trust)
    reader = loaded.model
    constraints = _constrain(reader, {"charset": charset, "length": length})
    has_table = csv is not None or parquet is not None
    prints = not has_table and json != STDOUT
    answers = Answers(
        constraints=constraints,
        min_confidence=min_confidence,
        exact=parquet is not None,
        listed=json is not None,
    )
    with answers, connect_if_given(scheduler) as client:
        found = images_of(paths, answers.fail, null=null)
        names = _at_least_one(refuse_outputs(found, csv, json))
        table = open_table(
            answers.columns,
            csv=csv,
            parquet=parquet,
            resume=resume,
            settings={
                "model": loaded.sha256,
                "--charset": charset,
                "--length": length,
                "--min-confidence": min_confidence,
            },
            prints=prints,
        )
        todo = _Todo(names, table.done)
        # A bar and the lines would spoil each other on one terminal.
        show_progress = shows_progress() and not (prints and sys.stdout.isatty())
        began = time.perf_counter()
        reading = read_batches(
            reader, todo.batches(), n_jobs=jobs, client=client, show_progress=show_progress
        )
        try:
            with table, closing(reading):
                for batch, results in reading:
                    table.write(answers.rows(batch, results))
        except (KeyboardInterrupt, WorkersEndedError) as stop:
            if table.unfinished is None:
                raise
            raise type(stop)(
                f"{str(stop) or 'interrupted'}; {table.n_rows} images are in {table.unfinished}, "
                "--resume continues"
            ) from stop.__cause__
        seconds = time.perf_counter() - began
        n_failed = len(answers.failed)
        report = {
            "model": str(model),
            "n": todo.n,
            "n_failed": n_failed,
            "n_already_read": todo.n_done,
            "n_out_of_distribution": answers.n_unlike,
            "n_left_empty": answers.n_left_empty,
            "seconds": seconds,
            "images_per_second": todo.n / seconds,
            "captchas": answers.captchas,
            "failed": answers.failed,
        }
        write_json(report, json)
    if not prints or n_failed:
        before = f", {todo.n_done} were in {csv or parquet} already" if todo.n_done else ""
        note(f"{todo.n - n_failed} of {todo.n} images read in {seconds:.2f} s{before}")
    answers.say_counts(todo.n - n_failed)
    if n_failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def _constrain(model: Any, constraints: dict[str, Any]) -> str:
    """Set the constraints that are given, and say what they demand."""
    given = {name: value for name, value in constraints.items() if value is not None}
    unknown = given.keys() - model[-1].get_params(deep=False).keys()
    if unknown:
        raise SkcaptchaError(
            f"--{min(unknown)}: a {type(model[-1]).__name__} reads each segment by itself, and "
            "cannot be constrained; fit the ready recipe sequence, whose SequenceReader can"
        )
    if given:
        model[-1].set_params(**given).check_constraints()
    demand = "demand" if len(given) > 1 else "demands"
    return f"{' and '.join(f'--{name}' for name in given)} {demand}" if given else ""


def _at_least_one(names: Iterator[str]) -> Iterator[str]:
    first = next(names, None)
    if first is None:
        raise SkcaptchaError("there is nothing to read: the list of paths is empty")
    return chain([first], names)


class _Todo:
    """Counts the images as they are asked for, and leaves out those that were read before."""

    def __init__(self, names: Iterable[str], done: DoneNames | None) -> None:
        self._names = names
        self._done = done
        self.n = 0
        self.n_done = 0

    def batches(self) -> Iterator[list[str]]:
        from skcaptcha.prediction._read_images import in_batches

        return in_batches(self._not_done())

    def _not_done(self) -> Iterator[str]:
        for name in self._names:
            if self._done is not None and self._done.take(name):
                self.n_done += 1
            else:
                self.n += 1
                yield name
