"""Deciding when to train, and keeping the latest results."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace

from skcaptcha.label._estimate import estimate_accuracy, random_sample
from skcaptcha.label._store import LabelStore, State
from skcaptcha.label._task import Estimate, Guess
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
        self._held_out: Mapping[str, str] = {}
        self._held_out_labels: Mapping[str, str] = {}  # training labels of those models
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
        labels = {name: label for name in self._order if (label := known.get(name))}
        pool = [name for name in self._order if self._store.state(name) == State()]
        n_new = max(_MIN_NEW_LABELS, self._growth * self._n_at_last_job) if pool else 1
        if len(labels) < MIN_LABELS or len(labels) < self._n_at_last_job + n_new:
            return
        self._n_at_last_job = len(labels)
        n_pool = int(_POOL + _POOL_PER_LABEL * len(labels))
        beyond = _BEYOND + int(_BEYOND_PER_LABEL * len(labels))
        sample = random_sample(self._order, self._store.state, beyond=beyond)
        self._job = TrainingJob(labels, sample, pool[:n_pool])
        self.trainer.begin(self._job)

    def estimate(self) -> Estimate | None:
        """Estimate the accuracy of a model fitted to the labels so far; None if unknown."""
        if not self._held_out:
            return None
        sample = random_sample(self._order, self._store.state)
        # For images labeled since the last job, the guess before the label counts. Older guesses
        # came from models with fewer labels.
        newer = {k: v for k, v in self._store.guesses.items() if k not in self._held_out_labels}
        return estimate_accuracy(sample, self._store.folded_labels(), {**newer, **self._held_out})

    def status(self) -> str:
        """Describe what the training is doing."""
        if self._job is not None:
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
            if update.problem:
                self._update = replace(self._update, problem=update.problem)
            else:
                self._update = update
            self.guesses |= update.guesses
            if update.held_out is not None and self._job is not None:
                self._held_out = update.held_out
                self._held_out_labels = self._job.labels
            if update.done:
                self._job = None
                self.start_if_due()
