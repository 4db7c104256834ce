"""The command ``cut``."""

# ruff: noqa: PLC0415 - heavy imports are late, so that --help is fast

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skcaptcha.cli._app import EXIT_SOME_FAILED
from skcaptcha.cli._console import note, note_labels, shows_progress
from skcaptcha.cli._options import DEFAULT_MODEL, LabeledFolder, LabelFile, Trust
from skcaptcha.exceptions import SkcaptchaError

EXAMPLE = "skcaptcha cut captchas characters --recipe grid"


def cut(
    folder: LabeledFolder,
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="Folder to write; created if it does not exist.")
    ],
    *,
    labels: LabelFile = None,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Model whose boxes to use.", show_default=str(DEFAULT_MODEL)
        ),
    ] = None,
    trust: Trust = False,
    recipe: Annotated[
        Path | None,
        typer.Option(
            metavar="RECIPE",
            help="Recipe whose segmentation to use: a YAML file, or the name of a ready recipe; "
            "needs no model.",
        ),
    ] = None,
) -> None:
    """Cut captchas into characters: write one image per character, in one folder per character.

    A captcha whose number of boxes differs from the length of its label is skipped and listed; the
    exit code is then 1.
    """
    from skcaptcha.datasets import load_captchas
    from skcaptcha.persistence import load
    from skcaptcha.prediction import cut_captchas
    from skcaptcha.recipes import load_recipe

    if model is not None and recipe is not None:
        raise SkcaptchaError("--model and --recipe cannot be combined; use one of them")
    captchas = load_captchas(folder, labels=labels)
    note_labels(folder, labels)
    cutter = load(model or DEFAULT_MODEL, trust=trust) if recipe is None else load_recipe(recipe)
    result = cut_captchas(captchas, out, cutter, verbose=shows_progress())
    n = len(captchas.data)
    n_cut = n - len(result.failed)
    note(f"{result.n_characters} characters from {n_cut} of {n} captchas written to {out}")
    if result.failed:
        raise typer.Exit(EXIT_SOME_FAILED)
