"""One task: fit a model as a user would, by the command line, and score it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skcaptcha.exceptions import SkcaptchaError

from .results import Key, Result
from .schemes import Scheme, subset

ALL_CORES = -1
CURVE = (25, 50, 100, 200, 500)
_SOME_FAILED = 1
# Python dies of the signal itself if that comes amid some imports.
_INTERRUPTED = {130, -signal.SIGINT}
_SECONDS_TO_STOP = 10


@dataclass(frozen=True)
class Task:
    """A scheme, and how many of its captchas to fit to.

    Attributes
    ----------
    scheme : Scheme
    n : int
    seed : int or None
        Chooses the captchas; None if all are taken.
    """

    scheme: Scheme
    n: int
    seed: int | None

    @property
    def key(self) -> Key:
        """What tells the task from all others; its result has the same."""
        return self.scheme.name, self.n, self.seed

    @property
    def cost(self) -> float:
        """How long it may take, in proportion to others: starting takes time, too."""
        return self.n + 100

    def result(self, method: str, **figures: Any) -> Result:
        """Give the row for it."""
        name, n, seed = self.key
        n_all = self.scheme.n_train
        return Result(scheme=name, n=n, n_all=n_all, seed=seed, method=method, **figures)


@dataclass(frozen=True)
class Method:
    """How models are made.

    Attributes
    ----------
    recipe : Path or None
        The recipe to fit; None lets ``fit`` choose.
    budget : str or None
        What to give ``fit --budget``.
    jobs : int
        Processes.
    """

    recipe: Path | None
    budget: str | None
    jobs: int

    def __str__(self) -> str:
        """Name all that the accuracy depends on."""
        if self.recipe:
            return f"fit {self.recipe}"
        budget = f" --budget {self.budget}" if self.budget else ""
        # With fewer processes the race gets less far in its time.
        jobs = "" if self.jobs == ALL_CORES else f" --jobs {self.jobs}"
        return f"fit DIR{budget}{jobs}"

    def arguments(self, folder: Path) -> list[object]:
        """Give the arguments that fit a labeled folder."""
        what = ["fit", self.recipe, "--data", folder] if self.recipe else ["fit", folder]
        budget = ["--budget", self.budget] if self.budget else []
        return [*what, *budget, "--jobs", self.jobs]


def plan(schemes: Sequence[Scheme], curve: Iterable[Scheme], seed: int) -> list[Task]:
    """List the tasks: every scheme with all its captchas, then the curves' smaller numbers."""
    whole = [Task(scheme, scheme.n_train, None) for scheme in schemes]
    parts = [Task(scheme, n, seed) for scheme in curve for n in CURVE if n < scheme.n_train]
    return whole + parts


def run(task: Task, method: Method, work: Path) -> Result:
    """Fit and score; what goes wrong is in the result. Everything written is below `work`."""
    name, n, seed = task.key
    folder = work / name / (f"{n}" if seed is None else f"{n}-{seed}")
    try:
        if task.scheme.problem:
            raise SkcaptchaError(task.scheme.problem)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _alone_in(folder) as lock:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            return task.result(str(method), **_measure(task, method, folder, lock))
    except (SkcaptchaError, OSError) as error:
        return task.result(str(method), failed=" ".join(str(error).split()))


@contextmanager
def _alone_in(folder: Path) -> Iterator[int]:
    """Give the descriptor of a lock that commands which write to a folder hold as well.

    A command outlives a benchmark that was killed. Whoever holds the lock has its process group
    written in it, and is ended.
    """
    lock = os.open(folder.with_name(f"{folder.name}.lock"), os.O_RDWR | os.O_CREAT)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with suppress(ProcessLookupError, ValueError):
                os.killpg(int(os.pread(lock, 20, 0)), signal.SIGKILL)
            fcntl.flock(lock, fcntl.LOCK_EX)
        # A number that is no longer ours may be another's.
        os.ftruncate(lock, 0)
        yield lock
    finally:
        os.close(lock)


def _measure(task: Task, method: Method, folder: Path, lock: int) -> dict[str, Any]:
    train, model = task.scheme.train, folder / "model.joblib"
    if task.seed is not None:
        train = folder / "train"
        subset(task.scheme, task.n, task.seed, train)
    began = time.perf_counter()
    arguments: tuple[object, ...] = (*method.arguments(train), "--out", model)
    fitted = _command(*arguments, report=folder / "fit.json", lock=lock)
    fit_seconds = time.perf_counter() - began
    table = folder / "score.csv"
    arguments = ("score", task.scheme.dev, "--model", model, "--csv", table)
    scored = _command(*arguments, report=folder / "score.json", lock=lock)
    low, high = scored["string_accuracy_interval"]
    case_low, case_high = scored["string_accuracy_ignoring_case_interval"]
    shares = {
        "string_accuracy": scored["string_accuracy"],
        "low": low,
        "high": high,
        "ignoring_case": scored["string_accuracy_ignoring_case"],
        "ignoring_case_low": case_low,
        "ignoring_case_high": case_high,
        "character_accuracy": scored["character_accuracy"],
        "cv_string_accuracy": fitted["cv_string_accuracy"],
    }
    return {name: round(share, 6) for name, share in shares.items()} | {
        "n_dev": scored["n"],
        "images_per_second": round(scored["images_per_second"], 1),
        "fit_seconds": round(fit_seconds, 1),
        "recipe": fitted.get("chosen") or Path(fitted["recipe"]).stem,
    }


def _command(*arguments: object, report: Path, lock: int) -> dict[str, Any]:
    """Run a command of skcaptcha to its end and give what its ``--json`` wrote."""
    log = report.with_suffix(".log")
    command = [sys.executable, "-m", "skcaptcha", *map(str, arguments), "--json", str(report)]
    with log.open("wb") as said:
        # A session of its own: Ctrl-C comes to it from here, once, and reaches all its workers.
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            start_new_session=True,
            pass_fds=[lock],
        )
        os.pwrite(lock, f"{process.pid:<20}".encode(), 0)
        try:
            code = process.wait()
        except BaseException:
            _end(process)
            raise
        finally:
            os.ftruncate(lock, 0)
    if code in _INTERRUPTED:
        raise KeyboardInterrupt
    if code not in (0, _SOME_FAILED) or not report.exists():
        raise SkcaptchaError(f"{arguments[0]}: {_sentence(log, code)}")
    found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return found


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command that is not waited for any longer, and all its workers."""
    try:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(_SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _sentence(log: Path, code: int) -> str:
    """Find why a command failed in what it said."""
    if code < 0:
        return f"it was ended by {signal.Signals(-code).name}"
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("error:")] or lines
    return errors[-1].removeprefix("error:").strip() if errors else f"exit code {code}"
