"""Tuning a whole pipeline: grid search that computes what its candidates share only once."""

from __future__ import annotations

import logging
import os
import time
import warnings
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import chain, groupby, pairwise
from typing import Any, ClassVar, NamedTuple, Self

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.base import _fit_context, clone, is_classifier
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics._scorer import _BaseScorer, _PassthroughScorer
from sklearn.model_selection import GridSearchCV, ParameterGrid, check_cv
from sklearn.model_selection._validation import _score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import _safe_indexing, get_tags, indexable
from sklearn.utils.validation import _num_samples

from skcaptcha._checkpoint import Checkpoint
from skcaptcha._documented import Documented
from skcaptcha._journal import digest_of_captchas
from skcaptcha._one_thread import one_thread
from skcaptcha._progress import progress
from skcaptcha.errors import SkcaptchaError

_logger = logging.getLogger(__name__)

_TASKS_PER_WORKER = 12
_WAYS_TO_LEARN = ("fit", "fit_transform", "transform", "_fit_segment", "_learn")


class _Step(NamedTuple):
    key: str  # equal keys: the same class and parameters at the same place
    estimator: Any


class _Candidate(NamedTuple):
    number: int
    steps: tuple[_Step, ...]


class _Split(NamedTuple):
    number: int
    train: NDArray[np.intp]
    test: NDArray[np.intp]
    y_train: Any
    y_test: Any


class _Reached(NamedTuple):
    """All samples, as they leave the first ``depth`` steps."""

    X: Any
    depth: int = 0
    seconds: float = 0.0


class _Data(NamedTuple):
    X_train: Any
    y_train: Any
    X_test: Any
    y_test: Any


class _Score(NamedTuple):
    candidate: int
    split: int
    outcome: dict[str, Any]


_Outcome = tuple[_Split, int, dict[str, Any]]


class _Scoring(NamedTuple):
    """What to measure, and the outcome of a fit in the form that GridSearchCV's tables take."""

    scorers: Any
    error_score: Any
    return_train_score: bool

    def score(self, estimator: Any, data: _Data) -> dict[str, Any]:
        begin = time.perf_counter()
        test_scores = self._measure(estimator, data.X_test, data.y_test)
        outcome = {
            "fit_error": None,
            "test_scores": test_scores,
            "score_time": time.perf_counter() - begin,
        }
        if self.return_train_score:
            outcome["train_scores"] = self._measure(estimator, data.X_train, data.y_train)
        return outcome

    def _measure(self, estimator: Any, X: Any, y: Any) -> Any:
        return _score(estimator, X, y, self.scorers, None, self.error_score)

    def failure(self, error: Exception) -> dict[str, Any]:
        names = getattr(self.scorers, "_scorers", None)
        scores = self.error_score if names is None else dict.fromkeys(names, self.error_score)
        outcome = {"fit_error": error, "test_scores": scores, "score_time": 0.0}
        return outcome | ({"train_scores": scores} if self.return_train_score else {})


