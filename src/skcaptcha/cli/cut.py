"""The command ``cut``."""

# ruff: noqa: PLC0415 - heavy imports are late, so that --help is fast

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skcaptcha.cli._app import EXIT_SOME_FAILED
from skcaptcha.cli._console import note, note_unlabeled, say, shows_progress
from skcaptcha.cli._options import DEFAULT_MODEL, Trust
from skcaptcha.exceptions import SkcaptchaError, reason_of

if TYPE_CHECKING:
    import numpy as np
    from sklearn.pipeline import Pipeline
    from sklearn.utils import Bunch

EXAMPLE = "skcaptcha cut captchas characters --recipe grid"


def cut(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of labeled captchas.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write; may be new.")],
    *,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Cut as this model does.", show_default=str(DEFAULT_MODEL)
        ),
    ] = None,
    trust: Trust = False,
    recipe: Annotated[
        Path | None,
        typer.Option(metavar="CONFIG.yaml", help="Cut as this recipe's steps do; needs no model."),
    ] = None,
) -> None:
    """Write one image for each character, in a folder for each character.

    A captcha that is cut into more or fewer pieces than its label has characters is left out and
    named; the exit code is then 1.
    """
    from skcaptcha.datasets import load_captchas, write_characters
    from skcaptcha.prediction._read_images import cut_all

    if model is not None and recipe is not None:
        raise SkcaptchaError("--model and --recipe exclude each other: each says how to cut")
    captchas = load_captchas(folder)
    note_unlabeled(folder)
    cutter = _of_recipe(recipe, captchas) if recipe else _of_model(model or DEFAULT_MODEL, trust)
    crops: list[np.ndarray] = []
    characters: list[str] = []
    names: list[str] = []
    n_left_out = 0
    everything = zip(
        captchas.filenames,
        captchas.target,
        cut_all(cutter, captchas.data, show_progress=shows_progress()),
        strict=True,
    )
    for name, label, pieces in everything:
        if isinstance(pieces, SkcaptchaError):
            reason = reason_of(pieces)
        elif len(pieces) != len(label):
            reason = f"it is cut into {len(pieces)} pieces, but its label is {str(label)!r}"
        else:
            crops.extend(pieces)
            characters.extend(label)
            names.extend([Path(name).stem] * len(label))
            continue
        say(f"{name}: {reason}")
        n_left_out += 1
    if not crops:
        raise SkcaptchaError(f"{folder}: none of its captchas could be cut as its label says")
    write_characters(out, crops, characters, names)
    n = len(captchas.data)
    note(f"{len(crops)} characters of {n - n_left_out} of {n} captchas written to {out}")
    if n_left_out:
        raise typer.Exit(EXIT_SOME_FAILED)


def _of_model(file: Path, trust: bool) -> Pipeline:
    from skcaptcha.persistence import load

    return _up_to_features(load(file, trust=trust))


def _of_recipe(file: Path, captchas: Bunch) -> Pipeline:
    from skcaptcha.prediction._read_images import undecodable
    from skcaptcha.recipes import load_recipe

    cutter = _up_to_features(load_recipe(file).pipeline())
    bad = undecodable(cutter, captchas.data, show_progress=shows_progress())
    good = [i for i in range(len(captchas.data)) if i not in bad]
    if not good:
        raise SkcaptchaError(f"none of the {len(bad)} images can be read, for one: {bad[0]}")
    return cutter.fit([captchas.data[i] for i in good], captchas.target[good])


def _up_to_features(pipeline: Pipeline) -> Pipeline:
    """Return the steps up to the features, which determine the shape of the crops."""
    from skcaptcha.features import BaseFeatures

    for place, (_, step) in enumerate(pipeline.steps, start=1):
        if isinstance(step, BaseFeatures):
            return pipeline[:place]
    raise SkcaptchaError("the pipeline has no features step, so it cannot cut")
