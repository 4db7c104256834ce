"""The report of how a model was found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from sklearn.model_selection._search import BaseSearchCV

from skcaptcha._display.percent import percent, points
from skcaptcha.auto import Choice, Trial
from skcaptcha.base import Model, as_texts, pipeline_of
from skcaptcha.inspection._attempts import Attempt, attempts_of, default_names
from skcaptcha.inspection._experiments import Experiments
from skcaptcha.report._advice import after_fit, cross_validated, result
from skcaptcha.report._landscape import landscape, table_of_candidates
from skcaptcha.report._learning import CurvePoint, curve_chart
from skcaptcha.report._page import Page, Section
from skcaptcha.report._parts import figures, table
from skcaptcha.report._plots import bars
from skcaptcha.report._sections import (
    about,
    accuracies,
    failures_section,
    model_section,
    next_steps,
    steps_section,
    times_section,
    trust_section,
)

_MOST_CANDIDATES = 15
_FOLDS = 5
_SHOWN = 10


def fit_report(
    model: Model,
    X: Sequence[Any],
    y: Sequence[str],
    *,
    how: BaseSearchCV | Choice | None = None,
    names: Sequence[str] | None = None,
    held_out: Sequence[Attempt] = (),
    seconds: float = 30.0,
    title: str = "How the model was fitted",
    data: str = "",
    model_file: str = "",
) -> Page:
    """Report how a model was found and how well it reads.

    What it reads is measured on captchas that were held out. If there are none, models like it are
    fitted to parts of its captchas and read the others, as far as the time allows.

    Parameters
    ----------
    model : Pipeline, or fitted search over one
        Fitted.
    X : sequence of n captchas
        What it was fitted to.
    y : sequence of n str
        Their labels.
    how : fitted search or Choice, optional
        What found it: a `SharedGridSearchCV`, or what `choose_recipe` gives. By default `model`, if
        that is a search.
    names : sequence of n str, optional
        What to call the captchas, such as the names of their files; by default their numbers.
    held_out : sequence of Attempt, default=()
        What it read in others; `attempts_of` gives them.
    seconds : float, default=30.0
        How long models may be fitted for the report, about; no fit is begun that would probably
        take longer. 0: not at all.
    title : str, default="How the model was fitted"
    data : str, default=""
        Folder of the captchas, which the report names.
    model_file : str, default=""
        File of the model, which the report names.

    Returns
    -------
    page : Page
        Shows in a notebook; ``save`` writes it.

    Raises
    ------
    ReadingError
        If a label is no string.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from skcaptcha.datasets import make_line_captchas
    >>> from skcaptcha.denoise import Binarizer, Grayscale
    >>> from skcaptcha.features import RawPixels
    >>> from skcaptcha.read import CharacterReader
    >>> from skcaptcha.report import fit_report
    >>> from skcaptcha.model_selection import SharedGridSearchCV
    >>> from skcaptcha.segment import EqualSplit
    >>> X, y = make_line_captchas(80, random_state=0)
    >>> pipeline = make_pipeline(
    ...     Grayscale(), Binarizer(), EqualSplit(4), RawPixels(), CharacterReader()
    ... )
    >>> search = SharedGridSearchCV(pipeline, {"rawpixels__keep_aspect": [False, True]}, cv=2)
    >>> page = fit_report(search.fit(X, y).best_estimator_, X, y, how=search)
    >>> [section.heading for section in page.sections][:4]
    ['Result', 'Failures', 'What each step does', 'The grid']
    """
    y = as_texts(y)
    if how is None and isinstance(model, BaseSearchCV):
        how = model
    model = pipeline_of(model)
    names = default_names(len(y)) if names is None else names
    once, folds = _known_of(how)
    experiments = Experiments(model, X, y, names=names, folds=folds, seconds=seconds, once=once)
    curve = experiments.learning_curve(held_out)
    attempts = list(held_out) or experiments.out_of_fold()
    whence = f"{len(attempts)} captchas that were held out"
    if not held_out:
        which = "all" if len(attempts) == len(y) else f"{len(attempts)} of"
        whence = f"{which} {len(y)} captchas, each read by a model that was fitted without it"
    if attempts:
        curve = _with_all(curve, attempts, len(y) if held_out else experiments.n_learned)
        parts: list[str] = [result(attempts, whence), figures(accuracies(attempts))]
        failed = failures_section(attempts, whence)
    else:
        parts = [] if how is None else [cross_validated(*_accuracy_of(how, len(y)))]
        why = (
            "Not measured: fitting the model again without some of its captchas would have taken "
            "too long. The report of skcaptcha score shows what it misreads."
        )
        failed = Section("Failures", [why])
    advice = after_fit(
        attempts,
        curve,
        accuracy=None if how is None else _accuracy_of(how, len(y))[0],
        held_out=bool(held_out),
        data=data,
        model_file=model_file,
    )
    parts += [next_steps(advice), Markup("<h3>How it was found</h3>")]
    parts.append(figures([("captchas", str(len(y)))] if how is None else _summary_of(how, len(y))))
    # Without any, at least the way of the training captchas through the steps is known.
    shown = attempts or attempts_of(model, X[:_SHOWN], y[:_SHOWN], names=names[:_SHOWN])
    of_shown = whence if attempts else "the captchas that it was fitted to"
    sections = [Section("Result", parts), failed, steps_section(shown, of_shown)]
    if isinstance(how, BaseSearchCV):
        sections.append(_grid(how.cv_results_, len(y)))
    elif how is not None:
        sections.append(_race(how))
    if attempts:
        sections.append(trust_section(attempts))
        sections.append(_curve(curve))
    sections += [times_section(model, shown), model_section(model)]
    return Page(title, about(len(y), data=data, model_file=model_file), sections)


def _known_of(how: BaseSearchCV | Choice | None) -> tuple[float, int]:
    """Give how long a fit takes in a fold, and how many folds there were."""
    if isinstance(how, BaseSearchCV):
        return float(how.cv_results_["mean_fit_time"][how.best_index_]), int(how.n_splits_)
    if how is not None:
        return how.tried[0].seconds / how.folds, how.folds
    return 0.0, _FOLDS


def _accuracy_of(how: BaseSearchCV | Choice, n: int) -> tuple[float, int]:
    """Give the string accuracy in cross-validation, and of how many captchas."""
    if isinstance(how, BaseSearchCV):
        # Not a number if the best candidate could not be scored.
        return float(np.nan_to_num(how.cv_results_["mean_test_score"][how.best_index_])), n
    return how.accuracy, how.n_validated


def _summary_of(how: BaseSearchCV | Choice, n: int) -> list[tuple[str, str]]:
    if isinstance(how, BaseSearchCV):
        results, best = how.cv_results_, how.best_index_
        return [
            ("captchas", str(n)),
            ("candidates", f"{len(results['params'])}, in {how.n_splits_} folds"),
            *((name, " ".join(str(value).split())) for name, value in how.best_params_.items()),
            (
                "string accuracy in cross-validation",
                f"{percent(float(results['mean_test_score'][best]), n)}, with a deviation of "
                f"{points(float(results['std_test_score'][best]), n).removeprefix('+')} points "
                "between folds",
            ),
            ("seconds to fit it in a fold", f"{results['mean_fit_time'][best]:.3g}"),
        ]
    return [
        *how.measurement.lines(),
        ("chosen", how.tried[0].name),
        ("string accuracy in cross-validation", percent(how.accuracy, how.n_validated)),
        ("  found on", f"{how.n_validated} captchas, in {how.folds} folds"),
        ("seconds", f"{how.seconds:.0f} of {how.budget:.0f}"),
    ]


def _grid(results: dict[str, Any], n_captchas: int) -> Section:
    parts = landscape(results, n_captchas)
    if not parts:
        return Section("The grid", ["There was one candidate."])
    header, rows = table_of_candidates(results, _MOST_CANDIDATES, n_captchas)
    n = len(results["params"])
    which = f"The best {len(rows)} of {n} candidates" if len(rows) < n else "All candidates"
    caption = f"{which}; the file .csv beside the model has all figures."
    return Section("The grid", [*parts, table(header, rows, caption=caption)])


def _race(choice: Choice) -> Section:
    families: dict[int, list[Trial]] = {}
    for trial in choice.tried:
        families.setdefault(trial.family, []).append(trial)
    best = [trials[0] for trials in families.values()]
    costs = [sum(trial.seconds for trial in trials) for trials in families.values()]
    shares = [trial.screened if trial.accuracy is None else trial.accuracy for trial in best]
    tried = [k for k, share in enumerate(shares) if share is not None]
    parts: list[str] = []
    if tried:
        parts.append(
            bars(
                [best[k].name for k in tried],
                [shares[k] or 0.0 for k in tried],
                [f"{_percent(shares[k], _n_of(best[k]))}, {costs[k]:.0f} s" for k in tried],
                description=f"The best of each family of recipes: {best[0].name} was chosen.",
                caption="String accuracy of the best of each family of recipes, and the seconds "
                "that the family took. Pale bars were only screened, on a part of the captchas.",
                pale=[best[k].accuracy is None for k in tried],
            )
        )
    rows: list[list[object]] = [
        [
            trial.name,
            " ".join(f"{key}={_short(value)}" for key, value in trial.settings.items()),
            _percent(trial.screened, trial.n_screened),
            _percent(trial.accuracy, trial.n_validated),
            f"{trial.seconds:.1f}",
            trial.verdict,
        ]
        for trial in choice.tried[:_MOST_CANDIDATES]
    ]
    header = ["tried", "settings", "screened", "validated", "seconds", "verdict"]
    return Section("The race of recipes", [*parts, table(header, rows)])


def _short(value: Any) -> str:
    """Name the classes of a step of a recipe, or of several."""
    if not isinstance(value, dict):
        return str(value)
    return str(value["use"]) if "use" in value else " + ".join(map(_short, value.values()))


def _with_all(
    points: Sequence[CurvePoint], attempts: Sequence[Attempt], n_learned: int
) -> list[CurvePoint]:
    """Add the point of all captchas to a learning curve that has others."""
    if not points:
        return []
    n_right = sum(attempt.is_right for attempt in attempts)
    return [*points, CurvePoint(n_learned, n_right, len(attempts))]


def _curve(points: Sequence[CurvePoint]) -> Section:
    if not points:
        return Section(
            "Learning curve",
            ["There were too few captchas, or too little time, to fit the model to fewer of them."],
        )
    caption = (
        "String accuracy after learning from some of the captchas, with 95 % intervals. Measured "
        f"on {points[0].n} captchas that were not learned from, the last point on {points[-1].n}. "
        "If the curve still rises at its end, more labels will help."
    )
    return Section("Learning curve", [curve_chart(points, caption)])


def _n_of(trial: Trial) -> int:
    return trial.n_screened if trial.accuracy is None else trial.n_validated


def _percent(share: float | None, n: int) -> str:
    return "" if share is None else percent(share, n)
