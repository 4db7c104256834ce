"""Self-training: a model labels images itself, and learns from those that it is sure of."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.base import BaseEstimator, MetaEstimatorMixin, _fit_context, clone
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from skcaptcha.base import Documented
from skcaptcha.exceptions import DatasetError
from skcaptcha.images import ImageBatch, ImageDecoder, find_duplicates
from skcaptcha.images._batch import as_batch
from skcaptcha.novelty import NoveltyDetector
from skcaptcha.read import BaseReader
from skcaptcha.read._base import validate_labels
from skcaptcha.semi_supervised._committee import N_MEMBERS, Agreement, agree, members_of

_logger = logging.getLogger(__name__)

# Labeled captchas that each member of the committee does not learn from.
_HELD_OUT_FRACTION, _MAX_HELD_OUT = 0.1, 100
MIN_LABELED = 20
"""With fewer labeled captchas none can be held out, so that no reading is trusted."""
MIN_UNLABELED_PART = 0.2
"""Fewer captchas without a label, in units of those with one, would not pay for their time."""
MAX_UNLABELED = 3000
"""More captchas without a label take longer to read than they help."""
N_ROUNDS, N_VIEWS = 3, 4
# A committee that misreads so many more held-out captchas than the first one reads worse: by a sign
# test, three captchas may be chance (p = 1/8), and four hardly (1/16).
_N_WORSE = 4
# In each round, at most this many times as many captchas as those that taught so far.
GROWTH = 3


class SelfTrainingReader(Documented, MetaEstimatorMixin, BaseEstimator):
    """Fit a pipeline to labeled captchas and to others that it reads surely itself.

    In each round, a committee of two copies of the pipeline, each without some of the labeled
    captchas and with a seed of its own, reads the unlabeled captchas and warped views of them.
    The mean confidence of all readings, those with another text counted as 0, is the probability
    that the text of most readings is right. The most probable captchas teach the next round: at
    most three times as many as taught so far. All are read anew in every round, so that early
    mistakes can be corrected. Finally, the pipeline is fitted to the labeled captchas and to those
    that were chosen last, unless the committee misreads at least four more of its held-out captchas
    than at first.

    Captchas that `skcaptcha.novelty.NoveltyDetector` detects to be unlike the labeled ones never
    teach, and neither do those that a member cannot read. With fewer than 20 different labeled
    captchas, none does, because none can be held out.

    Parameters
    ----------
    estimator : Pipeline
        Pipeline from captchas to strings; its last step is a reader of ``skcaptcha.read``.
    threshold : float in [0, 1), default=0.95
        Least probability that a reading is right, for its captcha to teach.
    max_iter : int >= 0, default=3
        Maximum number of rounds. A round takes about as long as fitting two pipelines.
    n_views : int >= 0, default=4
        Number of warped views of each captcha that are read.
    random_state : int, RandomState instance or None, default=None
        Seed of the members of the committee, of the warps, and of the choice of held-out captchas.

    Attributes
    ----------
    estimator_ : Pipeline
        The fitted pipeline, which can be saved and used without this class.
    classes_ : ndarray of shape (n_classes,)
        Characters that it can read.
    transduction_ : ndarray of shape (n,), dtype str
        The labels that it was fitted to, including those that it read itself; empty for captchas
        that did not teach.
    labeled_iter_ : ndarray of shape (n,), dtype int
        Round in which each captcha was first chosen: 0 if it has a label, -1 if it did not teach.
    probabilities_ : ndarray of shape (n,)
        Probability that each label of ``transduction_`` is right: 1 for given labels, 0 for empty
        ones.
    n_iter_ : int
        Number of rounds.
    n_unlike_ : int
        Number of captchas without a label that are unlike the labeled ones.
    termination_condition_ : {"max_iter", "no_change", "worse"}
        Why there were no more rounds: ``max_iter`` was reached, a round changed nothing, or it
        misread at least four more held-out captchas than the first one, so that no captcha without
        a label teaches.
    held_out_scores_ : list of float
        String accuracy of each round on the held-out captchas.

    See Also
    --------
    sklearn.semi_supervised.SelfTrainingClassifier : The same for classifiers.

    References
    ----------
    D. Yarowsky, "Unsupervised word sense disambiguation rivaling supervised methods", ACL 1995.

    Examples
    --------
    >>> from skcaptcha.datasets import make_line_captchas
    >>> from skcaptcha.recipes import load_recipe
    >>> from skcaptcha.semi_supervised import SelfTrainingReader
    >>> X, y = make_line_captchas(80, charset="ABCD", random_state=0)
    >>> y[30:] = ""
    >>> pipeline = load_recipe("raw-knn").pipeline()
    >>> model = SelfTrainingReader(pipeline, threshold=0.8, n_views=0, random_state=0).fit(X, y)
    >>> int((model.labeled_iter_ > 0).sum()) > 30
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "estimator": [Pipeline],
        "threshold": [Interval(Real, 0, 1, closed="left")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "n_views": [Interval(Integral, 0, None, closed="left")],
        "random_state": ["random_state"],
    }

    transduction_: NDArray[np.str_]
    probabilities_: NDArray[np.float64]
    labeled_iter_: NDArray[np.intp]

    def __init__(
        self,
        estimator: Pipeline,
        *,
        threshold: float = 0.95,
        max_iter: int = N_ROUNDS,
        n_views: int = N_VIEWS,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.threshold = threshold
        self.max_iter = max_iter
        self.n_views = n_views
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Sequence[Any], y: Sequence[str | None]) -> Self:
        """Fit the pipeline to labeled and unlabeled captchas.

        Parameters
        ----------
        X : sequence of n captchas
            Paths, bytes, PIL images or arrays.
        y : sequence of n (str or None)
            Their labels; None or an empty string for captchas without a label.

        Returns
        -------
        self : object

        Raises
        ------
        DatasetError
            If no captcha has a label.
        ImageError
            If an image cannot be decoded.
        ReadingError
            If a label is neither a string nor None, or if the pipeline cannot be fitted to the
            labeled captchas.
        TypeError
            If the last step of the pipeline is no reader.
        """
        if not isinstance(self.estimator[-1], BaseReader):
            raise TypeError(
                "estimator must be a Pipeline that ends in a reader, such as CharacterReader; "
                f"found {self.estimator[-1]!r}"
            )
        labels = _labels(y)
        batch = as_batch(X)
        if len(labels) != len(batch):
            raise DatasetError(
                f"number of labels ({len(labels)}) differs from number of captchas ({len(batch)}); "
                "pass one label for each captcha, None for those without"
            )
        labeled = np.flatnonzero(labels != "")
        if not len(labeled):
            raise DatasetError(f"none of the {len(labels)} captchas has a label; label at least 20")
        rng = check_random_state(self.random_state)
        unlabeled = _unlabeled(batch, labels)
        parts = _held_out_parts(batch, labeled, rng)
        self._forget(labels)
        self.held_out_scores_: list[float] = []
        self.n_iter_ = self.n_unlike_ = 0
        self.termination_condition_ = "max_iter"
        if len(unlabeled) and all(map(len, parts)):
            self._run_rounds(batch, labels, unlabeled, parts, rng)
        elif self.max_iter:
            self.termination_condition_ = "no_change"
        self.estimator_ = self._fit(self._final_estimator(), batch, labels)
        self.classes_ = self.estimator_[-1].classes_
        return self

    def _run_rounds(
        self,
        batch: ImageBatch,
        labels: NDArray[np.str_],
        unlabeled: NDArray[np.intp],
        parts: Sequence[NDArray[np.intp]],
        rng: np.random.RandomState,
    ) -> None:
        """Let captchas without a label teach, given what each member does not learn from."""
        images, unlike = self._decode(batch, np.flatnonzero(labels != ""), unlabeled)
        self.n_unlike_ = int(unlike.sum())
        images = [image for image, skip in zip(images, unlike.tolist(), strict=True) if not skip]
        unlabeled = unlabeled[~unlike]
        if not len(unlabeled):
            self.termination_condition_ = "no_change"
        while self._may_go_on():
            self.n_iter_ += 1
            members = members_of(self.estimator, rng)
            for member, part in zip(members, parts, strict=True):
                self._fit(member, batch, labels, without=part)
            self.held_out_scores_.append(_held_out_score(members, parts, batch, labels))
            lost = self.held_out_scores_[0] - self.held_out_scores_[-1]
            if round(lost * sum(map(len, parts))) >= _N_WORSE:
                self._forget(labels)
                self.termination_condition_ = "worse"
                break
            agreement = agree(members, images, self.n_views, rng, least=self.threshold)
            sure = (agreement.probabilities >= self.threshold) & (agreement.texts != "")
            ranked = np.argsort(-agreement.probabilities, kind="stable")
            n_taught = np.count_nonzero(self.transduction_ != "")
            chosen = ranked[sure[ranked]][: GROWTH * n_taught]
            before = self.transduction_
            self._teach(unlabeled[chosen], agreement, chosen, labels)
            _logger.info(
                "round %d: %d of %d unlabeled captchas teach; held-out accuracy %.3f",
                self.n_iter_,
                len(chosen),
                len(unlabeled),
                self.held_out_scores_[-1],
            )
            if (self.transduction_ == before).all():
                self.termination_condition_ = "no_change"

    def _may_go_on(self) -> bool:
        """Return whether another round follows."""
        return self.n_iter_ < self.max_iter and self.termination_condition_ == "max_iter"

    def _final_estimator(self) -> Pipeline:
        """Return an unfitted pipeline for the final fit."""
        final: Pipeline = clone(self.estimator)
        return final

    def _fit(
        self,
        model: Pipeline,
        batch: ImageBatch,
        labels: NDArray[np.str_],
        without: NDArray[np.intp] | None = None,
    ) -> Pipeline:
        """Fit a pipeline to all captchas that have a label or teach, but for some."""
        taught = np.flatnonzero(self.transduction_ != "")
        if without is not None:
            taught = np.setdiff1d(taught, without)
        texts, pseudo_labeled = self.transduction_[taught], labels[taught] == ""
        parameters = {}
        if pseudo_labeled.any():
            parameters[f"{model.steps[-1][0]}__pseudo_labeled"] = pseudo_labeled
        # With metadata routing, every reader would have to request the parameter.
        with config_context(enable_metadata_routing=False):
            return model.fit(batch.take(taught.tolist()), texts, **parameters)

    def _decode(
        self, batch: ImageBatch, labeled: NDArray[np.intp], unlabeled: NDArray[np.intp]
    ) -> tuple[list[NDArray[np.uint8]], NDArray[np.bool_]]:
        """Decode the unlabeled captchas as the pipeline does; tell which are unlike labeled ones.

        The detectors of the members would have learned from captchas without a label.
        """
        first = self.estimator[0]
        decoder = first if isinstance(first, ImageDecoder) else ImageDecoder()
        known = decoder.transform(batch.take(labeled.tolist()))
        images = decoder.transform(batch.take(unlabeled.tolist()))
        return images, NoveltyDetector().fit(known).predict(images) < 0

    def _teach(
        self,
        captchas: NDArray[np.intp],
        agreement: Agreement,
        chosen: NDArray[np.intp],
        labels: NDArray[np.str_],
    ) -> None:
        """Let captchas teach what the committee read, and no other ones without a label."""
        earlier = self.labeled_iter_[captchas]
        self._forget(labels)
        texts = labels.tolist()
        for i, text in zip(captchas.tolist(), agreement.texts[chosen].tolist(), strict=True):
            texts[i] = text
        self.transduction_ = np.array(texts, dtype=np.str_)
        self.probabilities_[captchas] = agreement.probabilities[chosen]
        self.labeled_iter_[captchas] = np.where(earlier > 0, earlier, self.n_iter_)

    def _forget(self, labels: NDArray[np.str_]) -> None:
        """Let no captcha without a label teach."""
        self.transduction_ = labels.copy()
        self.probabilities_ = (labels != "").astype(np.float64)
        self.labeled_iter_ = np.where(labels != "", 0, -1)

    def predict(self, X: Sequence[Any]) -> NDArray[np.str_]:
        """Predict the strings of captchas.

        Parameters
        ----------
        X : sequence of n captchas
            Paths, bytes, PIL images or arrays.

        Returns
        -------
        texts : ndarray of shape (n,), dtype str
        """
        check_is_fitted(self)
        texts: NDArray[np.str_] = self.estimator_.predict(X)
        return texts

    def score(self, X: Sequence[Any], y: Sequence[str]) -> float:
        """Return the fraction of labeled captchas whose string, or whose answer, is right.

        Parameters
        ----------
        X : sequence of n captchas
            Paths, bytes, PIL images or arrays.
        y : sequence of n (str or None)
            Labels of the captchas; those without one are not counted.

        Returns
        -------
        accuracy : float in 0..1

        Raises
        ------
        DatasetError
            If no captcha has a label.
        """
        check_is_fitted(self)
        labels = _labels(y)
        labeled = np.flatnonzero(labels != "").tolist()
        if not labeled:
            raise DatasetError(f"none of the {len(labels)} captchas has a label to compare with")
        return _accuracy(self.estimator_, as_batch(X).take(labeled), labels[labeled])


