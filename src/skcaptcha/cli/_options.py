"""Options that more than one command takes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_MODEL = Path("artifacts/model.joblib")

Model = Annotated[
    Path,
    typer.Option(metavar="FILE", help="A model that fit has written; load only what you trust."),
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