class SharedGridSearchCV(Documented, GridSearchCV):
    """Grid search over a Pipeline in which candidates share the steps that they have in common.

    `sklearn.model_selection.GridSearchCV` runs the whole pipeline for every candidate and fold.
    Here the candidates form a tree: a step is fitted once per fold for all candidates that agree
    in it and in every step before it, and once for all folds as long as the steps of this package
    have nothing to learn. Scores and choice are the same; only the time differs.
    Nested pipelines take part step by step. It takes what `GridSearchCV` takes; with an estimator
    that is no Pipeline, with parameters for ``fit``, with a grid over the pipeline's own
    parameters (``memory``, ``steps``), or with a function of the estimator and X as ``scoring``
    (which may look at the whole pipeline), it does what `GridSearchCV` does.

    ``verbose=1`` shows progress and the time left on the standard error. ``mean_fit_time`` is the
    time of all steps of a candidate, shared or not.

    Parameters
    ----------
    estimator, param_grid, scoring, n_jobs, refit, cv, verbose, pre_dispatch, error_score, \
return_train_score
        See `sklearn.model_selection.GridSearchCV`.
    checkpoint : path-like, default=None
        A file in which the outcome of every candidate in every fold is kept as soon as it is known.
        If it is there, what it holds is not computed again, and the result is that of a search
        that was not interrupted, times included. It must be of the same search: with another
        estimator, grid, folds, scoring, data or versions of libraries `fit` raises an error. It
        stays when the search is over. If nothing can be shared, it cannot be used.

    Attributes
    ----------
    n_resumed_ : int
        How many outcomes were taken from the checkpoint. All other attributes are those of
        `sklearn.model_selection.GridSearchCV`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.decomposition import PCA
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sklearn.pipeline import Pipeline
    >>> from skcaptcha.search import SharedGridSearchCV
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
        """Score every candidate in every fold, and refit the best on all samples.

        Parameters
        ----------
        X : sequence of n samples
        y : array-like of n targets
        **params : dict
            Parameters for the estimator's ``fit``; with any, nothing is shared.

        Returns
        -------
        self
        """
        candidates = list(ParameterGrid(self.param_grid))
        scorers, refit_metric = self._get_scorers()
        if params or not (self._can_share(candidates) and _see_last_step_only(scorers)):
            if self.checkpoint is not None:
                raise ValueError(
                    "checkpoint needs candidates that can share steps: a Pipeline, a grid over "
                    "its steps, and neither parameters for fit nor a function as scoring"
                )
            self.n_resumed_ = 0
            return super().fit(X, y, **params)
        X, y = indexable(X, y)
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        splits = list(cv.split(X, y))
        self.n_splits_ = len(splits)
        scoring = _Scoring(scorers, self.error_score, self.return_train_score)
        with self._open_checkpoint(X, y, splits, candidates, scoring) as checkpoint:
            outcomes = self._score_all(X, y, splits, candidates, scoring, checkpoint=checkpoint)
        self.n_resumed_ = len(checkpoint.known)
        if not outcomes:
            raise ValueError("No fits were performed: cv gives no splits, or there is no candidate")
        errors = [outcome["fit_error"] for outcome in outcomes if outcome["fit_error"]]
        _raise_or_warn(errors, len(outcomes), self.error_score)
        self.multimetric_ = isinstance(outcomes[0]["test_scores"], dict)
        self.scorer_ = getattr(scorers, "_scorers", scorers)
        with warnings.catch_warnings():
            # Which scores are not finite, and why, has been said in one sentence.
            warnings.filterwarnings("ignore", message="One or more of the .* scores")
            self.cv_results_ = self._format_results(candidates, self.n_splits_, outcomes)
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
        return self

    def _can_share(self, candidates: list[dict[str, Any]]) -> bool:
        if not isinstance(self.estimator, Pipeline) or get_tags(self.estimator).input_tags.pairwise:
            return False
        names = {name for name, _ in self.estimator.steps}
        return all(key.partition("__")[0] in names for params in candidates for key in params)

    def _open_checkpoint(
        self,
        X: Any,
        y: Any,
        splits: list[tuple[NDArray[np.intp], NDArray[np.intp]]],
        candidates: list[dict[str, Any]],
        scoring: _Scoring,
    ) -> Checkpoint:
        if self.checkpoint is None:
            return Checkpoint(None, {})
        parts = {
            "steps": self.estimator,
            "candidates": candidates,
            "folds": splits,
            "scoring": scoring,
            "captchas": digest_of_captchas(X),
            "labels": y,
        }
        return Checkpoint(self.checkpoint, parts)

    def _score_all(
        self,
        X: Any,
        y: Any,
        splits: list[tuple[NDArray[np.intp], NDArray[np.intp]]],
        candidates: list[dict[str, Any]],
        scoring: _Scoring,
        *,
        checkpoint: Checkpoint,
    ) -> list[dict[str, Any]]:
        """Outcome of every candidate in every split, candidate by candidate."""
        steps_of = _StepsOf(self.estimator)
        ordered = sorted(
            (_Candidate(i, steps_of(params)) for i, params in enumerate(candidates)),
            key=lambda candidate: [step.key for step in candidate.steps],
        )
        numbered = [
            _Split(k, *split, *(None if y is None else _safe_indexing(y, part) for part in split))
            for k, split in enumerate(splits)
        ]
        outcomes: list[Any] = [None] * (len(candidates) * len(splits))
        _logger.info(
            "searching: %d candidates in %d folds, %d outcomes known already",
            len(candidates),
            len(splits),
            len(checkpoint.known),
        )
        for (candidate, split), outcome in checkpoint.known.items():
            outcomes[candidate * len(splits) + split] = outcome
        with progress("fits", len(outcomes), show=self.verbose > 0) as advance:
            advance(len(checkpoint.known))
            for part, lacking in _lacking(ordered, numbered, checkpoint.known):
                for scores in self._in_parallel(X, y, part, lacking, scoring):
                    checkpoint.keep(scores)
                    for score in scores:
                        _log_score(score, candidates[score.candidate])
                        outcomes[score.candidate * len(splits) + score.split] = score.outcome
                    advance(len(scores))
        return outcomes

    def _in_parallel(
        self,
        X: Any,
        y: Any,
        splits: list[_Split],
        ordered: list[_Candidate],
        scoring: _Scoring,
    ) -> Iterator[Sequence[_Score]]:
        """Scores, as they come; what is done in different tasks shares nothing."""
        workers = joblib.effective_n_jobs(self.n_jobs)
        if workers == 1 and _cluster() is None:
            return ([score] for score in _score_chunk(X, y, splits, ordered, scoring))
        n_tasks = _TASKS_PER_WORKER * workers
        chunks = _cut(_families(ordered), n_tasks)
        parts = _cut([[split] for split in splits], -(-n_tasks // len(chunks)))
        tasks = [
            joblib.delayed(_scores_of_chunk)(X, y, part, chunk, scoring)
            for chunk in chunks
            for part in parts
        ]
        with _sent_once(X, y):
            parallel = joblib.Parallel(
                n_jobs=self.n_jobs, pre_dispatch=self.pre_dispatch, return_as="generator_unordered"
            )
        scores: Iterator[Sequence[_Score]] = parallel(tasks)
        return scores


def _log_score(score: _Score, candidate: dict[str, Any]) -> None:
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


def _see_last_step_only(scorers: Any) -> bool:
    """Tell whether the scores are the same with the last step and what reaches it."""
    each = getattr(scorers, "_scorers", {"score": scorers}).values()
    return all(isinstance(scorer, _BaseScorer | _PassthroughScorer) for scorer in each)


class _StepsOf:
    """Gives the steps of candidates; what they share is built and hashed once."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._known: dict[Any, tuple[_Step, ...]] = {}

    def __call__(self, params: dict[str, Any]) -> tuple[_Step, ...]:
        return tuple(
            step
            for name, estimator in self._pipeline.steps
            for step in self._of_part(
                name, estimator, {k: v for k, v in params.items() if k.partition("__")[0] == name}
            )
        )

    def _of_part(self, name: str, estimator: Any, params: dict[str, Any]) -> tuple[_Step, ...]:
        # The values live as long as the candidates do.
        key = name, *((parameter, id(value)) for parameter, value in params.items())
        if key not in self._known:
            part = clone(Pipeline([(name, estimator)])).set_params(**clone(params, safe=False))
            self._known[key] = tuple(_flatten(part))
        return self._known[key]


