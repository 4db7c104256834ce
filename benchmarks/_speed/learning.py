"""Times of features, kernels, search and fit."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage.feature import hog
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC
from sklearn.utils import Bunch

from skcaptcha import Segments, load_recipe
from skcaptcha.datasets import load_captchas, make_line_captchas
from skcaptcha.denoise import Binarizer
from skcaptcha.features import HOG
from skcaptcha.images import ImageDecoder
from skcaptcha.read.inference._support_vector_machine import FastSVC
from skcaptcha.segment import EqualSplit

from .rows import Row, faster
from .timing import Spread, in_turn, seconds

_CROPS, _CROPS_OF_SKIMAGE = 1000, 50
_SIDE = 20
_FITTED = (100, 300, 1000, 3000)


def gradients(data: Path, work: Path, repeat: int) -> Iterator[Row]:
    """Compare the time of HOG with scikit-image."""
    crops = np.random.default_rng(0).integers(0, 256, (_CROPS, _SIDE, _SIDE), dtype=np.uint8)
    boxes = np.tile([0, 0, _SIDE, _SIDE], (_CROPS, 1))
    segments = Segments(boxes, np.arange(_CROPS + 1), images=list(crops))
    ours = HOG(9).fit(segments)
    options = {
        "orientations": 9, "pixels_per_cell": (4, 4), "cells_per_block": (2, 2),
        "block_norm": "L2-Hys",
    }  # fmt: skip
    few = crops[:_CROPS_OF_SKIMAGE]
    theirs = np.array([hog(crop, **options) for crop in few])
    difference = np.abs(ours.transform(segments).values[: len(few)] - theirs).max()
    own, skimage = in_turn(
        partial(seconds, partial(ours.transform, segments)),
        partial(seconds, lambda: [hog(crop, **options) for crop in few]),
        repeat=repeat,
    )
    name = f"{_SIDE} x {_SIDE} pixels"
    yield faster("HOG", name, "scikit-image", own / _CROPS, skimage / len(few), n=1, at_least=None)
    yield Row("HOG", name, Spread.of(1e6 * own / _CROPS), "us each", at_most=10)
    yield Row(
        "HOG", name, Spread.of(np.array([difference])), "largest difference", "scikit-image",
        at_most=1e-6,
    )  # fmt: skip


def kernels(data: Path, work: Path, repeat: int) -> Iterator[Row]:
    """Compare the time of our RBF kernel with libsvm, on characters of every scheme."""
    for folder in sorted(path for path in data.iterdir() if (path / "train").is_dir()):
        train, dev = (load_captchas(folder / part) for part in ("train", "dev"))
        known, characters = _characters(train)
        machine = SVC(C=10).fit(known, characters)
        unseen, _ = _characters(dev)
        every = np.concatenate([unseen, known])
        yield from _machine(folder.name, machine, every, max(3, repeat // 2))


def _characters(captchas: Bunch) -> tuple[NDArray[np.float32], list[str]]:
    """Cut each captcha into equal parts, one per character; return their HOG and characters."""
    values, characters = [], []
    lengths = np.array([len(label) for label in captchas.target])
    for length in np.unique(lengths):
        chosen = np.flatnonzero(lengths == length)
        steps = make_pipeline(
            ImageDecoder(gray=True),
            Binarizer(ink="auto"),
            EqualSplit(length, shape=(20, 20)),
            HOG(9),
        )
        values.append(steps.fit_transform([captchas.data[i] for i in chosen]).values)
        characters += "".join(captchas.target[i] for i in chosen)
    return np.concatenate(values), characters


def _machine(name: str, machine: SVC, values: NDArray[np.float32], repeat: int) -> Iterator[Row]:
    fast = FastSVC(machine)
    own, libsvm = in_turn(
        partial(seconds, partial(fast.predict, values)),
        partial(seconds, partial(machine.predict, values)),
        repeat=repeat,
    )
    yield faster("SVC", name, "libsvm", own, libsvm, n=len(values), at_least=5)
    other = float(np.mean(fast.predict(values) != machine.predict(values)))
    unit = "proportion of different labels"
    yield Row("SVC", name, Spread.of(np.array([other])), unit, "libsvm", at_most=0)


def search(data: Path, work: Path, repeat: int) -> Iterator[Row]:
    """Compare the time of the search over the default grid with GridSearchCV."""
    recipe = load_recipe("grid")
    train = load_captchas(data / "lines" / "train")
    shared = recipe.search(n_jobs=1).set_params(refit=False)
    plain = GridSearchCV(
        recipe.pipeline(), recipe.grid, cv=KFold(5, shuffle=True, random_state=0), n_jobs=1,
        refit=False,
    )  # fmt: skip
    with warnings.catch_warnings(action="ignore"):
        own, other = in_turn(
            partial(seconds, partial(shared.fit, train.data, train.target)),
            partial(seconds, partial(plain.fit, train.data, train.target)),
            repeat=max(1, repeat // 3), warm_up=0,
        )  # fmt: skip
    n = len(shared.cv_results_["params"])
    yield faster(
        "search", f"{n} candidates", "GridSearchCV", own, other, n=n * shared.n_splits_, at_least=8
    )
    same = (
        shared.cv_results_["mean_test_score"] == plain.cv_results_["mean_test_score"]
    ).all() and shared.best_params_ == plain.best_params_
    yield Row(
        "search", f"{n} candidates", Spread.of(np.array([float(same)])),
        "1: same scores and best parameters", "GridSearchCV", at_least=1,
    )  # fmt: skip


def fits(data: Path, work: Path, repeat: int) -> Iterator[Row]:
    """Time fits to increasing numbers of captchas, and one fit of a sequence reader."""
    for name in ("grid", "components"):
        recipe = load_recipe(name)
        images, labels = make_line_captchas(max(_FITTED), random_state=0)
        taken = [
            float(
                np.median(
                    in_turn(
                        partial(seconds, partial(recipe.pipeline().fit, images[:n], labels[:n])),
                        repeat=3,
                    )[0]
                )
            )
            for n in _FITTED
        ]
        growth = [n * np.log(n) for n in _FITTED]
        for k, n in enumerate(_FITTED):
            relative = (taken[k] / taken[0]) / (growth[k] / growth[0])
            yield Row(
                "fit", f"{name}.yaml, {n} captchas", Spread.of(np.array([relative])),
                "times n log n", f"{_FITTED[0]} captchas", 1e3 * taken[k],
                at_most=1.0 if k else None, size=n,
            )  # fmt: skip
    recipe = load_recipe("sequence")
    train = load_captchas(data / "captcha_v2" / "train")
    taken = [seconds(partial(recipe.final_pipeline().fit, train.data, train.target))]
    yield Row(
        "fit", f"sequence.yaml, {len(train.data)} of captcha_v2",
        Spread.of(np.array(taken)), "seconds", at_most=240,
    )  # fmt: skip
