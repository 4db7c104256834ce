"""The result of a fit, and the files that it writes."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
from sklearn.pipeline import Pipeline
from sklearn.utils import Bunch

from skcaptcha._display.progress import progress
from skcaptcha.exceptions import FitWarning, ModelError
from skcaptcha.fitting._advice import advice
from skcaptcha.novelty import MIN_IMAGES
from skcaptcha.persistence import save

if TYPE_CHECKING:
    from skcaptcha.auto import Choice
    from skcaptcha.model_selection import SharedGridSearchCV


@dataclass(frozen=True)
class FitResult:
    """Result of `fit_recipe` or `fit_captchas`.

    Attributes
    ----------
    model : Pipeline
        Model, fitted to all usable captchas.
    search : SharedGridSearchCV or Choice
        Search that found the model.
    report : dict
        Accuracy, settings and time, as ``fit --json`` writes them.
    failed : list of dict
        ``filename`` and ``reason`` of each captcha that could not be used or read.
    advice : list of str
        Usual causes of a low accuracy; empty if more than half of the captchas were read right.
    files : list of Path
        Files that were written, the model first.
    pseudo_labels : list of dict
        ``filename``, ``label``, ``probability`` and ``round`` of each captcha without a label that
        taught, the most probable first.
    """

    model: Pipeline
    search: SharedGridSearchCV | Choice
    report: dict[str, Any]
    failed: list[dict[str, str]]
    advice: list[str]
    files: list[Path]
    pseudo_labels: list[dict[str, Any]] = field(default_factory=list)


def files_of_fit(model_file: str | os.PathLike[str], *, with_recipe: bool) -> list[Path]:
    """Return the files that a fit writes: the model, and what belongs to it.

    Parameters
    ----------
    model_file : path-like
        File of the model.
    with_recipe : bool
        Whether the fit chooses the recipe, and writes it.

    Returns
    -------
    files : list of Path

    Examples
    --------
    >>> from skcaptcha.fitting import files_of_fit
    >>> [file.name for file in files_of_fit("a/m.joblib", with_recipe=True)]
    ['m.joblib', 'm.json', 'm.csv', 'm.yaml', 'm.html']
    """
    model_file = Path(model_file)
    suffixes = (".json", ".csv", *[".yaml"] * with_recipe, ".html")
    return [model_file, *(model_file.parent / f"{model_file.stem}{s}" for s in suffixes)]


def folder_of(captchas: Bunch) -> str:
    """Return the folder of the captchas, above that of an image; "" if they are not files.

    >>> folder_of(Bunch(data=["a/b/5UFQ/1.png"], filenames=["5UFQ/1.png"]))
    'a/b'
    """
    first = captchas.data[0] if len(captchas.data) else None
    if not isinstance(first, str):
        return ""
    name = captchas.filenames[0] if "filenames" in captchas else ""
    for _ in range(1 + name.count("/")):  # images may be in subfolders
        first = os.path.dirname(first)
    return first or "."


def write_model(model: Pipeline, path: Path, format: str, **about: Any) -> None:  # noqa: A002
    """Save a model; if it cannot be saved as skops, save it as joblib rather than lose it."""
    if getattr(model[0], "novelty_", None) is None:
        warnings.warn(
            f"fewer than {MIN_IMAGES} images: out-of-distribution detection is off, so images "
            "unlike the training images will be read without a warning",
            FitWarning,
            stacklevel=3,
        )
    try:
        save(model, path, format=format, **about)
    except ModelError as error:
        if format == "joblib":
            raise
        instead = path.with_suffix(".joblib")
        save(model, instead, **about)
        raise ModelError(f"{path}: {error}; it is saved as {instead} instead") from error


def write_report(
    files: Sequence[Path], captchas: Bunch, *, n_jobs: int | None, verbose: int, **about: Any
) -> list[Path]:
    """Write the report, the last of `files`, and return the files that were written.

    `about` are arguments of `fit_report`. An error while the report is made is a warning, because
    the model is already written.
    """
    model_file, *_, file = files
    try:
        from skcaptcha.report import fit_report  # noqa: PLC0415 - it needs an optional extra

        with (
            progress("writing the report", None, show=verbose > 0),
            joblib.parallel_config(n_jobs=n_jobs),
        ):
            fit_report(
                X=captchas.data,
                y=[str(label) for label in captchas.target],
                names=captchas.get("filenames"),
                title=f"How {model_file.name} was fitted",
                model_file=str(model_file),
                **about,
            ).save(file)
    except Exception as error:
        warnings.warn(
            f"the model is written, but not its report {file}: {error}", FitWarning, stacklevel=3
        )
        return list(files[:-1])
    return list(files)


def advice_for(
    captchas: Bunch,
    labels: Sequence[str],
    accuracy: float,
    n: int,
    *,
    files: Sequence[Path],
    recipe: bool,
) -> list[str]:
    """Return the advice after a fit with an accuracy on n captchas that wrote these files."""
    data = folder_of(captchas)
    return list(
        advice(
            [str(label) for label in labels],
            accuracy,
            n,
            model_file=files[0],
            report_file=next((path for path in files if path.suffix == ".html"), None),
            data=data,
            image=captchas.data[0] if data else "",
            recipe=recipe,
        )
    )