def _flatten(pipeline: Pipeline, path: str = "") -> Iterator[_Step]:
    """Steps in order, those of nested pipelines among them."""
    for name, estimator in pipeline.steps:
        place = f"{path}{name}__"
        if isinstance(estimator, Pipeline):
            yield from _flatten(estimator, place)
        else:
            same = FunctionTransformer() if estimator in (None, "passthrough") else estimator
            yield _Step(f"{place} {joblib.hash(same)}", same)


def _lacking(
    ordered: Sequence[_Candidate], splits: Sequence[_Split], known: Container[tuple[int, int]]
) -> Iterator[tuple[list[_Split], list[_Candidate]]]:
    """Give the splits in which candidates are still to be scored, with all that lack the same."""
    groups: dict[tuple[int, ...], list[_Candidate]] = {}
    for candidate in ordered:
        missing = [s.number for s in splits if (candidate.number, s.number) not in known]
        groups.setdefault(tuple(missing), []).append(candidate)
    for numbers, candidates in groups.items():
        if numbers:
            yield [splits[k] for k in numbers], candidates


def _families(ordered: Sequence[_Candidate]) -> list[list[_Candidate]]:
    """Neighbouring candidates that differ in their last step alone."""
    return [
        list(family)
        for _, family in groupby(ordered, key=lambda c: [step.key for step in c.steps[:-1]])
    ]


