"""The report on how a model was fitted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils import Bunch

from skcaptcha._display.percent import percent, points
from skcaptcha.auto import Choice
from skcaptcha.base import Model, as_texts, pipeline_of
from skcaptcha.inspection import LabeledPrediction, predict_labeled
from skcaptcha.inspection._budgeted_refits import BudgetedRefits, LearningCurvePoint
from skcaptcha.inspection._labeled_predictions import default_names
from skcaptcha.metrics import wilson_interval
from skcaptcha.read import ConvolutionalReader
from skcaptcha.read._base import reader_of_strings
from skcaptcha.report._blocks import Block, Facts, Heading
from skcaptcha.report._charts import Curve, accuracy_chart
from skcaptcha.report._confidence_section import confidence_section
from skcaptcha.report._errors_section import errors_section
from skcaptcha.report._grid_section import grid_section
from skcaptcha.report._page import Page, Section
from skcaptcha.report._race_section import race_section
from skcaptcha.report._result_section import (
    accuracy_headline,
    measured,
    next_after_fit,
    next_steps,
)
from skcaptcha.report._score_report import subtitle
from skcaptcha.report._step_sections import model_section, steps_section, times_section
from skcaptcha.report._unlabeled_section import unlabeled_section

_DEFAULT_FOLDS = 5
_N_SHOWN = 10


def fit_report(
    model: Model,
    X: Sequence[Any],
    y: Sequence[str],
    *,
    search: BaseSearchCV | Choice | None = None,
    names: Sequence[str] | None = None,
    held_out: Sequence[LabeledPrediction] = (),
    unlabeled: Bunch | None = None,
    budget: float = 30.0,
    title: str = "How the model was fitted",
    data: str = "",
    model_file: str = "",
) -> Page:
    """Report how a model was found, and how well it reads.

    Accuracy is measured on held-out captchas. Without them, clones of the model are fitted to part
    of its training captchas and tested on the others, as far as the time budget allows.

    Parameters
    ----------
    model : Pipeline, or fitted search over one
        Fitted model.
    X : sequence of n captchas
        Its training captchas.
    y : sequence of n str
        Labels of the captchas.
    search : fitted search or Choice, optional
        The search that found the model: a `~skcaptcha.model_selection.SharedGridSearchCV`, or the
        result of `~skcaptcha.auto.choose_recipe`. By default `model`, if that is a search.
    names : sequence of n str, optional
        Names of the captchas, such as their file names. By default they are numbered from 1.
    held_out : sequence of LabeledPrediction, default=()
        Predictions of the model for held-out captchas, from
        `~skcaptcha.inspection.predict_labeled`.
    unlabeled : Bunch, optional
        ``data`` and ``filenames`` of the captchas without a label that `search`, the result of
        `~skcaptcha.auto.choose_recipe`, also learned from.
    budget : float, default=30.0
        Seconds for fitting clones of the model, approximately: a fit that would probably exceed
        them is not started. 0 turns these fits off. A `~skcaptcha.read.ConvolutionalReader` is not
        fitted again, because each fit trains for minutes.
    title : str, default="How the model was fitted"
        Title of the page.
    data : str, default=""
        Folder of the captchas, which the report mentions.
    model_file : str, default=""
        File of the model, which the report mentions.

    Returns
    -------
    page : Page
        Notebooks display it; its method ``save`` writes it to a file.

    Raises
    ------
    ReadingError
        If a label is not a string.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from skcaptcha.datasets import make_line_captchas
    >>> from skcaptcha.denoise import Binarizer, Grayscale
    >>> from skcaptcha.features import RawPixels
    >>> from skcaptcha.model_selection import SharedGridSearchCV
    >>> from skcaptcha.read import CharacterReader
    >>> from skcaptcha.report import fit_report
    >>> from skcaptcha.segment import EqualSplit
    >>> X, y = make_line_captchas(80, random_state=0)
    >>> pipeline = make_pipeline(
    ...     Grayscale(), Binarizer(), EqualSplit(4), RawPixels(), CharacterReader()
    ... )
    >>> search = SharedGridSearchCV(pipeline, {"rawpixels__keep_aspect": [False, True]}, cv=2)
    >>> page = fit_report(search.fit(X, y), X, y)
    >>> [section.heading for section in page.sections][:4]
    ['Result', 'Errors', 'What each step does', 'The grid']
    """
    y = as_texts(y)
    n = len(y)
    if search is None and isinstance(model, BaseSearchCV):
        search = model
    model = pipeline_of(model)
    names = default_names(n) if names is None else names
    found = _describe(search, n)
    seconds = 0.0 if isinstance(reader_of_strings(model[-1]), ConvolutionalReader) else budget
    refits = BudgetedRefits(
        model, X, y, names=names, folds=found.folds, seconds=seconds, once=found.fit_seconds
    )
    curve = refits.learning_curve(held_out)
    predictions = list(held_out) or refits.out_of_fold_predictions()
    if held_out:
        source = f"{len(predictions)} held-out captchas"
    else:
        which = "all" if len(predictions) == n else f"{len(predictions)} of"
        source = f"{which} {n} captchas, each read by a model that was fitted without it"
    result: list[Block] = []
    if predictions:
        shown, shown_source = predictions, source
        result += measured(predictions, source)
        errors = errors_section(predictions, source)
        if curve:
            n_correct = sum(prediction.is_correct for prediction in predictions)
            n_train = n if held_out else refits.n_train
            curve.append(LearningCurvePoint(n_train, n_correct, len(predictions)))
    else:
        shown = predict_labeled(model, X[:_N_SHOWN], y[:_N_SHOWN], names=names[:_N_SHOWN])
        shown_source = "the training captchas"
        if found.accuracy is not None:
            where = f"{found.tested_on}, when the model was chosen"
            result.append(accuracy_headline(found.accuracy, found.n_validated, where))
        not_measured = (
            "Not measured: fitting the model again without part of its captchas would have taken "
            "too long. The report of skcaptcha score shows the captchas that it misreads."
        )
        errors = Section("Errors", [not_measured])
    steps = next_after_fit(
        predictions,
        curve,
        accuracy=found.accuracy,
        held_out=bool(held_out),
        data=data,
        model_file=model_file,
    )
    result += [*next_steps(steps), Heading("How the model was found"), Facts(found.facts)]
    sections = [Section("Result", result), errors, steps_section(shown, shown_source)]
    if unlabeled is not None and isinstance(search, Choice) and search.self_training is not None:
        sections.append(unlabeled_section(search.self_training, unlabeled))
    sections += found.sections
    if predictions:
        sections += [confidence_section(predictions), _learning_curve_section(curve)]
    sections += [times_section(model, shown), model_section(model)]
    return Page(title, subtitle(n, data=data, model_file=model_file), sections)


class _Description(NamedTuple):
    """The parts of a report that depend on the kind of search."""

    facts: Sequence[tuple[str, object]]
    sections: Sequence[Section] = ()
    fit_seconds: float = 0.0  # of one fit in a fold
    folds: int = _DEFAULT_FOLDS
    accuracy: float | None = None  # when the model was chosen
    n_validated: int = 0
    tested_on: str = "the training captchas"


def _describe(search: BaseSearchCV | Choice | None, n: int) -> _Description:
    if search is None:
        return _Description([("captchas", n)])
    if isinstance(search, Choice):
        folds, accuracy, n_validated = search.folds, search.accuracy, search.n_validated
        facts = [
            *search.measurement.summary(),
            ("chosen", search.trials[0].name),
            (
                "string accuracy in cross-validation" if folds > 1 else "string accuracy",
                percent(accuracy, n_validated),
            ),
            (
                "  measured on",
                f"{n_validated} captchas, "
                + (f"in {folds} folds" if folds > 1 else "held out of the training"),
            ),
            ("seconds", f"{search.seconds:.0f} of {search.budget:.0f}"),
        ]
        seconds = search.trials[0].seconds / folds
        sections = [race_section(search)]
        if folds > 1:
            return _Description(facts, sections, seconds, folds, accuracy, n_validated)
        tested_on = "captchas held out of the training"
        return _Description(facts, sections, seconds, 2, accuracy, n_validated, tested_on)
    results, best = search.cv_results_, search.best_index_
    # NaN if the best candidate could not be scored.
    accuracy = float(np.nan_to_num(results["mean_test_score"][best]))
    deviation = points(float(results["std_test_score"][best]), n).removeprefix("+")
    seconds, folds = float(results["mean_fit_time"][best]), int(search.n_splits_)
    facts = [
        ("captchas", str(n)),
        ("candidates", f"{len(results['params'])}, in {folds} folds"),
        *((name, " ".join(str(value).split())) for name, value in search.best_params_.items()),
        (
            "string accuracy in cross-validation",
            f"{percent(accuracy, n)}, standard deviation between folds: {deviation} points",
        ),
        ("seconds to fit in one fold", f"{seconds:.3g}"),
    ]
    return _Description(facts, [grid_section(results, n)], seconds, folds, accuracy, n)


def _learning_curve_section(curve: Sequence[LearningCurvePoint]) -> Section:
    if not curve:
        why = "There were too few captchas, or too little time, to fit the model to part of them."
        return Section("Learning curve", [why])
    accuracies = [point.n_correct / point.n for point in curve]
    lows, highs = zip(*(wilson_interval(p.n_correct, p.n) for p in curve), strict=True)
    texts = [percent(a, point.n) for a, point in zip(accuracies, curve, strict=True)]
    sizes = [point.n_train for point in curve]
    listed = ", ".join(f"{text} with {size}" for text, size in zip(texts, sizes, strict=True))
    chart = accuracy_chart(
        Curve(sizes, accuracies, lows, highs),
        xlabel="training captchas",
        description=f"Learning curve: accuracy by number of training captchas: {listed}.",
        caption="String accuracy by number of training captchas, with 95 % intervals. Measured on "
        f"{curve[0].n} captchas that were not used for training, the last point on {curve[-1].n}. "
        "If the curve still rises at its end, more labels will help.",
        is_learning_curve=True,
        texts=texts,
    )
    return Section("Learning curve", [chart])
