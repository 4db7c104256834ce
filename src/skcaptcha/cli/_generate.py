"""The command ``generate``."""

# ruff: noqa: PLC0415 - what --help does not need is imported late, so that it answers at once

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skcaptcha.cli._app import WrongUseError
from skcaptcha.cli._console import note


def generate(
    scheme: Annotated[str, typer.Argument(help="lines, dots or image.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write; may be new.")],
    *,
    n: Annotated[int, typer.Option("--n", "-n", min=1, help="Number of captchas.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same captchas.")] = 0,
) -> None:
    """Make labelled captchas of a scheme: PNG files and labels.csv."""
    from skcaptcha.datasets import SCHEMES, write_captchas

    if scheme not in SCHEMES:
        raise WrongUseError(f"no scheme is called {scheme!r}; there are {', '.join(SCHEMES)}")
    images, labels = SCHEMES[scheme](n, random_state=seed)
    write_captchas(folder, list(images), labels.tolist())
    note(f"{n} captchas of scheme {scheme} written to {folder}")
