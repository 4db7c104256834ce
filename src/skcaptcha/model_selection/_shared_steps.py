"""Score the candidates of a grid search, and compute each step that they share only once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from itertools import groupby
from typing import Any, NamedTuple

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection._validation import _score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import _safe_indexing, get_tags
from sklearn.utils.validation import _num_samples

from skcaptcha.base import step_tags
from skcaptcha.exceptions import release_frames
from skcaptcha.segments import have_same_sizes


class Step(NamedTuple):
    """An unfitted step; equal keys mean the same class and parameters at the same position."""

    key: str
    estimator: Any
    modifies_input: bool


class Candidate(NamedTuple):
    """A candidate of the grid, with its steps, including those of nested pipelines."""

    number: int
    steps: tuple[Step, ...]


class Split(NamedTuple):
    """The indices of the training and test samples of a fold."""

    number: int
    train: NDArray[np.intp]
    test: NDArray[np.intp]


class Score(NamedTuple):
    """The outcome of a candidate in a split."""

    candidate: int
    split: int
    outcome: dict[str, Any]


class _AllSamples(NamedTuple):
    """All samples after the first ``depth`` steps, which took ``seconds``."""

    X: Any
    y: Any
    depth: int = 0
    seconds: float = 0.0


class _SplitData(NamedTuple):
    """The samples of one split after the first ``depth`` steps, which took ``seconds``.

    ``X_scored`` holds the training samples passed through ``transform``, for the train scores:
    ``fit_transform`` may return something different. None without train scores. If a step cannot
    transform ``X_test`` or ``X_scored``, its error takes their place.
    ``shared``: whether other candidates need the same samples later.
    """

    X_train: Any
    y_train: Any
    X_test: Any
    y_test: Any
    X_scored: Any
    shared: bool
    depth: int
    seconds: float


class Scoring(NamedTuple):
    """How to score a candidate; builds the outcomes that GridSearchCV's tables are made from."""

    scorers: Any
    error_score: Any
    return_train_score: bool

    @property
    def sees_changed_data(self) -> bool:
        """Whether GridSearchCV scores with data that fitting or predicting may have changed."""
        return self.return_train_score or hasattr(self.scorers, "_scorers")

    def score(self, fitted: Any, data: _SplitData) -> dict[str, Any]:
        """Score a fitted last step on the samples that reach it."""
        begin = time.perf_counter()
        test_scores, error = self._scores(fitted, data.X_test, data.y_test)
        outcome = {
            "fit_error": None,
            "test_scores": test_scores,
            "score_time": time.perf_counter() - begin,
        }
        if self.return_train_score:
            outcome["train_scores"], train_error = self._scores(fitted, data.X_scored, data.y_train)
            error = error or train_error
        return outcome | {"score_error": error}

    def _scores(self, fitted: Any, X: Any, y: Any) -> tuple[Any, str | None]:
        """Return the scores, and the first error if some cannot be computed."""
        error = X if isinstance(X, Exception) else None
        if error is None:
            try:
                scores = self.scorers(fitted, X) if y is None else self.scorers(fitted, X, y)
            except Exception as raised:
                if self.error_score == "raise":
                    raise
                # Its frames would keep the samples in memory.
                error = release_frames(raised)
        elif self.error_score == "raise":
            raise error
        if error is not None:
            return self._error_scores(), f"{type(error).__name__}: {error}"
        # With several scorers, the score of one that fails is the text of its traceback.
        several = scores if hasattr(self.scorers, "_scorers") else {}
        failed = [score for score in several.values() if isinstance(score, str)]
        if failed:
            scores = {k: self.error_score if isinstance(s, str) else s for k, s in scores.items()}
        error_text = failed[0].strip().rpartition("\n")[2] if failed else None
        return _score(None, None, None, lambda *_: scores, None), error_text

    def failure(self, error: Exception, fit_time: float) -> dict[str, Any]:
        """Return the outcome of a fit that failed; raise the error if that is asked for."""
        if self.error_score == "raise":
            raise error
        outcome = {
            # The traceback would keep this split's samples in memory during all other fits.
            "fit_error": release_frames(error),
            "test_scores": self._error_scores(),
            "fit_time": fit_time,
            "score_time": 0.0,
            "score_error": None,
        }
        return outcome | ({"train_scores": self._error_scores()} if self.return_train_score else {})

    def _error_scores(self) -> Any:
        names = getattr(self.scorers, "_scorers", None)
        return self.error_score if names is None else dict.fromkeys(names, self.error_score)


