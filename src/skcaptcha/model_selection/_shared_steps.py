"""Score the candidates of a grid search, and compute each step that they share only once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
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
    params: dict[str, Any]
    steps: tuple[Step, ...]


class Split(NamedTuple):
    """The indices of the training and test samples of a fold, and their targets."""

    number: int
    train: NDArray[np.intp]
    test: NDArray[np.intp]
    y_train: Any
    y_test: Any


class Score(NamedTuple):
    """The outcome of a candidate in a split."""

    candidate: int
    split: int
    outcome: dict[str, Any]


class _AllSamples(NamedTuple):
    """All samples after the first ``depth`` steps, which took ``seconds``."""

    X: Any
    depth: int = 0
    seconds: float = 0.0


class _ToPredict(NamedTuple):
    """Samples to predict, after the steps fitted so far.

    After a step whose ``transform`` fails, that step and all later ones wait in ``not_applied``.
    They raise the error again when the candidate is scored.
    """

    X: Any
    not_applied: tuple[Any, ...] = ()

    def transformed_by(self, fitted: Any) -> _ToPredict:
        if not self.not_applied:
            with suppress(Exception):
                return _ToPredict(fitted.transform(self.X))
        return self._replace(not_applied=(*self.not_applied, fitted))


class _SplitData(NamedTuple):
    """The samples of one split after the first steps.

    ``train_as_test`` holds the training samples passed through ``transform``, for the train scores:
    ``fit_transform`` may return something different. None without train scores.
    ``shared``: whether other candidates need the same samples later.
    """

    X_train: Any
    y_train: Any
    test: _ToPredict
    y_test: Any
    train_as_test: _ToPredict | None
    shared: bool


class Scoring(NamedTuple):
    """How to score a candidate; builds the outcomes that GridSearchCV's tables are made from."""

    estimator: Pipeline
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
        test_scores, error = self._scores(fitted, data.test, data.y_test)
        outcome = {
            "fit_error": None,
            "test_scores": test_scores,
            "score_time": time.perf_counter() - begin,
        }
        if data.train_as_test is not None:
            train_scores, train_error = self._scores(fitted, data.train_as_test, data.y_train)
            outcome["train_scores"] = train_scores
            error = error or train_error
        return outcome | {"score_error": error}

    def _scores(self, fitted: Any, samples: _ToPredict, y: Any) -> tuple[Any, str | None]:
        """Return the scores, and the first error if some cannot be computed."""
        if samples.not_applied:
            steps = enumerate((*samples.not_applied, fitted))
            fitted = Pipeline([(str(k), step) for k, step in steps])
        args = (fitted, samples.X) if y is None else (fitted, samples.X, y)
        several = hasattr(self.scorers, "_scorers")
        try:
            scores = self.scorers(*args)
        except Exception as error:
            if several or self.error_score == "raise":
                raise
            return self.error_score, f"{type(error).__name__}: {error}"
        # With several scorers, the score of one that fails is the text of its traceback.
        failed = [s for s in scores.values() if isinstance(s, str)] if several else []
        if failed:
            scores = {k: self.error_score if isinstance(s, str) else s for k, s in scores.items()}
        error_text = failed[0].strip().rpartition("\n")[2] if failed else None
        return _score(None, None, None, lambda *_: scores, None), error_text

    def failure(self, error: Exception, fit_time: float) -> dict[str, Any]:
        """Return the outcome of a fit that failed; raise the error if that is asked for."""
        if self.error_score == "raise":
            raise error
        names = getattr(self.scorers, "_scorers", None)
        scores = self.error_score if names is None else dict.fromkeys(names, self.error_score)
        outcome = {
            # The traceback would keep this split's samples in memory during all other fits.
            "fit_error": release_frames(error),
            "test_scores": scores,
            "fit_time": fit_time,
            "score_time": 0.0,
            "score_error": None,
        }
        return outcome | ({"train_scores": scores} if self.return_train_score else {})


_Outcomes = Iterator[tuple[Split, int, dict[str, Any] | None]]