def _cut(groups: Sequence[list[Any]], n: int) -> list[list[Any]]:
    """Join neighbouring groups to n lists at the most."""
    cuts = np.linspace(0, len(groups), min(n, len(groups)) + 1).astype(int)
    return [list(chain.from_iterable(groups[a:b])) for a, b in pairwise(cuts)]


def _cluster() -> Any:
    """Give the client of the Dask cluster that is to work, if there is one."""
    backend, _ = joblib.parallel.get_active_backend()
    return getattr(backend, "client", None)


def _sent_once(*data: Any) -> AbstractContextManager[Any]:
    """If a Dask cluster is to work, send it the data at once instead of with every task."""
    client = _cluster()
    if client is None:
        return nullcontext()
    scatter = [part for part in data if part is not None]
    return joblib.parallel_config(backend="dask", client=client, scatter=scatter)


@one_thread()
def _scores_of_chunk(*args: Any) -> list[_Score]:
    # All workers of a cluster have their own tasks already.
    with joblib.parallel_config(backend="sequential"):
        return list(_score_chunk(*args))


def _score_chunk(
    X: Any, y: Any, splits: Sequence[_Split], chunk: Sequence[_Candidate], scoring: _Scoring
) -> Iterator[_Score]:
    """Score neighbouring candidates in some splits."""
    n_used = sum(len(split.train) + len(split.test) for split in splits)
    # Where splits use but a few samples, it would take longer to transform all of them.
    if n_used >= _num_samples(X):
        outcomes = _score_whole(chunk, _Reached(X), y, splits, scoring)
    else:
        outcomes = _score_splits(chunk, _Reached(X), splits, scoring)
    for split, number, outcome in outcomes:
        yield _Score(number, split.number, outcome | {"n_test_samples": len(split.test)})


def _score_whole(
    candidates: Sequence[_Candidate],
    reached: _Reached,
    y: Any,
    splits: Sequence[_Split],
    scoring: _Scoring,
) -> Iterator[_Outcome]:
    """Score candidates that agree in all steps that the samples have passed.

    As long as steps learn the same from all splits, one transformation of all samples serves all.
    """
    X, depth, seconds = reached
    rest: list[_Candidate] = []
    for (_, last), group in groupby(candidates, key=_step_at(depth)):
        same = list(group)
        begin = time.perf_counter()
        transformed = None if last else _transform_whole(same[0].steps[depth].estimator, X, y)
        if transformed is None:
            rest += same
        else:
            further = _Reached(transformed, depth + 1, seconds + time.perf_counter() - begin)
            yield from _score_whole(same, further, y, splits, scoring)
    yield from _score_splits(rest, reached, splits, scoring)


def _transform_whole(estimator: Any, X: Any, y: Any) -> Any:
    """Transform all samples; None if the step has to be fitted to each split by itself."""
    if type(estimator) is FunctionTransformer and estimator.func is None and not estimator.validate:
        return X
    try:
        if not _learns_same_from_parts(estimator, X):
            return None
        transformed = _transform_unfitted(estimator, X, y)
        return transformed if _num_samples(transformed) == _num_samples(X) else None
    except Exception:
        # The splits that this concerns meet the error again.
        return None


def _transform_unfitted(estimator: Any, X: Any, y: Any) -> Any:
    # What it would learn is nothing that its transform needs.
    if not get_tags(estimator).requires_fit:
        estimator._validate_params()
        return estimator.transform(X)
    return _fit_transform(clone(estimator), X, y)