def build_candidates(
    pipeline: Pipeline, grid: Sequence[dict[str, Any]], scoring: Scoring
) -> list[Candidate]:
    """Build the steps of all candidates; equal steps are built and hashed once.

    If scores depend on what a step writes into its input, the candidate shares nothing: all of it
    is one step.
    """
    known: dict[Any, list[Step]] = {}
    candidates = []
    for number, params in enumerate(grid):
        steps: list[Step] = []
        for name, estimator in pipeline.steps:
            own = {k: v for k, v in params.items() if k.partition("__")[0] == name}
            # The grid keeps the values alive, so their ids are not reused.
            key = name, *((parameter, id(value)) for parameter, value in own.items())
            if key not in known:
                part = clone(Pipeline([(name, estimator)])).set_params(**clone(own, safe=False))
                known[key] = list(_flatten(part))
            steps += known[key]
        if scoring.sees_changed_data and any(step.modifies_input for step in steps):
            whole = Pipeline([(str(k), step.estimator) for k, step in enumerate(steps)])
            steps = [Step(" ".join(step.key for step in steps), whole, True)]
        candidates.append(Candidate(number, tuple(steps)))
    return candidates


def _flatten(pipeline: Pipeline, path: str = "") -> Iterator[Step]:
    """Yield the steps in order, including those of nested pipelines."""
    for name, estimator in pipeline.steps:
        position = f"{path}{name}__"
        if is_plain_pipeline(estimator):
            yield from _flatten(estimator, position)
        else:
            same = FunctionTransformer() if estimator in (None, "passthrough") else estimator
            modifies_input = not _is_identity(same) and step_tags(same).modifies_input
            yield Step(f"{position} {_key(same)}", same, modifies_input)


def is_plain_pipeline(estimator: Any) -> bool:
    """Check for Pipeline itself: a subclass may fit, predict or score in another way."""
    return type(estimator) is Pipeline


def _is_identity(estimator: Any) -> bool:
    return (
        type(estimator) is FunctionTransformer and estimator.func is None and not estimator.validate
    )


def _key(value: Any) -> str:
    """Return equal keys for equal values; lambdas and local classes equal only themselves."""
    try:
        return str(joblib.hash(value))
    except Exception:
        if not hasattr(value, "get_params") or isinstance(value, type):
            return f"id {id(value)}"
        # Hash the parameters one by one, and attributes such as those that set_output adds.
        parts = vars(value) | value.get_params(deep=False)
        inner = ", ".join(f"{name}={_key(part)}" for name, part in sorted(parts.items()))
        return f"{type(value).__qualname__} {id(type(value))} ({inner})"


def score_candidates(
    X: Any, y: Any, splits: Sequence[Split], candidates: Sequence[Candidate], scoring: Scoring
) -> Iterator[Score]:
    """Yield the scores of candidates, which are ordered by the keys of their steps, in splits."""
    n_used = sum(len(split.train) + len(split.test) for split in splits)
    # Transforming all samples would take longer if these splits use few of them.
    score = _score_together if n_used >= _num_samples(X) else _score_by_split
    return score(candidates, _AllSamples(X, y), splits, scoring)


def _score_together(
    candidates: Sequence[Candidate], reached: _AllSamples, splits: Sequence[Split], scoring: Scoring
) -> Iterator[Score]:
    """Score candidates with the same first steps; transform all samples once for all splits.

    From the first step that has to be fitted to each split on, continue split by split.
    """
    rest: list[Candidate] = []
    for (_, last), group in groupby(candidates, key=_step_at(reached.depth)):
        same = list(group)
        begin = time.perf_counter()
        transformed = None if last else _transform_all(same[0].steps[reached.depth], reached)
        if transformed is None:
            rest += same
        else:
            seconds = reached.seconds + time.perf_counter() - begin
            further = _AllSamples(transformed, reached.y, reached.depth + 1, seconds)
            yield from _score_together(same, further, splits, scoring)
    yield from _score_by_split(rest, reached, splits, scoring)


def _transform_all(step: Step, reached: _AllSamples) -> Any:
    """Transform all samples; return None if the step has to be fitted to each split."""
    estimator, X = step.estimator, reached.X
    if _is_identity(estimator):
        return X
    try:
        learns_from = step_tags(estimator).learns_from
        if learns_from == "samples" or (learns_from == "sizes" and not have_same_sizes(X)):
            return None
        given = _copy(X) if step.modifies_input else X
        if get_tags(estimator).requires_fit:
            transformed = _fit_transform(clone(estimator), given, reached.y)
        else:
            estimator._validate_params()
            transformed = estimator.transform(given)
        return transformed if _num_samples(transformed) == _num_samples(X) else None
    except Exception:
        # The error is raised again in the splits that use the sample that caused it.
        return None


