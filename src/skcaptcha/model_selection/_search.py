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
from numpy.typing import NDArray
from sklearn.base import _fit_context, clone, is_classifier
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics._scorer import _BaseScorer, _PassthroughScorer
from sklearn.model_selection import GridSearchCV, ParameterGrid, check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing, get_tags, indexable

from skcaptcha._display.progress import progress
from skcaptcha._process.one_thread import one_thread
from skcaptcha.base import Documented
from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.model_selection._checkpoint import Checkpoint
from skcaptcha.model_selection._journal import digest_of_captchas
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

    ``verbose=1`` shows the progress and the remaining time on the standard error. ``verbose=2`` and
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
        candidates = None
        if not params and _use_last_step_only(scorers):
            candidates = self._candidates(grid)
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
        splits = list(cv.split(X, y))
        if len(splits) != self.n_splits_:
            raise ValueError(
                "cv.split and cv.get_n_splits return inconsistent results. "
                f"Expected {self.n_splits_} splits, got {len(splits)}"
            )
        scoring = Scoring(self.estimator, scorers, self.error_score, self.return_train_score)
        with self._open_checkpoint(X, y, splits, grid, scoring) as checkpoint:
            outcomes = self._score_all(X, y, splits, candidates, scoring, checkpoint=checkpoint)
        self.n_resumed_ = len(checkpoint.known)
        if not outcomes:
            raise ValueError("No fits were performed: there are no splits or no candidates")
        errors = [outcome["fit_error"] for outcome in outcomes if outcome["fit_error"]]
        _raise_or_warn(errors, len(outcomes), self.error_score)
        _warn_about_scores(
            [outcome.pop("score_error", None) for outcome in outcomes], self.error_score
        )
        self.multimetric_ = isinstance(outcomes[0]["test_scores"], dict)
        self.scorer_ = getattr(scorers, "_scorers", scorers)
        with warnings.catch_warnings():
            # `_warn_about_scores` has reported non-finite scores and their cause.
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

    def _candidates(self, grid: list[dict[str, Any]]) -> list[Candidate] | None:
        """Return the candidates ordered by their steps; None if they cannot share any."""
        if not is_plain_pipeline(self.estimator):
            return None
        names = {name for name, _ in self.estimator.steps}
        if not all(key.partition("__")[0] in names for params in grid for key in params):
            return None
        candidates = build_candidates(self.estimator, grid)
        steps = {step.key: step.estimator for each in candidates for step in each.steps}
        if _have_callbacks([self, self.estimator, *steps.values()]):
            return None
        first = {candidate.steps[0].key for candidate in candidates}
        if any(get_tags(Pipeline([("first", steps[key])])).input_tags.pairwise for key in first):
            return None
        return sorted(candidates, key=lambda candidate: [step.key for step in candidate.steps])

    def _open_checkpoint(
        self,
        X: Any,
        y: Any,
        splits: list[tuple[NDArray[np.intp], NDArray[np.intp]]],
        grid: list[dict[str, Any]],
        scoring: Scoring,
    ) -> Checkpoint:
        if self.checkpoint is None:
            return Checkpoint(None, {})
        parts = {
            "steps": self.estimator,
            "candidates": grid,
            "folds": splits,
            "scoring": (scoring.scorers, scoring.error_score, scoring.return_train_score),
            "captchas": digest_of_captchas(X),
            "labels": y,
        }
        return Checkpoint(self.checkpoint, parts)

    def _score_all(
        self,
        X: Any,
        y: Any,
        splits: list[tuple[NDArray[np.intp], NDArray[np.intp]]],
        candidates: list[Candidate],
        scoring: Scoring,
        *,
        checkpoint: Checkpoint,
    ) -> list[dict[str, Any]]:
        """Return the outcome of every candidate in every split, candidate by candidate."""
        numbered = [
            Split(k, *split, *(None if y is None else _safe_indexing(y, part) for part in split))
            for k, split in enumerate(splits)
        ]
        outcomes: list[Any] = [None] * (len(candidates) * len(splits))
        _logger.info(
            "searching: %d candidates in %d folds, %d outcomes known",
            len(candidates),
            len(splits),
            len(checkpoint.known),
        )
        for (candidate, split), outcome in checkpoint.known.items():
            outcomes[candidate * len(splits) + split] = outcome
        params = {candidate.number: candidate.params for candidate in candidates}
        if self.verbose > 1:
            print(
                f"Fitting {len(splits)} folds for each of {len(candidates)} candidates, totalling "
                f"{len(outcomes)} fits"
            )
        with progress("fits", len(outcomes), show=self.verbose == 1) as advance:
            advance(len(checkpoint.known))
            for part, missing in _missing(candidates, numbered, checkpoint.known):
                for scores in self._in_parallel(X, y, part, missing, scoring):
                    checkpoint.write(scores)
                    for score in scores:
                        _log_score(score, params[score.candidate])
                        if self.verbose > 1:
                            counts = (score.split, len(splits)), (score.candidate, len(candidates))
                            print(
                                _line(score.outcome, params[score.candidate], counts, self.verbose)
                            )
                        outcomes[score.candidate * len(splits) + score.split] = score.outcome
                    advance(len(scores))
        return outcomes

    def _in_parallel(
        self,
        X: Any,
        y: Any,
        splits: list[Split],
        ordered: list[Candidate],
        scoring: Scoring,
    ) -> Iterator[Sequence[Score]]:
        """Yield scores in the order in which they are computed; tasks share nothing."""
        workers = joblib.effective_n_jobs(self.n_jobs)
        if workers == 1 and _cluster() is None:
            return ([score] for score in score_candidates(X, y, splits, ordered, scoring))
        n_tasks = _TASKS_PER_WORKER * workers
        chunks = _merge(_group_by_first_steps(ordered), n_tasks)
        parts = _merge([[split] for split in splits], -(-n_tasks // len(chunks)))
        tasks = [
            joblib.delayed(_scores_of_chunk)(X, y, part, chunk, scoring)
            for chunk in chunks
            for part in parts
        ]
        with _sent_once(X, y):
            parallel = joblib.Parallel(
                n_jobs=self.n_jobs, pre_dispatch=self.pre_dispatch, return_as="generator_unordered"
            )
        scores: Iterator[Sequence[Score]] = parallel(tasks)
        return scores


def _log_score(score: Score, candidate: dict[str, Any]) -> None:
    outcome = score.outcome
    _logger.debug(
        "candidate %d %s, fold %d: %s, fitted in %.2f s, scored in %.2f s",
        score.candidate + 1,
        candidate,
        score.split + 1,
        outcome["fit_error"] or outcome["test_scores"],
        outcome["fit_time"],
        outcome["score_time"],
    )


def _line(
    outcome: dict[str, Any],
    params: dict[str, Any],
    counts: Iterable[tuple[int, int]],
    verbose: int,
) -> str:
    """Return the line that GridSearchCV prints at the end of a fit."""
    split, candidate = (f"{number + 1}/{n}" for number, n in counts)
    begin = "[CV"
    if verbose > 2:
        begin += f" {split}"
    if verbose > 9:
        begin += f"; {candidate}"
    begin += "] END "
    end = ", ".join(f"{name}={params[name]}" for name in sorted(params))
    end += ";" if params else ""
    if verbose > 2:
        test, train = outcome["test_scores"], outcome.get("train_scores")
        if isinstance(test, dict):
            for name in sorted(test):
                before = "" if train is None else f"train={train[name]:.3f}, "
                end += f" {name}: ({before}test={test[name]:.3f})"
        elif train is None:
            end += f", score={test:.3f}"
        else:
            end += f", score=(train={train:.3f}, test={test:.3f})"
    end += f" total time={short_format_time(outcome['fit_time'] + outcome['score_time'])}"
    return f"{begin}{end:.>{max(0, 80 - len(begin))}}"


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
    """Group neighboring candidates that differ only in their last step."""
    return [
        list(group)
        for _, group in groupby(ordered, key=lambda c: [step.key for step in c.steps[:-1]])
    ]


def _merge(groups: Sequence[list[Any]], n: int) -> list[list[Any]]:
    """Merge neighboring groups into at most n lists."""
    cuts = np.linspace(0, len(groups), min(n, len(groups)) + 1).astype(int)
    return [list(chain.from_iterable(groups[a:b])) for a, b in pairwise(cuts)]


def _cluster() -> Any:
    """Return the client of the active Dask cluster, or None."""
    backend, _ = joblib.parallel.get_active_backend()
    return getattr(backend, "client", None)


def _sent_once(*data: Any) -> AbstractContextManager[Any]:
    """Send the data to the active Dask cluster, if any, once instead of with every task."""
    client = _cluster()
    if client is None:
        return nullcontext()
    scatter = [part for part in data if part is not None]
    return joblib.parallel_config(backend="dask", client=client, scatter=scatter)


@one_thread()
def _scores_of_chunk(*args: Any) -> list[Score]:
    # The other workers of a cluster have their own tasks.
    with joblib.parallel_config(backend="sequential"):
        return list(score_candidates(*args))


def _raise_or_warn(errors: list[Exception], n_fits: int, error_score: Any) -> None:
    """Raise if every fit failed, warn if some did."""
    if not errors:
        return
    if len(errors) < n_fits:
        warnings.warn(
            f"{len(errors)} of {n_fits} fits failed, and their scores are {error_score}; the first "
            f"error was: {type(errors[0]).__name__}: {errors[0]}",
            FitFailedWarning,
            stacklevel=3,
        )
    elif isinstance(errors[0], SkcaptchaError):
        raise errors[0]
    else:
        raise ValueError(f"all {n_fits} fits failed; the first error: {errors[0]}") from errors[0]


def _warn_about_scores(errors: list[str | None], error_score: Any) -> None:
    """Warn if fitted models could not be scored."""
    found = [error for error in errors if error]
    if found:
        warnings.warn(
            f"Scoring failed after {len(found)} of {len(errors)} fits, and their scores are "
            f"{error_score}; the first error was: {found[0]}",
            UserWarning,
            stacklevel=3,
        )
