"""Fits of folders with ``skcaptcha fit DIR --budget S``."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from skcaptcha.datasets import (
    load_captchas,
    make_dot_captchas,
    make_line_captchas,
    write_captchas,
)
from skcaptcha.images import decode

from .rows import Row
from .timing import Spread

GENERATED = {"made_lines": make_line_captchas, "made_dots": make_dot_captchas}
FIELDS = ["folder", "n", "budget", "seconds", "processor_seconds", "load", "said_over", "code"]
_FITS = (("made_lines", 100, 20.0), ("amazon", 100, 20.0), ("amazon", 100, 60.0))


def budgets(data: Path, work: Path, repeat: int) -> Iterator[Row]:
    """Time a few fits against their budgets; budget.py times many."""
    for name, n, budget in _FITS:
        row = fit(name, n, budget, data, -1)
        if row is not None:
            fraction = Spread.of(np.array([float(row["seconds"]) / budget]))
            yield Row(
                "budget", f"{n} of {name}, {budget:g} s", fraction, "budgets", at_most=1.25,
                each=1e3 * float(row["seconds"]) / n,
            )  # fmt: skip


def fit(name: str, n: int, budget: float, data: Path | None, jobs: int) -> dict[str, str] | None:
    """Fit n captchas of a scheme in the folder `data`, or of one in `GENERATED`.

    Return a row with `FIELDS`, or None if there are fewer than n captchas.
    """
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "captchas"
        if name in GENERATED:
            images, labels = GENERATED[name](n, random_state=0)
        else:
            assert data is not None
            captchas = load_captchas(data / name / "train")
            if len(captchas.data) < n:
                return None
            chosen = np.random.default_rng(0).permutation(len(captchas.data))[:n]
            images = [decode(captchas.data[i]) for i in chosen]
            labels = [captchas.target[i] for i in chosen]
        write_captchas(folder, images, labels)
        command = [
            sys.executable, "-m", "skcaptcha", "fit", str(folder), "--budget", f"{budget:g}",
            "--out", str(Path(work) / "model.joblib"), "--jobs", str(jobs),
        ]  # fmt: skip
        begin, used = time.perf_counter(), _processor_seconds()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds, used = time.perf_counter() - begin, _processor_seconds() - used
    values = [
        name, n, budget, f"{seconds:.1f}", f"{used:.1f}", f"{os.getloadavg()[0]:.1f}",
        "yes" if "will be exceeded" in done.stderr else "no", done.returncode,
    ]  # fmt: skip
    return dict(zip(FIELDS, map(str, values), strict=True))


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
