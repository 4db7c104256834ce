"""Options that more than one command takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

_MOST_JOBS = 1024
_MOST_SECONDS = 10_000_000


def within(least: float, most: float) -> Callable[[float | None], float | None]:
    """Give what checks the number of an option.

    Parameters
    ----------
    least, most : int or float
        Both are allowed.

    Returns
    -------
    check : callable
        Takes the number, or None for an option that is not given, and gives it back.

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
            f"it must be a number of processes from 1 to {_MOST_JOBS}, or -1 for one on each core, "
            f"not {n}"
        )
    if n < -1:
        from joblib import cpu_count  # noqa: PLC0415 - --help does not need it

        cores = cpu_count()
        if cores + 1 + n < 1:
            raise typer.BadParameter(
                f"{n} means {-1 - n} fewer processes than cores, which are {cores} here; use -1 "
                "for one process on each core"
            )
    return n


def seconds(help: str, default: str) -> Any:  # noqa: A002 - as typer calls it
    """Give an option for a time.

    Parameters
    ----------
    help, default : str
        What it is, and if it is not given.

    Returns
    -------
    option : typer's
    """
    return typer.Option(
        metavar="SECONDS", callback=within(1, _MOST_SECONDS), help=help, show_default=default
    )


DEFAULT_MODEL = Path("artifacts/model.joblib")

Model = Annotated[
    Path,
    typer.Option(metavar="FILE", help="A model that fit has written."),
]
Trust = Annotated[
    bool,
    typer.Option("--trust", help="Load the model even if somebody else made it: it may run code."),
]
Format = Annotated[
    Literal["joblib", "skops"],
    typer.Option(
        "--format",
        metavar="joblib|skops",
        help="What to write: skops is for others, who can load it without running code in it.",
    ),
]
Jobs = Annotated[
    int,
    typer.Option(
        metavar="N",
        callback=_check_jobs,
        help="Number of processes; -1 is one on each core, -2 one fewer, and so on.",
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Work on the Dask cluster with this scheduler, such as tcp://host:8786, instead; "
        "needs skcaptcha[dask].",
    ),
]
Json = Annotated[
    Path | None,
    typer.Option(metavar="FILE|-", help="Write the figures as JSON; - is the standard output."),
]
