"""One segment, one character: any scikit-learn classifier reads them."""

from __future__ import annotations

from copy import copy
from itertools import compress, islice, pairwise
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, _fit_context, clone
from sklearn.model_selection import GroupKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils import Tags
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.validation import check_is_fitted

from skcaptcha._process.one_thread import one_thread
from skcaptcha.base import Documented, StepTags
from skcaptcha.exceptions import ReadingError
from skcaptcha.images._duplicates import group_duplicate_rows
from skcaptcha.read._evidence import FittedClassifier
from skcaptcha.read._input import check_texts, check_values
from skcaptcha.read._judgment import Judgment
from skcaptcha.read._neighbors import with_parameters_of
from skcaptcha.read._reading import Reading
from skcaptcha.segments import Segments

_N_RUNNERS_UP = 5


class CharacterReader(Documented, BaseEstimator):
    """Read captchas whose segments are their characters.

    Captchas whose number of segments differs from the length of their label are left out of
    training: nobody knows which segment is which character.

    Parameters
    ----------
    estimator : classifier, default=None
        Any scikit-learn classifier, or a Pipeline that ends in one; None:
        ``KNeighborsClassifier(n_neighbors=3)``.
    calibration_cv : int >= 2, default=None
        With so many folds of the training captchas, `read` is taught how probable it is that the
        classifier is right: by temperature scaling of what it says of captchas that it was not
        fitted to (of nearest neighbors, their distances; of support vectors, the margins). None:
        its probabilities, or what decision function it has, are taken as they are, but none as
        less than one in a million. `predict` does not change.

    Attributes
    ----------
    estimator_ : classifier
        The fitted classifier.
    classes_ : ndarray of shape (n_classes,)
        The characters that it knows.
    n_left_out_ : int
        How many training captchas were left out.
    left_out_ : ndarray of shape (n,)
        Their indices.
    temperature_ : float > 0
        What the classifier's scores are divided by; 1 without ``calibration_cv``.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On calibration of modern neural networks",
    ICML 2017 (temperature scaling).

    J. Platt, "Probabilistic outputs for support vector machines and comparisons to regularized
    likelihood methods", Advances in Large Margin Classifiers, MIT Press, 1999.

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
    }

    def __init__(self, estimator: Any = None, *, calibration_cv: int | None = None) -> None:
        self.estimator = estimator
        self.calibration_cv = calibration_cv

    @one_thread()
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Segments, y: ArrayLike) -> Self:
        """Fit the classifier to the characters of the captchas.

        Parameters
        ----------
        X : Segments of n captchas, with features
        y : array-like of n str
            Their labels.

        Returns
        -------
        self

        Raises
        ------
        ReadingError
            If a label is no string, if more than half of the captchas must be left out, or if
            nothing is left to learn from.
        """
        values, texts = check_values(X), check_texts(y, len(X))
        usable = X.counts == np.char.str_len(texts)
        self.left_out_ = np.flatnonzero(~usable)
        self.n_left_out_ = len(self.left_out_)
        self._refuse_bad_segmentation(X.counts, texts)
        of_usable = usable[X.captcha_index]
        values = values[of_usable]
        captcha = X.captcha_index[of_usable]
        characters = np.array(list("".join(texts[usable])))
        if not len(characters):
            raise ReadingError(
                f"there is nothing to learn from: the {len(texts)} captchas have no characters"
            )
        base = KNeighborsClassifier(n_neighbors=3) if self.estimator is None else self.estimator
        self.estimator_ = clone(base).fit(values, characters)
        self._fitted = FittedClassifier(self.estimator_)
        self.classes_ = self.estimator_.classes_
        self.temperature_ = 1.0
        if self.calibration_cv is not None:
            self.temperature_ = self._calibrate(values, characters, captcha)
        return self

    @one_thread()
    def predict(self, X: Segments) -> NDArray[np.str_]:
        """Read captchas.

        Parameters
        ----------
        X : Segments of n captchas, with features

        Returns
        -------
        texts : ndarray of shape (n,), dtype str
        """
        classes = self._classifier()(check_values(X)).classes()
        return np.array(_join(classes, X.offsets), dtype=np.str_)

    def score(self, X: Segments, y: ArrayLike) -> float:
        """Give the string accuracy: the share of captchas read entirely right.

        Parameters
        ----------
        X : Segments of n captchas, with features
        y : array-like of n str

        Returns
        -------
        accuracy : float in 0..1
        """
        return float(np.mean(self.predict(X) == check_texts(y, len(X))))

    @one_thread()
    def read(self, X: Segments) -> list[Reading]:
        """Read captchas and say how sure each reading is.

        The text is that of `predict`. Characters are taken as independent: a string's
        confidence is the product of its characters' probabilities.

        Parameters
        ----------
        X : Segments of n captchas, with features

        Returns
        -------
        readings : list of n Reading
        """
        found = self._classifier()(check_values(X))
        score = found.log_scores() if self.calibration_cv is None else found.evidence()
        classes = found.classes()
        texts = np.array(_join(classes, X.offsets), dtype=np.str_)
        all_logs = log_softmax(score / self.temperature_, axis=1)
        readings = [Reading("", 0.0, X.boxes[:0], np.empty(0), ())] * len(X)
        # All captchas of one length are one computation.
        for length in np.unique(X.counts[X.counts > 0]):
            captchas = np.flatnonzero(X.counts == length)
            rows = X.offsets[captchas, None] + np.arange(length)
            logs = all_logs[rows]
            said = np.searchsorted(self.classes_, classes[rows])
            said_logs = np.take_along_axis(logs, said[:, :, None], axis=2)[:, :, 0]
            totals, paths = _likeliest(logs, _N_RUNNERS_UP + 1)
            others = (paths != said[:, None, :]).any(axis=2).tolist()
            strings, of_strings = _joined(self.classes_[paths]).tolist(), np.exp(totals).tolist()
            own = zip(
                captchas.tolist(),
                texts[captchas].tolist(),
                np.exp(said_logs.sum(axis=1)).tolist(),
                X.boxes[rows],
                np.exp(said_logs),
                (zip(*both, strict=True) for both in zip(strings, of_strings, strict=True)),
                others,
                strict=True,
            )
            for i, text, confidence, boxes, probabilities, likely, other in own:
                runners_up = tuple(islice(compress(likely, other), _N_RUNNERS_UP))
                readings[i] = Reading(text, confidence, boxes, probabilities, runners_up)
        return readings

    @one_thread()
    def judge(self, X: Segments, y: ArrayLike) -> list[Judgment]:
        """Say how well labels fit captchas.

        Parameters
        ----------
        X : Segments of n captchas, with features
        y : array-like of n str
            Their labels, right or wrong.

        Returns
        -------
        judgments : list of n Judgment
            As lengths they know the number of segments, which is worth 1, and others, worth 0.
        """
        found = self._classifier()(check_values(X))
        # The nearest neighbor may have the wrong label itself: several vote.
        neighbors = isinstance(self._classifier().last, KNeighborsClassifier)
        scores = found.log_scores() if neighbors else found.evidence()
        lengths = np.char.str_len(check_texts(y, len(X)))
        longest = max(int(X.counts.max(initial=0)), int(lengths.max(initial=0)))
        return [
            Judgment(
                scores[begin:end] if end - begin == length else None,
                (np.arange(longest + 1) == end - begin).astype(np.float64),
            )
            for (begin, end), length in zip(pairwise(X.offsets), lengths, strict=True)
        ]

    def _refuse_bad_segmentation(self, counts: NDArray[np.intp], texts: NDArray[np.str_]) -> None:
        lengths = np.char.str_len(texts)
        if 2 * self.n_left_out_ <= len(texts):
            return
        found = np.unique(counts[self.left_out_])
        expected = np.unique(lengths[self.left_out_])
        raise ReadingError(
            f"{self.n_left_out_} of {len(texts)} captchas have another number of segments than "
            f"their label has characters ({_span(found)} segments, {_span(expected)} characters): "
            "set the segmenter's n_characters, or look at what the denoising steps leave "
            "(skcaptcha show)"
        )

    def reuse_fit(self, other: BaseEstimator) -> CharacterReader | None:
        """Return what fitting another estimator to the same captchas would give, without a fit.

        :class:`~skcaptcha.model_selection.SharedGridSearchCV` asks each fitted last step for it.

        Parameters
        ----------
        other : estimator

        Returns
        -------
        reader : CharacterReader or None
            Shares arrays with this reader. None if the other one has to be fitted.
        """
        if not type(self) is type(other) is CharacterReader or other.estimator is None:
            return None
        if self.calibration_cv is not None or other.calibration_cv is not None:
            return None
        estimator = with_parameters_of(self.estimator_, other.estimator)
        if estimator is None:
            return None
        reader = copy(self)
        reader.estimator, reader.estimator_ = other.estimator, estimator
        reader._fitted = self._classifier().for_classifier(estimator)
        return reader

    def _classifier(self) -> FittedClassifier:
        # scikit-learn's own check collects the tags of everything, which takes longer than reading.
        if not hasattr(self, "estimator_"):
            check_is_fitted(self)
        fitted: FittedClassifier | None = getattr(self, "_fitted", None)
        # Models of the first version have none, and anybody may fit or set the classifier anew.
        if fitted is None or not fitted.is_still(self.estimator_):
            fitted = FittedClassifier(self.estimator_)
        return fitted

    def _calibrate(
        self,
        values: NDArray[np.float32],
        characters: NDArray[np.str_],
        captcha: NDArray[np.intp],
    ) -> float:
        """Find the temperature that makes held-out characters likeliest."""
        assert self.calibration_cv is not None
        begins = np.flatnonzero(np.diff(captcha, prepend=-1))
        of_captchas = group_duplicate_rows(values, np.append(begins, len(captcha)))
        groups = np.repeat(of_captchas, np.diff(begins, append=len(captcha)))
        n_folds = min(self.calibration_cv, len(np.unique(groups)))
        if n_folds < 2:
            return 1.0
        target = np.searchsorted(self.classes_, characters)
        scores, hits = [], []
        for train, test in GroupKFold(n_folds).split(values, groups=groups):
            fitted = clone(self.estimator_).fit(values[train], characters[train])
            known = np.isin(characters[test], fitted.classes_)
            scores.append(FittedClassifier(fitted)(values[test][known]).evidence())
            hits.append(np.searchsorted(fitted.classes_, self.classes_[target[test][known]]))

        # Without a single error among few characters nothing would keep the temperature from 0.
        # As in Platt's scaling, one imagined error does: it is shared by all classes.
        doubt = 1 / (sum(map(len, hits)) + 2)

        def loss(log_temperature: float) -> float:
            total = 0.0
            for score, hit in zip(scores, hits, strict=True):
                logs = log_softmax(score / np.exp(log_temperature), axis=1)
                total -= (1 - doubt) * logs[np.arange(len(hit)), hit].sum()
                total -= doubt * logs.mean(axis=1).sum()
            return total

        return float(np.exp(minimize_scalar(loss, bounds=(-10.0, 10.0), method="bounded").x))

    def __sklearn_tags__(self) -> Tags:
        tags = StepTags.extend(super().__sklearn_tags__(), modifies_input=False)
        tags.input_tags.two_d_array = False
        tags.target_tags.required = True
        return tags


def _likeliest(logs: NDArray[np.float64], n: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Find the n likeliest strings of each captcha, best first.

    A beam of the n best beginnings, widened character by character, loses none of them: every
    beginning of one of the n best strings is itself among the n best of its length.

    Parameters
    ----------
    logs : ndarray of shape (captchas, length, n_classes)
        Log-probability of each class at each place.

    Returns
    -------
    totals : ndarray of shape (captchas, n or fewer)
    paths : ndarray of shape (captchas, n or fewer, length)
        Indices of classes.
    """
    captchas, length, _ = logs.shape
    order = np.argsort(-logs, axis=2, kind="stable")[:, :, :n]
    few = np.take_along_axis(logs, order, axis=2)
    totals = np.zeros((captchas, 1))
    paths = np.empty((captchas, 1, 0), dtype=np.intp)
    for place in range(length):
        sums = (totals[:, :, None] + few[:, place, None, :]).reshape(captchas, -1)
        best = np.argsort(-sums, axis=1, kind="stable")[:, :n]
        totals = np.take_along_axis(sums, best, axis=1)
        begin, step = np.divmod(best, few.shape[2])
        paths = np.concatenate(
            [
                np.take_along_axis(paths, begin[:, :, None], axis=1),
                np.take_along_axis(order[:, place], step, axis=1)[:, :, None],
            ],
            axis=2,
        )
    return totals, paths


def _joined(characters: NDArray[np.str_]) -> NDArray[np.str_]:
    """Join along the last axis."""
    *shape, length = characters.shape
    # A class may be a whole word; where none is, strings are but seen in another way.
    if characters.dtype.itemsize != np.dtype("U1").itemsize:
        joined = ["".join(some) for some in characters.reshape(-1, length)]
        return np.array(joined, dtype=np.str_).reshape(shape)
    return np.ascontiguousarray(characters).view(f"U{length}")[..., 0]


def _join(characters: NDArray[np.str_], offsets: NDArray[np.intp]) -> list[str]:
    text = "".join(characters)
    return [text[a:b] for a, b in pairwise(offsets)]


def _span(numbers: NDArray[np.intp]) -> str:
    low, high = numbers.min(), numbers.max()
    return str(low) if low == high else f"{low} to {high}"
