"""Fitting a model again, to its training captchas and to new ones, when a scheme changes."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils import Bunch

from skcaptcha._files.exclusive_lock import exclusive_lock
from skcaptcha.auto import choose_recipe
from skcaptcha.auto._candidate import two_standard_errors
from skcaptcha.base import as_texts
from skcaptcha.exceptions import DatasetError, FitWarning, ModelError, SkcaptchaError
from skcaptcha.fitting._exclude import Failures, exclude_unusable_images
from skcaptcha.fitting._parallel import parallel
from skcaptcha.fitting._result import folder_of, write_model
from skcaptcha.images import find_duplicates
from skcaptcha.images._batch import as_batch
from skcaptcha.inspection import evaluate
from skcaptcha.model_selection import CaptchaKFold
from skcaptcha.persistence import LoadedModel, describe_training
from skcaptcha.persistence._manifest import PSEUDO_LABELED, is_among, training_digests
from skcaptcha.prediction._read_images import decoded_images, process_images
from skcaptcha.read._base import folds_case, in_case_of, set_fold_case
from skcaptcha.recipes import Recipe

DEFAULT_BUDGET = 60.0  # seconds
_N_FOLDS = 5  # one of them is held out
_FEWEST = 2 * _N_FOLDS
_OF_RECIPE = ("recipe", "overrides", "recipe_content", "best_params", "chosen", "chosen_settings")


@dataclass(frozen=True)
class UpdateResult:
    """Result of `update_model`.

    Attributes
    ----------
    model : Pipeline
        Model, fitted to the training captchas and the new ones.
    report : dict
        Numbers of captchas, and metrics before and after, as ``update --json`` writes them.
    failed : list of dict
        ``filename`` and ``reason`` of each captcha that could not be used.
    files : list of Path
        Files that were written, the model first.
    """

    model: Pipeline
    report: dict[str, Any]
    failed: Failures
    files: list[Path]


def update_model(
    loaded: LoadedModel,
    captchas: Bunch,
    training: Bunch,
    model_file: str | os.PathLike[str],
    *,
    budget: float = DEFAULT_BUDGET,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> UpdateResult:
    """Fit a model again to its training captchas and to new captchas, and write it.

    The training captchas are recognized by the hashes in the manifest. A fifth of them and a fifth
    of the new captchas are held out: the same pipeline is fitted to the other training captchas,
    and to these and the other new captchas, and reads both parts. Unless it reads nearly all of
    them, a short race of recipes is fitted to the same captchas. The pipeline of the model is kept
    unless the winner of the race reads more of the held-out captchas by more than two standard
    errors. The better one is then fitted to all captchas, also those that were held out.

    Parameters
    ----------
    loaded : LoadedModel
        Model with its manifest, as `skcaptcha.persistence.read_model` returns it.
    captchas : Bunch
        New labeled captchas, at least ten. Training captchas of the model among them do not count
        as new.
    training : Bunch
        Labeled captchas among which the training captchas of the model are. Others are not used.
        Training captchas that are only among the new ones are used, too.
    model_file : path-like
        File of the updated model; the format is skops if its suffix is ``.skops``.
    budget : float, default=60.0
        Seconds that the race may take.
    n_jobs : int, optional
        Maximum number of processes, as in scikit-learn.
    verbose : int, default=0
        1 shows progress on standard error.

    Returns
    -------
    result : UpdateResult

    Raises
    ------
    ModelError
        If the manifest does not describe the training captchas.
    DatasetError
        If no training captcha is found, or there are too few captchas.

    Warns
    -----
    FitWarning
        If some training captchas are not found, if new captchas contradict the labels of training
        captchas, or if images without a label taught the model, which the updated one does not use.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from skcaptcha import load_recipe
    >>> from skcaptcha.datasets import Captchas, make_line_captchas
    >>> from skcaptcha.fitting import fit_recipe, update_model
    >>> from skcaptcha.persistence import read_model
    >>> images, labels = make_line_captchas(120, charset="ABC", random_state=0)
    >>> old = Captchas(data=list(images[:80]), target=labels[:80])
    >>> new = Captchas(data=list(images[80:]), target=labels[80:])
    >>> recipe = load_recipe("raw-knn", ["grid=null"])
    >>> with TemporaryDirectory() as folder:
    ...     fitted = fit_recipe(recipe, old, Path(folder) / "model.joblib")
    ...     loaded = read_model(Path(folder) / "model.joblib")
    ...     result = update_model(loaded, new, old, Path(folder) / "updated.joblib", budget=2)
    >>> result.report["n_old"], result.report["n_new"]
    (80, 40)
    """
    begin = time.perf_counter()
    path, model = Path(model_file), loaded.model
    digests = training_digests(loaded.manifest)
    if digests is None:
        raise ModelError(
            "the manifest of the model does not contain hashes of its training captchas, so they "
            "cannot be recognized; fit a model to all captchas instead"
        )
    _warn_of_unlabeled_images(loaded.manifest)
    old, _ = exclude_unusable_images(training, model[0], verbose=verbose)
    old = _take(old, np.flatnonzero(_are_known(model, old, digests)))
    new, failed = exclude_unusable_images(captchas, model[0], verbose=verbose)
    is_known = _are_known(model, new, digests)
    known, new = (_take(new, np.flatnonzero(part)) for part in (is_known, ~is_known))
    if len(new.data) < _FEWEST:
        raise DatasetError(
            f"{folder_of(captchas) or 'captchas'}: {len(new.data)} of {len(is_known)} labeled "
            f"captchas are new to the model; at least {_FEWEST} are needed: label more"
        )
    for part in (old, known, new):
        part.target = np.array(in_case_of(model[-1], as_texts(part.target)), dtype=str)
    # Training captchas may be in several folders, or among the new ones only.
    both = _join(old, known)
    _warn_of_other_labels(both, len(known.data), folder_of(captchas) or "captchas")
    old = _take(both, np.unique(find_duplicates(both.data)))
    _check_training_captchas(old, folder_of(training) or "training", len(digests))
    with exclusive_lock(path), parallel(n_jobs, None, late=True):
        better, report = _compare(loaded, old, new, budget=budget, n_jobs=n_jobs, verbose=verbose)
        everything = _join(old, new)
        fitted = better.fit(everything.data, everything.target)
        report |= describe_training(everything.data, everything.target, fitted[0]) | {
            "n_old": len(old.data),
            "n_new": len(new.data),
            "n_known": int(is_known.sum()),
            "n_failed": len(failed),
            "data": [folder for each in (training, captchas) if (folder := folder_of(each))],
            "updated_from": loaded.sha256,
            "seconds": time.perf_counter() - begin,
        }
        format = "skops" if path.suffix == ".skops" else "joblib"  # noqa: A001
        write_model(fitted, path, format, manifest=report)
    del report["training_images"]  # hashes
    return UpdateResult(fitted, report, failed, [path, path.with_suffix(".json")])


def _check_training_captchas(found: Bunch, where: str, n_train: int) -> None:
    """Raise an error if training captchas were not found, and warn if some were not."""
    sentence = (
        f"{where}: {len(found.data)} of {n_train} different training captchas of the model were "
        "found there and among the new captchas"
    )
    if len(found.data) < _FEWEST:
        raise DatasetError(
            f"{sentence}; at least {_FEWEST} are needed: use --data with the folder that it was "
            "fitted to (in Python: training)"
        )
    if n_train > len(found.data):
        warnings.warn(
            f"{sentence}; the updated model does not learn from the others; use --data for each of "
            "their folders",
            FitWarning,
            stacklevel=3,
        )


def _warn_of_unlabeled_images(manifest: Mapping[str, Any]) -> None:
    """Warn that images without a label do not teach the updated model."""
    if n := len(training_digests(manifest, PSEUDO_LABELED) or ()):
        warnings.warn(
            f"{n} images without a label taught the model, and an update does not learn from them, "
            "neither before nor after: if the updated model reads worse, put all labeled captchas "
            "into one folder DIR, and use skcaptcha fit DIR --unlabeled",
            FitWarning,
            stacklevel=3,
        )


def _warn_of_other_labels(both: Bunch, n_known: int, where: str) -> None:
    """Warn of training captchas that have another label among the new captchas, the last ones."""
    labels_before = both.target[find_duplicates(both.data)]
    differ = np.flatnonzero(labels_before != both.target)
    if differ.size:
        before, now = labels_before[differ[0]], both.target[differ[0]]
        warnings.warn(
            f"{where}: {differ.size} of {n_known} training captchas here have another "
            f"label, such as {now} instead of {before}; the label in the folder of the training "
            "captchas is used: if it is wrong, correct it there",
            FitWarning,
            stacklevel=3,
        )


def _are_known(model: Pipeline, captchas: Bunch, digests: set[bytes]) -> NDArray[np.bool_]:
    """Return whether each captcha is a training captcha of a model."""
    title = "looking for training captchas"
    decoded = process_images(model, captchas.data, decoded_images, title=title)
    known = [isinstance(image, np.ndarray) and is_among(digests, image) for image in decoded]
    return np.array(known, dtype=bool)


def _compare(
    loaded: LoadedModel,
    old: Bunch,
    new: Bunch,
    *,
    budget: float,
    n_jobs: int | None,
    verbose: int,
) -> tuple[Pipeline, dict[str, Any]]:
    """Return the pipeline that reads the held-out captchas better, and the metrics."""
    model = loaded.model
    (old_train, old_test), (new_train, new_test) = map(_split, (old, new))
    train, test = _join(old_train, new_train), _join(old_test, new_test)

    def metrics(fitted: Pipeline | None) -> dict[str, Any] | None:
        if fitted is None:
            return None
        parts = {"old": old_test, "new": new_test, "all": test}
        return {name: evaluate(fitted, part.data, part.target) for name, part in parts.items()}

    before, kept = (metrics(_fitted(model, part)) for part in (old_train, train))
    accuracy = kept["all"]["string_accuracy"] if kept else 0.0
    clearly_better = accuracy + two_standard_errors(accuracy, len(test.target))
    report: dict[str, Any] = {"before": before, "after": kept, "kept": True, "raced": None}
    if clearly_better < 1 or not kept:
        choice = choose_recipe(
            train.data,
            train.target,
            budget=budget,
            n_jobs=n_jobs,
            verbose=verbose,
            networks=False,
        )
        if folds_case(model[-1]):
            set_fold_case(choice.model[-1])
        report["raced"] = raced = metrics(choice.model)
        if raced and (not kept or raced["all"]["string_accuracy"] > clearly_better):
            recipe = Recipe({"data": {"generate": "lines"}, **choice.recipe})
            if folds_case(model[-1]):
                recipe = recipe.with_fold_case()
            chosen = {"chosen": choice.trials[0].name, "recipe_content": choice.recipe}
            return recipe.final_pipeline(), report | chosen | {"after": raced, "kept": False}
    same = {key: loaded.manifest[key] for key in _OF_RECIPE if key in loaded.manifest}
    return clone(model), same | report


def _fitted(model: Pipeline, captchas: Bunch) -> Pipeline | None:
    """Return a copy that is fitted to captchas; None if they do not suit its steps."""
    try:
        return clone(model).fit(captchas.data, captchas.target)
    except SkcaptchaError:
        return None


def _split(captchas: Bunch) -> tuple[Bunch, Bunch]:
    """Divide captchas into four fifths and a fifth, with duplicates on one side."""
    folds = CaptchaKFold(_N_FOLDS, shuffle=True, random_state=0).split(captchas.data)
    train, test = next(iter(folds))
    return _take(captchas, train), _take(captchas, test)


def _take(captchas: Bunch, indices: NDArray[np.intp]) -> Bunch:
    target = np.asarray(captchas.target)[indices]
    return Bunch(data=captchas.data.take(indices.tolist()), target=target)


def _join(first: Bunch, second: Bunch) -> Bunch:
    data = as_batch([*first.data, *second.data])
    return Bunch(data=data, target=np.concatenate([first.target, second.target]))
