"""Scoring the candidates of a grid search so that each shared step is computed only once."""

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

from skcaptcha.exceptions import release_frames

_WAYS_TO_LEARN = ("fit", "fit_transform", "transform", "_fit_segment", "_learn")


class Step(NamedTuple):
    """A step of a candidate, not fitted.

    Attributes
    ----------
    key : str
        Equal keys: the same class and parameters at the same place.
    estimator : estimator
    may_write : bool
        Whether the step might change the data that it is given.
    """

    key: str
    estimator: Any
    may_write: bool


class Candidate(NamedTuple):
    """A candidate of the grid.

    Attributes
    ----------
    number : int
    params : dict
    steps : tuple of Step
        Those of nested pipelines among them.
    """

    number: int
    params: dict[str, Any]
    steps: tuple[Step, ...]


class Split(NamedTuple):
    """The samples of a fold: which to train with, and which to test with."""

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


class _Reached(NamedTuple):
    """All samples, as they leave the first ``depth`` steps."""

    X: Any
    depth: int = 0
    seconds: float = 0.0


class _Samples(NamedTuple):
    """Samples to predict, as they leave the fitted steps so far.

    A step whose ``transform`` fails has no output: it waits, with the steps after it, in
    ``not_applied``, and fails again when the candidate is scored.
    """

    X: Any
    not_applied: tuple[Any, ...] = ()

    def through(self, fitted: Any) -> _Samples:
        if not self.not_applied:
            # Scoring meets the error again.
            with suppress(Exception):
                return _Samples(fitted.transform(self.X))
        return self._replace(not_applied=(*self.not_applied, fitted))


class _Data(NamedTuple):
    """The samples of one split, as they leave the first steps.

    ``train_as_test`` is what ``transform`` makes of the training samples, for the train scores:
    ``fit_transform`` may give something else. None if there are to be no train scores.
    ``shared`` tells whether the samples are still needed elsewhere.
    """

    X_train: Any
    y_train: Any
    test: _Samples
    y_test: Any
    train_as_test: _Samples | None
    shared: bool


_Outcome = tuple[Split, int, dict[str, Any] | None]


class Scoring(NamedTuple):
    """What to measure, and the outcome of a fit in the form that GridSearchCV's tables take.

    Attributes
    ----------
    estimator : Pipeline
        The whole pipeline, not fitted.
    scorers : scorer or _MultimetricScorer
    error_score : "raise" or number
    return_train_score : bool
    """

    estimator: Pipeline
    scorers: Any
    error_score: Any
    return_train_score: bool

    @property
    def sees_changed_data(self) -> bool:
        """Whether GridSearchCV scores with data that fitting or predicting may have changed."""
        return self.return_train_score or hasattr(self.scorers, "_scorers")

    def score(self, fitted: Any, data: _Data) -> dict[str, Any]:
        """Score a fitted last step.

        Parameters
        ----------
        fitted : estimator
        data : _Data
            What reaches it.

        Returns
        -------
        outcome : dict
        """
        begin = time.perf_counter()
        test_scores, error = self._measure(fitted, data.test, data.y_test)
        outcome = {
            "fit_error": None,
            "test_scores": test_scores,
            "score_time": time.perf_counter() - begin,
        }
        if data.train_as_test is not None:
            train_scores, train_error = self._measure(fitted, data.train_as_test, data.y_train)
            outcome["train_scores"] = train_scores
            error = error or train_error
        return outcome | {"score_error": error}

    def _measure(self, fitted: Any, samples: _Samples, y: Any) -> tuple[Any, str | None]:
        """Give the scores, and the first error if some cannot be computed."""
        if samples.not_applied:
            steps = enumerate((*samples.not_applied, fitted))
            fitted = Pipeline([(str(k), step) for k, step in steps])
        args = (fitted, samples.X) if y is None else (fitted, samples.X, y)
        names = getattr(self.scorers, "_scorers", None)
        try:
            scores = self.scorers(*args)
        except Exception as error:
            if names is not None or self.error_score == "raise":
                raise
            return self.error_score, f"{type(error).__name__}: {error}"
        # Of several scores, each that fails is the text of a traceback.
        failed = [s for s in scores.values() if isinstance(s, str)] if names is not None else []
        if failed:
            scores = {k: self.error_score if isinstance(s, str) else s for k, s in scores.items()}
        error_text = failed[0].strip().rpartition("\n")[2] if failed else None
        return _score(None, None, None, lambda *_: scores, None), error_text

    def failure(self, error: Exception) -> dict[str, Any]:
        """Give the outcome of a fit that failed.

        Parameters
        ----------
        error : Exception

        Returns
        -------
        outcome : dict
        """
        names = getattr(self.scorers, "_scorers", None)
        scores = self.error_score if names is None else dict.fromkeys(names, self.error_score)
        outcome = {
            # Others are still to be fitted; the traceback would hold what this one was fitted to.
            "fit_error": release_frames(error),
            "test_scores": scores,
            "score_time": 0.0,
            "score_error": None,
        }
        return outcome | ({"train_scores": scores} if self.return_train_score else {})


