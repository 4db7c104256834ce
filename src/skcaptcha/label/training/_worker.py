"""Training in a subprocess, so that the labeling page stays responsive."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Queue
from typing import Any

from skcaptcha.label._task import Guess
from skcaptcha.label.training._learner import Learner

_BATCH_SIZE = 32
# `python -m` would import this module a second time, with classes that do not unpickle here.
_PROGRAM = f"from {__name__} import serve; serve()"


@dataclass(frozen=True)
class TrainingJob:
    """Labels to train on, and the images to read afterward.

    Without labels, the latest model reads the images.

    Attributes
    ----------
    labels : mapping of str to str
        Labels by file name.
    sample : sequence of str
        Labeled images to read with models that were not trained on them.
    pool : sequence of str
        Unlabeled images to read.
    """

    labels: Mapping[str, str]
    sample: Sequence[str]
    pool: Sequence[str]


@dataclass(frozen=True)
class TrainingUpdate:
    """A partial result of a training job.

    Attributes
    ----------
    n_learned : int
        Number of training labels.
    name : str
        Name of the recipe; empty if training failed.
    guesses : mapping of str to Guess
        Readings of images of the pool.
    held_out : mapping of str to Guess, or None
        Readings of images of the sample.
    problem : str
        Reason why training failed; empty otherwise.
    done : bool
        Whether this is the last update of the job.
    """

    n_learned: int
    name: str = ""
    guesses: Mapping[str, Guess] = field(default_factory=dict)
    held_out: Mapping[str, Guess] | None = None
    problem: str = ""
    done: bool = False


def run_job(learner: Learner, job: TrainingJob) -> Iterator[TrainingUpdate]:
    """Train on the labels of a job, read its images, and yield each result."""
    n = len(job.labels)
    try:
        for _ in learner.learn(job.labels) if job.labels else [None]:
            for begin in range(0, len(job.pool), _BATCH_SIZE):
                guesses = learner.read(job.pool[begin : begin + _BATCH_SIZE])
                yield TrainingUpdate(n, learner.name, guesses=guesses)
            if job.labels:
                held_out = learner.read_held_out(job.sample)
                yield TrainingUpdate(n, learner.name, held_out=held_out)
    except Exception as error:  # no failure of the training may interrupt the labeling
        yield TrainingUpdate(n, problem=str(error), done=True)
        return
    yield TrainingUpdate(n, learner.name, done=True)


class Trainer:
    """Runs training jobs, each inside the call of `begin`; the callback gets all updates."""

    def __init__(self, learner: Learner, callback: Callable[[TrainingUpdate], object]) -> None:
        self._learner = learner
        self._callback = callback

    def begin(self, job: TrainingJob) -> None:
        """Run a job."""
        for update in run_job(self._learner, job):
            self._callback(update)

    def close(self) -> None:
        """Stop training."""


class SubprocessTrainer(Trainer):
    """Runs jobs in a subprocess that ends when this process ends, even if it is killed.

    A thread calls the callback.
    """

    def __init__(self, learner: Learner, callback: Callable[[TrainingUpdate], object]) -> None:
        super().__init__(learner, callback)
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None

    def begin(self, job: TrainingJob) -> None:
        """Start a job; the previous one must be done."""
        if self._process is None or self._process.poll() is not None:
            try:
                self._start()
            except OSError as error:
                problem = f"the training process cannot be started ({error})"
                self._callback(TrainingUpdate(0, problem=problem, done=True))
                return
        self._send(job)

    def close(self) -> None:
        """Kill the process, even while it trains."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _start(self) -> None:
        # Not a fork, which would keep the files open, and with them the lock of the folder, and
        # would copy locks of other threads in an arbitrary state.
        process = subprocess.Popen(  # noqa: S603 - no argument comes from outside
            # Without -P, it would also import modules from the current folder, such as a file
            # json.py next to the captchas.
            [sys.executable, "-P", "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(entry or os.getcwd() for entry in sys.path),
            },
            # Ctrl-C is for the parent process, which ends this one.
            start_new_session=True,
        )
        self._process = process
        self._thread = threading.Thread(target=self._listen, args=(process,), daemon=True)
        self._thread.start()
        self._send(self._learner)

    def _send(self, message: Any) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        # If the process has just ended, the thread reports it.
        with suppress(OSError):
            pickle.dump(message, self._process.stdin)
            self._process.stdin.flush()

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        with process.stdout, process.stdin:
            while True:
                try:
                    update = pickle.load(process.stdout)  # noqa: S301 - from our own process
                except (EOFError, OSError, pickle.UnpicklingError):
                    break
                self._callback(update)
        process.wait()
        if process is self._process:
            problem = "the training process ended unexpectedly; the next labels start it again"
            self._callback(TrainingUpdate(0, problem=problem, done=True))


def serve() -> None:
    """Run the jobs that arrive on standard input, until it is closed."""
    # Output of libraries must not end up between the pickled updates.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with suppress(AttributeError, OSError):
        os.nice(10)  # type: ignore[attr-defined,unused-ignore]
    arrived: Queue[Any] = Queue()

    def listen() -> None:
        with suppress(EOFError, OSError):
            while True:
                arrived.put(pickle.load(sys.stdin.buffer))  # noqa: S301 - from our own process
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    learner = arrived.get()
    while True:
        job = arrived.get()
        for update in run_job(learner, job):
            pickle.dump(update, out)
            out.flush()
