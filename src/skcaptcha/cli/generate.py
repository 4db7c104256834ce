"""The command ``generate``."""

# ruff: noqa: PLC0415 - heavy imports are late, so that --help is fast

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skcaptcha.cli._console import note, progress
from skcaptcha.cli._options import within
from skcaptcha.exceptions import SkcaptchaError

EXAMPLE = "skcaptcha generate lines captchas --n 500 --seed 1"

_MOST = 1_000_000  # captchas, which are all held in memory
_MANY = 256  # captchas, which take long enough to show progress


def generate(
    scheme: Annotated[
        str,
        typer.Argument(
            metavar="SCHEME",
            autocompletion=lambda: ["lines", "dots", "image", "display"],
            help="One of lines, dots, image and display.",
        ),
    ],
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder to write to; created if missing.")
    ],
    *,
    n: Annotated[
        int,
        typer.Option(
            "--n", "-n", metavar="N", callback=within(1, _MOST), help="Number of captchas."
        ),
    ] = 100,
    seed: Annotated[
        int,
        typer.Option(
            metavar="N",
            callback=within(0, 2**32 - 1),
            help="Random seed; the same seed gives the same captchas.",
        ),
    ] = 0,
) -> None:
    """Generate labeled captchas of a scheme: PNG files and labels.csv.

    All schemes but display need skcaptcha[generate].
    """
    from skcaptcha.datasets import SCHEMES, write_captchas
    from skcaptcha.datasets._progress import report_progress

    if scheme not in SCHEMES:
        raise SkcaptchaError(f"unknown scheme {scheme!r}; use one of {', '.join(SCHEMES)}")
    with progress("drawing", n, show=n > _MANY) as advance, report_progress(advance):
        images, labels = SCHEMES[scheme](n, random_state=seed)
    with progress("writing", n, show=n > _MANY) as advance, report_progress(advance):
        write_captchas(folder, list(images), labels.tolist())
    note(f"{n} captchas of scheme {scheme} written to {folder}")
