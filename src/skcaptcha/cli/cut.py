"""The command ``cut``."""

# ruff: noqa: PLC0415 - heavy imports are late, so that --help is fast

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skcaptcha.cli._app import EXIT_SOME_FAILED
from skcaptcha.cli._console import note, note_unlabeled, say, shows_progress
from skcaptcha.cli._options import DEFAULT_MODEL, LabeledFolder, Trust
from skcaptcha.exceptions import SkcaptchaError, reason_of

if TYPE_CHECKING:
    import numpy as np
    from sklearn.pipeline import Pipeline
    from sklearn.utils import Bunch

EXAMPLE = "skcaptcha cut captchas characters --recipe grid"


def cut(
    folder: LabeledFolder,
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="Folder to write; created if it does not exist.")
    ],
    *,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Model whose segmentation to use.", show_default=str(DEFAULT_MODEL)
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

    A captcha whose number of segments differs from the length of its label is skipped and listed;
    the exit code is then 1.
    """
    from skcaptcha.datasets import load_captchas, write_characters
    from skcaptcha.prediction._read_images import cut_into_crops, process_images

    if model is not None and recipe is not None:
        raise SkcaptchaError("--model and --recipe exclude each other: use one of them")
    captchas = load_captchas(folder)
    note_unlabeled(folder)
    if recipe is None:
        steps = _steps_of_model(model or DEFAULT_MODEL, trust)
    else:
        steps = _steps_of_recipe(recipe, captchas)
    crops: list[np.ndarray] = []
    characters: list[str] = []
    names: list[str] = []
    n_left_out = 0
    results = process_images(
        steps, captchas.data, cut_into_crops, title="cutting", verbose=shows_progress()
    )
    for name, label, result in zip(captchas.filenames, captchas.target, results, strict=True):
        if isinstance(result, SkcaptchaError):
            reason = reason_of(result)
        elif len(result) != len(label):
            reason = f"it has {len(result)} segments, but its label is {str(label)!r}"
        else:
            crops.extend(result)
            characters.extend(label)
            names.extend([Path(name).stem] * len(label))
            continue
        say(f"{name}: {reason}")
        n_left_out += 1
    if not crops:
        raise SkcaptchaError(
            f"{folder}: no captcha has as many segments as its label has characters; use another "
            "--model or --recipe"
        )
    write_characters(out, crops, characters, names)
    n = len(captchas.data)
    note(f"{len(crops)} characters from {n - n_left_out} of {n} captchas written to {out}")
    if n_left_out:
        raise typer.Exit(EXIT_SOME_FAILED)


def _steps_of_model(file: Path, trust: bool) -> Pipeline:
    from skcaptcha.persistence import load

    return _up_to_features(load(file, trust=trust))


def _steps_of_recipe(file: Path, captchas: Bunch) -> Pipeline:
    from skcaptcha.images import ImageBatch
    from skcaptcha.recipes import load_recipe

    steps = _up_to_features(load_recipe(file).pipeline())
    decoder = steps.named_steps["images"]
    images = ImageBatch(captchas.data, max_bytes=decoder.max_bytes, max_pixels=decoder.max_pixels)
    errors = images.errors
    good = [i for i in range(len(images)) if i not in errors]
    if not good:
        raise SkcaptchaError(
            f"none of the {len(images)} images can be read; the first error is: {errors[0]}"
        )
    captchas.data = images
    return steps.fit(images.take(good), captchas.target[good])


def _up_to_features(pipeline: Pipeline) -> Pipeline:
    """Return the steps up to the features, which determine the shape of the crops."""
    from skcaptcha.features import BaseFeatures

    for n_steps, (_, step) in enumerate(pipeline.steps, start=1):
        if isinstance(step, BaseFeatures):
            return pipeline[:n_steps]
    raise SkcaptchaError("the pipeline has no features step, so it cannot cut")
