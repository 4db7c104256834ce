"""Training of a network: first on columns with known characters, then on whole strings."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from skcaptcha.exceptions import ReadingError
from skcaptcha.read.convolutional._column_lattice import spell
from skcaptcha.read.convolutional._ctc_loss import ctc_loss
from skcaptcha.read.convolutional._folded_network import fold
from skcaptcha.read.convolutional._image_warps import warp_image
from skcaptcha.read.convolutional._layers import Array, Workspace
from skcaptcha.read.convolutional._network import COLUMN_WIDTH, Network
from skcaptcha.read.convolutional._optimizer import AdamW

# Half a batch for each of two threads; more threads would change the result.
N_PARTS = 2
# Part of the training with known columns: a network that starts with whole strings often learns to
# find blanks only.
_ALIGNED_PART = 0.15
# Part of the examples that are spliced from two captchas of one width. Captchas of various
# sizes, such as photographs, cannot be joined without a trace.
_SPLICED_PART = 0.5
# Parts of the training after which the network corrects positions that were wrong at first, and
# captchas with wrong labels are left out, before it learns them by heart.
_REVIEWED_AFTER = 0.3, 0.6
# A label is taken for wrong if the network finds another text so many times as probable.
_LOG_TIMES_AS_PROBABLE = math.log(100)
# A network that contradicts more than this part of the labels is wrong itself. One that learned
# from few labels, or from pseudo-labels as well, is often wrong about rare characters.
_MAX_WRONG_PART = 0.1
_MIN_LABELS_TO_DOUBT = 200
_WIDTH_UNIT = 16  # the widths of batches are multiples of this
_N_SORTED = 8  # batches that are sorted by the widths of their images at a time
_N_TIMED = 1, 1 + _N_SORTED  # batches, of all widths
_N_WARM_UP = 30  # batches until the learning rate is reached
_N_CHECKS = 20
_N_REVIEWED = 64  # captchas at a time
# Part of the training in which the learning rate falls to 0 if the checks end it early.
_EARLY_END = 0.1
# Examples with a label of their own are used at most this many times as often as others.
_MAX_TIMES = 8
# In units of the distance between characters: columns nearer to the center of a character show it,
# columns farther from all characters are blank, and those in between are not used.
_CHARACTER_REACH, _BLANK_DISTANCE = 1 / 8, 1 / 3


@dataclass(frozen=True)
class Example:
    """A training captcha.

    ``image`` (h, w) is standardized; ``classes`` (length,) are the characters of its label, and
    ``centers`` (length,) the columns of pixels that they are centered at, or empty if unknown.
    ``pseudo_labeled`` is whether a model has read the label.
    """

    image: Array
    classes: NDArray[np.intp]
    centers: NDArray[np.float64]
    pseudo_labeled: bool = False


@dataclass(frozen=True)
class Schedule:
    """How long, how fast, and on which images a network learns; see `ConvolutionalReader`."""

    max_iter: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    warp: float
    pitch: float
    patience: int


class Training:
    """Training of one network."""

    def __init__(
        self,
        network: Network,
        examples: Sequence[Example],
        schedule: Schedule,
        seed: int,
        n_threads: int = 1,
    ) -> None:
        self.network = network
        self.examples = list(examples)
        self.schedule = schedule
        self.seed = seed
        self.n_threads = n_threads
        self._order = np.random.default_rng(seed)
        self._workspaces = [Workspace() for _ in range(N_PARTS)]
        self._widths = np.array([example.image.shape[1] for example in examples])
        self._use(np.arange(len(examples)))

    def run(
        self,
        check: Callable[[float, float, float], bool],
        share: Callable[[float], float] = lambda seconds_per_batch: math.inf,
    ) -> int:
        """Train the network in place, and return the number of batches.

        ``check`` is called after every twentieth of the training but the last, with the fraction
        done, the mean loss since the last check, and the seconds left. It returns whether the
        network reads better than ever before. ``share`` is called after the first batches, with
        the seconds that one takes, and returns the seconds that are left for this network. Raises
        a ReadingError if the loss is no longer finite.
        """
        schedule = self.schedule
        optimizer = AdamW(self.network.parameters, weight_decay=schedule.weight_decay)
        begin = time.perf_counter()
        losses: list[float] = []
        n_checks = n_worse = n_reviews = 0
        # The fraction done at which the training was found to be of no more use.
        useless_since = 1.0
        started, budget = 0.0, math.inf
        with ThreadPoolExecutor(min(self.n_threads, N_PARTS)) as pool:
            for k in range(schedule.max_iter):
                seconds = time.perf_counter() - begin
                done = k / schedule.max_iter
                if k == _N_TIMED[0]:
                    started = seconds  # the first batch takes longer
                if k == _N_TIMED[1]:
                    budget = seconds + share((seconds - started) / (k - _N_TIMED[0]))
                done = max(done, seconds / budget)
                end = min(1.0, useless_since + _EARLY_END)
                if done >= end:
                    break
                if done >= [*_REVIEWED_AFTER, math.inf][n_reviews]:
                    n_reviews += 1
                    self._review(pool)
                if losses and done * _N_CHECKS >= n_checks + 1:
                    n_checks = int(done * _N_CHECKS)
                    left = (end - done) * seconds / done
                    n_worse = 0 if check(done, float(np.mean(losses)), left) else n_worse + 1
                    losses.clear()
                    if n_worse >= schedule.patience:
                        useless_since = min(useless_since, done)
                rate = schedule.learning_rate * min(1.0, (k + 1) / _N_WARM_UP)
                rate *= (1 + math.cos(math.pi * min(done, useless_since))) / 2
                rate *= min(1.0, 1 - (done - useless_since) / _EARLY_END)
                losses.append(self._step(k, rate, optimizer, pool, aligned=done < _ALIGNED_PART))
                if not math.isfinite(losses[-1]):
                    raise ReadingError(
                        f"the training diverged in batch {k + 1}; decrease learning_rate_init "
                        "or alpha"
                    )
            else:
                k += 1
        return k

    def _step(
        self, k: int, rate: float, optimizer: AdamW, pool: ThreadPoolExecutor, *, aligned: bool
    ) -> float:
        batch = self._next_batch()

        def learn(part: int) -> tuple[float, list[Array]]:
            rng = np.random.default_rng([self.seed, k, part])
            own = [self._example(i, batch, rng) for i in batch[part::N_PARTS].tolist()]
            widest = max(example.image.shape[1] for example in own)
            width = math.ceil(widest / _WIDTH_UNIT) * _WIDTH_UNIT
            return self._learn(own, width, self._workspaces[part], rng, aligned=aligned)

        # A single example is one part.
        n_parts = min(N_PARTS, len(batch))
        results = list(pool.map(learn, range(n_parts)))
        for workspace in self._workspaces[:n_parts]:
            self.network.update_statistics(workspace)
        gradients = [
            sum(parts[1:], start=parts[0]) / np.float32(len(batch))
            for parts in zip(*(gradients for _, gradients in results), strict=True)
        ]
        optimizer.step(gradients, rate)
        return sum(loss for loss, _ in results) / len(batch)

    def _review(self, pool: ThreadPoolExecutor) -> None:
        """Correct the positions of characters, and leave out captchas with wrong labels.

        Positions are corrected in captchas that the network reads right. Captchas are spliced at
        these positions. Those that were found first are more exact, if they belong to the right
        characters.
        """
        network = fold(self.network)

        def read(first: int) -> list[tuple[NDArray[np.float64] | None, float]]:
            some = self.examples[first : first + _N_REVIEWED]
            logits = network.batch_logits([example.image for example in some])
            return [*map(_compare, some, logits)]

        parts = pool.map(read, range(0, len(self.examples), _N_REVIEWED))
        log_ratios = np.zeros(len(self.examples))
        for i, (centers, log_ratio) in enumerate(chain.from_iterable(parts)):
            log_ratios[i] = log_ratio
            if centers is None:
                continue
            example = self.examples[i]
            is_known = len(example.centers) == len(centers)
            if not is_known or np.abs(example.centers - centers).max() > self.schedule.pitch / 2:
                self.examples[i] = replace(example, centers=centers)
        is_wrong = log_ratios > _LOG_TIMES_AS_PROBABLE
        if len(self.examples) >= _MIN_LABELS_TO_DOUBT and not any(
            example.pseudo_labeled for example in self.examples
        ):
            is_wrong &= is_wrong.mean() <= _MAX_WRONG_PART
            self._use(np.flatnonzero(~is_wrong))

    def _use(self, indices: NDArray[np.intp]) -> None:
        """Learn from these examples only."""
        self._n_used = len(indices)
        pseudo_labeled = np.array([self.examples[i].pseudo_labeled for i in indices.tolist()])
        self._pool = indices[_balanced_pool(pseudo_labeled)]
        self._waiting = np.empty(0, dtype=np.intp)
        self._batches: list[NDArray[np.intp]] = []

    def _next_batch(self) -> NDArray[np.intp]:
        """Return different examples of similar widths, which need little padding."""
        if not self._batches:
            size = min(self.schedule.batch_size, self._n_used)
            n_batches = min(_N_SORTED, self._n_used // size)
            some = self._next_examples(n_batches * size)
            by_width = some[np.argsort(self._widths[some], kind="stable")]
            self._batches = [*self._order.permutation(by_width.reshape(n_batches, size))]
        return self._batches.pop()

    def _next_examples(self, n: int) -> NDArray[np.intp]:
        """Return examples, all of which are used before one is used again.

        They are different, unless some are used several times as often as others.
        """
        while len(self._waiting) < n:
            shuffled = self._order.permutation(self._pool)
            # Those that wait already come last, so that none is returned twice.
            order = np.argsort(np.isin(shuffled, self._waiting), kind="stable")
            self._waiting = np.concatenate([self._waiting, shuffled[order]])
        some, self._waiting = self._waiting[:n], self._waiting[n:]
        return some

    def _example(self, i: int, batch: NDArray[np.intp], rng: np.random.Generator) -> Example:
        """Return an example as it is, or its beginning with the end of another of the batch."""
        example = self.examples[i]
        others = batch[(self._widths[batch] == self._widths[i]) & (batch != i)]
        if not len(others) or rng.random() >= _SPLICED_PART:
            return example
        return splice(example, self.examples[int(rng.choice(others))], rng)

    def _learn(
        self,
        examples: Sequence[Example],
        width: int,
        workspace: Workspace,
        rng: np.random.Generator,
        *,
        aligned: bool,
    ) -> tuple[float, list[Array]]:
        """Return the summed loss of freshly warped examples, and the gradients."""
        n_columns = width // COLUMN_WIDTH
        images = np.empty((len(examples), self.network.height, width), np.float32)
        known = np.full((len(examples), n_columns), -1)
        for i, example in enumerate(examples):
            # Around its own center: around that of a wider captcha, it could leave its columns.
            warped, source = warp_image(example.image, self.schedule.warp, rng)
            missing = width - warped.shape[1]
            images[i] = np.pad(warped, ((0, 0), (0, missing)), mode="edge")
            if aligned:
                own_columns = self._known_columns(example, source)
                known[i, : len(own_columns)] = own_columns
        logits = self.network.forward(images, workspace, rng)
        logs = log_softmax(logits, axis=2)
        if aligned:
            losses, gradient = _column_loss(logs, known)
        else:
            own = np.array([e.image.shape[1] // COLUMN_WIDTH for e in examples])
            targets = np.full((len(examples), max(len(e.classes) for e in examples)), -1)
            for i, example in enumerate(examples):
                targets[i, : len(example.classes)] = example.classes
            losses, gradient = ctc_loss(logs, targets, own)
            losses[np.isinf(losses)] = 0  # there are too few columns for this label
        return float(losses.sum()), self.network.backward(gradient, workspace)

    def _known_columns(self, example: Example, source: Array) -> NDArray[np.intp]:
        """Return the class that each column of a warped image shows, -1 if undecided."""
        n_columns = len(source) // COLUMN_WIDTH
        if not len(example.centers):
            return np.full(n_columns, -1)
        # Characters that the warp moved out of the image are at an infinite distance.
        places = np.arange(len(source))
        centers = np.interp(example.centers, source, places, left=-np.inf, right=np.inf)
        columns = COLUMN_WIDTH * np.arange(n_columns) + (COLUMN_WIDTH - 1) / 2
        distances = np.abs(columns - centers[:, None])
        nearest, distance = distances.argmin(axis=0), distances.min(axis=0)
        pitch = self.schedule.pitch
        reach = max(_CHARACTER_REACH * pitch, COLUMN_WIDTH / 2)
        blank = np.where(distance > _BLANK_DISTANCE * pitch, self.network.n_classes, -1)
        return np.where(distance <= reach, example.classes[nearest], blank)


def _compare(example: Example, logits: Array) -> tuple[NDArray[np.float64] | None, float]:
    """Compare the label of a captcha with what a network reads.

    Returns the positions of the characters, or None if the network reads another text, and the
    logarithm of how many times as probable as the label this text is.
    """
    classes, columns = spell(logits)
    if np.array_equal(classes, example.classes):
        return COLUMN_WIDTH * columns + (COLUMN_WIDTH - 1) / 2, 0.0
    texts = [*map(list, (classes, example.classes))]
    longest = max(map(len, texts))
    targets = np.array([text + [-1] * (longest - len(text)) for text in texts])
    logs = log_softmax(logits, axis=1)
    losses, _ = ctc_loss(np.stack([logs, logs]), targets, np.full(2, len(logits)))
    # A label that is too long for the image has an infinite loss, but may be right.
    return None, float(losses[1] - losses[0]) if np.isfinite(losses[1]) else 0.0


def _balanced_pool(pseudo_labeled: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return the indices of all examples, those with a label of their own more often.

    Few of them among many with pseudo-labels could not correct what these get wrong.
    """
    n_pseudo = int(np.count_nonzero(pseudo_labeled))
    n_own = max(len(pseudo_labeled) - n_pseudo, 1)
    times = min(max(round(n_pseudo / n_own), 1), _MAX_TIMES)
    return np.repeat(np.arange(len(pseudo_labeled)), np.where(pseudo_labeled, 1, times))


