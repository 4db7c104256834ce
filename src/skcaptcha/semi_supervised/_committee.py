"""A committee of models, each fitted without other labeled captchas, and what it agrees on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from skcaptcha._process.one_thread import one_thread
from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.images._process_each import process_decoded
from skcaptcha.read import CharacterReader, ConvolutionalReader, Reading
from skcaptcha.semi_supervised._views import warped_view

N_MEMBERS = 2
# Some classifiers of characters only return probabilities of 0 and 1 unless they are calibrated.
_CALIBRATION_FOLDS = 3
_MAX_SEED = np.iinfo(np.int32).max


@dataclass(frozen=True)
class Agreement:
    """What a committee reads on images.

    Attributes
    ----------
    texts : ndarray of shape (n,), dtype str
        The text that most readings have; empty if nothing was read.
    probabilities : ndarray of shape (n,), in 0..1
        Mean confidence of all readings, those with other texts counted as 0: the probability that
        the text is right.
    """

    texts: NDArray[np.str_]
    probabilities: NDArray[np.float64]


def members_of(estimator: Pipeline, rng: np.random.RandomState) -> list[Pipeline]:
    """Return unfitted copies of a pipeline with different seeds, of one network each.

    Networks learn from all captchas that they are given: the committee holds out its own.
    """
    members = []
    for _ in range(N_MEMBERS):
        member = clone(estimator)
        reader = getattr(member[-1], "reader", member[-1])  # that of Evaluate
        names = reader.get_params(deep=False)
        if "random_state" in names:
            reader.set_params(random_state=rng.randint(_MAX_SEED))
        if isinstance(reader, ConvolutionalReader):
            budget = None if reader.budget is None else reader.budget / reader.n_estimators
            reader.set_params(budget=budget, validation_fraction=0.0)
        if "n_estimators" in names:
            reader.set_params(n_estimators=1)
        if isinstance(reader, CharacterReader) and reader.calibration_cv is None:
            reader.set_params(calibration_cv=_CALIBRATION_FOLDS)
        members.append(member)
    return members


@one_thread()
def agree(
    members: Sequence[Pipeline],
    images: Sequence[NDArray[np.uint8]],
    n_views: int,
    rng: np.random.RandomState,
    *,
    least: float = 0.0,
) -> Agreement:
    """Read images, and ``n_views`` warped views of each, with all members of a committee.

    Images whose probability can no longer reach ``least`` are not read further; they have no text.
    """
    seeds = rng.randint(_MAX_SEED, size=(n_views, len(images)))
    n_readings = len(members) * (1 + n_views)
    texts = np.full((len(images), n_readings), "", dtype=object)
    confidences = np.zeros((len(images), n_readings))
    left = np.arange(len(images))
    with Parallel(n_jobs=min(effective_n_jobs(), len(members)), require="sharedmem") as pool:
        for k in range(1 + n_views):
            seen = [images[i] for i in left.tolist()]
            if k:
                seen = [
                    warped_view(image, np.random.RandomState(seed))
                    for image, seed in zip(seen, seeds[k - 1, left], strict=True)
                ]
            readings = pool(delayed(_read)(member, seen) for member in members)
            for m, own in enumerate(readings):
                column = k * len(members) + m
                texts[left, column] = [text for text, _ in own]
                confidences[left, column] = [confidence for _, confidence in own]
            n_unknown = n_readings - len(members) * (1 + k)
            at_most = (_greatest_sums(texts[left], confidences[left]) + n_unknown) / n_readings
            left = left[at_most >= least]
    common, sums = _most_common(texts, confidences)
    common[np.setdiff1d(np.arange(len(images)), left)] = ""
    return Agreement(common, np.where(common == "", 0.0, sums / n_readings))


def _read(member: Pipeline, images: list[NDArray[np.uint8]]) -> list[tuple[str, float]]:
    """Return the text of each image, and its confidence; no text if it cannot be read."""
    readings = process_decoded(member, images, _readings)
    return [
        ("", 0.0) if isinstance(each, SkcaptchaError) else (each.text, each.confidence)
        for each in readings
    ]


def _readings(member: Pipeline, images: list[NDArray[np.uint8]]) -> list[Reading]:
    # The detector of unlike images would flag warped ones.
    readings: list[Reading] = member[-1].read(member[:-1].transform(images))
    return readings


def _greatest_sums(
    texts: NDArray[np.object_], confidences: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return for each row (n, n_readings) the greatest sum of confidences of one text."""
    same = texts[:, :, None] == texts[:, None, :]
    return (same * confidences[:, None, :]).sum(axis=2).max(axis=1, initial=0.0)


def _most_common(
    texts: NDArray[np.object_], confidences: NDArray[np.float64]
) -> tuple[NDArray[np.str_], NDArray[np.float64]]:
    """Return the most common text of each row (n, n_readings), and the sum of its confidences.

    Of equally common texts, it is the first.
    """
    rows = texts.tolist()
    common = np.array([max(row, key=row.count) for row in rows], dtype=np.str_).reshape(len(rows))
    same = texts == common.astype(object)[:, None]
    return common, np.where(same, confidences, 0.0).sum(axis=1)
