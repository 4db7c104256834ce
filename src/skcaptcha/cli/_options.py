"""Options that more than one command takes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

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
        help="What to write: skops is for others, who can load it without running code in it.",
    ),
]
Jobs = Annotated[int, typer.Option(metavar="N", help="Processes; -1: all cores.")]
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