def build_candidates(pipeline: Pipeline, grid: Sequence[dict[str, Any]]) -> list[Candidate]:
    """Build the steps of all candidates; equal steps are built and hashed once."""
    known: dict[Any, tuple[Step, ...]] = {}

    def steps_of_part(name: str, estimator: Any, params: dict[str, Any]) -> tuple[Step, ...]:
        # The grid keeps the values alive, so their ids are not reused.
        key = name, *((parameter, id(value)) for parameter, value in params.items())
        if key not in known:
            part = clone(Pipeline([(name, estimator)])).set_params(**clone(params, safe=False))
            known[key] = tuple(_flatten(part))
        return known[key]

    return [
        Candidate(
            number,
            params,
            tuple(
                step
                for name, estimator in pipeline.steps
                for step in steps_of_part(
                    name,
                    estimator,
                    {k: v for k, v in params.items() if k.partition("__")[0] == name},
                )
            ),
        )
        for number, params in enumerate(grid)
    ]


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
    if n_used >= _num_samples(X):
        outcomes = _score_together(candidates, _AllSamples(X), y, splits, scoring)
    else:
        # These splits use so few samples that transforming all would take longer.
        outcomes = _score_by_split(candidates, _AllSamples(X), splits, scoring)
    params = {candidate.number: candidate.params for candidate in candidates}
    for split, number, shared in outcomes:
        outcome = _score_alone(params[number], X, split, scoring) if shared is None else shared
        yield Score(number, split.number, outcome | {"n_test_samples": len(split.test)})


def _score_together(
    candidates: Sequence[Candidate],
    reached: _AllSamples,
    y: Any,
    splits: Sequence[Split],
    scoring: Scoring,
) -> _Outcomes:
    """Score candidates with the same first steps; transform all samples once for all splits.

    From the first step that has to be fitted to each split on, continue split by split.
    """
    X, depth, seconds = reached
    rest: list[Candidate] = []
    for (_, last), group in groupby(candidates, key=_step_at(depth)):
        same = list(group)
        begin = time.perf_counter()
        transformed = None if last else _transform_all(same[0].steps[depth], X, y, scoring)
        if transformed is None:
            rest += same
        else:
            further = _AllSamples(transformed, depth + 1, seconds + time.perf_counter() - begin)
            yield from _score_together(same, further, y, splits, scoring)
    yield from _score_by_split(rest, reached, splits, scoring)


def _transform_all(step: Step, X: Any, y: Any, scoring: Scoring) -> Any:
    """Transform all samples; return None if the step has to be fitted to each split."""
    estimator = step.estimator
    if _is_identity(estimator):
        return X
    try:
        learns_from = step_tags(estimator).learns_from
        if learns_from == "samples" or (learns_from == "sizes" and not have_same_sizes(X)):
            return None
        given = _copy(X) if step.modifies_input else X
        if get_tags(estimator).requires_fit:
            transformed = _fit_transform(clone(estimator), given, y)
        else:
            estimator._validate_params()
            transformed = estimator.transform(given)
        if step.modifies_input and scoring.sees_changed_data and not _equal(given, X):
            return None
        return transformed if _num_samples(transformed) == _num_samples(X) else None
    except Exception:
        # The error is raised again in the splits that use the sample that caused it.
        return None


def _score_by_split(
    candidates: Sequence[Candidate],
    reached: _AllSamples,
    splits: Sequence[Split],
    scoring: Scoring,
) -> _Outcomes:
    """Score candidates with the same first steps, split by split."""
    X, depth, seconds = reached
    for split in splits if candidates else ():
        data = _data_of(X, split, scoring)
        for number, outcome in _score_tree(candidates, depth, data, seconds, scoring):
            yield split, number, outcome


def _data_of(X: Any, split: Split, scoring: Scoring) -> _SplitData:
    X_train, X_test = _safe_indexing(X, split.train), _safe_indexing(X, split.test)
    return _SplitData(
        X_train,
        split.y_train,
        _ToPredict(X_test),
        split.y_test,
        _ToPredict(X_train) if scoring.return_train_score else None,
        # Lists of different splits hold the same objects.
        shared=not isinstance(X, np.ndarray) or X.dtype.hasobject,
    )


