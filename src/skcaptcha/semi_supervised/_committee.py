"""A committee of models, each fitted without other labeled captchas, and what it agrees on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from skcaptcha.read import CharacterReader, ConvolutionalReader, Reading
from skcaptcha.read._base import reader_of_strings
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
        reader = reader_of_strings(member[-1])
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


def agree(
    members: Sequence[Pipeline],
    images: Sequence[NDArray[np.uint8]],
    n_views: int,
    rng: np.random.RandomState,
) -> Agreement:
    """Read images, and ``n_views`` warped views of each, with all members of a committee."""
    texts: list[list[str]] = []
    confidences: list[list[float]] = []
    for k in range(1 + n_views):
        seen = images if k == 0 else [warped_view(image, rng) for image in images]
        for member in members:
            # The detector of unlike images would flag warped ones.
            readings: list[Reading] = member[-1].read(member[:-1].transform(seen))
            texts.append([reading.text for reading in readings])
            confidences.append([reading.confidence for reading in readings])
    all_texts, all_confidences = np.array(texts), np.array(confidences)
    common = [_most_common(column) for column in all_texts.T.tolist()]
    agreed = np.array(common, dtype=np.str_).reshape(len(images))
    same = (all_texts == agreed) & (agreed != "")
    return Agreement(agreed, np.where(same, all_confidences, 0.0).mean(axis=0))


def unlike_training_images(
    member: Pipeline, images: Sequence[NDArray[np.uint8]]
) -> NDArray[np.bool_]:
    """Return which images a fitted pipeline flags as unlike its training images."""
    detector = getattr(member[0], "novelty_", None)
    if detector is None:
        return np.zeros(len(images), dtype=bool)
    return np.asarray(detector.predict(member[0].transform(images)) < 0)


def _most_common(texts: Sequence[Any]) -> Any:
    # The first of equally frequent ones: that of an image that is not warped.
    return max(texts, key=texts.count)
