"""Reader that learns its own features: a convolutional network over the columns of an image."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from numbers import Integral, Real
from typing import Any, NamedTuple

import cv2
import joblib
import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.base import clone
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import Tags, check_random_state
from sklearn.utils._param_validation import Interval

from skcaptcha._display.percent import percent
from skcaptcha.base import StepTags
from skcaptcha.denoise import HeightScaler
from skcaptcha.exceptions import ImageError, ReadingError
from skcaptcha.features import OrientedGradients
from skcaptcha.read._base import LabelScores, empty_readings
from skcaptcha.read._calibration import fit_platt_scaling
from skcaptcha.read._constrained_reader import ConstrainedReader
from skcaptcha.read._reading import Reading
from skcaptcha.read._sequence_reader import SequenceReader
from skcaptcha.read.convolutional._column_lattice import ColumnLattice, ColumnPaths, spell
from skcaptcha.read.convolutional._ctc_loss import ctc_loss
from skcaptcha.read.convolutional._folded_network import FoldedNetwork, fold
from skcaptcha.read.convolutional._network import (
    COLUMN_WIDTH,
    HEIGHT_UNIT,
    MARGIN,
    N_BLOCKS,
    Network,
)
from skcaptcha.read.convolutional._training import N_PARTS, Example, Schedule, Training
from skcaptcha.read.sequence._constraints import Constraints, make_constraints
from skcaptcha.read.sequence._n_best import Alternatives
from skcaptcha.segment import SlidingWindow

_logger = logging.getLogger(__name__)

Image = NDArray[np.uint8]

# From this confidence on, the first network reads alone.
_SURE = 0.9
_BATCH_SIZE, _MAX_COLUMNS = 64, 2**13  # captchas, and their columns, that are decoded at a time
_MAX_WIDTH = 2**14  # pixels, as for HeightScaler
_MAX_CHECKED = 50  # during the training
MIN_EXAMPLES_TO_HOLD_OUT = 20
_MAX_HELD_OUT = 100
# With fewer batches, in all or for each training captcha, a second network helps less than as many
# batches for the first one.
_MIN_BATCHES, _MIN_BATCHES_PER_EXAMPLE = 600, 6
# Reading a held-out captcha after the training takes this part of the time to learn from one.
_READING_COST = 0.5
# The widest captcha may hold this many times the usual number of characters.
_MAX_DENSITY = 1.5


class ConvolutionalReader(ConstrainedReader):
    """Read denoised images with a convolutional network that learns its own features.

    The network predicts for every four columns of pixels which character they show, or the blank.
    Dynamic programming finds the best string. This reads characters that touch, overlap or are
    warped more accurately than hand-made features do, but takes longer to train.

    Training needs labels only. A network that starts from labels alone often learns nothing but
    blanks for a long time, so ``init``, another reader, first finds the positions of the
    characters. The network first learns the character of each column, and then the whole strings
    with the loss of connectionist temporal classification (CTC). In every batch the images are
    warped at random, and half of those that are as wide as another one in the batch show the
    beginning of one captcha and the end of the other. After 30 and 60 % of the training, wrong
    positions are corrected in the captchas that the network reads right. If it learns from at least
    200 captchas, and from no pseudo-labels, those are left out whose label seems to be wrong: the
    network finds another text more than a hundred times as probable. If these are more than a
    tenth, none is left out. All computations are matrix products in NumPy.

    The pipeline has no segment and features steps: the reader follows the denoising, which should
    end with `HeightScaler`, for instance with ``pitch=24`` and ``margin=0``.

    Parameters
    ----------
    init : Pipeline, default=None
        Unfitted pipeline that finds the first positions: transformers that make segments with
        features from denoised images, and a `SequenceReader`, or a `CharacterReader` if each
        segment is a character. The transformers may resize the images, and pad them alike on both
        sides, but not crop them. None: windows with oriented gradients, and linear discriminants,
        for images resized to a pitch of 24 pixels.
    n_estimators : int >= 1, default=1
        Number of networks, each with other held-out captchas and a seed of its own. They average
        their probabilities, unless the first one reads a captcha with a confidence of at least 0.9
        that held-out captchas have calibrated.
    channels : tuple of five ints, default=(24, 24, 64, 64, 64)
        Channels of the convolutions of 3 x 3 pixels.
    n_hidden : int >= 1, default=128
        Channels of the convolution over the full height.
    max_iter : int >= 1, default=1200
        Number of batches that each network learns from.
    batch_size : int >= 2, default=16
        Number of images in a batch.
    learning_rate_init : float > 0, default=0.005
        Step size of AdamW, which falls to 0 along a cosine.
    alpha : float >= 0, default=0.001
        Weight decay.
    warp : float >= 0, default=1.0
        Strength of the random warps. At 1, images are turned by up to 3 degrees, slanted by up to
        0.15, stretched by up to 10 % in each direction, moved by up to 6 % of their height, and
        bent by up to 2.5 pixels.
    validation_fraction : float in 0..1, default=0.1
        Fraction of the captchas that a network does not learn from, at most 100 of them. They
        calibrate the confidences, and end the training when they are read no better. With fewer
        than 20 captchas none is held out; confidences then only rank readings.
    n_iter_no_change : int >= 1, default=8
        The training ends soon after so many checks of the held-out captchas without a better
        result. There are twenty checks in all, of at most 50 of them.
    budget : float > 0, default=None
        Seconds after which the fit ends, however few batches the networks have learned from. They
        include finding the first positions, and reading the held-out captchas at the end. Fewer
        networks are trained if each would learn from fewer than 600 batches (or fewer than 6 for
        each captcha, if there are fewer than 100), or if the next one would have less than half the
        time of the one before. With a budget, the result depends on the speed of the machine.
    length : int, tuple of two ints or "free", default=None
        Allowed number of characters, as for `SequenceReader`.
    charset : str, default=None
        Only characters that may be read; None: all characters of the training labels.
    mask : list of (str or None), default=None
        Allowed characters at each position, None for all; it fixes the length.
    fold_case : bool, default=False
        Whether upper and lower case are the same. Labels are then folded to the case of most of
        their letters, and `score` ignores case.
    n_jobs : int, default=None
        Number of threads that train a network; more than 2 are not used. The result is the same
        for any number.
    random_state : int, RandomState instance or None, default=None
        Seed of the weights, the batches, the warps, and the choice of held-out captchas.
    verbose : int, default=0
        1 prints the loss and the accuracy on held-out captchas during the training.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Characters in the training labels.
    networks_ : list of FoldedNetwork
        The trained networks.
    image_height_ : int
        Height of the training images; others are resized to it.
    pitch_ : float
        Mean distance between characters of the training captchas, in pixels.
    init_score_ : float
        Fraction of the training captchas that ``init`` reads after it was fitted to them.
    calibrator_ : PlattScaling
        Logistic function from the margin over the second best string to the confidence.
    lengths_ : dict of int to int
        Number of training labels of each length.
    validation_indices_ : ndarray of shape (n_validated,)
        Indices of the held-out captchas of all networks.
    validation_texts_ : ndarray of shape (n_validated,)
        What the network that did not learn from them reads without ``length``, ``charset`` and
        ``mask``.
    validation_score_ : float
        Fraction of the held-out captchas that are read right, NaN without such captchas.
    n_iter_ : list of int
        Number of batches that each network has learned from.
    loss_curves_ : list of list of float
        Mean losses between two checks, for each network.
    left_out_ : ndarray of shape (n_left_out,)
        Indices of training captchas left out: their label is empty, or too long for their width.
    n_left_out_ : int
        Number of training captchas left out.

    See Also
    --------
    SequenceReader : Reads windows with hand-made features.

    References
    ----------
    A. Graves, S. Fernandez, F. Gomez and J. Schmidhuber, "Connectionist temporal classification:
    labelling unsegmented sequence data with recurrent neural networks", ICML 2006.

    S. Ioffe and C. Szegedy, "Batch normalization: accelerating deep network training by reducing
    internal covariate shift", ICML 2015.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from skcaptcha.datasets import make_line_captchas
    >>> from skcaptcha.denoise import Grayscale, HeightScaler, PolarityNormalizer
    >>> from skcaptcha.read import ConvolutionalReader
    >>> X, y = make_line_captchas(80, charset="ABC", random_state=0)
    >>> model = make_pipeline(
    ...     Grayscale(),
    ...     PolarityNormalizer(),
    ...     HeightScaler(height=24, margin=0),
    ...     ConvolutionalReader(max_iter=40, channels=(8, 8, 16, 16, 16), random_state=0),
    ... )
    >>> float(model.fit(X[:60], y[:60]).score(X[60:], y[60:])) > 0.8
    True
    """

    reads_images = True

    _parameter_constraints: dict[str, Any] = {
        "init": [Pipeline, None],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "channels": ["array-like"],
        "n_hidden": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "warp": [Interval(Real, 0, None, closed="left")],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "budget": [Interval(Real, 0, None, closed="neither"), None],
        **ConstrainedReader._parameter_constraints,
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        init: Pipeline | None = None,
        *,
        n_estimators: int = 1,
        channels: Sequence[int] = (24, 24, 64, 64, 64),
        n_hidden: int = 128,
        max_iter: int = 1200,
        batch_size: int = 16,
        learning_rate_init: float = 0.005,
        alpha: float = 0.001,
        warp: float = 1.0,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 8,
        budget: float | None = None,
        length: int | tuple[int, int] | str | None = None,
        charset: str | None = None,
        mask: Sequence[str | None] | None = None,
        fold_case: bool = False,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.init = init
        self.n_estimators = n_estimators
        self.channels = channels
        self.n_hidden = n_hidden
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.alpha = alpha
        self.warp = warp
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.budget = budget
        self.length = length
        self.charset = charset
        self.mask = mask
        self.fold_case = fold_case
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def _fit(self, X: Sequence[Image], labels: NDArray[np.str_]) -> None:
        begin = time.perf_counter()
        channels = list(self.channels)
        if len(channels) != N_BLOCKS or not all(
            isinstance(c, Integral) and c > 0 for c in channels
        ):
            raise ValueError(f"channels must be {N_BLOCKS} ints >= 1; found {self.channels!r}")
        rng = check_random_state(self.random_state)
        lengths = np.char.str_len(labels)
        self.image_height_ = int(np.median([len(image) for image in X]))
        n_columns = np.array([_n_columns(image, self.image_height_) for image in X])
        n_repeated = [sum(a == b for a, b in pairwise(t)) for t in labels.tolist()]
        usable = (lengths > 0) & (lengths + n_repeated <= n_columns)
        self.left_out_ = np.flatnonzero(~usable)
        self.n_left_out_ = len(self.left_out_)
        if not usable.any():
            raise ReadingError(
                f"nothing can be learned: none of the {len(labels)} captchas has a label that fits "
                "into its width; check the labels, and enlarge the images with HeightScaler"
            )
        own = np.flatnonzero(usable)
        images, texts = [X[i] for i in own.tolist()], labels[own]
        self.classes_ = np.unique(list("".join(texts)))
        seen, times = np.unique(lengths[own], return_counts=True)
        self.lengths_ = dict(zip(seen.tolist(), times.tolist(), strict=True))
        # Impossible constraints must raise before the fit, which takes long.
        self.check_constraints()
        examples = self._examples(images, texts, rng)
        for i in np.flatnonzero(~self._may_be_held_out[own]).tolist():
            examples[i] = replace(examples[i], pseudo_labeled=True)
        groups, _ = self._calibration_groups(2, X, own)
        self.networks_: list[FoldedNetwork] = []
        self.loss_curves_: list[list[float]] = []
        self.n_iter_: list[int] = []
        held_outs = self._held_out_parts(examples, groups, rng)
        end = None if self.budget is None else begin + self.budget
        for held_out in held_outs:
            started = time.perf_counter()
            self.networks_.append(self._train(examples, texts, held_out, end, rng))
            now = time.perf_counter()
            # A network that has learned far less than the others would spoil the average.
            if end is not None and end - now < (now - started) / 2:
                break
        held_outs = held_outs[: len(self.networks_)]
        self._calibrate(images, texts, held_outs)
        self.validation_indices_ = own[np.concatenate(held_outs)]

    def _examples(
        self, images: Sequence[Image], texts: NDArray[np.str_], rng: np.random.RandomState
    ) -> list[Example]:
        """Find the positions of the characters, and prepare the images for the network."""
        seed = rng.randint(np.iinfo(np.int32).max)
        init = _default_init(seed) if self.init is None else clone(self.init)
        if not hasattr(init[-1], "align"):
            raise TypeError(
                "init must be a Pipeline that ends in a SequenceReader or a CharacterReader; "
                f"found {init[-1]!r}"
            )
        if len(init) == 1:
            raise TypeError(
                "init must have steps that segment images and compute features before its "
                "reader, such as SlidingWindow and OrientedGradients"
            )
        _logger.debug("finding the positions of the characters")
        # The jobs of this reader are threads. Processes would only be started for ``init``.
        with joblib.parallel_config(n_jobs=1):
            segments = init[:-1].fit_transform(list(images), texts)
            init[-1].fit(segments, texts)
            boxes = init[-1].align(segments, texts)
            self.init_score_ = init[-1].score(segments, texts)
        examples, distances = [], []
        for i, (image, text) in enumerate(zip(images, texts.tolist(), strict=True)):
            prepared, left = _prepare(image, self.image_height_)
            centers = np.empty(0)
            if len(boxes[i]) == len(text):
                # The images of `init` may be resized and padded alike on both sides.
                theirs = segments.images[i]
                scale = self.image_height_ / len(theirs)
                width = image.shape[1] * self.image_height_ / len(image)
                from_middle = boxes[i][:, 0] + boxes[i][:, 2] / 2 - theirs.shape[1] / 2
                centers = left + width / 2 + scale * from_middle - 0.5
                distances.append(np.diff(centers))
            classes = np.searchsorted(self.classes_, list(text))
            examples.append(Example(prepared, classes, centers))
        known = np.concatenate([*distances, np.empty(0)])
        self.pitch_ = float(known.mean()) if len(known) else float(self.image_height_ / 2)
        return examples

    def _held_out_parts(
        self,
        examples: Sequence[Example],
        groups: NDArray[np.intp],
        rng: np.random.RandomState,
    ) -> list[NDArray[np.intp]]:
        """Choose the captchas that each network does not learn from.

        Duplicates stay together, and no character loses its last example. The parts are disjoint
        if there are enough captchas. Captchas of group -1 are never held out.
        """
        n = n_held_out(int(np.count_nonzero(groups >= 0)), self.validation_fraction)
        waiting: list[int] = []
        parts = []
        counts = np.zeros((len(examples), len(self.classes_)), dtype=np.intp)
        for row, example in zip(counts, examples, strict=True):
            np.add.at(row, example.classes, 1)
        for _ in range(self.n_estimators):
            left = counts.sum(axis=0)
            part: list[int] = []
            drawn: set[int] = set()
            while len(part) < n:
                if not waiting:
                    unused = np.setdiff1d(np.unique(groups), [-1, *drawn])
                    if not len(unused):
                        break
                    waiting = rng.permutation(unused).tolist()
                group = waiting.pop()
                drawn.add(group)
                members = np.flatnonzero(groups == group)
                rest = left - counts[members].sum(axis=0)
                if (rest > 0).all() and len(members) <= n:
                    left = rest
                    part += members.tolist()
            parts.append(np.array(sorted(part), dtype=np.intp))
        return parts

    def _train(
        self,
        examples: Sequence[Example],
        texts: NDArray[np.str_],
        held_out: NDArray[np.intp],
        end: float | None,
        rng: np.random.RandomState,
    ) -> FoldedNetwork:
        network = Network(
            len(examples[0].image),
            len(self.classes_) + 1,
            rng,
            channels=self.channels,
            n_hidden=self.n_hidden,
        )
        seed = rng.randint(np.iinfo(np.int32).max)
        schedule = Schedule(
            max_iter=self.max_iter,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate_init,
            weight_decay=self.alpha,
            warp=self.warp,
            pitch=self.pitch_,
            patience=self.n_iter_no_change,
        )

        def share(seconds_per_batch: float) -> float:
            """Return the seconds that this network may use, given how long a batch takes."""
            if end is None:
                return math.inf
            per_image = n_threads * seconds_per_batch / min(self.batch_size, len(learned))
            reading = _READING_COST * per_image * self.n_estimators * len(held_out)
            left = max(end - time.perf_counter() - reading, 0.0)
            needed = min(_MIN_BATCHES, _MIN_BATCHES_PER_EXAMPLE * len(examples))
            n_affordable = int(left / (needed * seconds_per_batch))
            return left / min(max(n_affordable, 1), self.n_estimators - len(self.networks_))

        learned = np.setdiff1d(np.arange(len(examples)), held_out)
        checked = rng.permutation(held_out)[:_MAX_CHECKED]
        losses: list[float] = []
        self.loss_curves_.append(losses)
        best_accuracy, least_loss = -1.0, math.inf

        def check(done: float, loss: float, left: float) -> bool:
            nonlocal best_accuracy, least_loss
            losses.append(loss)
            # Without held-out captchas nothing ends the training: the losses of columns and of
            # strings cannot be compared.
            better, accuracy = True, ""
            if len(held_out):
                part_right, held_out_loss = _evaluate(
                    fold(network), [examples[i] for i in checked], texts[checked], self.classes_
                )
                better = part_right > best_accuracy or held_out_loss < least_loss
                best_accuracy = max(best_accuracy, part_right)
                least_loss = min(least_loss, held_out_loss)
                accuracy = f"held-out accuracy {percent(part_right, len(checked))}, "
            message = (
                f"network {len(self.networks_) + 1} of {self.n_estimators}: {percent(done, 100)}, "
                f"loss {loss:.3f}, {accuracy}{left:.0f} s left"
            )
            _logger.info(message)
            if self.verbose:
                print(message)
            return better

        n_threads = min(joblib.effective_n_jobs(self.n_jobs), N_PARTS)
        training = Training(network, [examples[i] for i in learned], schedule, seed, n_threads)
        self.n_iter_.append(training.run(check, share))
        return fold(network)

    def _calibrate(
        self,
        images: Sequence[Image],
        texts: NDArray[np.str_],
        held_outs: Sequence[NDArray[np.intp]],
    ) -> None:
        """Read the held-out captchas, and fit confidences to their margins.

        The constraints of the user are not used: they can change later, and labels need not meet
        them.
        """
        given = make_constraints(self.classes_, self.lengths_, max(self.lengths_))
        margins, right, read = [np.empty(0)], [np.empty(0, dtype=bool)], [np.empty(0, "<U1")]
        for network, held_out in zip(self.networks_, held_outs, strict=True):
            for first in range(0, len(held_out), _BATCH_SIZE):
                some = held_out[first : first + _BATCH_SIZE]
                columns = self._columns([images[i] for i in some], [network])
                constraints = _that_fit(columns, given)
                paths = columns.lattice.viterbi(*constraints)
                found = np.array(self._texts(paths))
                exists = paths.lengths > 0
                alternatives = Alternatives(columns.lattice, paths, constraints)
                margins.append(alternatives.margins()[exists])
                right.append((found == texts[some])[exists])
                read.append(found)
        self.calibrator_ = fit_platt_scaling(np.concatenate(margins), np.concatenate(right))
        self.validation_texts_ = np.concatenate(read)
        expected = texts[np.concatenate(held_outs)]
        self.validation_score_ = math.nan
        if len(expected):
            self.validation_score_ = float(np.mean(self.validation_texts_ == expected))

    def _predict(self, X: Sequence[Image]) -> NDArray[np.str_]:
        texts: list[str] = []
        for columns in self._batches(X):
            paths = columns.lattice.viterbi(*self._batch_constraints(columns))
            texts += self._texts(paths)
        return np.array(texts, dtype=np.str_)

    def _read(self, X: Sequence[Image]) -> list[Reading]:
        readings = empty_readings(X)
        first = 0
        for columns in self._batches(X):
            constraints = self._batch_constraints(columns)
            paths = columns.lattice.viterbi(*constraints)
            n = len(columns.n_columns)
            boxes = [self._boxes(X[first + i], paths, i) for i in range(n)]
            found = np.flatnonzero(paths.lengths).tolist()
            own = self._readings(columns.lattice, paths, constraints, boxes, found)
            for i, reading in zip(found, own, strict=True):
                readings[first + i] = reading
            first += n
        return readings

    def _boxes(self, image: Image, paths: ColumnPaths, captcha: int) -> NDArray[np.intp]:
        """Return the boxes of the characters of the best string, over the whole height.

        A box reaches halfway to the neighbors, but not farther than about half the usual distance.
        """
        length = paths.lengths[captcha]
        own = paths.first[captcha, :length] + paths.last[captcha, :length]
        h, w = image.shape
        scale = h / self.image_height_
        centers = scale * (COLUMN_WIDTH * (own / 2 + 0.5) - MARGIN)
        halves = np.minimum(np.diff(centers) / 2, 0.6 * scale * self.pitch_)
        usual = 0.5 * scale * self.pitch_
        left = np.clip(np.rint(centers - np.append(usual, halves)), 0, w - 1).astype(np.intp)
        right = np.clip(np.rint(centers + np.append(halves, usual)), left + 1, w).astype(np.intp)
        zeros = np.zeros(length, dtype=np.intp)
        return np.stack([left, zeros, right - left, zeros + h], axis=1)

    def _score_labels(self, X: Sequence[Image], labels: NDArray[np.str_]) -> list[LabelScores]:
        scores: list[LabelScores] = []
        for columns in self._batches(X, ask_all=True):
            some = labels[len(scores) : len(scores) + len(columns.n_columns)]
            scores += self._scores_in_lattice(columns.lattice, some)
        return scores

    def _batch_constraints(self, columns: _Columns) -> Constraints:
        """Return the constraints, for each captcha cut off at the characters that can fit."""
        widths = COLUMN_WIDTH * columns.n_columns
        fitting = (widths / self.pitch_ * _MAX_DENSITY).astype(np.intp) + 1
        length_scores, allowed = self._constraints(int(fitting.max(initial=1)))
        if isinstance(self.length, str) and self.mask is None:
            too_long = np.arange(len(length_scores)) >= fitting[:, None]
            length_scores = np.where(too_long, -np.inf, length_scores)
        return _that_fit(columns, Constraints(length_scores, allowed))

    def _batches(self, X: Sequence[Image], *, ask_all: bool = False) -> Iterator[_Columns]:
        """Yield the columns of some images at a time, with all networks or as many as needed."""
        first = 0
        while first < len(X):
            some = X[first : first + _BATCH_SIZE]
            # The lattice takes memory for as many columns of each captcha as the widest has.
            widest = max(_n_columns(image, self.image_height_) for image in some)
            some = some[: max(1, _MAX_COLUMNS // widest)]
            yield self._columns(some, self.networks_, ask_all=ask_all)
            first += len(some)

    def _columns(
        self,
        images: Sequence[Image],
        networks: Sequence[FoldedNetwork],
        *,
        ask_all: bool = False,
    ) -> _Columns:
        """Return the mean probabilities of networks for the columns of images.

        Where the reading of the first network is sure, they are those of this network alone,
        unless all are to be asked.
        """
        padded_height = self.image_height_ + -self.image_height_ % HEIGHT_UNIT
        for network in networks:
            network.check(padded_height, len(self.classes_) + 1)
        prepared = [_prepare(image, self.image_height_)[0] for image in images]
        first, *others = networks
        logs = [log_softmax(logits, axis=1) for logits in first.batch_logits(prepared)]
        if not others:
            return _joined(logs)
        unsure = list(range(len(logs)))
        # Without held-out captchas, confidences only rank readings.
        if not ask_all and len(self.validation_indices_):
            unsure = np.flatnonzero(~self._is_sure(_joined(logs))).tolist()
        some = [prepared[i] for i in unsure]
        for i, logits in zip(
            unsure, zip(*(other.batch_logits(some) for other in others), strict=True), strict=True
        ):
            of_all = np.stack([logs[i], *log_softmax(logits, axis=2)])
            logs[i] = np.logaddexp.reduce(of_all, axis=0) - np.log(len(networks))
        return _joined(logs)

    def _is_sure(self, columns: _Columns) -> NDArray[np.bool_]:
        """Return which readings of a network are so confident that no other one is asked."""
        constraints = self._batch_constraints(columns)
        paths = columns.lattice.viterbi(*constraints)
        margins = Alternatives(columns.lattice, paths, constraints).margins()
        return (paths.lengths > 0) & (self.calibrator_.predict_proba(margins) >= _SURE)

    def __sklearn_tags__(self) -> Tags:
        return StepTags.extend(super().__sklearn_tags__(), modifies_input=False)


def n_held_out(n: int, fraction: float = 0.1) -> int:
    """Return how many of n captchas each network does not learn from."""
    return min(round(fraction * n), _MAX_HELD_OUT) if n >= MIN_EXAMPLES_TO_HOLD_OUT else 0


class _Columns(NamedTuple):
    """A batch of captchas as columns of log-probabilities."""

    lattice: ColumnLattice
    n_columns: NDArray[np.intp]


def _joined(logs: Sequence[NDArray[np.floating]]) -> _Columns:
    """Return the log-probabilities of captchas (n_columns, n_outputs) as one batch."""
    n_columns = np.array([len(own) for own in logs])
    padded = np.zeros((len(logs), max(n_columns), logs[0].shape[1]))
    for row, own in zip(padded, logs, strict=True):
        row[: len(own)] = own
    return _Columns(ColumnLattice(padded, n_columns), n_columns)


def _that_fit(columns: _Columns, constraints: Constraints) -> Constraints:
    """Leave out lengths of which no string fits: none has more characters than columns."""
    longest = int(columns.n_columns.max(initial=1))
    length_scores, allowed = constraints
    return Constraints(length_scores[..., :longest], allowed[:longest])


def _default_init(seed: int) -> Pipeline:
    return make_pipeline(
        HeightScaler(),
        SlidingWindow(),
        OrientedGradients(),
        SequenceReader(n_realignments=0, random_state=seed),
    )


def _width(image: Image, height: int) -> int:
    return max(1, round(image.shape[1] * height / len(image)))


def _n_columns(image: Image, height: int) -> int:
    return math.ceil((_width(image, height) + 2 * MARGIN) / COLUMN_WIDTH)


def _prepare(image: Image, height: int) -> tuple[NDArray[np.float32], int]:
    """Return an image resized to a height, standardized and padded, and the padding on its left."""
    width = _width(image, height)
    if width > _MAX_WIDTH:
        raise ImageError(
            "the image",
            f"{image.shape[1]} x {len(image)} pixels would be resized to {width} x {height}, but "
            f"at most {_MAX_WIDTH} columns are supported; crop it",
        )
    if len(image) != height:
        method = cv2.INTER_AREA if height < len(image) else cv2.INTER_LINEAR
        image = cv2.resize(image, (width, height), interpolation=method)
    shades = image.astype(np.float32)
    shades -= shades.mean()
    shades /= max(float(shades.std()), 1.0)
    missing = -height % HEIGHT_UNIT
    right = _n_columns(image, height) * COLUMN_WIDTH - width - MARGIN
    top = missing // 2
    padded = cv2.copyMakeBorder(shades, top, missing - top, MARGIN, right, cv2.BORDER_REPLICATE)
    return padded, MARGIN


def _evaluate(
    network: FoldedNetwork,
    examples: Sequence[Example],
    texts: NDArray[np.str_],
    classes: NDArray[np.str_],
) -> tuple[float, float]:
    """Return the fraction of captchas whose columns spell their label, and the mean loss."""
    n_right, losses = 0, []
    all_logits = network.batch_logits([example.image for example in examples])
    for example, text, logits in zip(examples, texts.tolist(), all_logits, strict=True):
        n_right += "".join(classes[spell(logits)[0]]) == text
        logs = log_softmax(logits, axis=1)[None]
        loss, _ = ctc_loss(logs, example.classes[None], np.array([len(logits)]))
        losses.append(loss[0])
    return n_right / len(examples), float(np.mean(losses))
