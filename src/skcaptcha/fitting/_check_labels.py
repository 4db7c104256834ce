"""Checking labels: the model to evaluate them with, and the captchas that it cannot use."""

from __future__ import annotations

from dataclasses import dataclass

from sklearn.base import clone
from sklearn.model_selection import ParameterGrid
from sklearn.pipeline import Pipeline
from sklearn.utils import Bunch

from skcaptcha._display.percent import percent_confidence
from skcaptcha._process.worker_processes import start_workers
from skcaptcha.auto import choose_recipe
from skcaptcha.exceptions import SegmentationError
from skcaptcha.fitting._exclude import Failures, exclude_unsegmentable, exclude_unusable_images
from skcaptcha.images import ImageDecoder
from skcaptcha.label_issues import LabelIssues, find_label_issues
from skcaptcha.label_issues._find_label_issues import check_number
from skcaptcha.read._evaluate import refuse_answers
from skcaptcha.recipes import Recipe

DEFAULT_BUDGET = 180.0  # seconds


@dataclass(frozen=True)
class CheckedLabels:
    """Result of `check_labels`.

    Attributes
    ----------
    issues : LabelIssues
        Labels that are probably wrong, and the scores of all labels.
    captchas : Bunch
        Captchas that were checked; the indices of `issues` count these.
    failed : list of dict
        ``filename`` and ``reason`` of each captcha that could not be used.
    model : Pipeline
        Pipeline that was fitted in each fold, not fitted.
    """

    issues: LabelIssues
    captchas: Bunch
    failed: Failures
    model: Pipeline

    def to_review(self) -> list[tuple[str, str, str]]:
        """Return the suspects in the form of ``only`` of `skcaptcha.label.LabelingSession`.

        Returns
        -------
        suspects : list of tuple
            File name, reason, and text that the model reads, the worst first.
        """
        return [
            (
                self.captchas.filenames[issue.index],
                f"{issue.reason}; the model reads {issue.text or 'nothing'} with a confidence of "
                f"{percent_confidence(issue.confidence)}",
                issue.text,
            )
            for issue in self.issues.suspects
        ]


def check_labels(
    captchas: Bunch,
    model: Pipeline | Recipe | None = None,
    *,
    budget: float | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> CheckedLabels:
    """Find labels that are probably wrong, with captchas that cannot be used excluded.

    Parameters
    ----------
    captchas : Bunch
        Labeled captchas, as `skcaptcha.datasets.load_captchas` returns them.
    model : Pipeline or Recipe, optional
        Pipeline to fit in each fold, or recipe whose best candidate is. By default, a recipe is
        chosen for the captchas.
    budget : float, default=180.0
        Seconds that choosing a recipe may take.
    n_jobs : int, optional
        Number of processes, as in scikit-learn.
    verbose : int, default=0
        1 shows progress on standard error.

    Returns
    -------
    checked : CheckedLabels

    Raises
    ------
    SkcaptchaError
        If there are too few captchas, or nothing can be fitted to them.

    See Also
    --------
    skcaptcha.label_issues.find_label_issues : The same for captchas that can all be used.

    Examples
    --------
    >>> from skcaptcha import load_recipe
    >>> from skcaptcha.datasets import Captchas, make_line_captchas
    >>> from skcaptcha.fitting import check_labels
    >>> images, labels = make_line_captchas(60, charset="ABCD", random_state=0)
    >>> labels[7] = "DDDD"
    >>> recipe = load_recipe("grid", ["grid=null"])
    >>> checked = check_labels(Captchas(data=list(images), target=labels), recipe)
    >>> [issue.index for issue in checked.issues.suspects]
    [7]
    """
    decoder = None
    if model is not None:
        steps = model.pipeline() if isinstance(model, Recipe) else model
        decoder = steps[0] if isinstance(steps[0], ImageDecoder) else None
        refuse_answers(steps[-1], captchas.target)
    captchas, failed = exclude_unusable_images(captchas, decoder, verbose=verbose)
    check_number(len(captchas.data))
    start_workers(n_jobs)
    if model is None:
        model = choose_recipe(
            captchas.data,
            captchas.target,
            budget=budget or DEFAULT_BUDGET,
            n_jobs=n_jobs,
            verbose=verbose,
            refit=False,
        ).model
    elif isinstance(model, Recipe):
        model = _best_candidate(model, captchas, n_jobs, verbose)
    pipeline = clone(model)

    def find() -> LabelIssues:
        return find_label_issues(
            captchas.data,
            captchas.target,
            model=pipeline,
            names=captchas.get("filenames"),
            n_jobs=n_jobs,
            verbose=verbose,
        )

    try:
        issues = find()
    except SegmentationError as error:
        captchas, excluded = exclude_unsegmentable(error, pipeline[:-1], captchas)
        failed += excluded
        issues = find()
    return CheckedLabels(issues, captchas, failed, pipeline)


def _best_candidate(recipe: Recipe, captchas: Bunch, n_jobs: int | None, verbose: int) -> Pipeline:
    """Return the best candidate of a grid; a single one is not evaluated."""
    candidates = list(ParameterGrid(recipe.grid))
    best = candidates[0]
    if len(candidates) > 1:
        search = recipe.search(n_jobs=n_jobs, verbose=verbose).set_params(refit=False)
        best = search.fit(captchas.data, captchas.target).best_params_
    return recipe.pipeline().set_params(**clone(best, safe=False))
