"""Reader of captchas whose characters cannot be separated: the best path through a lattice."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import Tags, check_random_state
from sklearn.utils._param_validation import HasMethods, Interval

from skcaptcha._process.one_thread import one_thread
from skcaptcha.base import StepTags
from skcaptcha.exceptions import ReadingError
from skcaptcha.images._duplicates import group_folds
from skcaptcha.read._base import (
    LabelScores,
    empty_readings,
    features_of,
    validate_labels,
)
from skcaptcha.read._calibration import PlattScaling, fit_platt_scaling
from skcaptcha.read._constrained_reader import ConstrainedReader
from skcaptcha.read._reading import Reading
from skcaptcha.read.sequence._candidate_classifier import CandidateClassifier
from skcaptcha.read.sequence._constraints import (
    Constraints,
    fit_insertion_penalty,
    make_constraints,
)
from skcaptcha.read.sequence._ensemble import EnsembleParameters, fit_ensembles, n_copies_for
from skcaptcha.read.sequence._geometry import character_centers
from skcaptcha.read.sequence._lattice import Lattice, batches
from skcaptcha.read.sequence._linear_discriminants import LinearDiscriminants
from skcaptcha.read.sequence._n_best import Alternatives
from skcaptcha.read.sequence._pruned_search import SearchResult, search_lattice
from skcaptcha.read.sequence._realignment import realign
from skcaptcha.read.sequence._training_alignment import TrainingAlignment, force_align
from skcaptcha.segments import Segments

_logger = logging.getLogger(__name__)

# Alternatives at most this much worse than the best string must be found: in units of score, and in
# log-odds, where 7 means a probability of one in a thousand.
_MIN_BEAM = 20.0
_MIN_BEAM_LOG_ODDS = 7.0
# Windows that determine the center of a character, in units of the pitch.
_CENTER_REACH = 1 / 3
# Training captchas for the insertion penalty, and how many characters more than the longest label
# they may be read with.
_N_PENALTY_CAPTCHAS = 200
_N_EXTRA_CHARACTERS = 3
# The widest captcha may hold this many times the usual number of the narrowest characters.
_MAX_DENSITY = 1.5


class SequenceReader(ConstrainedReader):
    """Read captchas whose segments are overlapping candidates for their characters.

    Characters that touch, overlap or vary in number cannot be separated first. Instead, a
    classifier computes emission scores of every candidate: the log-odds of each character against
    blank, which is what lies between characters. A model of widths and spacing joins them, and
    dynamic programming (a semi-Markov Viterbi search) finds the best string together with its
    character positions.

    Training needs labels only. From an even layout over the text, the reader alternates between
    fitting linear discriminants to the present character positions and aligning every label with
    its image again (forced alignment). The final classifier, ``estimator``, is fitted to the
    positions found.

    Parameters
    ----------
    estimator : classifier, default=None
        Any scikit-learn classifier, or a Pipeline that ends in one; None: linear discriminants
        with shrinkage. Its features have zero mean and unit variance (all features together).
    n_estimators : int >= 1, default=1
        Number of ensemble members, each trained on freshly augmented windows and with a seed of its
        own. They average their probabilities, or the scores that they have instead. Positions are
        found with one member.
    n_windows : int >= 1, default=None
        Approximate number of augmented training windows: up to 16 copies of each character and
        twice as many blanks, each with a random warp, half of them with other neighbors on either
        side. None: the segments as they are, once; also if the features step cannot compute the
        features of warped segments.
    warp : float >= 0, default=1.0
        Strength of the random warps. At 1, windows are rotated by up to 8 degrees, slanted by up to
        0.15, scaled by up to 10 % and shifted vertically by up to 6 % of their height.
    n_realignments : int >= 0, default=2
        Maximum number of realignments. In each, copies of ``estimator``, fitted to half of the
        captchas and to fewer windows, look for better positions; it is repeated while the other
        half is read better with them.
    length : int, tuple of two ints or "free", default=None
        Allowed number of characters: one number, a range, or any number. None: from the shortest to
        the longest training label, weighted by the frequency of each length.
    charset : str, default=None
        Only characters that may be read; None: all characters of the training labels.
    mask : list of (str or None), default=None
        Allowed characters at each position, None for all; it fixes the length.
        ``length``, ``charset`` and ``mask`` constrain `predict` and `read` alone, and may be set
        after fitting. Confidences assume that they are true: a string that they exclude is not an
        alternative, however well it would fit the image.
    calibration_cv : int >= 2, default=None
        Number of cross-validation folds for calibrating the confidences of `read`, by Platt scaling
        of the margins of held-out captchas. None: confidences rank readings, but are too high or
        too low.
    fold_case : bool, default=False
        Whether upper and lower case are the same. Labels are then folded to the case of most of
        their letters, and `score` ignores case.
    n_jobs : int, default=None
        Number of ensemble members to fit in parallel, each in its own process. As usual in
        scikit-learn, None means 1 unless in a `joblib.parallel_config` context.
    random_state : int, RandomState instance or None, default=None
        Seed of warps, of the choice of blanks and of folds, and of estimators without a seed.

    Attributes
    ----------
    classifier_ : CandidateClassifier
        The fitted ensemble; its classes are the characters and "" for blank.
    classes_ : ndarray of shape (n_classes,)
        Characters that the reader knows.
    geometry_ : Geometry
        Half widths of the characters, and log-density of the gaps between them.
    insertion_penalty_ : float
        Cost of each character, in log-odds.
    calibrator_ : PlattScaling
        Logistic function from the margin over the second best string to the confidence.
    lengths_ : dict of int to int
        Number of training labels of each length.
    left_out_ : ndarray of shape (n_left_out,)
        Indices of the training captchas left out: their label is empty, or no path through their
        candidates spells it.
    n_left_out_ : int
        Number of training captchas left out.

    See Also
    --------
    CharacterReader : Reads segments that are the characters.

    References
    ----------
    S. Sarawagi and W. W. Cohen, "Semi-Markov conditional random fields for information
    extraction", NIPS 2004 (the semi-Markov chain and its Viterbi recursion).

    J. Platt, "Probabilistic outputs for support vector machines and comparisons to regularized
    likelihood methods", Advances in Large Margin Classifiers, MIT Press, 1999 (Platt scaling).

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
        **ConstrainedReader._parameter_constraints,
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
        fold_case: bool = False,
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
        self.fold_case = fold_case
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _fit(self, X: Segments, labels: NDArray[np.str_]) -> None:
        values = features_of(X).astype(np.float32, copy=False)
        rng = check_random_state(self.random_state)
        lengths = np.char.str_len(labels)
        usable = (lengths > 0) & (X.counts >= lengths)
        characters = np.array(list("".join(labels[usable])), dtype="<U1")
        if not len(characters):
            raise ReadingError(
                f"nothing can be learned: none of the {len(labels)} captchas has a label and at "
                "least as many segments as its label has characters; check the labels and the "
                "segmenter"
            )
        self.classes_, classes_of = np.unique(characters, return_inverse=True)
        seen, times = np.unique(lengths[usable], return_counts=True)
        self.lengths_ = dict(zip(seen.tolist(), times.tolist(), strict=True))
        # Impossible constraints must raise before the fit, which may take long.
        self.check_constraints()
        captcha = np.repeat(np.flatnonzero(usable), lengths[usable])
        alignment = TrainingAlignment(X, values, captcha, classes_of, self.classes_)
        _logger.debug("aligning %d characters", len(characters))
        alignment.fit_linear(rng)
        n_copies = None
        if self.n_windows is not None and X.features is not None:
            n_copies = n_copies_for(self.n_windows, len(characters))
        parameters = EnsembleParameters(
            LinearDiscriminants() if self.estimator is None else self.estimator,
            n_estimators=self.n_estimators,
            n_copies=n_copies,
            warp=self.warp,
            n_jobs=self.n_jobs,
        )
        realign(parameters, alignment, self.n_realignments, rng)
        self.geometry_ = alignment.geometry()
        left_out = ~usable
        left_out[captcha[alignment.chosen < 0]] = True
        self.left_out_ = np.flatnonzero(left_out)
        self.n_left_out_ = len(self.left_out_)
        folds = self._calibration_folds(X, np.flatnonzero(~left_out), rng)
        others = [~np.isin(np.arange(len(labels)), fold) for fold in folds]
        self.classifier_, *held_out = fit_ensembles(parameters, alignment, [None, *others], rng)
        self.insertion_penalty_ = self._fit_insertion_penalty(X[usable], lengths[usable], rng)
        self.calibrator_ = self._calibrate(X, labels, folds, held_out)

    def _fit_insertion_penalty(
        self, X: Segments, lengths: NDArray[np.intp], rng: np.random.RandomState
    ) -> float:
        sample = rng.permutation(len(X))[:_N_PENALTY_CAPTCHAS]
        longest = int(lengths.max()) + _N_EXTRA_CHARACTERS
        allowed = np.ones((longest, len(self.classes_)), dtype=bool)
        lattices = (self._lattice(part, self.classifier_) for _, part in batches(X[sample]))
        scores = [lattice.viterbi(np.zeros(longest), allowed).length_scores for lattice in lattices]
        return fit_insertion_penalty(np.concatenate(scores), lengths[sample])

    def _calibration_folds(
        self, X: Segments, captchas: NDArray[np.intp], rng: np.random.RandomState
    ) -> list[NDArray[np.intp]]:
        """Divide captchas into folds, with duplicates in one; empty without calibration."""
        groups, n_folds = self._calibration_groups(self.calibration_cv, X, captchas)
        if not n_folds:
            return []
        captchas = captchas[groups >= 0]
        folds = group_folds(groups[groups >= 0], n_folds, random_state=rng)
        return [captchas[test] for _, test in folds]

    def _calibrate(
        self,
        X: Segments,
        labels: NDArray[np.str_],
        folds: Sequence[NDArray[np.intp]],
        classifiers: Sequence[CandidateClassifier],
    ) -> PlattScaling:
        """Fit confidences to the margins of each fold, read by a classifier without it."""
        constraints = self._with_penalty(
            make_constraints(self.classes_, self.lengths_, max(self.lengths_))
        )
        margins, right = [np.empty(0)], [np.empty(0, dtype=bool)]
        for fold, classifier in zip(folds, classifiers, strict=True):
            for part, some in batches(X[fold]):
                lattice = self._lattice(some, classifier)
                paths = lattice.viterbi(*constraints)
                found = paths.lengths > 0
                margins.append(Alternatives(lattice, paths, constraints).margins()[found])
                right.append((np.array(self._texts(paths)) == labels[fold[part]])[found])
        return fit_platt_scaling(np.concatenate(margins), np.concatenate(right))

    def _predict(self, X: Segments) -> NDArray[np.str_]:
        texts = [""] * len(X)
        for part, some in batches(X):
            for result in self._search(some, self._batch_constraints(some)):
                found = self._texts(result.paths)
                for i, captcha in zip(result.chosen, result.captchas, strict=True):
                    texts[part.start + captcha] = found[i]
        return np.array(texts, dtype=np.str_)

    def _read(self, X: Segments) -> list[Reading]:
        """Read captchas, with alternatives of another character or another length as runners-up.

        Alternatives that are more than 20 worse than the text, in units of score, may be missing
        if their characters are improbably far apart or too close.
        """
        readings = empty_readings(X)
        within = max(_MIN_BEAM, _MIN_BEAM_LOG_ODDS / self.calibrator_.scale)
        for part, some in batches(X):
            constraints = self._batch_constraints(some)
            for result in self._search(some, constraints, within):
                for captcha, reading in self._read_paths(some, result, constraints):
                    readings[part.start + captcha] = reading
        return readings

    def _search(
        self, X: Segments, constraints: Constraints, within: float = 0.0
    ) -> list[SearchResult]:
        scores = self.classifier_.emission_scores(features_of(X))
        spans, spacing = self.geometry_.spans(X.boxes), self.geometry_.spacing
        return search_lattice(scores, spans, X.offsets, spacing, constraints, within=within)

    def _read_paths(
        self, X: Segments, result: SearchResult, constraints: Constraints
    ) -> Iterator[tuple[int, Reading]]:
        """Yield the captchas of a search result that have a text, and their readings."""
        lattice, paths = result.lattice, result.paths
        of_captchas = X if len(paths.lengths) == len(X) else X[result.captchas]
        exists = np.arange(paths.segments.shape[1]) < paths.lengths[:, None]
        rows, classes = paths.segments[exists], paths.classes[exists]
        boxes = self._boxes(of_captchas, lattice.scores, rows, classes, paths.lengths)
        found = [
            (i, captcha)
            for i, captcha in zip(result.chosen, result.captchas, strict=True)
            if paths.lengths[i]
        ]
        readings = self._readings(lattice, paths, constraints, boxes, [i for i, _ in found])
        for (_, captcha), reading in zip(found, readings, strict=True):
            yield captcha, reading

    def _boxes(
        self,
        X: Segments,
        scores: NDArray[np.float64],
        rows: NDArray[np.intp],
        classes: NDArray[np.intp],
        lengths: NDArray[np.intp],
    ) -> list[NDArray[np.intp]]:
        """Return the boxes of the characters, within the extent of each captcha's candidates.

        ``rows`` (k,) and ``classes`` (k,) are the candidates and the classes of all characters in
        order, ``lengths`` (n,) the number of characters of each captcha.
        """
        boxes = X.boxes[rows].copy()
        half_widths = self.geometry_.half_widths
        if half_widths is not None:
            reach = _CENTER_REACH * 2 * half_widths.mean()
            center = character_centers(X, scores, rows, classes, reach)
            # Centers of odd windows end in one half, so tiny errors must not change the rounding.
            left = np.floor(center.round(3) - half_widths[classes] + 0.5).astype(np.intp)
            right = left + 2 * half_widths[classes]
            begin, end = X.boxes[:, 0], X.boxes[:, 0] + X.boxes[:, 2]
            captcha = X.captcha_index[rows]
            # Windows are sorted from left to right.
            left = np.maximum(left, begin[X.offsets[captcha]])
            right = np.minimum(right, end[X.offsets[captcha + 1] - 1])
            boxes[:, 0], boxes[:, 2] = left, np.maximum(right - left, 1)
        return np.split(boxes, np.cumsum(lengths)[:-1])

    def _score_labels(self, X: Segments, labels: NDArray[np.str_]) -> list[LabelScores]:
        scores = []
        for part, some in batches(X):
            lattice = self._lattice(some, self.classifier_)
            scores += self._scores_in_lattice(lattice, labels[part], self.insertion_penalty_)
        return scores

    @one_thread()
    def align(self, X: Segments, y: ArrayLike) -> list[NDArray[np.intp]]:
        """Find where the characters of labels are, by forced alignment.

        Of all paths through the candidates of a captcha, only those that spell its label are
        searched. ``length``, ``charset`` and ``mask`` do not matter.

        Parameters
        ----------
        X : Segments of n captchas with features
        y : array-like of n str
            Labels of the captchas.

        Returns
        -------
        boxes : list of n ndarrays of shape (length of the label, 4)
            ``x, y, w, h`` of each character, in pixels of the denoised image. The shape is (0, 4)
            if no path spells the label, or if the reader does not know one of its characters.

        Raises
        ------
        ReadingError
            If a label is not a string, or if there is not one label for each captcha.

        See Also
        --------
        BaseReader.read : Find the strings as well, and their characters.

        Examples
        --------
        >>> from sklearn.pipeline import make_pipeline
        >>> from skcaptcha.datasets import make_line_captchas
        >>> from skcaptcha.denoise import Grayscale, PolarityNormalizer
        >>> from skcaptcha.features import OrientedGradients
        >>> from skcaptcha.read import SequenceReader
        >>> from skcaptcha.segment import SlidingWindow
        >>> X, y = make_line_captchas(60, charset="ABC", random_state=0)
        >>> model = make_pipeline(
        ...     Grayscale(),
        ...     PolarityNormalizer(),
        ...     SlidingWindow(),
        ...     OrientedGradients(),
        ...     SequenceReader(random_state=0),
        ... )
        >>> segments = model[:-1].fit_transform(X)
        >>> boxes = model[-1].fit(segments, y).align(segments, y)
        >>> all(len(of_label) == len(label) for of_label, label in zip(boxes, y))
        True
        """
        self._check_fitted(X)
        labels = validate_labels(y, len(X))
        boxes: list[NDArray[np.intp]] = []
        for part, some in batches(X):
            boxes += self._align(some, labels[part])
        return boxes

    def _align(self, X: Segments, labels: NDArray[np.str_]) -> list[NDArray[np.intp]]:
        """Align the labels of one batch."""
        captcha = np.repeat(np.arange(len(X)), np.char.str_len(labels))
        characters = np.array(list("".join(labels)), dtype="<U1")
        spelled = np.ones(len(X), dtype=bool)
        spelled[captcha[~np.isin(characters, self.classes_)]] = False
        captcha, characters = captcha[spelled[captcha]], characters[spelled[captcha]]
        classes = np.searchsorted(self.classes_, characters)
        scores = self.classifier_.emission_scores(features_of(X))
        rows = force_align(X, scores, self.geometry_, captcha, classes)
        aligned = rows >= 0
        lengths = np.bincount(captcha[aligned], minlength=len(X))
        return self._boxes(X, scores, rows[aligned], classes[aligned], lengths)

    def _batch_constraints(self, X: Segments) -> Constraints:
        """Return the constraints, cut off at the greatest number of candidates of a captcha."""
        longest = n_candidates = int(X.counts.max(initial=0))
        half_widths = self.geometry_.half_widths
        if half_widths is not None and len(X.boxes):
            # Number of characters that the widest captcha can hold. It uses the greatest width of a
            # window, not the usual one, which would depend on the rest of the batch.
            span = np.ptp(X.boxes[:, 0]) + X.boxes[:, 2].max()
            longest = min(longest, int(span / (2 * half_widths.min()) * _MAX_DENSITY) + 1)
        constraints = self._with_penalty(self._constraints(longest))
        possible = slice(max(n_candidates, 1))
        return Constraints(constraints.length_scores[possible], constraints.allowed[possible])

    def _with_penalty(self, constraints: Constraints) -> Constraints:
        scores = constraints.length_scores
        penalties = self.insertion_penalty_ * np.arange(1, len(scores) + 1)
        return constraints._replace(length_scores=scores - penalties)

    def _lattice(self, X: Segments, classifier: CandidateClassifier) -> Lattice:
        scores = classifier.emission_scores(features_of(X))
        return Lattice(scores, self.geometry_.spans(X.boxes), X.offsets, self.geometry_.spacing)

    def __sklearn_tags__(self) -> Tags:
        return StepTags.extend(super().__sklearn_tags__(), modifies_input=False)
