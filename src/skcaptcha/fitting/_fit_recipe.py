"""Fitting a recipe to captchas, and writing the model with its report."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, Literal

from sklearn.pipeline import Pipeline
from sklearn.utils import Bunch

from skcaptcha._files.exclusive_lock import exclusive_lock
from skcaptcha.base import as_texts
from skcaptcha.exceptions import (
    ImageError,
    ModelError,
    RecipeError,
    SegmentationError,
    SkcaptchaError,
)
from skcaptcha.fitting._exclude import (
    decode_captchas,
    exclude_unsegmentable,
    exclude_unusable_images,
    failures_of,
    warn_of_known_held_out,
)
from skcaptcha.fitting._journals import journals
from skcaptcha.fitting._parallel import parallel, retry_on_lost_worker
from skcaptcha.fitting._result import (
    FitResult,
    advice_for,
    files_of_fit,
    folder_of,
    write_model,
    write_report,
)
from skcaptcha.inspection import predict_labeled, summarize
from skcaptcha.model_selection import SharedGridSearchCV
from skcaptcha.persistence import check_before_fit, describe_training
from skcaptcha.prediction import read_images
from skcaptcha.read import Reading
from skcaptcha.read._base import in_case_of, reader_of_strings
from skcaptcha.read._evaluate import refuse_answers
from skcaptcha.recipes import Recipe

_SECONDS_FOR_REPORT = 5.0, 60.0  # least and most


def fit_recipe(
    recipe: Recipe,
    captchas: Bunch,
    model_file: str | os.PathLike[str],
    *,
    held_out: Bunch | None = None,
    format: Literal["joblib", "skops"] = "joblib",  # noqa: A002 - as the option of the command
    n_jobs: int | None = None,
    scheduler: str | None = None,
    resume: bool = False,
    verbose: int = 0,
) -> FitResult:
    """Search the grid of a recipe, fit the best candidate and write the model and its report.

    Captchas that cannot be used are excluded. Until the files are written, progress is kept next
    to the model, so that an interrupted fit can be resumed. These files are written next to the
    model: its training captchas and accuracy (.json), the score of every candidate (.csv), and a
    report with pictures (.html).

    Parameters
    ----------
    recipe : Recipe
        Recipe to fit; see `skcaptcha.load_recipe`.
    captchas : Bunch
        Labeled captchas to train on, as `skcaptcha.datasets.load_captchas` returns them. If their
        labels were folded to one case there, the model ignores case when it is evaluated.
    model_file : path-like
        File of the model.
    held_out : Bunch, optional
        Labeled captchas to evaluate the model on.
    format : {"joblib", "skops"}, default="joblib"
        Format of the file. A skops file can be loaded without running code in it.
    n_jobs : int, optional
        Number of processes, as in scikit-learn.
    scheduler : str, optional
        Address of the scheduler of a Dask cluster to use instead, such as ``tcp://host:8786``.
    resume : bool, default=False
        Whether to continue an interrupted fit of this model file.
    verbose : int, default=0
        1 shows progress on standard error.

    Returns
    -------
    result : FitResult

    Raises
    ------
    SkcaptchaError
        If no captcha can be used, if nothing can be fitted, if another process writes to the same
        file, or if a file cannot be written. The message names the cause.

    Warns
    -----
    FitWarning
        If the model may be worse than its accuracy suggests, for example because of duplicates.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from skcaptcha import load_recipe
    >>> from skcaptcha.fitting import fit_recipe
    >>> recipe = load_recipe("grid", ["search.cv=2", "data.n=60", "data.train=40"])
    >>> train, test = recipe.load_data()
    >>> with TemporaryDirectory() as folder:
    ...     result = fit_recipe(recipe, train, Path(folder) / "model.joblib", held_out=test)
    >>> [file.suffix for file in result.files], result.report["n_train"]
    (['.joblib', '.json', '.csv', '.html'], 40)
    """
    path = Path(model_file)
    if captchas.get("fold_case", False):
        recipe = recipe.with_fold_case()
    if format == "skops":
        check_before_fit([])  # that skops is missing has nothing to do with the recipe
        try:
            check_before_fit([recipe.final_pipeline(), recipe.grid])
        except ModelError as error:
            raise ModelError(f"{recipe.source}: {error}") from error
    with exclusive_lock(path), journals(path, resume=resume) as (first, second):
        begin = time.perf_counter()
        pipeline = recipe.pipeline()
        refuse_answers(pipeline[-1], captchas.target)
        decoder = pipeline.named_steps["images"]
        train, failed = exclude_unusable_images(captchas, decoder, verbose=verbose)
        data = folder_of(captchas)
        if held_out is not None:
            held_out = type(held_out)(**{**held_out, "data": decode_captchas(held_out, decoder)})
            warn_of_known_held_out(train, held_out)
        options: dict[str, Any] = {"n_jobs": n_jobs, "verbose": verbose}
        with parallel(n_jobs, scheduler):
            try:
                model, search = retry_on_lost_worker(
                    lambda: recipe.fit(train.data, train.target, checkpoint=first, **options)
                )
            except (ImageError, SegmentationError, RecipeError) as error:
                # If all of them are in one fold, every candidate fails in it alone.
                train, excluded = exclude_unsegmentable(error, recipe.pipeline()[:-1], train)
                failed += excluded
                model, search = retry_on_lost_worker(
                    lambda: recipe.fit(train.data, train.target, checkpoint=second, **options)
                )
        results: list[Reading | SkcaptchaError] = []
        report = _report(recipe, model, search) | describe_training(
            train.data, train.target, decoder
        )
        if held_out is not None:
            read = read_images(model, held_out.data, verbose=verbose)
            results += (result for _, result in read)
            expected = in_case_of(model[-1], as_texts(held_out.target))
            report["held_out"] = summarize(expected, results)
            failed += failures_of(held_out, dict(enumerate(results)))
        report["n_failed"] = len(failed)
        report["seconds"] = time.perf_counter() - begin
        manifest = report | {"recipe_content": recipe.content}
        del report["training_images"]  # hashes
        write_model(model, path, format, manifest=manifest, results=search.cv_results_)
        predictions = []
        if held_out is not None:
            names = held_out.get("filenames")
            predictions = predict_labeled(
                model, held_out.data, held_out.target, names=names, results=results
            )
        least, most = _SECONDS_FOR_REPORT
        written = write_report(
            files_of_fit(path, with_recipe=False),
            train,
            n_jobs=n_jobs,
            verbose=verbose,
            model=model,
            search=search,
            held_out=predictions,
            budget=min(max(report["seconds"] / 2, least), most),
            data=data,
        )
    causes = advice_for(
        captchas,
        train.target,
        report["cv_string_accuracy"],
        report["n_train"],
        files=written,
        recipe=True,
    )
    return FitResult(model, search, report, failed, causes, written)


def _report(recipe: Recipe, model: Pipeline, search: SharedGridSearchCV) -> dict[str, Any]:
    report = {
        "recipe": recipe.source,
        "overrides": recipe.overrides,
        "data": recipe.content["data"].get("folder"),
        "fold_case": recipe.data.fold_case,
        "n_left_out": getattr(reader_of_strings(model[-1]), "n_left_out_", 0),
        "n_candidates": len(search.cv_results_["params"]),
        "n_folds": search.n_splits_,
        "best_params": search.best_params_,
        "cv_string_accuracy": search.best_score_,
        "characters": "".join(getattr(model[-1], "classes_", [])),
    }
    ignoring_case = search.cv_results_.get("mean_test_ignoring_case")
    if ignoring_case is not None:
        report["cv_string_accuracy_ignoring_case"] = float(ignoring_case[search.best_index_])
    return report
