"""Overlapping candidates in, strings out: the best path through a lattice."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils import Tags, check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skcaptcha._process.one_thread import one_thread
from skcaptcha.base import Documented, StepTags
from skcaptcha.exceptions import ReadingError
from skcaptcha.images._duplicates import group_duplicate_rows, group_folds
from skcaptcha.read._alignment import Characters, centroids
from skcaptcha.read._candidates import CandidateClassifier
from skcaptcha.read._confidence import UNCALIBRATED, Confidence, calibrate
from skcaptcha.read._constraints import Constraints, constrain
from skcaptcha.read._cost import fit_cost
from skcaptcha.read._fitting import Plan, fit_classifiers, n_copies_for
from skcaptcha.read._input import check_texts, check_values
from skcaptcha.read._judgment import Judgment
from skcaptcha.read._lattice import Lattice, Paths
from skcaptcha.read._likeliest import likeliest, search
from skcaptcha.read._linear_discriminants import LinearDiscriminants
from skcaptcha.read._reading import Reading
from skcaptcha.read._realignment import realign
from skcaptcha.read._rivals import Rivals
from skcaptcha.read._training import Training
from skcaptcha.segments import Segments

_logger = logging.getLogger(__name__)

_N_RUNNERS_UP = 3
_CAPTCHAS_AT_ONCE = 64
# No string that is up to so much behind the best one may get lost: in units of score, and in
# log-odds, of which 7 are a probability of one in a thousand.
_FAR = 20.0
_NEGLIGIBLE = 7.0
# Windows that tell where a character stands, in units of the distance of characters.
_REACH = 1 / 3
# The cost of a character is learned from so many captchas, read with up to so many characters more
# than the longest label has.
_CAPTCHAS_FOR_COST = 200
_TOO_MANY = 3


class SequenceReader(Documented, BaseEstimator):
    """Read captchas whose segments are overlapping candidates for their characters.

    Characters that touch, overlap or vary in number cannot be cut apart first. Here a classifier
    says of every candidate how probable it is as each character, or as something between
    characters; a model of the spacing, which knows how wide each character is, joins them; and
    dynamic programming finds the best string together with its places.

    No places are needed for training. Beginning with an even layout over the text, the reader
    alternates between fitting linear discriminants to what stands at the supposed places and
    aligning every label to its image anew. What has been found is taught to ``estimator``.

    Parameters
    ----------
    estimator : classifier, default=None
        Any scikit-learn classifier, or a Pipeline that ends in one; None: linear discriminants
        with shrinkage. It sees features of zero mean and unit variance (of all features together).
    n_estimators : int >= 1, default=1
        So many copies of ``estimator``, each taught by windows drawn and warped anew and with a
        seed of its own, give the mean of their probabilities (or of what they offer instead, on
        the scale of logarithms). Places are found with one.
    n_windows : int >= 1, default=None
        About how many segments the classifier learns from. As many copies of the characters as
        that takes, but 16 at the most, and twice as many segments from between, are warped anew,
        each by chance, and half of them get other neighbors on either side. None: the segments as
        they are, once; so too where the features step is not there to describe warped ones.
    warp : float >= 0, default=1.0
        How strong warps are; 1: turned by up to 8 degrees, slanted by up to 0.15, stretched by up
        to 10 %, moved up or down by up to 6 % of the height.
    n_realignments : int >= 0, default=2
        How often, at the most, copies of ``estimator``, each fitted to half of the captchas and to
        fewer windows, look for better places of the characters: as long as the other half is read
        better for it.
    length : int, tuple of two ints or "free", default=None
        How many characters a string may have: that many, from one to the other, or any number.
        None: from the shortest to the longest training label, the commoner the more probable.
    charset : str, default=None
        The only characters that may be read; None: all that training labels contain.
    mask : list of (str or None), default=None
        For each place the characters that may stand there, None for any; fixes the length.
        ``length``, ``charset`` and ``mask`` constrain `predict` and `read` alone, and may be set
        after fitting. Confidences take it for certain that they are true: what they exclude is no
        rival, however well it would fit the image.
    calibration_cv : int >= 2, default=None
        With so many folds of the training captchas, `read` is taught how probable it is that a
        reading is right, by readings of captchas that the classifier was not fitted to. None:
        confidences rank readings, but are too high or too low.
    n_jobs : int, default=None
        How many copies of ``estimator`` are fitted at a time, each in a process of its own; as
        everywhere in scikit-learn, None means 1 unless in a `joblib.parallel_config` context.
    random_state : int, RandomState instance or None, default=None
        Draws warps, what lies between characters, and which captchas judge which; seeds estimators
        that have no seed of their own.

    Attributes
    ----------
    classifier_ : CandidateClassifier
        Holds the fitted copies of ``estimator``, whose classes are the characters and "" for what
        lies between them.
    classes_ : ndarray of shape (n_classes,)
        The characters that the reader knows.
    geometry_ : Geometry
        Half widths of the characters and the density of the gaps between them.
    cost_ : float
        What a further character must be worth, in log-odds.
    confidence_ : Confidence
        Logistic function of how far a reading is ahead of all others.
    lengths_ : dict of int to int
        How many training labels have each length.
    left_out_ : ndarray
        Indices of the training captchas that nothing was learned from: their label is empty, or no
        path through their candidates spells it.
    n_left_out_ : int

    References
    ----------
    S. Sarawagi and W. W. Cohen, "Semi-Markov conditional random fields for information
    extraction", NIPS 2004.

    R. G. Casey and E. Lecolinet, "A survey of methods and strategies in character segmentation",
    IEEE Transactions on Pattern Analysis and Machine Intelligence 18 (1996), 690-706
    (recognition-based segmentation).

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from skcaptcha.datasets import make_line_captchas
    >>> from skcaptcha.denoise import Grayscale, PolarityNormalizer, HeightScaler
    >>> from skcaptcha.features import OrientedGradients
    >>> from skcaptcha.read import SequenceReader
    >>> from skcaptcha.segment import SlidingWindow
    >>> X, y = make_line_captchas(60, charset="ABC", random_state=0)
    >>> model = make_pipeline(
    ...     Grayscale(),
    ...     PolarityNormalizer(),
    ...     HeightScaler(),
    ...     SlidingWindow(),
    ...     OrientedGradients(),
    ...     SequenceReader(random_state=0),
    ... )
    >>> float(model.fit(X[:40], y[:40]).score(X[40:], y[40:])) > 0.9
    True
    """

    _parameter_constraints: dict[str, Any] = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "n_windows": [Interval(Integral, 1, None, closed="left"), None],
        "warp": [Interval(Real, 0, None, closed="left")],
        "n_realignments": [Interval(Integral, 0, None, closed="left")],
        "length": [
            Interval(Integral, 1, None, closed="left"),
            "array-like",
            StrOptions({"free"}),
            None,
        ],
        "charset": [str, None],
        "mask": [list, tuple, None],
        "calibration_cv": [Interval(Integral, 2, None, closed="left"), None],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        n_estimators: int = 1,
        n_windows: int | None = None,
        warp: float = 1.0,
        n_realignments: int = 2,
        length: int | tuple[int, int] | str | None = None,
        charset: str | None = None,
        mask: Sequence[str | None] | None = None,
        calibration_cv: int | None = None,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.n_windows = n_windows
        self.warp = warp
        self.n_realignments = n_realignments
        self.length = length
        self.charset = charset
        self.mask = mask
        self.calibration_cv = calibration_cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    @one_thread()
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Segments, y: ArrayLike) -> Self:
        """Find where the characters of the captchas stand, and fit the classifier to them.

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
            If a label is no string, if nothing is left to learn from, or if no string can meet the
            constraints.
        """
        values, texts = check_values(X).astype(np.float32, copy=False), check_texts(y, len(X))
        rng = check_random_state(self.random_state)
        counts = np.char.str_len(texts)
        usable = (counts > 0) & (X.counts >= counts)
        letters = np.array(list("".join(texts[usable])), dtype="<U1")
        if not len(letters):
            raise ReadingError(
                f"there is nothing to learn from: none of the {len(texts)} captchas has characters "
                "and as many candidates for them"
            )
        self.classes_, classes = np.unique(letters, return_inverse=True)
        seen, times = np.unique(counts[usable], return_counts=True)
        self.lengths_ = dict(zip(seen.tolist(), times.tolist(), strict=True))
        # After a long fit it would be late to find out that nothing can be read.
        self._constraints(max(self.lengths_))
        captcha = np.repeat(np.flatnonzero(usable), counts[usable])
        training = Training(X, values, Characters(captcha, classes), self.classes_)
        _logger.debug("finding the places of %d characters", len(classes))
        training.find_places(rng)
        n_copies = None
        if self.n_windows is not None and X.features is not None:
            n_copies = n_copies_for(self.n_windows, len(classes))
        plan = Plan(
            LinearDiscriminants() if self.estimator is None else self.estimator,
            n_estimators=self.n_estimators,
            n_copies=n_copies,
            warp=self.warp,
            n_jobs=self.n_jobs,
        )
        realign(plan, training, self.n_realignments, rng)
        self.geometry_ = training.geometry()
        lost = ~usable
        lost[captcha[training.chosen < 0]] = True
        self.left_out_ = np.flatnonzero(lost)
        self.n_left_out_ = len(self.left_out_)
        folds = self._folds(X, np.flatnonzero(~lost), rng)
        inside = [~np.isin(np.arange(len(texts)), fold) for fold in folds]
        parts = [None, *inside]
        classifiers = fit_classifiers(plan, training, parts, rng)
        self.classifier_ = classifiers[0]
        self.cost_ = self._fit_cost(X[usable], counts[usable], rng)
        self.confidence_ = self._calibrate(X, texts, folds, classifiers[1:])
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
            Empty where no path through the candidates meets the constraints.

        Raises
        ------
        ReadingError
            If no string at all can meet them.
        """
        check_is_fitted(self)
        check_values(X)
        texts: list[str] = []
        for part in _parts(X):
            scores = self.classifier_.log_odds(check_values(part))
            spans, spacing = self.geometry_.spans(part.boxes), self.geometry_.spacing
            texts += self._texts(
                *likeliest(scores, spans, part.offsets, spacing, self._possible(part))
            )
        return np.array(texts, dtype=np.str_)

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

        The text is that of `predict`. The runners-up are the best string and places with another
        character at one of the places, or with another length; the first of them is the second
        best string of all. Strings whose score is more than 20 behind that of the text may be
        missing, if their characters stand improbably far apart or too close.

        Parameters
        ----------
        X : Segments of n captchas, with features

        Returns
        -------
        readings : list of n Reading
            An empty text with confidence 0 where no path meets the constraints.

        Raises
        ------
        ReadingError
            If no string at all can meet them.
        """
        check_is_fitted(self)
        check_values(X)
        return [reading for part in _parts(X) for reading in self._read(part)]

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
            What a string is worth is the score of its best path, however common its length is.
        """
        check_is_fitted(self)
        counts = np.char.str_len(check_texts(y, len(X)))
        begins = range(0, len(X), _CAPTCHAS_AT_ONCE)
        return [
            judgment
            for begin, part in zip(begins, _parts(X), strict=True)
            for judgment in self._judge(part, counts[begin : begin + len(part)])
        ]

    def _judge(self, X: Segments, counts: NDArray[np.intp]) -> Iterator[Judgment]:
        lattice = self._build_lattice(X, self.classifier_)
        longest = max(int(counts.max(initial=1)), *self.lengths_)
        anything = np.ones((longest, len(self.classes_)), dtype=bool)
        of_length = lattice.best(-self.cost_ * np.arange(1, longest + 1), anything).of_length
        as_label = np.where(np.arange(longest) == counts[:, None] - 1, 0.0, -np.inf)
        paths = lattice.best(as_label, anything)
        with_each = lattice.best_with_each(paths, as_label, anything)
        for i, count in enumerate(counts):
            yield Judgment(
                with_each[i, :count] if paths.lengths[i] == count else None,
                np.concatenate([[-np.inf], of_length[i]]),
            )

    def check_constraints(self) -> Self:
        """Check that some string can meet ``length``, ``charset`` and ``mask``.

        Returns
        -------
        self

        Raises
        ------
        ReadingError
            If none can.
        """
        check_is_fitted(self)
        self._constraints(max(self.lengths_))
        return self

    def _constraints(self, longest: int) -> Constraints:
        return constrain(
            self.classes_,
            self.lengths_,
            longest,
            length=self.length,
            charset=self.charset,
            mask=self.mask,
        )

    def _read(self, X: Segments) -> list[Reading]:
        scores, constraints = self.classifier_.log_odds(check_values(X)), self._possible(X)
        spans, spacing = self.geometry_.spans(X.boxes), self.geometry_.spacing
        sharpness = self.confidence_.sharpness
        within = max(_FAR, _NEGLIGIBLE / sharpness)
        readings = [Reading("", 0.0, X.boxes[:0], np.empty(0), ())] * len(X)
        for searched in search(scores, spans, X.offsets, spacing, constraints, within=within):
            lattice, paths = searched.lattice, searched.paths
            texts = self._texts(paths.lengths, paths.classes)
            rivals = Rivals(lattice, paths, constraints)
            others = [
                (self._texts(other.lengths, other.classes), other.scores)
                for other in rivals.best(_N_RUNNERS_UP)
            ]
            confidence = self.confidence_(rivals.margins())
            of_captchas = X if len(paths.lengths) == len(X) else X[searched.captchas]
            boxes = self._boxes(of_captchas, lattice.scores, paths)
            for i, captcha in zip(searched.chosen, searched.captchas, strict=True):
                if not texts[i]:
                    continue
                runners_up: dict[str, float] = {}
                for other_texts, other_scores in others:
                    if np.isfinite(other_scores[i]) and other_texts[i] != texts[i]:
                        share = np.exp(sharpness * (other_scores[i] - paths.scores[i]))
                        runners_up.setdefault(other_texts[i], float(share))
                # They share what is left; none is as probable as the text.
                rest = (1 - confidence[i]) / max(sum(runners_up.values()), np.finfo(float).tiny)
                readings[captcha] = Reading(
                    text=texts[i],
                    confidence=float(confidence[i]),
                    boxes=boxes[i],
                    probabilities=rivals.probabilities(i, sharpness),
                    runners_up=tuple(
                        (other, float(min(share * rest, confidence[i])))
                        for other, share in runners_up.items()
                    ),
                )
        return readings

    def _boxes(
        self, X: Segments, scores: NDArray[np.float64], paths: Paths
    ) -> list[NDArray[np.intp]]:
        """Where the characters stand, within what each captcha's candidates cover."""
        there = np.arange(paths.segments.shape[1]) < paths.lengths[:, None]
        rows, classes = paths.segments[there], paths.classes[there]
        boxes = X.boxes[rows].copy()
        half_widths = self.geometry_.half_widths
        if half_widths is not None:
            middle = centroids(X, scores, rows, classes, _REACH * 2 * half_widths.mean())
            # Middles of odd windows lie at halves, which must not be rounded by chance.
            left = np.floor(middle.round(3) - half_widths[classes] + 0.5).astype(np.intp)
            right = left + 2 * half_widths[classes]
            begin, end = X.boxes[:, 0], X.boxes[:, 0] + X.boxes[:, 2]
            captcha = X.captcha_index[rows]
            # Windows stand from left to right.
            left = np.maximum(left, begin[X.offsets[captcha]])
            right = np.minimum(right, end[X.offsets[captcha + 1] - 1])
            boxes[:, 0], boxes[:, 2] = left, np.maximum(right - left, 1)
        return np.split(boxes, np.cumsum(paths.lengths)[:-1])

    def _texts(self, lengths: NDArray[np.intp], classes: NDArray[np.intp]) -> list[str]:
        return [
            "".join(self.classes_[own[:length]])
            for own, length in zip(classes, lengths, strict=True)
        ]

    def _possible(self, X: Segments) -> Constraints:
        """The constraints, up to the greatest length that some captcha has candidates for."""
        constraints = self._with_cost(self._constraints(self._room(X)))
        possible = slice(max(int(X.counts.max(initial=0)), 1))
        return Constraints(constraints.lengths[possible], constraints.allowed[possible])

    def _with_cost(self, constraints: Constraints) -> Constraints:
        cost = self.cost_ * np.arange(1, len(constraints.lengths) + 1)
        return constraints._replace(lengths=constraints.lengths - cost)

    def _build_lattice(self, X: Segments, classifier: CandidateClassifier) -> Lattice:
        scores = classifier.log_odds(check_values(X))
        return Lattice(scores, self.geometry_.spans(X.boxes), X.offsets, self.geometry_.spacing)

    def _room(self, X: Segments) -> int:
        """How many characters the widest captcha could hold, at the most."""
        if self.geometry_.half_widths is None or not len(X.boxes):
            return int(X.counts.max(initial=0))
        # Not the usual width, lest what is read depend on how wide others of the batch are.
        span = np.ptp(X.boxes[:, 0]) + X.boxes[:, 2].max()
        room = int(span / (2 * self.geometry_.half_widths.min()) * 1.5) + 1
        return min(room, int(X.counts.max()))

    def _fit_cost(self, X: Segments, counts: NDArray[np.intp], rng: np.random.RandomState) -> float:
        """Learn what a character must be worth from some of the training captchas."""
        sample = rng.permutation(len(X))[:_CAPTCHAS_FOR_COST]
        longest = int(counts.max()) + _TOO_MANY
        allowed = np.ones((longest, len(self.classes_)), dtype=bool)
        lattices = (self._build_lattice(part, self.classifier_) for part in _parts(X[sample]))
        scores = [lattice.best(np.zeros(longest), allowed).of_length for lattice in lattices]
        return fit_cost(np.concatenate(scores), counts[sample])

    def _folds(
        self, X: Segments, captchas: NDArray[np.intp], rng: np.random.RandomState
    ) -> list[NDArray[np.intp]]:
        """Divide captchas into those that each calibrating classifier is to read."""
        if self.calibration_cv is None:
            return []
        groups = group_duplicate_rows(check_values(X), X.offsets)[captchas]
        n_folds = min(self.calibration_cv, len(np.unique(groups)))
        if n_folds < 2:
            return []
        splits = group_folds(groups, n_folds, random_state=rng)
        return [captchas[test] for _, test in splits]

    def _calibrate(
        self,
        X: Segments,
        texts: NDArray[np.str_],
        folds: Sequence[NDArray[np.intp]],
        classifiers: Sequence[CandidateClassifier],
    ) -> Confidence:
        """Read the captchas of each fold by the classifier that was not fitted to them."""
        anything = self._with_cost(constrain(self.classes_, self.lengths_, max(self.lengths_)))
        margins, found, right = [np.empty(0)], [np.empty(0, dtype=bool)], [np.empty(0, dtype=bool)]
        for fold, classifier in zip(folds, classifiers, strict=True):
            read: list[str] = []
            for part in _parts(X[fold]):
                lattice = self._build_lattice(part, classifier)
                paths = lattice.best(*anything)
                margins.append(Rivals(lattice, paths, anything).margins())
                found.append(paths.lengths > 0)
                read += self._texts(paths.lengths, paths.classes)
            right.append(np.array(read) == texts[fold])
        read_at_all = np.concatenate(found)
        if not read_at_all.any():
            return UNCALIBRATED
        return calibrate(np.concatenate(margins)[read_at_all], np.concatenate(right)[read_at_all])

    def __sklearn_tags__(self) -> Tags:
        tags = StepTags.extend(super().__sklearn_tags__(), modifies_input=False)
        tags.input_tags.two_d_array = False
        tags.target_tags.required = True
        return tags


def _parts(X: Segments) -> Iterator[Segments]:
    for first in range(0, len(X), _CAPTCHAS_AT_ONCE):
        yield X[first : first + _CAPTCHAS_AT_ONCE]