def _labels(y: Sequence[str | None]) -> NDArray[np.str_]:
    """Return labels as an array of shape (n,); empty where there is none."""
    return validate_labels(["" if label is None else label for label in y], len(y))


def _unlabeled(batch: ImageBatch, labels: NDArray[np.str_]) -> NDArray[np.intp]:
    """Return the different captchas without a label that are no duplicates of labeled ones."""
    # Labeled captchas first, so that each duplicate points to one of them.
    order = np.argsort(labels == "", kind="stable")
    groups = find_duplicates(batch.take(order.tolist()))
    first = order[groups == np.arange(len(groups))]
    return np.sort(first[labels[first] == ""])


def _held_out_parts(
    batch: ImageBatch, labeled: NDArray[np.intp], rng: np.random.RandomState
) -> list[NDArray[np.intp]]:
    """Return the labeled captchas that each member does not learn from.

    Parts are disjoint, and contain all duplicates of their captchas. They are empty if there are
    too few different captchas.
    """
    groups = labeled[find_duplicates(batch.take(labeled.tolist()))]
    order = rng.permutation(np.unique(groups))
    n = min(round(_HELD_OUT_FRACTION * len(order)), _MAX_HELD_OUT)
    if len(order) < MIN_LABELED:
        n = 0
    parts = [order[k * n : (k + 1) * n] for k in range(N_MEMBERS)]
    return [labeled[np.isin(groups, part)] for part in parts]


def _held_out_score(
    members: Sequence[Pipeline],
    parts: Sequence[NDArray[np.intp]],
    batch: ImageBatch,
    labels: NDArray[np.str_],
) -> float:
    """Return the fraction of the held-out captchas that the member without them reads right."""
    scores = [
        _accuracy(member, batch.take(part.tolist()), labels[part])
        for member, part in zip(members, parts, strict=True)
    ]
    return float(np.average(scores, weights=[len(part) for part in parts]))


def _accuracy(model: Pipeline, batch: ImageBatch, labels: NDArray[np.str_]) -> float:
    # With metadata routing, Pipeline.score would need a reader that requests weights.
    return float(model[-1].score(model[:-1].transform(batch), labels))
