"""Training while somebody labels: in another process, so that the page answers at once."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import Any, Protocol

from skcaptcha.label._learner import Learner
from skcaptcha.label._task import Guess
from skcaptcha.recipes import Recipe

_AT_ONCE = 32  # images read before the page is told
# Not `python -m`, which would load this module twice, with other classes than the other side has.
_PROGRAM = f"from {__name__} import serve; serve()"


@dataclass(frozen=True)
class Lesson:
    """What to learn from, and what to read then.

    Attributes
    ----------
    labels : mapping of str to str
        By file name.
    sample : sequence of str
        Labeled images to read with models that have not learned from them.
    pool : sequence of str
        Images to read that are not labeled.
    """

    labels: Mapping[str, str]
    sample: Sequence[str]
    pool: Sequence[str]


@dataclass(frozen=True)
class News:
    """What came of a lesson so far.

    Attributes
    ----------
    n_learned : int
        From how many labels.
    name : str
        Of the recipe; empty if nothing could be learned.
    guesses : mapping of str to Guess
        Of images of the pool.
    held_out : mapping of str to str
        Readings of images of the sample.
    problem : str
        Why nothing could be learned.
    done : bool
        Whether this is the last news of the lesson.
    """

    n_learned: int
    name: str = ""
    guesses: Mapping[str, Guess] | None = None
    held_out: Mapping[str, str] | None = None
    problem: str = ""
    done: bool = False


class Training(Protocol):
    """Something that takes lessons, one at a time."""

    def begin(self, lesson: Lesson) -> None:
        """Take a lesson; news of it go to whom the training was made for."""

    def close(self) -> None:
        """End."""


def take_lesson(learner: Learner, lesson: Lesson) -> Iterator[News]:
    """Learn, then read.

    Parameters
    ----------
    learner : Learner
    lesson : Lesson

    Yields
    ------
    news : News
    """
    n = len(lesson.labels)
    try:
        for _ in learner.learn(lesson.labels):
            for begin in range(0, len(lesson.pool), _AT_ONCE):
                guesses = learner.read(lesson.pool[begin : begin + _AT_ONCE])
                yield News(n, learner.name, guesses=guesses)
            held_out = learner.read_held_out(lesson.sample)
            yield News(n, learner.name, held_out=held_out)
    except Exception as error:  # whatever it is, it must not keep anybody from labeling
        yield News(n, problem=str(error), done=True)
        return
    yield News(n, learner.name, done=True)


class TrainingHere:
    """Takes each lesson at once, in the call that begins it.

    Parameters
    ----------
    learner : Learner
    tell : callable
        Is given the news.
    """

    def __init__(self, learner: Learner, tell: Callable[[News], object]) -> None:
        self._learner = learner
        self._tell = tell

    def begin(self, lesson: Lesson) -> None:
        """Take a lesson."""
        for news in take_lesson(self._learner, lesson):
            self._tell(news)

    def close(self) -> None:
        """Do nothing."""


class TrainingAside:
    """Takes lessons in a process of its own, which ends when this one does, however it ends.

    Parameters
    ----------
    folder : Path
        Where the images are.
    recipe : Recipe or None
        As `Learner` takes it.
    tell : callable
        Is given the news, in a thread.
    """

    def __init__(self, folder: Path, recipe: Recipe | None, tell: Callable[[News], object]) -> None:
        self._folder = folder
        self._recipe = recipe
        self._tell = tell
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None

    def begin(self, lesson: Lesson) -> None:
        """Take a lesson; the one before must be done."""
        if self._process is None or self._process.poll() is not None:
            try:
                self._start()
            except OSError as error:
                self._tell(News(0, problem=f"no process can be started ({error})", done=True))
                return
        self._send(lesson)

    def close(self) -> None:
        """End the process, in the midst of a lesson too."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _start(self) -> None:
        # A fresh interpreter: a copy of this process would keep its files open, and with them the
        # lock of the folder, and its threads' locks in whatever state they are.
        process = subprocess.Popen(  # noqa: S603 - nothing in it is from outside
            # It finds modules where this process does. Without -P also where it was started, and
            # would run a file json.py among the captchas there.
            [sys.executable, "-P", "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(entry or os.getcwd() for entry in sys.path),
            },
            # Ctrl-C is for the process that was started by hand, which ends this one.
            start_new_session=True,
        )
        self._process = process
        self._thread = threading.Thread(target=self._listen, args=(process,), daemon=True)
        self._thread.start()
        self._send((self._folder, self._recipe))

    def _send(self, message: Any) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        # If the process has just ended, its end is told by the thread.
        with suppress(OSError):
            pickle.dump(message, self._process.stdin)
            self._process.stdin.flush()

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        with process.stdout, process.stdin:
            while True:
                try:
                    news = pickle.load(process.stdout)  # noqa: S301 - from our own process
                except (EOFError, OSError, pickle.UnpicklingError):
                    break
                self._tell(news)
        process.wait()
        if process is self._process:
            self._tell(News(0, problem="its process ended; it is begun anew later", done=True))


def serve() -> None:
    """Take the lessons that come on the standard input, until it ends."""
    # What libraries print must not come between the news.
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
    learner = Learner(*arrived.get())
    while True:
        lesson = arrived.get()
        for news in take_lesson(learner, lesson):
            pickle.dump(news, out)
            out.flush()
