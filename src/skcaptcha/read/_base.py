"""Base class of readers: checks of their input, and the hooks that a reader implements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeAlias, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from skcaptcha._letter_case import fold_case, usual_case
from skcaptcha._process.one_thread import one_thread
from skcaptcha.base import Documented, as_texts, check_images
from skcaptcha.exceptions import ReadingError
from skcaptcha.images._batch import pixel_digest
from skcaptcha.images._duplicates import group_by_digest, group_duplicate_rows
from skcaptcha.read._reading import Reading
from skcaptcha.segments import Segments

Captchas: TypeAlias = Segments | Sequence[NDArray[np.uint8]]


@dataclass(frozen=True)
class LabelScores:
    """Scores of a label, next to those of all other labels that its captcha could have.

    The scores are on a scale of the reader's own: log-probabilities up to a factor.

    Attributes
    ----------
    characters : ndarray of shape (length of the label, n_classes) or None
        Score of each character at each position, among strings of the length of the label. None if
        the captcha has no such string.
    lengths : ndarray of shape (longest + 1,)
        Score of the best string of 0, 1, ... characters; ``-inf`` if there is none.
    """

    characters: NDArray[np.float64] | None
    lengths: NDArray[np.float64]


class BaseReader(Documented, BaseEstimator, ABC):
    """Base class of readers, the final step of a pipeline: captchas to strings.

    A reader takes segments with features, the output of a features step. If its class sets
    ``reads_images = True``, it takes denoised images instead, and the pipeline has no steps that
    segment the images or compute features.

    The public methods are final. They check their input and keep linear algebra in one thread,
    so that results do not depend on the number of processes. A subclass implements the hooks
    ``_fit``, ``_predict``, ``_read`` and ``_score_labels``; ``_fit`` must set ``classes_``.

    Attributes
    ----------
    reads_images : bool
        Attribute of the class: whether the reader takes images instead of segments.
    fold_case : bool
        Parameter of a subclass, otherwise False: whether upper and lower case are the same. `fit`
        then folds the letters of all labels to the case of most of them, and `score` compares
        labels in that case.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha import Segments
    >>> from skcaptcha.read import BaseReader, LabelScores, Reading
    >>> class BrightnessReader(BaseReader):
    ...     def _fit(self, X, labels):
    ...         self.classes_ = np.array(["0", "1"])
    ...     def _predict(self, X):
    ...         digits = (X.values.mean(axis=1) > 0.5).astype(int).astype(str)
    ...         return np.array(["".join(part) for part in np.split(digits, X.offsets[1:-1])])
    ...     def _read(self, X):
    ...         parts = np.split(X.boxes, X.offsets[1:-1])
    ...         texts = self._predict(X)
    ...         return [Reading(t, 1.0, b, np.ones(len(b)), ()) for t, b in zip(texts, parts)]
    ...     def _score_labels(self, X, labels):
    ...         return [LabelScores(None, np.zeros(2)) for _ in labels]
    >>> segments = Segments([[0, 0, 1, 1], [1, 0, 1, 1]], [0, 2], values=np.eye(2)[:, :1])
    >>> BrightnessReader().fit(segments, ["10"]).predict(segments)
    array(['10'], dtype='<U2')
    """

    reads_images: ClassVar[bool] = False
    fold_case: bool = False

    _parameter_constraints: dict[str, Any] = {}

    @final
    @one_thread()
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Captchas, y: ArrayLike, *, pseudo_labeled: ArrayLike | None = None) -> Self:
        """Fit the reader to labeled captchas.

        Parameters
        ----------
        X : Segments of n captchas with features, or sequence of n ndarrays
            Images are uint8 arrays of shape (h, w) with bright ink on a dark background.
        y : array-like of n str
            Labels of the captchas.
        pseudo_labeled : array-like of n bool, default=None
            Captchas whose label a model has read. The reader learns from them, but never holds
            them out: they neither calibrate confidences nor end a training. None: no captcha.

        Returns
        -------
        self : object
            The fitted reader.

        Raises
        ------
        ReadingError
            If a label is not a string, if nothing can be learned from the captchas, or if the
            parameters contradict the labels.
        """
        self._check_samples(X)
        labels = validate_labels(y, len(X))
        if self.fold_case:
            labels = np.array(fold_case(labels.tolist()), dtype=np.str_)
        self._may_be_held_out = _may_be_held_out(pseudo_labeled, len(X))
        try:
            self._fit(X, labels)
        except BaseException:
            # After an error or Ctrl-C, the parts fit neither the old nor the new captchas.
            self.__dict__.pop("classes_", None)
            raise
        finally:
            del self._may_be_held_out
        return self

    @final
    @one_thread()
    def predict(self, X: Captchas) -> NDArray[np.str_]:
        """Predict the strings of captchas.

        Parameters
        ----------
        X : Segments of n captchas with features, or sequence of n ndarrays
            Images are uint8 arrays of shape (h, w) with bright ink on a dark background.

        Returns
        -------
        texts : ndarray of shape (n,), dtype str
            The strings; empty for captchas without segments, or without any string that meets the
            constraints of the reader.

        Raises
        ------
        ReadingError
            If no string at all can meet the constraints.
        """
        self._check_fitted(X)
        return self._predict(X)

    @final
    @one_thread()
    def read(self, X: Captchas) -> list[Reading]:
        """Predict the strings of captchas with confidences, boxes and runners-up.

        Parameters
        ----------
        X : Segments of n captchas with features, or sequence of n ndarrays
            Images are uint8 arrays of shape (h, w) with bright ink on a dark background.

        Returns
        -------
        readings : list of n Reading
            Their texts, or their answers if they have any, are those of `predict`. If these are
            empty, the confidence is 0.

        Raises
        ------
        ReadingError
            If no string at all can meet the constraints.
        """
        self._check_fitted(X)
        return self._read(X)

    @final
    def score(self, X: Captchas, y: ArrayLike) -> float:
        """Return the fraction of captchas whose string, or whose answer, is right.

        Parameters
        ----------
        X : Segments of n captchas with features, or sequence of n ndarrays
            Images are uint8 arrays of shape (h, w) with bright ink on a dark background.
        y : array-like of n str
            Labels of the captchas.

        Returns
        -------
        accuracy : float in 0..1
        """
        labels = in_case_of(self, validate_labels(y, len(X)).tolist())
        expected = self._expected(np.array(labels, dtype=np.str_))
        return float(np.mean(self.predict(X) == expected))

    @final
    @one_thread()
    def score_labels(self, X: Captchas, y: ArrayLike) -> list[LabelScores]:
        """Score labels against other labels that the captchas could have.

        Parameters
        ----------
        X : Segments of n captchas with features, or sequence of n ndarrays
            Images are uint8 arrays of shape (h, w) with bright ink on a dark background.
        y : array-like of n str
            Labels of the captchas, right or wrong.

        Returns
        -------
        scores : list of n LabelScores
        """
        self._check_fitted(X)
        labels = in_case_of(self, validate_labels(y, len(X)).tolist())
        return self._score_labels(X, np.array(labels, dtype=np.str_))

    @abstractmethod
    def _fit(self, X: Any, labels: NDArray[np.str_]) -> None:
        """Fit the reader to captchas, Segments or images, and to their labels (n,)."""

    @abstractmethod
    def _predict(self, X: Any) -> NDArray[np.str_]:
        """Return the strings (n,) of captchas, Segments or images."""

    @abstractmethod
    def _read(self, X: Any) -> list[Reading]:
        """Return the n readings of captchas, Segments or images."""

    @abstractmethod
    def _score_labels(self, X: Any, labels: NDArray[np.str_]) -> list[LabelScores]:
        """Return the scores of the labels (n,) of captchas, Segments or images."""

    def _expected(self, labels: NDArray[np.str_]) -> NDArray[np.str_]:
        """Return what `predict` has to return for captchas with these labels (n,)."""
        return labels

    @final
    def _calibration_groups(
        self, cv: int | None, X: Captchas, captchas: NDArray[np.intp]
    ) -> tuple[NDArray[np.intp], int]:
        """Return a group for each of some captchas, equal for duplicates, and the number of folds.

        Groups with a pseudo-labeled captcha are -1: they are in no fold. The number of folds is at
        most that of different captchas, and 0 if calibration is off or impossible.
        """
        if cv is None:
            return np.empty(0, dtype=np.intp), 0
        if isinstance(X, Segments):
            duplicates = group_duplicate_rows(features_of(X), X.offsets)
        else:
            duplicates = group_by_digest(map(pixel_digest, X))
        groups = duplicates[captchas]
        known = self._may_be_held_out[captchas]
        groups[np.isin(groups, groups[~known])] = -1
        n_folds = min(cv, len(np.unique(groups[groups >= 0])))
        return groups, n_folds if n_folds > 1 else 0

    def _check_fitted(self, X: Captchas) -> None:
        # check_is_fitted collects tags, which takes longer than reading a captcha.
        if not self.__sklearn_is_fitted__():
            check_is_fitted(self)
        self._check_samples(X)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "classes_")

    def _check_samples(self, X: Captchas) -> None:
        if self.reads_images:
            _check_denoised(X)
        else:
            _check_features(X)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = self.reads_images
        tags.target_tags.required = True
        return tags


def reads_images(reader: Any) -> bool:
    """Return whether an estimator, or a class of estimators, reads images instead of segments."""
    return getattr(reader, "reads_images", False) is True


def reader_of_strings(reader: Any) -> Any:
    """Return the fitted reader inside an `Evaluate`, or the reader itself."""
    return getattr(reader, "reader_", reader)


def folds_case(reader: Any) -> bool:
    """Return whether a reader, fitted or not, folds upper and lower case."""
    inside = getattr(reader, "reader_", getattr(reader, "reader", reader))
    return getattr(inside, "fold_case", False) is True


def set_fold_case(reader: Any) -> None:
    """Have a reader fold upper and lower case, if it has the parameter ``fold_case``.

    A reader that is fitted already must have been fitted to folded labels.
    """
    inside = getattr(reader, "reader", reader)
    if "fold_case" in inside.get_params(deep=False):
        inside.set_params(fold_case=True)


def in_case_of(reader: Any, labels: Iterable[str]) -> list[str]:
    """Return labels in the case that a fitted reader reads, if it folds upper and lower case."""
    if not folds_case(reader):
        return list(labels)
    return fold_case(labels, usual_case(reader.classes_))


def validate_labels(y: ArrayLike, n: int) -> NDArray[np.str_]:
    """Check that y are n strings, and return them as an array (n,)."""
    if y is None:
        raise ReadingError("a reader requires y to be passed, but the target y is None")
    labels = as_texts(y)
    if len(labels) != n:
        raise ReadingError(
            f"number of labels ({len(labels)}) differs from number of captchas ({n}); pass one "
            "label for each captcha"
        )
    return np.array(labels, dtype=np.str_)


def _may_be_held_out(pseudo_labeled: ArrayLike | None, n: int) -> NDArray[np.bool_]:
    """Return which of n captchas have a label of their own."""
    if pseudo_labeled is None:
        return np.ones(n, dtype=bool)
    pseudo = np.asarray(pseudo_labeled)
    if pseudo.shape != (n,) or pseudo.dtype != bool:
        raise ValueError(
            f"pseudo_labeled must be {n} bools, one for each captcha; found an array of shape "
            f"{pseudo.shape} and dtype {pseudo.dtype}"
        )
    return ~pseudo


def features_of(X: Segments) -> NDArray[np.float32]:
    """Return the features (m, d) of segments that a public method has checked."""
    assert X.values is not None
    return X.values


def empty_readings(X: Captchas) -> list[Reading]:
    """Return a reading without text for each captcha."""
    return [Reading("", 0.0, np.empty((0, 4), dtype=np.intp), np.empty(0), ())] * len(X)


def _check_denoised(X: Captchas) -> None:
    """Check that X are denoised images (h, w)."""
    if isinstance(X, Segments):
        raise TypeError(
            "X must be denoised images; found Segments. Remove the segment and features steps "
            "before the reader"
        )
    check_images(X, gray=True)


def _check_features(X: Captchas) -> None:
    """Check that X are segments with features (m, d) that are real numbers."""
    if not isinstance(X, Segments):
        raise TypeError(f"X must be Segments with features; found {type(X).__name__}")
    if X.values is None:
        raise ValueError(
            "the segments have no features; put a features step, such as HOG, before the reader"
        )
    if np.ndim(X.values) != 2:
        found = np.shape(X.values)
        raise ValueError(f"values must have shape (m, d); found {found}. Reshape your data")
    if np.iscomplexobj(X.values):
        raise ValueError("Complex data not supported; values must be real numbers")
