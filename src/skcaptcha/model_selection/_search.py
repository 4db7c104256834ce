"""Grid search over a whole pipeline that computes the steps that candidates share only once."""

from __future__ import annotations

import logging
import os
import time
import warnings
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import chain, groupby, pairwise
from typing import Any, ClassVar, Self

import joblib
import numpy as np
from joblib.logger import short_format_time
from sklearn.base import _fit_context, clone, is_classifier
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics._scorer import _BaseScorer, _PassthroughScorer
from sklearn.model_selection import GridSearchCV, ParameterGrid, check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags, indexable

from skcaptcha._display.progress import progress
from skcaptcha._process.one_thread import one_thread
from skcaptcha.base import Documented
from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.model_selection._journal import Journal, digest_of_captchas
from skcaptcha.model_selection._score_records import record_of, score_of
from skcaptcha.model_selection._shared_steps import (
    Candidate,
    Score,
    Scoring,
    Split,
    build_candidates,
    is_plain_pipeline,
    score_candidates,
)

_logger = logging.getLogger(__name__)

_TASKS_PER_WORKER = 12


class SharedGridSearchCV(Documented, GridSearchCV):
    """Grid search over a Pipeline that computes the steps that candidates share only once.

    `sklearn.model_selection.GridSearchCV` runs the whole pipeline for every candidate and fold.
    Here the candidates form a tree: a step is fitted once per fold for all candidates that agree
    in this step and all steps before it. From the first step on, steps with nothing to learn (the
    tag ``learns_from`` of `skcaptcha.base.StepTags`) are fitted once for all folds. Scores and
    choice are the same; only the time differs. Steps that may modify their input in place work on
    a copy if other candidates need the samples. Nested pipelines take part step by step.

    It accepts everything that `GridSearchCV` accepts, and works exactly like `GridSearchCV`,
    without sharing, with:

    - an estimator that is not a Pipeline, or whose class is derived from Pipeline;
    - a grid over the pipeline's own parameters (``memory``, ``steps``);
    - parameters for ``fit``;
    - callbacks (scikit-learn 1.9);
    - a first step that takes distances or kernels between samples (``kernel="precomputed"``);
    - a function of the estimator and X as ``scoring``, which may use the whole pipeline.

    With several metrics, or train scores, a candidate shares nothing if one of its steps may modify
    its input, because the scores would depend on it.

    ``verbose=1`` shows the progress and the remaining time on standard error. ``verbose=2`` and
    above prints the line that `GridSearchCV` prints at the end of each fit instead.
    ``mean_fit_time`` is the time of all steps of a candidate, including shared ones.

    Parameters
    ----------
    estimator, param_grid, scoring, n_jobs, refit, cv, verbose, pre_dispatch, error_score, \
return_train_score
        See `sklearn.model_selection.GridSearchCV`.
    checkpoint : path-like, default=None
        File to which the outcome of every candidate in every fold is written as soon as it is
        known. If the file exists, its outcomes are not computed again, and the result is that of an
        uninterrupted search, including times. `fit` raises an error if the file belongs to a search
        with a different estimator, grid, folds, scoring, data or library versions. The file is
        kept when the search ends. Requires candidates that can share steps.

    Attributes
    ----------
    n_resumed_ : int
        Number of outcomes read from the checkpoint. All other attributes are those of
        `sklearn.model_selection.GridSearchCV`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.decomposition import PCA
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sklearn.pipeline import Pipeline
    >>> from skcaptcha.model_selection import SharedGridSearchCV
    >>> pipeline = Pipeline([("pca", PCA()), ("knn", KNeighborsClassifier())])
    >>> grid = {"pca__n_components": [1, 2], "knn__n_neighbors": [1, 3, 5]}
    >>> search = SharedGridSearchCV(pipeline, grid, cv=3).fit(*load_iris(return_X_y=True))
    >>> len(search.cv_results_["params"])
    6
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **GridSearchCV._parameter_constraints,
        "checkpoint": [str, os.PathLike, None],
    }

    def __init__(
        self,
        estimator: Any,
        param_grid: Any,
        *,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: int | str = "2*n_jobs",
        error_score: Any = np.nan,
        return_train_score: bool = False,
        checkpoint: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__(
            estimator,
            param_grid,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.checkpoint = checkpoint

    @one_thread()
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Score every candidate in every fold, and fit the best one to all samples.

        Parameters
        ----------
        X : sequence of n samples
        y : array-like of n targets
        **params : dict
            Parameters for the estimator's ``fit``; if there are any, nothing is shared.

        Returns
        -------
        self
        """
        grid = list(ParameterGrid(self.param_grid))
        scorers, refit_metric = self._get_scorers()
        scoring = Scoring(scorers, self.error_score, self.return_train_score)
        candidates = None if params else self._candidates(grid, scoring)
        if candidates is None:
            if self.checkpoint is not None:
                raise ValueError(
                    "checkpoint needs candidates that can share steps: a Pipeline, a grid over "
                    "its steps, and neither parameters for fit, callbacks, a precomputed kernel "
                    "nor a function as scoring; use checkpoint=None"
                )
            self.n_resumed_ = 0
            return super().fit(X, y, **params)
        X, y = indexable(X, y)
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        self.n_splits_ = cv.get_n_splits(X, y)
        splits = [Split(k, *split) for k, split in enumerate(cv.split(X, y))]
        if len(splits) != self.n_splits_:
            raise ValueError(
                "cv.split and cv.get_n_splits return inconsistent results. "
                f"Expected {self.n_splits_} splits, got {len(splits)}"
            )
        with self._open_journal(X, y, splits, grid, scoring) as journal:
            outcomes = self._score_all(
                X, y, splits, candidates, scoring, grid=grid, journal=journal
            )
        if not outcomes:
            raise ValueError("No fits were performed: there are no splits or no candidates")
        _report_failures(outcomes, self.error_score)
        self.multimetric_ = isinstance(outcomes[0]["test_scores"], dict)
        self.scorer_ = getattr(scorers, "_scorers", scorers)
        with warnings.catch_warnings():
            # `_report_failures` has reported non-finite scores and their cause.
            warnings.filterwarnings("ignore", message="One or more of the .* scores")
            self.cv_results_ = self._format_results(grid, self.n_splits_, outcomes)
        if self.refit or not self.multimetric_:
            self.best_index_ = self._select_best_index(self.refit, refit_metric, self.cv_results_)
            self.best_params_ = self.cv_results_["params"][self.best_index_]
            if not callable(self.refit):
                self.best_score_ = self.cv_results_[f"mean_test_{refit_metric}"][self.best_index_]
        if self.refit:
            begin = time.perf_counter()
            best = clone(self.best_params_, safe=False)
            self.best_estimator_ = clone(self.estimator).set_params(**best).fit(X, y)
            self.refit_time_ = time.perf_counter() - begin
            if hasattr(self.best_estimator_, "feature_names_in_"):
                self.feature_names_in_ = self.best_estimator_.feature_names_in_
        return self

    def _candidates(self, grid: list[dict[str, Any]], scoring: Scoring) -> list[Candidate] | None:
        """Return the candidates ordered by their steps; None if they cannot share any."""
        if not is_plain_pipeline(self.estimator) or not _use_last_step_only(scoring.scorers):
            return None
        names = {name for name, _ in self.estimator.steps}
        if not all(key.partition("__")[0] in names for params in grid for key in params):
            return None
        candidates = build_candidates(self.estimator, grid, scoring)
        steps = {step.key: step.estimator for each in candidates for step in each.steps}
        if _have_callbacks([self, self.estimator, *steps.values()]):
            return None
        first = {candidate.steps[0].key for candidate in candidates}
        if any(get_tags(Pipeline([("first", steps[key])])).input_tags.pairwise for key in first):
            return None
        return sorted(candidates, key=lambda candidate: [step.key for step in candidate.steps])

    def _open_journal(
        self, X: Any, y: Any, splits: list[Split], grid: list[dict[str, Any]], scoring: Scoring
    ) -> AbstractContextManager[Journal | None]:
        if self.checkpoint is None:
            return nullcontext()
        parts = {
            "steps": self.estimator,
            "candidates": grid,
            "folds": [(split.train, split.test) for split in splits],
            "scoring": tuple(scoring),
            "captchas": digest_of_captchas(X),
            "labels": y,
        }
        return Journal(self.checkpoint, parts)

    def _score_all(
        self,
        X: Any,
        y: Any,
        splits: list[Split],
        candidates: list[Candidate],
        scoring: Scoring,
        *,
        grid: list[dict[str, Any]],
        journal: Journal | None,
    ) -> list[dict[str, Any]]:
        """Return the outcome of every candidate in every split, candidate by candidate."""
        # Two processes may have recorded the same candidate and split.
        recorded = map(score_of, journal.records if journal else ())
        known = {(score.candidate, score.split): score for score in recorded}
        self.n_resumed_ = len(known)
        _logger.info(
            "searching: %d candidates in %d folds, %d outcomes known",
            len(candidates),
            len(splits),
            len(known),
        )
        outcomes = np.empty((len(candidates), len(splits)), dtype=object)
        for place, score in known.items():
            outcomes[place] = score.outcome
        if self.verbose > 1:
            print(
                f"Fitting {len(splits)} folds for each of {len(candidates)} candidates, totalling "
                f"{outcomes.size} fits"
            )
        with progress("fits", outcomes.size, show=self.verbose == 1) as advance:
            advance(len(known))
            for part, missing in _missing(candidates, splits, {score[:2] for score in known}):
                for scores in self._in_parallel(X, y, part, missing, scoring):
                    if journal:
                        journal.append(map(record_of, scores))
                    for score in scores:
                        self._report(score, grid, len(splits))
                        outcomes[score[:2]] = score.outcome
                    advance(len(scores))
        return list(outcomes.ravel())

    def _report(self, score: Score, grid: list[dict[str, Any]], n_splits: int) -> None:
        """Log a score, and print the line that GridSearchCV prints at the end of a fit."""
        candidate, split, outcome = score
        params = grid[candidate]
        test, train = outcome["test_scores"], outcome.get("train_scores")
        _logger.debug(
            "candidate %d %s, fold %d: %s, fitted in %.2f s, scored in %.2f s",
            candidate + 1,
            params,
            split + 1,
            outcome["fit_error"] or test,
            outcome["fit_time"],
            outcome["score_time"],
        )
        if self.verbose < 2:
            return
        begin = "[CV"
        if self.verbose > 2:
            begin += f" {split + 1}/{n_splits}"
        if self.verbose > 9:
            begin += f"; {candidate + 1}/{len(grid)}"
        begin += "] END "
        end = ", ".join(f"{name}={params[name]}" for name in sorted(params))
        end += ";" if params else ""
        if self.verbose > 2 and isinstance(test, dict):
            for name in sorted(test):
                before = "" if train is None else f"train={train[name]:.3f}, "
                end += f" {name}: ({before}test={test[name]:.3f})"
        elif self.verbose > 2:
            shown = f"{test:.3f}" if train is None else f"(train={train:.3f}, test={test:.3f})"
            end += f", score={shown}"
        end += f" total time={short_format_time(outcome['fit_time'] + outcome['score_time'])}"
        print(f"{begin}{end:.>{max(0, 80 - len(begin))}}")

    def _in_parallel(
        self, X: Any, y: Any, splits: list[Split], ordered: list[Candidate], scoring: Scoring
    ) -> Iterator[Sequence[Score]]:
        """Yield scores in the order in which they are computed; tasks share nothing."""
        workers = joblib.effective_n_jobs(self.n_jobs)
        backend, _ = joblib.parallel.get_active_backend()
        client = getattr(backend, "client", None)  # of a Dask cluster
        if workers == 1 and client is None:
            return ([score] for score in score_candidates(X, y, splits, ordered, scoring))
        n_tasks = _TASKS_PER_WORKER * workers
        chunks = _merge(_group_by_first_steps(ordered), n_tasks)
        parts = _merge([[split] for split in splits], -(-n_tasks // len(chunks)))
        tasks = [
            joblib.delayed(_scores_of_chunk)(X, y, part, chunk, scoring)
            for chunk in chunks
            for part in parts
        ]
        settings: AbstractContextManager[Any] = nullcontext()
        if client is not None:
            # Send the data once instead of with every task.
            scatter = [part for part in (X, y) if part is not None]
            settings = joblib.parallel_config(backend="dask", client=client, scatter=scatter)
        with settings:
            parallel = joblib.Parallel(
                n_jobs=self.n_jobs, pre_dispatch=self.pre_dispatch, return_as="generator_unordered"
            )
        scores: Iterator[Sequence[Score]] = parallel(tasks)
        return scores


def _have_callbacks(estimators: Iterable[Any]) -> bool:
    """Check for callbacks of scikit-learn 1.9."""
    return any(
        hasattr(part, "_skl_callbacks")
        for estimator in estimators
        for part in (estimator, *estimator.get_params().values())
    )


def _use_last_step_only(scorers: Any) -> bool:
    """Check that scoring the last step on its input gives the scores of the whole pipeline."""
    each = getattr(scorers, "_scorers", {"score": scorers}).values()
    return all(isinstance(scorer, _BaseScorer | _PassthroughScorer) for scorer in each)


def _missing(
    ordered: Sequence[Candidate], splits: Sequence[Split], known: Container[tuple[int, int]]
) -> Iterator[tuple[list[Split], list[Candidate]]]:
    """Yield lists of splits, each with all candidates that lack an outcome in these splits."""
    groups: dict[tuple[int, ...], list[Candidate]] = {}
    for candidate in ordered:
        missing = [s.number for s in splits if (candidate.number, s.number) not in known]
        groups.setdefault(tuple(missing), []).append(candidate)
    for numbers, candidates in groups.items():
        if numbers:
            yield [splits[k] for k in numbers], candidates


def _group_by_first_steps(ordered: Sequence[Candidate]) -> list[list[Candidate]]:
    """Group neighboring candidates that share all steps but the last one, if there are several."""

    def first_steps(candidate: Candidate) -> list[Any]:
        return [step.key for step in candidate.steps[:-1]] or [candidate.number]

    return [list(group) for _, group in groupby(ordered, key=first_steps)]


def _merge(groups: Sequence[list[Any]], n: int) -> list[list[Any]]:
    """Merge neighboring groups into at most n lists."""
    cuts = np.linspace(0, len(groups), min(n, len(groups)) + 1).astype(int)
    return [list(chain.from_iterable(groups[a:b])) for a, b in pairwise(cuts)]


@one_thread()
def _scores_of_chunk(*args: Any) -> list[Score]:
    # The other workers of a cluster have their own tasks.
    with joblib.parallel_config(backend="sequential"):
        return list(score_candidates(*args))


def _report_failures(outcomes: Sequence[dict[str, Any]], error_score: Any) -> None:
    """Warn about fits and scores that failed; raise an error if every fit failed."""
    n = len(outcomes)
    errors = [outcome["fit_error"] for outcome in outcomes if outcome["fit_error"]]
    if len(errors) == n:
        if isinstance(errors[0], SkcaptchaError):
            raise errors[0]
        raise ValueError(f"all {n} fits failed; the first error: {errors[0]}") from errors[0]
    if errors:
        warnings.warn(
            f"{len(errors)} of {n} fits failed, and their scores are {error_score}; the first "
            f"error was: {type(errors[0]).__name__}: {errors[0]}",
            FitFailedWarning,
            stacklevel=3,
        )
    unscored = [outcome["score_error"] for outcome in outcomes if outcome["score_error"]]
    if unscored:
        warnings.warn(
            f"Scoring failed after {len(unscored)} of {n} fits, and their scores are "
            f"{error_score}; the first error was: {unscored[0]}",
            UserWarning,
            stacklevel=3,
        )
