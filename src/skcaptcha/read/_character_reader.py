"""Reader of captchas whose segments are their characters: one classifier reads each."""

from __future__ import annotations

from copy import copy
from itertools import compress, islice, pairwise
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GroupKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils import Tags
from sklearn.utils._param_validation import HasMethods, Interval

from skcaptcha.base import StepTags
from skcaptcha.exceptions import ReadingError
from skcaptcha.read._base import (
    BaseReader,
    LabelScores,
    empty_readings,
    features_of,
    validate_labels,
)
from skcaptcha.read._calibration import fit_temperature
from skcaptcha.read._reading import Reading
from skcaptcha.read.inference import FittedClassifier, with_parameters_of
from skcaptcha.segments import Segments

_N_RUNNERS_UP = 5


class CharacterReader(BaseReader):
    """Read captchas whose segments are their characters.

    A classifier reads each segment on its own. `read` takes the characters as independent: the
    confidence of a string is the product of the probabilities of its characters.

    Captchas whose number of segments differs from the length of their label are left out of
    training, because it is unknown which segment is which character.

    Parameters
    ----------
    estimator : classifier, default=None
        Any scikit-learn classifier, or a Pipeline that ends in one; None:
        ``KNeighborsClassifier(n_neighbors=3)``.
    calibration_cv : int >= 2, default=None
        Number of cross-validation folds for calibrating the probabilities of `read`, by temperature
        scaling of held-out scores: distances for nearest neighbors, margins for support vector
        machines, otherwise log-probabilities. None: the probabilities of the classifier are used as
        they are, but none below one in a million. `predict` does not change.
    fold_case : bool, default=False
        Whether upper and lower case are the same. Labels are then folded to the case of most of
        their letters, and `score` ignores case.

    Attributes
    ----------
    estimator_ : classifier
        The fitted classifier.
    classes_ : ndarray of shape (n_classes,)
        Characters that the reader knows.
    n_left_out_ : int
        Number of training captchas left out.
    left_out_ : ndarray of shape (n_left_out,)
        Indices of the training captchas left out.
    temperature_ : float > 0
        Divisor of the scores of the classifier; 1 without ``calibration_cv``.

    See Also
    --------
    SequenceReader : Reads overlapping candidates, if characters cannot be separated.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On calibration of modern neural networks",
    ICML 2017 (temperature scaling).

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha import Segments
    >>> from skcaptcha.read import CharacterReader
    >>> values = np.array([[0.0], [1.0], [1.0], [0.0]], dtype=np.float32)
    >>> segments = Segments([[0, 0, 1, 1], [1, 0, 1, 1]] * 2, [0, 2, 4], values=values)
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> reader = CharacterReader(KNeighborsClassifier(n_neighbors=1))
    >>> reader.fit(segments, ["AB", "BA"]).predict(segments)
    array(['AB', 'BA'], dtype='<U2')
    """

    _parameter_constraints: dict[str, Any] = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "calibration_cv": [Interval(Integral, 2, None, closed="left"), None],
        "fold_case": ["boolean"],
    }

    def __init__(
        self, estimator: Any = None, *, calibration_cv: int | None = None, fold_case: bool = False
    ) -> None:
        self.estimator = estimator
        self.calibration_cv = calibration_cv
        self.fold_case = fold_case

    def _fit(self, X: Segments, labels: NDArray[np.str_]) -> None:
        lengths = np.char.str_len(labels)
        usable = X.counts == lengths
        self.left_out_ = np.flatnonzero(~usable)
        self.n_left_out_ = len(self.left_out_)
        if 2 * self.n_left_out_ > len(labels):
            raise ReadingError(
                f"{self.n_left_out_} of {len(labels)} captchas have a segment count that differs "
                f"from the label length ({_range(X.counts[~usable])} segments, "
                f"{_range(lengths[~usable])} characters); set the segmenter's n_characters, or "
                "look at the result of the denoising steps (skcaptcha show)"
            )
        characters = np.array(list("".join(labels[usable])))
        if not len(characters):
            raise ReadingError(
                f"nothing can be learned: the labels of the {len(labels)} captchas have no "
                "characters; pass captchas with labels"
            )
        values = features_of(X)[usable[X.captcha_index]]
        base = KNeighborsClassifier(n_neighbors=3) if self.estimator is None else self.estimator
        self.estimator_ = clone(base).fit(values, characters)
        self._fitted = FittedClassifier(self.estimator_)
        self.classes_ = self.estimator_.classes_
        captchas = np.flatnonzero(usable & (lengths > 0))
        groups, n_folds = self._calibration_groups(self.calibration_cv, X, captchas)
        self.temperature_ = 1.0
        if n_folds:
            groups = np.repeat(groups, lengths[captchas])
            self.temperature_ = self._calibrate(values, characters, groups, n_folds)

    def _calibrate(
        self,
        values: NDArray[np.float32],
        characters: NDArray[np.str_],
        groups: NDArray[np.intp],
        n_folds: int,
    ) -> float:
        """Return the temperature that makes held-out characters most likely.

        Characters of group -1 are never held out.
        """
        scores, targets = [], []
        may_be_held_out = np.flatnonzero(groups >= 0)
        own_groups = groups[may_be_held_out]
        for _, fold in GroupKFold(n_folds).split(may_be_held_out, groups=own_groups):
            test = may_be_held_out[fold]
            train = np.setdiff1d(np.arange(len(groups)), test, assume_unique=True)
            fitted = clone(self.estimator_).fit(values[train], characters[train])
            known = test[np.isin(characters[test], fitted.classes_)]
            scores.append(FittedClassifier(fitted).classify(values[known]).uncalibrated_scores())
            targets.append(np.searchsorted(fitted.classes_, characters[known]))
        return fit_temperature(scores, targets)

    def align(self, X: Segments, y: ArrayLike) -> list[NDArray[np.intp]]:
        """Return where the characters of labels are: the segments, if there are as many.

        Parameters
        ----------
        X : Segments of n captchas
        y : array-like of n str
            Labels of the captchas.

        Returns
        -------
        boxes : list of n ndarrays of shape (length of the label, 4)
            ``x, y, w, h`` of each character, in pixels of the denoised image. The shape is (0, 4)
            if the number of segments differs from the length of the label.

        Raises
        ------
        ReadingError
            If a label is not a string, or if there is not one label for each captcha.

        See Also
        --------
        SequenceReader.align : Find the path through overlapping candidates that spells a label.

        Examples
        --------
        >>> from skcaptcha import Segments
        >>> from skcaptcha.read import CharacterReader
        >>> segments = Segments([[0, 0, 5, 9], [6, 0, 5, 9], [0, 0, 11, 9]], [0, 2, 3])
        >>> CharacterReader().align(segments, ["AB", "AB"])
        [array([[0, 0, 5, 9],
               [6, 0, 5, 9]]), array([], shape=(0, 4), dtype=int64)]
        """
        is_one_each = X.counts == np.char.str_len(validate_labels(y, len(X)))
        ends = np.where(is_one_each, X.offsets[1:], X.offsets[:-1])
        return [
            X.boxes[begin:end] for begin, end in zip(X.offsets[:-1].tolist(), ends, strict=True)
        ]

    def _predict(self, X: Segments) -> NDArray[np.str_]:
        return _strings(self._classifier().classify(features_of(X)).classes(), X.offsets)

    def _read(self, X: Segments) -> list[Reading]:
        found = self._classifier().classify(features_of(X))
        calibrated = self.calibration_cv is not None
        scores = found.uncalibrated_scores() if calibrated else found.log_scores()
        classes = found.classes()
        texts = _strings(classes, X.offsets)
        all_logs = log_softmax(scores / self.temperature_, axis=1)
        readings = empty_readings(X)
        names = self.classes_.astype("U1")
        # All captchas of one length are one computation.
        for length in np.unique(X.counts[X.counts > 0]):
            captchas = np.flatnonzero(X.counts == length)
            rows = X.offsets[captchas, None] + np.arange(length)
            logs = all_logs[rows]
            predicted = np.searchsorted(self.classes_, classes[rows])
            predicted_logs = np.take_along_axis(logs, predicted[:, :, None], axis=2)[:, :, 0]
            totals, paths = _n_best_paths(logs, _N_RUNNERS_UP + 1)
            differs = (paths != predicted[:, None, :]).any(axis=2).tolist()
            strings = np.ascontiguousarray(names[paths]).view(f"U{length}")[..., 0].tolist()
            of_strings = np.exp(totals).tolist()
            confidences = np.exp(predicted_logs.sum(axis=1)).tolist()
            boxes, probabilities = X.boxes[rows], np.exp(predicted_logs)
            for k, (i, text) in enumerate(zip(captchas, texts[captchas].tolist(), strict=True)):
                others = compress(zip(strings[k], of_strings[k], strict=True), differs[k])
                runners_up = tuple(islice(others, _N_RUNNERS_UP))
                readings[i] = Reading(text, confidences[k], boxes[k], probabilities[k], runners_up)
        return readings

    def _score_labels(self, X: Segments, labels: NDArray[np.str_]) -> list[LabelScores]:
        """Score labels; the number of segments is the only possible length, with score 1."""
        fitted = self._classifier()
        found = fitted.classify(features_of(X))
        # The nearest neighbor may have a wrong label itself, so several vote.
        votes = isinstance(fitted.last, KNeighborsClassifier)
        scores = found.log_scores() if votes else found.uncalibrated_scores()
        lengths = np.char.str_len(labels)
        longest = max(int(X.counts.max(initial=0)), int(lengths.max(initial=0)))
        return [
            LabelScores(
                scores[begin:end] if end - begin == length else None,
                (np.arange(longest + 1) == end - begin).astype(np.float64),
            )
            for (begin, end), length in zip(pairwise(X.offsets), lengths, strict=True)
        ]

    def reuse_fit(self, other: BaseEstimator) -> CharacterReader | None:
        """Return what fitting another estimator to the same captchas would give, without a fit.

        :class:`~skcaptcha.model_selection.SharedGridSearchCV` asks each fitted last step for it.

        Parameters
        ----------
        other : estimator
            Estimator that is not fitted.

        Returns
        -------
        reader : CharacterReader or None
            Fitted reader that shares arrays with this one. None if the other one has to be fitted.
        """
        if not type(self) is type(other) is CharacterReader or other.estimator is None:
            return None
        if self.calibration_cv is not None or other.calibration_cv is not None:
            return None
        if self.fold_case != other.fold_case:
            return None
        estimator = with_parameters_of(self.estimator_, other.estimator)
        if estimator is None:
            return None
        reader = copy(self)
        reader.estimator, reader.estimator_ = other.estimator, estimator
        reader._fitted = self._classifier().for_classifier(estimator)
        return reader

    def _classifier(self) -> FittedClassifier:
        # The user may have fitted or replaced the classifier.
        if not self._fitted.is_current(self.estimator_):
            return FittedClassifier(self.estimator_)
        return self._fitted

    def __sklearn_tags__(self) -> Tags:
        return StepTags.extend(super().__sklearn_tags__(), modifies_input=False)


