"""Tasks: fit a model with the command line, as a user does, and score it."""

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
_SOME_FAILED = 1
# Python is killed by the signal itself if it arrives during some imports.
_INTERRUPTED = {130, -signal.SIGINT}
_SECONDS_TO_STOP = 10


@dataclass(frozen=True)
class Task:
    """A scheme, and the number of captchas to fit to.

    Attributes
    ----------
    scheme : Scheme
    n : int
    seed : int or None
        Random seed of the sample; None if all captchas are used.
    """

    scheme: Scheme
    n: int
    seed: int | None

    @property
    def key(self) -> Key:
        """Unique key of the task, which is also that of its result."""
        return self.scheme.name, self.n, self.seed

    @property
    def cost(self) -> float:
        """Estimated time in arbitrary units; it includes the start."""
        return self.n + 100

    def result(self, method: str, **figures: Any) -> Result:
        """Return the row of the task."""
        name, n, seed = self.key
        n_all = self.scheme.n_train
        return Result(scheme=name, n=n, n_all=n_all, seed=seed, method=method, **figures)


@dataclass(frozen=True)
class Method:
    """How models are fitted.

    Attributes
    ----------
    recipe : Path or None
        The recipe to fit; None lets ``fit`` choose.
    budget : str or None
        Value of ``fit --budget``.
    jobs : int
        Number of processes.
    """

    recipe: Path | None
    budget: str | None
    jobs: int

    def __str__(self) -> str:
        """Return the command, with all options that affect accuracy."""
        if self.recipe:
            return f"fit {self.recipe}"
        budget = f" --budget {self.budget}" if self.budget else ""
        # With fewer processes, fewer recipes are compared in the same time.
        jobs = "" if self.jobs == ALL_CORES else f" --jobs {self.jobs}"
        return f"fit DIR{budget}{jobs}"

    def arguments(self, folder: Path) -> list[object]:
        """Return the arguments that fit a labeled folder."""
        what = ["fit", self.recipe, "--data", folder] if self.recipe else ["fit", folder]
        budget = ["--budget", self.budget] if self.budget else []
        return [*what, *budget, "--jobs", self.jobs]


def plan(
    schemes: Sequence[Scheme], curve: Iterable[Scheme], sizes: Sequence[int], seed: int
) -> list[Task]:
    """Return the tasks: each scheme with all its captchas, then samples of the given sizes."""
    whole = [Task(scheme, scheme.n_train, None) for scheme in schemes]
    parts = [Task(scheme, n, seed) for scheme in curve for n in sizes if n < scheme.n_train]
    return whole + parts


def run(task: Task, method: Method, work: Path) -> Result:
    """Fit and score; errors are stored in the result. All files are written to `work`."""
    name, n, seed = task.key
    folder = work / name / (f"{n}" if seed is None else f"{n}-{seed}")
    try:
        if task.scheme.problem:
            raise SkcaptchaError(task.scheme.problem)
        with emptied(folder) as lock:
            train = task.scheme.train
            if task.seed is not None:
                train = folder / "train"
                subset(task.scheme, task.n, task.seed, train)
            figures = fit_and_score(method.arguments(train), task.scheme.dev, folder, lock)
            return task.result(str(method), **figures)
    except (SkcaptchaError, OSError) as error:
        return task.result(str(method), failed=" ".join(str(error).split()))


@contextmanager
def emptied(folder: Path) -> Iterator[int]:
    """Lock and empty a folder, and yield the descriptor of the lock, which children inherit.

    A command continues to run if the benchmark is killed. The lock file contains its process group,
    so that the next benchmark can end it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder.with_name(f"{folder.name}.lock"), os.O_RDWR | os.O_CREAT)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with suppress(ProcessLookupError, ValueError):
                os.killpg(int(os.pread(lock, 20, 0)), signal.SIGKILL)
            fcntl.flock(lock, fcntl.LOCK_EX)
        # The number may have been reused for another process.
        os.ftruncate(lock, 0)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        yield lock
    finally:
        os.close(lock)


def fit_and_score(
    arguments: Sequence[object], dev: Path, folder: Path, lock: int
) -> dict[str, Any]:
    """Fit with a command, score the model on a labeled folder, and return the figures."""
    model = folder / "model.joblib"
    began = time.perf_counter()
    fitted = _command(*arguments, "--out", model, report=folder / "fit.json", lock=lock)
    fit_seconds = time.perf_counter() - began
    table = folder / "score.csv"
    arguments = ("score", dev, "--model", model, "--csv", table)
    scored = _command(*arguments, report=folder / "score.json", lock=lock)
    low, high = scored["string_accuracy_interval"]
    case_low, case_high = scored["string_accuracy_ignoring_case_interval"]
    fractions = {
        "string_accuracy": scored["string_accuracy"],
        "low": low,
        "high": high,
        "ignoring_case": scored["string_accuracy_ignoring_case"],
        "ignoring_case_low": case_low,
        "ignoring_case_high": case_high,
        "character_accuracy": scored["character_accuracy"],
        "cv_string_accuracy": fitted["cv_string_accuracy"],
    }
    return {name: round(fraction, 6) for name, fraction in fractions.items()} | {
        "n_dev": scored["n"],
        "images_per_second": round(scored["images_per_second"], 1),
        "fit_seconds": round(fit_seconds, 1),
        "recipe": fitted.get("chosen") or Path(fitted["recipe"]).stem,
    }


def _command(*arguments: object, report: Path, lock: int) -> dict[str, Any]:
    """Run a command of skcaptcha and return the content of its ``--json`` file."""
    log = report.with_suffix(".log")
    command = [sys.executable, "-m", "skcaptcha", *map(str, arguments), "--json", str(report)]
    with log.open("wb") as said:
        # In its own session, the command and its workers get Ctrl-C once, from here.
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
    """End a command and all its workers."""
    try:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(_SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _sentence(log: Path, code: int) -> str:
    """Return the reason why a command failed, from its log."""
    if code < 0:
        return f"it was ended by {signal.Signals(-code).name}"
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("error:")] or lines
    return errors[-1].removeprefix("error:").strip() if errors else f"exit code {code}"