def _learns_same_from_parts(estimator: Any, X: Any) -> bool:
    """Tell whether any part of the samples would teach a step the same; some steps know that."""
    kind = type(estimator)
    knows = next((base for base in kind.__mro__ if "_learns_same_from_parts" in vars(base)), None)
    # What is derived from such a step may learn, or transform, in another way.
    return (
        knows is not None
        and all(getattr(kind, name, None) is getattr(knows, name, None) for name in _WAYS_TO_LEARN)
        and estimator._learns_same_from_parts(X)
    )


def _score_splits(
    candidates: Sequence[_Candidate],
    reached: _Reached,
    splits: Sequence[_Split],
    scoring: _Scoring,
) -> Iterator[_Outcome]:
    """Score candidates that agree in all steps that the samples have passed, split by split."""
    X, depth, seconds = reached
    for split in splits if candidates else ():
        X_train, X_test = _safe_indexing(X, split.train), _safe_indexing(X, split.test)
        data = _Data(X_train, split.y_train, X_test, split.y_test)
        for number, outcome in _score_tree(candidates, depth, data, seconds, scoring):
            yield split, number, outcome


def _score_tree(
    candidates: Sequence[_Candidate], depth: int, data: _Data, seconds: float, scoring: _Scoring
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Score candidates that agree in all steps before ``depth``, which took ``seconds``."""
    fitted, fit_seconds = None, 0.0
    for (_, last), group in groupby(candidates, key=_step_at(depth)):
        same = list(group)
        estimator = same[0].steps[depth].estimator
        outcome: dict[str, Any] | None = None
        begin = time.perf_counter()
        try:
            if last:
                fitted = _adapted(fitted, estimator)
                if fitted is None:
                    fitted = clone(estimator).fit(data.X_train, data.y_train)
                    fit_seconds = time.perf_counter() - begin
                    # What it computes for its predictions will serve those adapted from it.
                    fitted = _adapted(fitted, estimator) or fitted
                outcome = scoring.score(fitted, data) | {"fit_time": seconds + fit_seconds}
            else:
                estimator = clone(estimator)
                X_train = _fit_transform(estimator, data.X_train, data.y_train)
                spent = seconds + time.perf_counter() - begin
                reached = data._replace(X_train=X_train, X_test=estimator.transform(data.X_test))
        except Exception as error:
            if scoring.error_score == "raise":
                raise
            outcome = scoring.failure(error) | {"fit_time": seconds + time.perf_counter() - begin}
        if outcome is None:
            yield from _score_tree(same, depth + 1, reached, spent, scoring)
        else:
            yield from ((candidate.number, outcome) for candidate in same)


def _step_at(depth: int) -> Callable[[_Candidate], tuple[str, bool]]:
    """Key of a candidate's step, and whether it is the last."""
    return lambda candidate: (candidate.steps[depth].key, depth + 1 == len(candidate.steps))


def _adapted(fitted: Any, estimator: Any) -> Any:
    """Give what fitting an estimator to the same data would give; None if that takes a fit."""
    # Readers know when another would learn the same.
    adapt = getattr(fitted, "_with_parameters_of", None)
    return None if adapt is None else adapt(estimator)


def _fit_transform(estimator: Any, X: Any, y: Any) -> Any:
    if hasattr(estimator, "fit_transform"):
        return estimator.fit_transform(X, y)
    return estimator.fit(X, y).transform(X)


def _raise_or_warn(errors: list[Exception], n_fits: int, error_score: Any) -> None:
    """Raise if every fit failed, warn if some did."""
    if not errors:
        return
    if len(errors) < n_fits:
        warnings.warn(
            f"{len(errors)} of {n_fits} fits failed and score {error_score}; the first error was: "
            f"{type(errors[0]).__name__}: {errors[0]}",
            FitFailedWarning,
            stacklevel=3,
        )
    elif isinstance(errors[0], SkcaptchaError):
        raise errors[0]
    else:
        raise ValueError(f"all {n_fits} fits failed; the first error: {errors[0]}") from errors[0]