def _n_best_paths(
    logs: NDArray[np.float64], n: int
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the n most probable strings of each captcha, best first.

    ``logs`` (captchas, length, n_classes) are log-probabilities. Returns the sums (captchas, n) and
    the class indices (captchas, n, length); fewer than n if there are fewer strings. A beam of the
    n best prefixes is exact: each prefix of one of the n best strings is among the n best prefixes.
    """
    captchas, length, _ = logs.shape
    order = np.argsort(-logs, axis=2, kind="stable")[:, :, :n]
    few = np.take_along_axis(logs, order, axis=2)
    totals = np.zeros((captchas, 1))
    paths = np.empty((captchas, 1, 0), dtype=np.intp)
    for position in range(length):
        sums = (totals[:, :, None] + few[:, position, None, :]).reshape(captchas, -1)
        best = np.argsort(-sums, axis=1, kind="stable")[:, :n]
        totals = np.take_along_axis(sums, best, axis=1)
        prefix, step = np.divmod(best, few.shape[2])
        paths = np.concatenate(
            [
                np.take_along_axis(paths, prefix[:, :, None], axis=1),
                np.take_along_axis(order[:, position], step, axis=1)[:, :, None],
            ],
            axis=2,
        )
    return totals, paths


def _strings(characters: NDArray[np.str_], offsets: NDArray[np.intp]) -> NDArray[np.str_]:
    text = "".join(characters)
    return np.array([text[begin:end] for begin, end in pairwise(offsets)], dtype=np.str_)


def _range(numbers: NDArray[np.intp]) -> str:
    low, high = numbers.min(), numbers.max()
    return str(low) if low == high else f"{low} to {high}"