def _score_by_split(
    candidates: Sequence[Candidate], reached: _AllSamples, splits: Sequence[Split], scoring: Scoring
) -> Iterator[Score]:
    """Score candidates with the same first steps, split by split."""
    X, y, depth, seconds = reached
    for split in splits if candidates else ():
        (X_train, X_test), (y_train, y_test) = (
            [None if values is None else _safe_indexing(values, part) for part in split[1:]]
            for values in (X, y)
        )
        X_scored = X_train if scoring.return_train_score else None
        # Lists of different splits hold the same objects.
        shared = not isinstance(X, np.ndarray) or X.dtype.hasobject
        data = _SplitData(X_train, y_train, X_test, y_test, X_scored, shared, depth, seconds)
        for number, outcome in _score_tree(candidates, data, scoring):
            yield Score(number, split.number, outcome | {"n_test_samples": len(split.test)})


def _score_tree(
    candidates: Sequence[Candidate], data: _SplitData, scoring: Scoring
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Score candidates with the same first steps in one split."""
    fitted, fit_seconds = None, 0.0
    groups = [list(group) for _, group in groupby(candidates, key=_step_at(data.depth))]
    for k, same in enumerate(groups):
        step, last = same[0].steps[data.depth], data.depth + 1 == len(same[0].steps)
        needed_later = data.shared or k + 1 < len(groups)
        given = data._replace(shared=needed_later)
        if step.modifies_input and needed_later:
            given = _copy_data(data)
        begin = time.perf_counter()
        try:
            if last:
                fitted = _reuse(fitted, step.estimator)
                if fitted is None:
                    estimator = clone(step.estimator)
                    estimator.fit(given.X_train, given.y_train)
                    fit_seconds = time.perf_counter() - begin
                    # A reused fit keeps what it computes for predictions for the next candidates.
                    fitted = _reuse(estimator, step.estimator) or estimator
                outcome = scoring.score(fitted, given) | {"fit_time": data.seconds + fit_seconds}
            else:
                estimator = clone(step.estimator)
                reached = given._replace(
                    X_train=_fit_transform(estimator, given.X_train, given.y_train),
                    X_test=_transform(estimator, given.X_test),
                    X_scored=_transform(estimator, given.X_scored),
                    depth=data.depth + 1,
                    seconds=data.seconds + time.perf_counter() - begin,
                )
        except Exception as error:
            last = True
            outcome = scoring.failure(error, data.seconds + time.perf_counter() - begin)
        if last:
            yield from ((candidate.number, outcome) for candidate in same)
        else:
            yield from _score_tree(same, reached, scoring)


def _reuse(fitted: Any, estimator: Any) -> Any:
    """Return what fitting the estimator to the same data would give; None if it needs a fit."""
    return fitted.reuse_fit(estimator) if hasattr(fitted, "reuse_fit") else None


def _fit_transform(estimator: Any, X: Any, y: Any) -> Any:
    if hasattr(estimator, "fit_transform"):
        return estimator.fit_transform(X, y)
    return estimator.fit(X, y).transform(X)


def _transform(fitted: Any, X: Any) -> Any:
    """Transform samples to score; return the error if that fails."""
    if X is None or isinstance(X, Exception):
        return X
    try:
        return fitted.transform(X)
    except Exception as error:
        return release_frames(error)


def _copy_data(data: _SplitData) -> _SplitData:
    # What is one object, such as the samples to fit and to score, stays one object.
    copies = {id(part): _copy(part) for part in data[:5]}
    parts = (copies[id(part)] for part in data[:5])
    return _SplitData._make((*parts, False, data.depth, data.seconds))


def _copy(value: Any) -> Any:
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return value.copy(order="K")
    try:
        return deepcopy(value)
    except Exception:
        # GridSearchCV does not copy the objects of a list either.
        return value


def _step_at(depth: int) -> Callable[[Candidate], tuple[str, bool]]:
    """Return a function for the key of a candidate's step and whether that step is its last."""
    return lambda candidate: (candidate.steps[depth].key, depth + 1 == len(candidate.steps))
