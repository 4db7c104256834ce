"""Options that more than one command has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

_MOST_JOBS = 1024
_MOST_SECONDS = 10_000_000


def within(least: float, most: float) -> Callable[[float | None], float | None]:
    """Return the check of a number between `least` and `most`, both included.

    Examples
    --------
    >>> from skcaptcha.cli._options import within
    >>> within(0, 1)(0.5)
    0.5
    >>> within(0, 1)(float("nan"))  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
        ...
    typer.BadParameter: it must be between 0 and 1, not nan
    """

    def check(value: float | None) -> float | None:
        if value is None or least <= value <= most:
            return value
        raise typer.BadParameter(f"it must be between {least:,} and {most:,}, not {value}")

    return check


def _check_jobs(n: int) -> int:
    if not n or n > _MOST_JOBS:
        raise typer.BadParameter(
            f"it must be a number of processes from 1 to {_MOST_JOBS}, or -1 for one per core, "
            f"not {n}"
        )
    if n < -1:
        from joblib import cpu_count  # noqa: PLC0415 - --help does not need it

        cores = cpu_count()
        if cores + 1 + n < 1:
            raise typer.BadParameter(
                f"{n} means {-1 - n} fewer processes than cores, but there are only {cores} cores; "
                "use -1 for one process per core"
            )
    return n


def seconds(help: str, default: str) -> Any:  # noqa: A002 - as typer calls it
    """Return an option for a time, with its help and a description of its default."""
    return typer.Option(
        metavar="SECONDS", callback=within(1, _MOST_SECONDS), help=help, show_default=default
    )


def unlabeled_folders(help: str) -> Any:  # noqa: A002 - as typer calls it
    """Return an option for folders of images without labels, with its help."""
    return typer.Option("--unlabeled", "--unlabelled", metavar="DIR", help=help)


DEFAULT_MODEL = Path("artifacts/model.joblib")

LabeledFolder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of labeled captchas.")]
LabelFile = Annotated[
    Path | None,
    typer.Option(
        "--labels",
        metavar="FILE",
        help="File of labels: CSV, TSV, gt.txt, JSON, JSON lines, COCO, or an export of Label "
        "Studio.",
        show_default="found in DIR",
    ),
]
FoldCase = Annotated[
    bool,
    typer.Option(
        "--fold-case",
        help="Upper and lower case are the same: fold all labels to the case of most letters.",
    ),
]
Model = Annotated[Path, typer.Option(metavar="FILE", help="Model file written by fit.")]
Trust = Annotated[
    bool,
    typer.Option("--trust", help="Load the model even if someone else made it; it may run code."),
]
Format = Annotated[
    Literal["joblib", "skops"],
    typer.Option(
        "--format",
        metavar="joblib|skops",
        help="Format of the model file. Use skops to share a model: others can load it without "
        "running code in it.",
    ),
]
Jobs = Annotated[
    int,
    typer.Option(
        metavar="N",
        callback=_check_jobs,
        help="Number of processes; -1 is one per core, -2 one fewer, and so on.",
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Scheduler of a Dask cluster to use instead of processes, such as tcp://host:8786; "
        "needs skcaptcha[dask].",
    ),
]
Json = Annotated[
    Path | None,
    typer.Option(metavar="FILE|-", help="Write the results as JSON; - means standard output."),
]