def splice(first: Example, second: Example, rng: np.random.Generator) -> Example:
    """Return the beginning of one captcha joined to the end of another one.

    They are cut halfway between two characters, at the same number of characters if their labels
    are equally long. Without the positions of at least two characters in each, the first captcha
    is returned. So a network that learns from few captchas cannot learn their strings by heart.
    """
    n, m = len(first.centers), len(second.centers)
    if min(n, m) < 2:
        return first
    i = int(rng.integers(1, n))
    j = i if n == m else int(rng.integers(1, m))
    left, right = (
        round((example.centers[k - 1] + example.centers[k]) / 2)
        for example, k in ((first, i), (second, j))
    )
    image = np.concatenate([first.image[:, :left], second.image[:, right:]], axis=1)
    missing = -image.shape[1] % COLUMN_WIDTH
    return Example(
        np.pad(image, ((0, 0), (0, missing)), mode="edge"),
        np.concatenate([first.classes[:i], second.classes[j:]]),
        np.concatenate([first.centers[:i], second.centers[j:] + (left - right)]),
    )


def _column_loss(logs: Array, known: NDArray[np.intp]) -> tuple[NDArray[np.float64], Array]:
    """Return the cross-entropy (n,) of known columns (n, T), and its gradient.

    The sum over the known columns of a captcha is divided by the number of all its columns, and
    multiplied by eight, which makes it as steep as the loss of whole strings.
    """
    rows, columns = np.nonzero(known >= 0)
    own = rows, columns, known[rows, columns]
    weight = np.float32(8 / known.shape[1])
    losses = np.zeros(len(logs))
    np.add.at(losses, rows, -weight * logs[own])
    gradient = np.where((known >= 0)[:, :, None], np.exp(logs), np.float32(0))
    gradient[own] -= 1
    gradient *= weight
    return losses, gradient
