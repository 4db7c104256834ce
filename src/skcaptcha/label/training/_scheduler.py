"""Deciding when to train, and keeping the latest results."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace

from skcaptcha.label._acceptance import find_acceptance
from skcaptcha.label._estimate import estimate_accuracy, random_sample
from skcaptcha.label._store import LabelStore, State
from skcaptcha.label._task import Acceptance, Estimate, Guess
from skcaptcha.label.training._learner import MIN_LABELS, Learner
from skcaptcha.label.training._worker import (
    SubprocessTrainer,
    Trainer,
    TrainingJob,
    TrainingUpdate,
)

_MIN_NEW_LABELS = 5
# Number of unlabeled images that each model reads: enough until the next model is fitted.
_POOL, _POOL_PER_LABEL = 300, 0.5
# Number of unlabeled images at the end of the order that are read at a time, to be accepted, and
# of those among them that are sure and not yet accepted.
_LAST, _SURE = 200, 60
# At this accuracy, it is more useful to find out how sure the model is than to teach it.
_ACCURATE = 0.95
# Number of labeled images beyond the random sample that may join it before the next fit.
_BEYOND, _BEYOND_PER_LABEL = 5, 0.1


class TrainingScheduler:
    """Trains a model whenever there are enough new labels.

    Parameters
    ----------
    store : LabelStore
        Labels of the folder.
    order : sequence of str
        All images in random order.
    growth : float
        A model is fitted again when the number of labels has grown by this fraction, and by at
        least five.
    lock : lock
        Lock of the session, held while the results change.
    learner : Learner
        Fits the models.
    inline : bool
        Whether to train inside the call that adds a label, instead of in a subprocess.

    Attributes
    ----------
    guesses : dict of str to Guess
        Latest readings of unlabeled images.
    trainer : Trainer
        Runs the jobs.
    """

    def __init__(
        self,
        store: LabelStore,
        order: Sequence[str],
        growth: float,
        lock: threading.RLock,
        *,
        learner: Learner,
        inline: bool,
    ) -> None:
        self._store = store
        self._order = order
        self._growth = growth
        self._lock = lock
        self.guesses: dict[str, Guess] = {}
        self._current: dict[str, Guess] = {}  # readings of the model of _held_out
        self._asked: set[str] = set()  # images that it was asked to read; some cannot be decoded
        self._next: dict[str, Guess] = {}  # readings of the model after it
        self._held_out: Mapping[str, Guess] = {}
        self._held_out_labels: Mapping[str, str] = {}  # training labels of those models
        self._sample: list[str] = []
        self._sample_of: tuple[Mapping[str, str], int] | None = None
        self._update = TrainingUpdate(0)
        self._job: TrainingJob | None = None
        self._n_at_last_job = 0
        self._closed = False
        self.trainer = (Trainer if inline else SubprocessTrainer)(learner, self._receive)

    @property
    def n_learned(self) -> int:
        """Number of labels that the latest model was trained on."""
        return self._update.n_learned

    def start_if_due(self) -> None:
        """Start a job if no job is running and there are enough new labels."""
        if self._job is not None or self._closed:
            return
        known = self._store.folded_labels()
        # A reading that was accepted tells what its model already knew. If such labels taught, the
        # models for held-out images would also learn from a model that knows these images.
        labels = {
            name: label
            for name in self._order
            if (label := known.get(name)) and not self._store.state(name).accepted
        }
        pool = [name for name in self._order if self._store.state(name) == State()]
        n_new = max(_MIN_NEW_LABELS, self._growth * self._n_at_last_job) if pool else 1
        if len(labels) < MIN_LABELS or len(labels) < self._n_at_last_job + n_new:
            self._read_more(pool)
            return
        self._n_at_last_job = len(labels)
        n_pool = int(_POOL + _POOL_PER_LABEL * len(labels))
        beyond = _BEYOND + int(_BEYOND_PER_LABEL * len(labels))
        sample = random_sample(self._order, self._store.state, beyond=beyond)
        self._begin(TrainingJob(labels, sample, [*pool[:n_pool], *pool[n_pool:][-_LAST:]]))

    def _read_more(self, pool: Sequence[str]) -> None:
        """Read more images from the end of the order if few are left that can be accepted."""
        unread = [name for name in pool if name not in self._asked]
        acceptance = None if self._update.problem else self.acceptance()
        if unread and acceptance and acceptance.threshold is not None and len(self.sure()) < _SURE:
            self._asked.update(unread[-_LAST:])
            self._begin(TrainingJob({}, (), unread[-_LAST:]))

    def _begin(self, job: TrainingJob) -> None:
        self._job = job
        self.trainer.begin(job)

    def estimate(self) -> Estimate | None:
        """Estimate the accuracy of a model fitted to the labels so far; None if unknown."""
        if not self._held_out:
            return None
        sample = self._random_sample()
        # For images labeled since the last job, the guess before the label counts. Older guesses
        # came from models with fewer labels.
        newer = {k: v for k, v in self._store.guesses.items() if k not in self._held_out_labels}
        held_out = {name: guess.text for name, guess in self._held_out.items()}
        return estimate_accuracy(sample, self._store.folded_labels(), {**newer, **held_out})

    @property
    def is_accurate(self) -> bool:
        """Whether the model reads so much that uncertain images are not worth choosing."""
        estimate = self.estimate()
        return estimate is not None and estimate.accuracy >= _ACCURATE

    def acceptance(self) -> Acceptance | None:
        """Return whether readings may be accepted a page at a time; None if unknown."""
        if not self._held_out:
            return None
        labels = self._store.folded_labels()
        known = [
            (self._held_out[name], labels[name])
            for name in self._random_sample()
            if name in self._held_out
        ]
        return find_acceptance([(guess.confidence, guess.text == label) for guess, label in known])

    def sure(self, taken: Set[str] = frozenset()) -> dict[str, Guess]:
        """Return the readings that may be accepted by file name, from the end of the order.

        `guesses` may already contain readings of the next model, for which the confidence from
        which on they may be accepted is not known yet.
        """
        acceptance = self.acceptance()
        if acceptance is None or acceptance.threshold is None or not self._current:
            return {}
        return {
            name: guess
            for name in reversed(self._order)
            if name not in taken
            and (guess := self._current.get(name)) is not None
            and guess.text
            and not guess.unfamiliar
            and guess.confidence >= acceptance.threshold
            and self._store.state(name) == State()
        }

    def _random_sample(self) -> list[str]:
        """Return the sample; it is selected again only if the store has changed."""
        labels, n_records = self._store.labels, self._store.n_records
        known = self._sample_of
        if known is None or known[0] is not labels or known[1] != n_records:
            self._sample = random_sample(self._order, self._store.state)
            self._sample_of = labels, n_records
        return self._sample

    def status(self) -> str:
        """Describe what the training is doing."""
        if self._job is not None and self._job.labels:
            n = len(self._job.labels)
            if self._update.n_learned == n:
                return f"fitted to {n} labels; looking for a better recipe"
            return f"learning from {n} labels"
        if self._update.problem:
            return f"could not be fitted to {self._n_at_last_job} labels: {self._update.problem}"
        if self._update.name:
            return f"fitted to {self._update.n_learned} labels ({self._update.name})"
        return f"starts at {MIN_LABELS} labels"

    def close(self) -> None:
        """Stop training; the lock must not be held, because the last update may wait for it."""
        with self._lock:
            self._closed = True
        self.trainer.close()

    def _receive(self, update: TrainingUpdate) -> None:
        with self._lock:
            if self._closed:
                return
            learns = self._job is not None and bool(self._job.labels)
            if update.problem:
                self._update = replace(self._update, problem=update.problem)
                self._next = {}
            elif learns:
                self._update = update
            self.guesses |= update.guesses
            (self._next if learns else self._current).update(update.guesses)
            if update.held_out is not None and self._job is not None:
                self._held_out = update.held_out
                self._held_out_labels = self._job.labels
                self._current, self._next = self._next, {}
                self._asked = set(self._job.pool)
            if update.done:
                self._job = None
                self.start_if_due()
