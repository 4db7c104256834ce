"""Times of predictions from image files: batches, single images, and many images."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import cv2
import joblib
import numpy as np

from skcaptcha import load_recipe
from skcaptcha.datasets import load_captchas
from skcaptcha.images import ImageDecoder
from skcaptcha.persistence import save
from skcaptcha.read import read_captchas

from .peer import Peer
from .rows import Row, faster, ratio
from .timing import Spread, in_turn, seconds

BATCH = 2000
_PEER_IMAGES = {"opencv_knearest": 2000, "ddddocr_unchanged": 60, "tesseract_unchanged": 20}
_CALLS = 300
_MANY = (2_000, 20_000, 200_000)
_ALONE = {**os.environ, "OPENCV_FOR_THREADS_NUM": "1"}


@dataclass(frozen=True)
class Case:
    """A scheme, the recipe that reads it, and the target."""

    scheme: str
    recipe: str
    times_decoding: float
    times_ddddocr: float | None
    settings: tuple[tuple[str, Any], ...] = ()


CASES = (
    Case(
        "lines", "grid", 1.9, 200.0,
        (("denoise__binarize__threshold", 127), ("read__estimator__n_neighbors", 1)),
    ),
    Case("really_simple", "components", 4.0, None),
    Case("amazon", "sequence", 40.0, 10.0),
    Case("captcha_v2", "sequence", 40.0, 10.0, (("denoise__rescale__pitch", 24),)),
    Case("amazon", "convolutional", 60.0, 3.0),
    Case("captcha_v2", "convolutional", 60.0, 3.0),
)  # fmt: skip


def model_of(case: Case, data: Path, work: Path) -> Path:
    """Fit the recipe of the case, unless its model exists."""
    path = work / f"{case.scheme}-{case.recipe}.joblib"
    if not path.exists():
        recipe = load_recipe(case.recipe)
        train = load_captchas(data / case.scheme / "train")
        # The search takes longer than all measurements.
        model = recipe.final_pipeline().set_params(**dict(case.settings))
        with joblib.parallel_config(n_jobs=-1):
            save(model.fit(train.data, train.target), path)
    return path


def files_of(case: Case, data: Path, n: int) -> list[str]:
    """Return n paths of test images, with repetitions."""
    files = load_captchas(data / case.scheme / "dev").data
    return [str(path) for path in islice(cycle(files), n)]


def batches(data: Path, work: Path, repeat: int, peers: dict[str, str]) -> Iterator[Row]:
    """Compare prediction from files with decoding alone and with other programs."""
    for case in CASES:
        model = joblib.load(model_of(case, data, work))
        files = files_of(case, data, BATCH)
        name = f"{case.scheme}, {case.recipe}.yaml"
        decoding = partial(seconds, partial(_read_all, files))
        predicting = partial(seconds, partial(model.predict, files))
        sure = partial(seconds, partial(read_captchas, model, files))
        own, alone, with_confidences = in_turn(predicting, decoding, sure, repeat=repeat)
        yield ratio("predict", name, "cv2.imread", own, alone, n=BATCH, at_most=case.times_decoding)
        yield ratio("read", name, "predict", with_confidences, own, n=BATCH, at_most=1.5)
        for script, python in peers.items():
            if script == "opencv_knearest" and case.scheme != "lines":
                continue
            few = [Path(file) for file in files[: _PEER_IMAGES[script]]]
            train = [data / case.scheme / "train"] if script == "opencv_knearest" else []
            with Peer(python, script, few, work, *train) as peer:
                theirs, own = in_turn(peer.seconds, predicting, repeat=max(3, repeat // 2))
            aim = case.times_ddddocr if script.startswith("ddddocr") else None
            yield faster(
                "predict", name, script.replace("_", " "), own / BATCH, theirs / len(few), n=1,
                at_least=aim,
            )  # fmt: skip


def _read_all(files: list[str]) -> None:
    for file in files:
        cv2.imread(file)


def single(data: Path, work: Path, repeat: int) -> Iterator[Row]:
    """Time predictions of single images, without decoding."""
    for case in CASES:
        if case.recipe in {"sequence", "convolutional"}:
            continue
        model = joblib.load(model_of(case, data, work))
        decoder = ImageDecoder(gray=model[0].gray)
        files = files_of(case, data, _CALLS)

        def calls(do: Callable[[list[str]], Any], files: list[str] = files) -> float:
            return float(np.median([seconds(partial(do, [file])) for file in files]))

        own, alone = in_turn(
            partial(calls, model.predict), partial(calls, decoder.transform), repeat=repeat
        )
        beyond = Spread.of(1e3 * (own - alone))
        yield Row(
            "one image", f"{case.scheme}, {case.recipe}.yaml", beyond, "ms beyond decoding",
            at_most=1.0, each=1e3 * float(np.median(own)),
        )  # fmt: skip


def many(data: Path, work: Path, repeat: int) -> Iterator[Row]:
    """Measure the memory and time of the command for many files."""
    case = CASES[0]
    model = model_of(case, data, work)
    least = _predict(model, files_of(case, data, 1), work)[1]
    seconds_each = {}
    for n in _MANY:
        # Long runs vary less and need fewer repetitions.
        runs = [_predict(model, files_of(case, data, n), work) for _ in range(_MANY[-1] // n)]
        runs = runs[:repeat]
        seconds_each[n] = np.array([seconds / n for seconds, _ in runs])
        above = (np.array([peak for _, peak in runs]) - least) / 1024
        yield Row("memory", f"{n:,} images", Spread.of(above), "MiB above one image", at_most=250)
    few = float(np.median(seconds_each[_MANY[0]]))
    for n in _MANY[1:]:
        yield Row(
            "memory", f"{n:,} images", Spread.of(seconds_each[n] / few), "times as long for each",
            f"{_MANY[0]:,} images", 1e3 * float(np.median(seconds_each[n])), at_most=1.1,
        )  # fmt: skip
    for case, most in ((CASES[0], 1.0), (CASES[3], 30.0), (CASES[-1], 5.0)):
        size = Spread.of(np.array([model_of(case, data, work).stat().st_size / 2**20]))
        name = f"model of {case.scheme}, {case.recipe}.yaml"
        yield Row("memory", name, size, "MiB", at_most=most)


def _predict(model: Path, files: list[str], work: Path) -> tuple[float, float]:
    """Run ``predict``; return its reading time in seconds and its peak memory in KiB."""
    names, table = work / "names.txt", work / "read.csv"
    names.write_text("".join(f"{file}\n" for file in files))
    arguments = ["predict", "-", "--model", str(model), "--csv", str(table)]
    command = [sys.executable, "-m", "skcaptcha", *arguments]
    with names.open() as stdin:
        process = subprocess.Popen(
            command, stdin=stdin, stderr=subprocess.PIPE, env=_ALONE, text=True
        )
        peak = 0.0
        while process.poll() is None:
            # The final figure of the kernel includes the size of the parent process.
            status = Path(f"/proc/{process.pid}/status").read_text()
            found = re.search(r"VmHWM:\s+(\d+)", status)
            peak = float(found[1]) if found else peak
            time.sleep(0.005)
        _, said = process.communicate()
    taken = re.search(r"read in ([\d.]+) s", said)
    if process.returncode or taken is None:
        raise subprocess.CalledProcessError(process.returncode, command, stderr=said)
    return float(taken[1]), peak