def _score_alone(
    params: Mapping[str, Any], X: Any, split: Split, scoring: Scoring
) -> dict[str, Any]:
    """Score a candidate as GridSearchCV does, without sharing anything."""
    data = _data_of(X, split, scoring)
    X_train, X_test = data.X_train, data.test.X
    if data.shared:
        X_train, X_test = _copy(X_train), _copy(X_test)
    # GridSearchCV computes the train scores from the very samples that it fitted to.
    data = data._replace(
        X_train=X_train,
        y_train=_copy(data.y_train),
        test=_ToPredict(X_test),
        y_test=_copy(data.y_test),
        train_as_test=data.train_as_test and _ToPredict(X_train),
    )
    model = clone(scoring.estimator).set_params(**clone(params, safe=False))
    begin = time.perf_counter()
    try:
        model.fit(data.X_train, data.y_train)
    except Exception as error:
        return scoring.failure(error, time.perf_counter() - begin)
    fit_time = time.perf_counter() - begin
    return scoring.score(model, data) | {"fit_time": fit_time}


def _score_tree(
    candidates: Sequence[Candidate], depth: int, data: _SplitData, seconds: float, scoring: Scoring
) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """Score candidates with the same first ``depth`` steps, which took ``seconds``.

    The outcome is None if a step changed its input and GridSearchCV would score the changed data.
    """
    fitted, fit_seconds = None, 0.0
    groups = [list(group) for _, group in groupby(candidates, key=_step_at(depth))]
    for k, same in enumerate(groups):
        step, last = same[0].steps[depth], depth + 1 == len(same[0].steps)
        needed_later = data.shared or k + 1 < len(groups) or scoring.sees_changed_data
        given = data._replace(shared=needed_later)
        if step.modifies_input and needed_later:
            given = _copy_data(data)
        outcome: dict[str, Any] | None = None
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
                outcome = scoring.score(fitted, given) | {"fit_time": seconds + fit_seconds}
            else:
                estimator = clone(step.estimator)
                X_train = _fit_transform(estimator, given.X_train, given.y_train)
                as_test = given.train_as_test
                reached = given._replace(
                    X_train=X_train,
                    test=given.test.transformed_by(estimator),
                    train_as_test=as_test and as_test.transformed_by(estimator),
                )
                spent = seconds + time.perf_counter() - begin
        except Exception as error:
            outcome = scoring.failure(error, seconds + time.perf_counter() - begin)
        if step.modifies_input and scoring.sees_changed_data and not _equal_data(given, data):
            yield from ((candidate.number, None) for candidate in same)
        elif outcome is None:
            yield from _score_tree(same, depth + 1, reached, spent, scoring)
        else:
            yield from ((candidate.number, outcome) for candidate in same)


def _reuse(fitted: Any, estimator: Any) -> Any:
    """Return what fitting the estimator to the same data would give; None if it needs a fit."""
    return fitted.reuse_fit(estimator) if hasattr(fitted, "reuse_fit") else None


def _copy_data(data: _SplitData) -> _SplitData:
    as_test = data.train_as_test
    return _SplitData(
        _copy(data.X_train),
        _copy(data.y_train),
        data.test._replace(X=_copy(data.test.X)),
        _copy(data.y_test),
        as_test and as_test._replace(X=_copy(as_test.X)),
        shared=False,
    )


def _copy(value: Any) -> Any:
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return value.copy(order="K")
    try:
        return deepcopy(value)
    except Exception:
        # GridSearchCV does not copy the objects of a list either.
        return value


def _equal_data(a: _SplitData, b: _SplitData) -> bool:
    """Check whether the samples are the same, that is, whether no step has changed them."""
    pairs = [(a.X_train, b.X_train), (a.y_train, b.y_train), (a.test.X, b.test.X)]
    pairs.append((a.y_test, b.y_test))
    if a.train_as_test and b.train_as_test:
        pairs.append((a.train_as_test.X, b.train_as_test.X))
    return all(_equal(*pair) for pair in pairs)


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and not a.dtype.hasobject:
        if a.dtype != b.dtype or a.shape != b.shape:
            return False
        return bool(((a == b) | ((a != a) & (b != b))).all())  # noqa: PLR0124 - nan is not nan
    if type(a) is type(b) is list:
        return len(a) == len(b) and all(map(_equal, a, b))
    try:
        return joblib.hash(a) == joblib.hash(b)
    except Exception:
        return False


def _step_at(depth: int) -> Callable[[Candidate], tuple[str, bool]]:
    """Return a function for the key of a candidate's step and whether that step is its last."""
    return lambda candidate: (candidate.steps[depth].key, depth + 1 == len(candidate.steps))


def _fit_transform(estimator: Any, X: Any, y: Any) -> Any:
    if hasattr(estimator, "fit_transform"):
        return estimator.fit_transform(X, y)
    return estimator.fit(X, y).transform(X)
