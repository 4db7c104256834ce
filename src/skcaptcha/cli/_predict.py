"""The command ``predict``."""

# ruff: noqa: PLC0415 - what --help does not need is imported late, so that it answers at once

from __future__ import annotations

import csv as csv_format
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skcaptcha.cli._app import EXIT_SOME_FAILED, WrongUseError
from skcaptcha.cli._console import say
from skcaptcha.cli._options import DEFAULT_MODEL, Jobs, Json, Model, Trust
from skcaptcha.cli._output import STDOUT, JsonList, check_outputs, write_json
from skcaptcha.cli._resumable import open_resumable
from skcaptcha.errors import ReadingError, SkcaptchaError

if TYPE_CHECKING:
    from skcaptcha.read import Reading

_COLUMNS = ("filename", "text", "confidence")


def predict(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="Images, folders of images, or - for a list of paths on the standard input.",
        ),
    ],
    *,
    model: Model = DEFAULT_MODEL,
    trust: Trust = False,
    csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write filename,text,confidence here, row by row."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Keep the rows that --csv FILE has, and read the others."),
    ] = False,
    charset: Annotated[
        str | None,
        typer.Option(metavar="CHARACTERS", help="Read no other characters than these."),
    ] = None,
    length: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Read strings of so many characters.")
    ] = None,
    jobs: Jobs = 1,
    json: Json = None,
) -> None:
    """Read images: one line of path, text and confidence for each, with tabs between.

    An image that cannot be read is named on the standard error and has no row; the exit code is
    then 1. A file inside a folder is called folder/name.
    """
    from skcaptcha.cli._reading import read_all, why
    from skcaptcha.model_io import load

    if resume and csv is None:
        raise WrongUseError("--resume continues a CSV file: give its name with --csv FILE")
    check_outputs(csv, json=json)
    reader = load(model, trust=trust)
    constraints = _constrain(reader, {"charset": charset, "length": length})
    names = list(_expand(paths))
    if not names:
        raise WrongUseError("there is nothing to read: the list of paths is empty")
    failed: list[dict[str, str]] = []
    prints = csv is None and json != STDOUT
    began = time.perf_counter()
    with JsonList() as captchas:
        with _rows(csv, resume=resume, prints=prints) as (write, done):
            todo = [name for name in names if name not in done]
            # A bar and the lines would spoil each other on one terminal.
            show_progress = not (prints and sys.stdout.isatty())
            results = read_all(reader, todo, n_jobs=jobs, show_progress=show_progress)
            if constraints:
                results = (_as_demanded(result, constraints) for result in results)
            for name, result in zip(todo, results, strict=True):
                if isinstance(result, SkcaptchaError):
                    say(f"{name}: {why(result)}")
                    failed.append({"filename": name, "reason": why(result)})
                    continue
                write((name, result.text, f"{result.confidence:.4f}"))
                if json is not None:
                    captchas.append({"filename": name, **asdict(result)})
        seconds = time.perf_counter() - began
        report = {
            "model": str(model),
            "n": len(todo),
            "n_failed": len(failed),
            "n_already_read": len(names) - len(todo),
            "seconds": seconds,
            "images_per_second": len(todo) / seconds,
            "captchas": captchas,
            "failed": failed,
        }
        write_json(report, json)
    if csv is not None or failed:
        before = f", {len(names) - len(todo)} were in {csv} already" if done else ""
        say(f"{len(todo) - len(failed)} of {len(todo)} images read in {seconds:.2f} s{before}")
    if failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def _constrain(model: Any, constraints: dict[str, Any]) -> str:
    """Set the constraints that are given, and name them."""
    given = {name: value for name, value in constraints.items() if value is not None}
    unknown = given.keys() - model[-1].get_params(deep=False).keys()
    if unknown:
        raise WrongUseError(
            f"--{min(unknown)}: a {type(model[-1]).__name__} reads each segment by itself, and "
            "cannot be constrained; fit configs/sequence.yaml, whose SequenceReader can"
        )
    if given:
        model[-1].set_params(**given).check_constraints()
    return " and ".join(f"--{name}" for name in given)


def _as_demanded(result: Reading | SkcaptchaError, constraints: str) -> Reading | SkcaptchaError:
    """Take it for an error that nothing meets the constraints."""
    if isinstance(result, SkcaptchaError) or result.text:
        return result
    demand = "demands" if " and " not in constraints else "demand"
    return ReadingError(f"nothing in it can be read as {constraints} {demand}")


def _expand(paths: list[str]) -> Iterator[str]:
    """Yield the path of every image that the arguments mean."""
    from skcaptcha.datasets import load_captchas

    for path in paths:
        if path == "-":
            listed = sys.stdin.buffer.read().splitlines()
            yield from (os.fsdecode(line) for line in listed if line.strip())
        elif os.path.isdir(path):
            yield from load_captchas(path, labelled=False).data
        else:
            yield path


@contextmanager
def _rows(
    file: Path | None, *, resume: bool, prints: bool
) -> Iterator[tuple[Callable[[tuple[str, str, str]], Any], set[str]]]:
    """Give what takes each row, and the names of the captchas that need not be read again."""
    if file is not None:
        stream, done = open_resumable(file, _COLUMNS, resume=resume)
        with stream:
            yield csv_format.writer(stream).writerow, done
    elif prints:
        yield lambda row: print(*row, sep="\t"), set()
    else:
        yield lambda row: None, set()
