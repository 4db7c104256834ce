"""Choosing a recipe for captchas, fitting it, and writing the model with its recipe and report."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from sklearn.utils import Bunch

from skcaptcha._display.percent import percent
from skcaptcha._display.printable import printable
from skcaptcha._files.earlier_output import check_earlier_output
from skcaptcha._files.exclusive_lock import exclusive_lock
from skcaptcha._process.worker_processes import workers_run
from skcaptcha.auto import Choice, choose_recipe, default_budget
from skcaptcha.exceptions import FitWarning
from skcaptcha.fitting._exclude import exclude_unusable_images
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
from skcaptcha.fitting._unlabeled import usable_unlabeled
from skcaptcha.images import ImageDecoder
from skcaptcha.persistence import check_before_fit, describe_training
from skcaptcha.persistence._manifest import PSEUDO_LABELED, encode_digests
from skcaptcha.read._base import set_fold_case

_FIRST_LINE = "# Chosen by skcaptcha fit"
# After the choice, the model and its report are written. Models are fitted for the report while
# there is time, but for a small fraction of the budget in any case.
_FRACTION_FOR_REPORT, _LEAST_FOR_REPORT, _MOST_FOR_REPORT = 0.15, 2.0, 5.0  # seconds
_LEAST_FRACTION_FOR_FITS, _MOST_FOR_FITS = 0.02, 60.0
_TO_SHOW_AND_END = 1.5  # seconds


def fit_captchas(
    captchas: Bunch,
    model_file: str | os.PathLike[str],
    *,
    unlabeled: Bunch | None = None,
    budget: float | None = None,
    format: Literal["joblib", "skops"] = "joblib",  # noqa: A002 - as the option of the command
    n_jobs: int | None = None,
    scheduler: str | None = None,
    resume: bool = False,
    verbose: int = 0,
    started: float | None = None,
) -> FitResult:
    """Choose a recipe for captchas, fit it, and write the model, the recipe and a report.

    The images are measured, and the ready recipes that can apply are compared within a bounded
    time. Captchas that cannot be used are excluded. Until the files are written, progress is kept
    next to the model, so that an interrupted fit can be resumed. These files are written next to
    the model: its training captchas and accuracy (.json), the score of every candidate (.csv), the
    chosen recipe (.yaml), and a report with pictures (.html).

    Parameters
    ----------
    captchas : Bunch
        Labeled captchas to train on, as `skcaptcha.datasets.load_captchas` returns them. If their
        labels were folded to one case there, the model ignores case when it is evaluated.
    model_file : path-like
        File of the model.
    unlabeled : Bunch, optional
        Captchas of the same scheme without labels, as ``load_captchas(folder, labeled=False)``
        returns them. Those that models read surely teach as well. Files that are not images are
        ignored; of more than 3,000, a random sample is used.
    budget : float, optional
        Seconds that the whole call may take. By default 420, or 0.6 per captcha if that is more;
        twice as much with `unlabeled`.
    format : {"joblib", "skops"}, default="joblib"
        Format of the file. A skops file can be loaded without running code in it.
    n_jobs : int, optional
        Maximum number of processes, as in scikit-learn.
    scheduler : str, optional
        Address of the scheduler of a Dask cluster to use instead, such as ``tcp://host:8786``.
    resume : bool, default=False
        Whether to continue an interrupted fit of this model file.
    verbose : int, default=0
        1 shows progress on standard error.
    started : float, optional
        Time at which the budget began, by `time.perf_counter`; by default now.

    Returns
    -------
    result : FitResult

    Raises
    ------
    SkcaptchaError
        If no captcha can be used, if nothing can be fitted, if the recipe's file was not written
        by an earlier fit, if another process writes to the same file, or if a file cannot be
        written. The message names the cause.

    Warns
    -----
    FitWarning
        If the model may be worse than its accuracy suggests, for example because of rare
        characters.

    See Also
    --------
    skcaptcha.auto.choose_recipe : The choice alone; it writes nothing.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from skcaptcha.datasets import Captchas, make_line_captchas
    >>> from skcaptcha.fitting import fit_captchas
    >>> images, labels = make_line_captchas(120, random_state=0)
    >>> with TemporaryDirectory() as folder:
    ...     captchas = Captchas(data=list(images), target=labels)
    ...     result = fit_captchas(captchas, Path(folder) / "model.joblib")
    >>> result.report["chosen"]
    'FixedBoxes + RawPixels + KNeighborsClassifier'
    """
    begin = time.perf_counter() if started is None else started
    path = Path(model_file)
    files = files_of_fit(path, with_recipe=True)
    if format == "skops":
        check_before_fit([])
    check_earlier_output(files[3], _FIRST_LINE, path)
    with exclusive_lock(path), journals(path, resume=resume) as (journal, _):
        train, failed = exclude_unusable_images(captchas, verbose=verbose)
        data = folder_of(captchas)
        about = describe_training(train.data, train.target)
        others = None
        if unlabeled is not None:
            others = usable_unlabeled(unlabeled, len(train.target))
        if budget is None:
            budget = default_budget(len(train.target), unlabeled=others is not None)
        for_report = min(max(_FRACTION_FOR_REPORT * budget, _LEAST_FOR_REPORT), _MOST_FOR_REPORT)
        before = time.perf_counter() - begin
        for_choice = budget - for_report - before
        if for_choice <= 0:
            warnings.warn(
                f"the budget of {budget:.0f} s is too small: loading took {before:.1f} s, and "
                f"writing the model and its report takes about {for_report:.0f} s; the first "
                "recipe that can be fitted is used",
                FitWarning,
                stacklevel=2,
            )
        with parallel(n_jobs, scheduler, late=True):
            choice = retry_on_lost_worker(
                lambda: choose_recipe(
                    train.data,
                    train.target,
                    unlabeled=others.data if others is not None else None,
                    budget=for_choice,
                    n_jobs=n_jobs,
                    verbose=verbose,
                    checkpoint=journal,
                )
            )
        choice = replace(choice, budget=budget, seconds=before + choice.seconds)
        pseudo_labels = [*_pseudo_labels(choice, others)] if others is not None else []
        if folds_case := captchas.get("fold_case", False):
            set_fold_case(choice.model[-1])
        report = _report(data, choice) | about | {"n_failed": len(failed)}
        report["fold_case"] = folds_case
        if others is not None:
            report |= {"n_unlabeled": len(others.data), "n_pseudo_labeled": len(pseudo_labels)}
        manifest = report | {"recipe_content": choice.recipe}
        if others is not None and choice.self_training is not None:
            taught = np.flatnonzero(choice.self_training.labeled_iter_[-len(others.data) :] > 0)
            manifest[PSEUDO_LABELED] = encode_digests(others.data.take(taught), ImageDecoder())
        del report["training_images"]  # hashes
        write_model(
            choice.model,
            path,
            format,
            manifest=manifest,
            results=_results(choice),
            recipe=_recipe_text(data, path, choice, fold_case=folds_case),
        )
        left = begin + budget - time.perf_counter() - _TO_SHOW_AND_END
        written = write_report(
            files,
            train,
            n_jobs=n_jobs if workers_run() else 1,
            verbose=verbose,
            model=choice.model,
            search=choice,
            unlabeled=others,
            budget=max(
                _LEAST_FRACTION_FOR_FITS * budget, min(choice.seconds / 2, left, _MOST_FOR_FITS)
            ),
            data=data,
        )
    for sentence in report["notes"]:
        warnings.warn(sentence, FitWarning, stacklevel=2)
    causes = advice_for(
        captchas, train.target, choice.accuracy, choice.n_validated, files=written, recipe=False
    )
    return FitResult(choice.model, choice, report, failed, causes, written, pseudo_labels)


def _pseudo_labels(choice: Choice, unlabeled: Bunch) -> Iterator[dict[str, Any]]:
    """Yield the captchas without a label that taught, as rows of a table, the surest first."""
    reader = choice.self_training
    if reader is None:
        return
    n = len(unlabeled.data)
    probabilities, rounds = reader.probabilities_[-n:], reader.labeled_iter_[-n:]
    texts = reader.transduction_[-n:].tolist()
    for i in np.argsort(-probabilities, kind="stable").tolist():
        if rounds[i] > 0:
            yield {
                "filename": unlabeled.filenames[i],
                "label": texts[i],
                "probability": round(float(probabilities[i]), 4),
                "round": int(rounds[i]),
            }


def _report(data: str, choice: Choice) -> dict[str, Any]:
    return {
        "recipe": None,
        "data": data or None,
        "n_train": choice.measurement.n,
        "n_left_out": getattr(choice.model[-1], "n_left_out_", 0),
        "measured": dict(choice.measurement.summary()),
        "chosen": choice.trials[0].name,
        "chosen_settings": choice.trials[0].settings,
        "n_candidates": len(choice.trials),
        "n_folds": choice.folds,
        "n_validated": choice.n_validated,
        "cv_string_accuracy": choice.accuracy,
        "cv_string_accuracy_ignoring_case": choice.accuracy_ignoring_case,
        "characters": "".join(getattr(choice.model[-1], "classes_", [])),
        "trials": [asdict(trial) for trial in choice.trials],
        "notes": list(_notes(choice)),
        "budget": choice.budget,
        "seconds": choice.seconds,
    }


def _results(choice: Choice) -> dict[str, list[Any]]:
    """Return the trials as a table like ``cv_results_`` of a search."""
    keys = dict.fromkeys(key for trial in choice.trials for key in trial.settings)
    return {
        "rank_test_score": list(range(1, len(choice.trials) + 1)),
        "name": [trial.name for trial in choice.trials],
        "outcome": [trial.outcome for trial in choice.trials],
        "screened": [trial.screened for trial in choice.trials],
        "mean_test_score": [trial.accuracy for trial in choice.trials],
        "seconds": [trial.seconds for trial in choice.trials],
        **{f"param_{key}": [trial.settings.get(key) for trial in choice.trials] for key in keys},
    }


def _recipe_text(data: str, model_file: Path, choice: Choice, *, fold_case: bool) -> str:
    """Return the chosen recipe as YAML, after a comment that explains the choice."""
    today = datetime.now(UTC).date().isoformat()
    where = f"in {choice.folds} folds" if choice.folds > 1 else "held out of the training"
    comments = [
        f"{_FIRST_LINE.removeprefix('# ')} on {today} for captchas with these properties:",
        *(f"  {name}: {value}" for name, value in choice.measurement.summary()),
        f"It read {percent(choice.accuracy, choice.n_validated)} of {choice.n_validated} captchas "
        f"correctly, {where}; {len(choice.trials)} candidates were compared.",
    ]
    folding = {"fold_case": True} if fold_case else {}
    content = {
        **({"data": {"folder": _relative(data, model_file.parent), **folding}} if data else {}),
        **choice.recipe,
        "output": {"model": model_file.name},
    }
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, default_flow_style=None)
    return "".join(f"# {printable(line)}\n" for line in comments) + "\n" + text


def _relative(folder: str, start: Path) -> str:
    """Return the path of a folder relative to another, so that both can be moved together."""
    try:
        return Path(os.path.relpath(os.path.realpath(folder), os.path.realpath(start))).as_posix()
    except ValueError:  # on another drive
        return os.path.abspath(folder)


def _notes(choice: Choice) -> Iterator[str]:
    """Yield what in the captchas makes a good model unlikely."""
    measurement = choice.measurement
    if measurement.rare:
        n = len(measurement.rare)
        yield (
            f"{n} {'character occurs' if n == 1 else 'characters occur'} fewer than three times "
            f"and will rarely be read correctly: {measurement.rare}"
        )
    if len(measurement.characters) == 1:
        yield "all labels consist of one character; no other character can be read"
    elif measurement.n_labels == 1:
        yield "all labels are the same; other strings will rarely be read correctly"
