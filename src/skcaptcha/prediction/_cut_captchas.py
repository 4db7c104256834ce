"""Images of single characters, cut from labeled captchas."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils import Bunch

from skcaptcha.base import Model, pipeline_of
from skcaptcha.datasets import write_characters
from skcaptcha.exceptions import SkcaptchaError, reason_of
from skcaptcha.features import BaseFeatures
from skcaptcha.images import ImageBatch
from skcaptcha.images._process_each import Process
from skcaptcha.prediction._read_images import process_images
from skcaptcha.read._base import reads_images

if TYPE_CHECKING:
    from skcaptcha.recipes import Recipe

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CutCaptchas:
    """Result of `cut_captchas`.

    Attributes
    ----------
    n_characters : int
        Number of images that were written.
    failed : list of dict
        ``filename`` and ``reason`` of each captcha that was skipped.
    """

    n_characters: int
    failed: list[dict[str, str]]


def cut_captchas(
    captchas: Bunch,
    folder: str | os.PathLike[str],
    model: Model | Recipe,
    *,
    verbose: int = 0,
) -> CutCaptchas:
    """Cut captchas into characters: write one image per character, in one folder per character.

    A captcha is skipped and logged if it cannot be read, or if the number of its segments differs
    from the length of its label. A model without a segmenter cuts at the characters that it reads.

    Parameters
    ----------
    captchas : Bunch
        Labeled captchas, as `skcaptcha.datasets.load_captchas` returns them.
    folder : path-like
        Folder to write, which must be empty or missing.
    model : Pipeline, fitted search over one, or Recipe
        Fitted model, or recipe, whose steps up to the features cut the captchas. The steps of a
        recipe are first fitted to the captchas; it must have a segmenter.
    verbose : int, default=0
        1 shows progress on standard error.

    Returns
    -------
    cut : CutCaptchas

    Raises
    ------
    SkcaptchaError
        If no captcha can be cut, or if the folder is not empty.

    See Also
    --------
    skcaptcha.datasets.write_characters : Write images of characters that you cut yourself.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from skcaptcha import load_recipe
    >>> from skcaptcha.datasets import load_captchas, make_line_captchas, write_captchas
    >>> from skcaptcha.prediction import cut_captchas
    >>> images, labels = make_line_captchas(10, random_state=0)
    >>> with TemporaryDirectory() as folder:
    ...     write_captchas(f"{folder}/captchas", images, labels)
    ...     captchas = load_captchas(f"{folder}/captchas")
    ...     cut_captchas(captchas, f"{folder}/characters", load_recipe("grid"))
    CutCaptchas(n_characters=40, failed=[])
    """
    process: Process[Any] = _cut
    noun = "segments"
    if not isinstance(model, Pipeline | BaseSearchCV):
        steps, images = _fitted_steps(model, captchas)
    else:
        steps, images = pipeline_of(model), captchas.data
        if reads_images(steps[-1]):
            process, noun = _cut_at_characters, "boxes"
        else:
            steps = _up_to_features(steps)
    crops: list[np.ndarray] = []
    characters: list[str] = []
    stems: list[str] = []
    failed = []
    results = process_images(steps, images, process, title="cutting", verbose=verbose)
    for name, label, result in zip(captchas.filenames, captchas.target, results, strict=True):
        if isinstance(result, SkcaptchaError):
            reason = reason_of(result)
        elif len(result) != len(label):
            reason = f"it has {len(result)} {noun}, but its label is {str(label)!r}"
        else:
            crops.extend(result)
            characters.extend(label)
            stems.extend([Path(name).stem] * len(label))
            continue
        failed.append({"filename": name, "reason": reason})
        _logger.error("%s: %s", name, reason)
    if failed and not crops:
        raise SkcaptchaError(
            f"none of the {len(failed)} captchas, such as {failed[0]['filename']}, has as many "
            f"{noun} as its label has characters; use another model or recipe"
        )
    write_characters(Path(folder), crops, characters, stems)
    return CutCaptchas(len(crops), failed)


def _fitted_steps(recipe: Recipe, captchas: Bunch) -> tuple[Pipeline, ImageBatch]:
    """Fit the steps of a recipe to the captchas that can be read; return all decoded images."""
    pipeline = recipe.pipeline()
    if reads_images(reader := pipeline[-1]):
        raise SkcaptchaError(
            f"{recipe.source}: a {type(reader).__name__} finds characters only after it is fitted; "
            "fit the recipe, and cut with its model"
        )
    steps = _up_to_features(pipeline)
    decoder = steps.named_steps["images"]
    images = ImageBatch(captchas.data, max_bytes=decoder.max_bytes, max_pixels=decoder.max_pixels)
    errors = images.errors
    good = [i for i in range(len(images)) if i not in errors]
    if not good:
        raise SkcaptchaError(
            f"none of the {len(images)} images can be read; the first error is: {errors[0]}"
        )
    return steps.fit(images.take(good), captchas.target[good]), images


def _up_to_features(pipeline: Pipeline) -> Pipeline:
    """Return the steps up to the features, which determine the shape of the crops."""
    for n_steps, (_, step) in enumerate(pipeline.steps, start=1):
        if isinstance(step, BaseFeatures):
            return pipeline[:n_steps]
    raise SkcaptchaError("the pipeline has no features step; use one with a segmenter and features")


def _cut(steps: Pipeline, images: list[np.ndarray]) -> list[np.ndarray]:
    """Return the crops of each image as an array of shape (k, h, w)."""
    segments = steps[:-1].transform(images)
    return np.split(steps[-1].crops(segments), segments.offsets[1:-1])


def _cut_at_characters(model: Pipeline, images: list[np.ndarray]) -> list[list[np.ndarray]]:
    """Return the characters that are read in each image, as arrays of shape (h, w)."""
    denoised = model[:-1].transform(images)
    return [
        [image[y : y + h, x : x + w] for x, y, w, h in reading.boxes.tolist()]
        for image, reading in zip(denoised, model[-1].read(denoised), strict=True)
    ]