class StepsOf:
    """Gives the steps of candidates; what they share is built and hashed once.

    Parameters
    ----------
    pipeline : Pipeline
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._known: dict[Any, tuple[Step, ...]] = {}

    def __call__(self, params: Mapping[str, Any]) -> tuple[Step, ...]:
        """Give the steps of one candidate.

        Parameters
        ----------
        params : mapping of str to object

        Returns
        -------
        steps : tuple of Step
        """
        return tuple(
            step
            for name, estimator in self._pipeline.steps
            for step in self._of_part(
                name, estimator, {k: v for k, v in params.items() if k.partition("__")[0] == name}
            )
        )

    def _of_part(self, name: str, estimator: Any, params: dict[str, Any]) -> tuple[Step, ...]:
        # The values live as long as the candidates do.
        key = name, *((parameter, id(value)) for parameter, value in params.items())
        if key not in self._known:
            part = clone(Pipeline([(name, estimator)])).set_params(**clone(params, safe=False))
            self._known[key] = tuple(_flatten(part))
        return self._known[key]


def _flatten(pipeline: Pipeline, path: str = "") -> Iterator[Step]:
    """Steps in order, those of nested pipelines among them."""
    for name, estimator in pipeline.steps:
        place = f"{path}{name}__"
        if is_plain_pipeline(estimator):
            yield from _flatten(estimator, place)
        else:
            same = FunctionTransformer() if estimator in (None, "passthrough") else estimator
            yield Step(f"{place} {_key(same)}", same, _may_write(same))


def is_plain_pipeline(estimator: Any) -> bool:
    """Tell whether an estimator does what scikit-learn's Pipeline does, step after step.

    Parameters
    ----------
    estimator : object

    Returns
    -------
    is_plain : bool
        False for what is derived from Pipeline: it may fit, predict or score in another way.
    """
    return type(estimator) is Pipeline


def _key(value: Any) -> str:
    """Equal keys: equal values. Lambdas and local classes, which have no hash, equal themselves."""
    try:
        return str(joblib.hash(value))
    except Exception:
        if not hasattr(value, "get_params") or isinstance(value, type):
            return f"id {id(value)}"
        # The parameters alone, and what set_output and the like have added.
        parts = vars(value) | value.get_params(deep=False)
        inner = ", ".join(f"{name}={_key(part)}" for name, part in sorted(parts.items()))
        return f"{type(value).__qualname__} {id(type(value))} ({inner})"


def _may_write(estimator: Any) -> bool:
    """Tell whether a step might change its input; steps of this package do not."""
    if _passes_on(estimator):
        return False
    if type(estimator).__module__.partition(".")[0] != "skcaptcha":
        return True
    # A reader hands its classifier a copy; the router hands its branches the images themselves.
    inner = [] if hasattr(estimator, "read") else estimator.get_params().values()
    return any(_may_write(value) for value in inner if hasattr(value, "get_params"))


def _passes_on(estimator: Any) -> bool:
    return (
        type(estimator) is FunctionTransformer and estimator.func is None and not estimator.validate
    )


def score_candidates(
    X: Any, y: Any, splits: Sequence[Split], candidates: Sequence[Candidate], scoring: Scoring
) -> Iterator[Score]:
    """Score neighboring candidates in some splits.

    Parameters
    ----------
    X : sequence of n samples
    y : array-like of n targets, or None
    splits : sequence of Split
    candidates : sequence of Candidate
        Ordered by the keys of their steps.
    scoring : Scoring

    Yields
    ------
    score : Score
    """
    n_used = sum(len(split.train) + len(split.test) for split in splits)
    # Where splits use only a few samples, it would take longer to transform all of them.
    if n_used >= _num_samples(X):
        outcomes = _score_whole(candidates, _Reached(X), y, splits, scoring)
    else:
        outcomes = _score_splits(candidates, _Reached(X), splits, scoring)
    params = {candidate.number: candidate.params for candidate in candidates}
    for split, number, outcome in outcomes:
        if outcome is None:
            outcome = _score_alone(params[number], X, split, scoring)  # noqa: PLW2901
        yield Score(number, split.number, outcome | {"n_test_samples": len(split.test)})


def _score_whole(
    candidates: Sequence[Candidate],
    reached: _Reached,
    y: Any,
    splits: Sequence[Split],
    scoring: Scoring,
) -> Iterator[_Outcome]:
    """Score candidates that agree in all steps that the samples have passed.

    As long as steps learn the same from all splits, one transformation of all samples serves all.
    """
    X, depth, seconds = reached
    rest: list[Candidate] = []
    for (_, last), group in groupby(candidates, key=_step_at(depth)):
        same = list(group)
        begin = time.perf_counter()
        transformed = None if last else _transform_whole(same[0].steps[depth], X, y, scoring)
        if transformed is None:
            rest += same
        else:
            further = _Reached(transformed, depth + 1, seconds + time.perf_counter() - begin)
            yield from _score_whole(same, further, y, splits, scoring)
    yield from _score_splits(rest, reached, splits, scoring)


def _transform_whole(step: Step, X: Any, y: Any, scoring: Scoring) -> Any:
    """Transform all samples; None if the step has to be fitted to each split by itself."""
    if _passes_on(step.estimator):
        return X
    try:
        if not _learns_same_from_parts(step.estimator, X):
            return None
        given = _copied(X) if step.may_write else X
        transformed = _transform_unfitted(step.estimator, given, y)
        if step.may_write and scoring.sees_changed_data and not _same(given, X):
            return None
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
    candidates: Sequence[Candidate],
    reached: _Reached,
    splits: Sequence[Split],
    scoring: Scoring,
) -> Iterator[_Outcome]:
    """Score candidates that agree in all steps that the samples have passed, split by split."""
    X, depth, seconds = reached
    for split in splits if candidates else ():
        data = _data_of(X, split, scoring)
        for number, outcome in _score_tree(candidates, depth, data, seconds, scoring):
            yield split, number, outcome


def _data_of(X: Any, split: Split, scoring: Scoring) -> _Data:
    X_train, X_test = _safe_indexing(X, split.train), _safe_indexing(X, split.test)
    return _Data(
        X_train,
        split.y_train,
        _Samples(X_test),
        split.y_test,
        _Samples(X_train) if scoring.return_train_score else None,
        # The lists of the splits hold the same objects.
        shared=not isinstance(X, np.ndarray) or X.dtype.hasobject,
    )


def _score_alone(
    params: Mapping[str, Any], X: Any, split: Split, scoring: Scoring
) -> dict[str, Any]:
    """Score a candidate as GridSearchCV does, sharing nothing."""
    data = _data_of(X, split, scoring)
    X_train, X_test = (
        _copied(part) if data.shared else part for part in (data.X_train, data.test.X)
    )
    # GridSearchCV computes the train scores with the very samples that it fitted to.
    data = data._replace(
        X_train=X_train,
        y_train=_copied(data.y_train),
        test=_Samples(X_test),
        y_test=_copied(data.y_test),
        train_as_test=data.train_as_test and _Samples(X_train),
    )
    model = clone(scoring.estimator).set_params(**clone(params, safe=False))
    begin = time.perf_counter()
    try:
        model.fit(data.X_train, data.y_train)
    except Exception as error:
        if scoring.error_score == "raise":
            raise
        return scoring.failure(error) | {"fit_time": time.perf_counter() - begin}
    fit_time = time.perf_counter() - begin
    return scoring.score(model, data) | {"fit_time": fit_time}


def _score_tree(
    candidates: Sequence[Candidate], depth: int, data: _Data, seconds: float, scoring: Scoring
) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """Score candidates that agree in all steps before ``depth``, which took ``seconds``.

    The outcome is None where a step changed its input and GridSearchCV would score with that.
    """
    fitted, fit_seconds = None, 0.0
    groups = [list(group) for _, group in groupby(candidates, key=_step_at(depth))]
    for k, same in enumerate(groups):
        step, last = same[0].steps[depth], depth + 1 == len(same[0].steps)
        needed_later = data.shared or k + 1 < len(groups) or scoring.sees_changed_data
        given = data._replace(shared=needed_later)
        if step.may_write and needed_later:
            given = _private(data)
        outcome: dict[str, Any] | None = None
        begin = time.perf_counter()
        try:
            if last:
                fitted = _adapted(fitted, step.estimator)
                if fitted is None:
                    estimator = clone(step.estimator)
                    estimator.fit(given.X_train, given.y_train)
                    fit_seconds = time.perf_counter() - begin
                    # What it computes for its predictions will serve those adapted from it.
                    fitted = _adapted(estimator, step.estimator) or estimator
                outcome = scoring.score(fitted, given) | {"fit_time": seconds + fit_seconds}
            else:
                estimator = clone(step.estimator)
                X_train = _fit_transform(estimator, given.X_train, given.y_train)
                reached = given._replace(
                    X_train=X_train,
                    test=given.test.through(estimator),
                    train_as_test=given.train_as_test and given.train_as_test.through(estimator),
                )
                spent = seconds + time.perf_counter() - begin
        except Exception as error:
            if scoring.error_score == "raise":
                raise
            outcome = scoring.failure(error) | {"fit_time": seconds + time.perf_counter() - begin}
        if step.may_write and scoring.sees_changed_data and not _same_data(given, data):
            yield from ((candidate.number, None) for candidate in same)
        elif outcome is None:
            yield from _score_tree(same, depth + 1, reached, spent, scoring)
        else:
            yield from ((candidate.number, outcome) for candidate in same)


def _private(data: _Data) -> _Data:
    """Copy samples, so that a step may do with them what it likes."""
    as_test = data.train_as_test
    return _Data(
        _copied(data.X_train),
        _copied(data.y_train),
        data.test._replace(X=_copied(data.test.X)),
        _copied(data.y_test),
        as_test and as_test._replace(X=_copied(as_test.X)),
        shared=False,
    )


def _copied(value: Any) -> Any:
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return value.copy(order="K")
    try:
        return deepcopy(value)
    except Exception:
        # Not everything can be copied; GridSearchCV copies no object in a list either.
        return value


def _same_data(a: _Data, b: _Data) -> bool:
    """Tell whether the samples are the same, that is, whether no step has changed them."""
    if not (_same(a.X_train, b.X_train) and _same(a.y_train, b.y_train)):
        return False
    if not (_same(a.test.X, b.test.X) and _same(a.y_test, b.y_test)):
        return False
    return not (a.train_as_test and b.train_as_test) or _same(a.train_as_test.X, b.train_as_test.X)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and not a.dtype.hasobject:
        if a.dtype != b.dtype or a.shape != b.shape:
            return False
        return bool(((a == b) | ((a != a) & (b != b))).all())  # noqa: PLR0124 - nan is not nan
    if type(a) is type(b) is list:
        return len(a) == len(b) and all(map(_same, a, b))
    try:
        return joblib.hash(a) == joblib.hash(b)
    except Exception:
        return False


def _step_at(depth: int) -> Callable[[Candidate], tuple[str, bool]]:
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
