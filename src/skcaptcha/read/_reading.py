"""What a reader says of one captcha."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skcaptcha.base import Model, pipeline_of


@dataclass(frozen=True)
class Reading:
    """What a reader says of one captcha.

    Attributes
    ----------
    text : str
        The string that was read.
    confidence : float in 0..1
        How probable it is that the whole string is right.
    boxes : ndarray of shape (k, 4)
        ``x, y, w, h`` of each character, in pixels of the denoised image.
    probabilities : ndarray of shape (k,)
        How probable each character is.
    runners_up : tuple of (str, float)
        The next most probable strings and their confidences, best first.
    out_of_distribution : bool or None
        Whether the image does not look like those of the training set: then nothing is known of how
        well it is read, and its confidence is lowered accordingly. None: the model cannot tell.
    """

    text: str
    confidence: float
    boxes: NDArray[np.intp]
    probabilities: NDArray[np.float64]
    runners_up: tuple[tuple[str, float], ...]
    out_of_distribution: bool | None = None


class PackedReadings:
    """Readings that travel between processes as a few arrays.

    Each array of each reading by itself would take longer to pickle than some captchas to read.

    Parameters
    ----------
    readings : sequence of Reading

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.read._reading import PackedReadings, Reading
    >>> reading = Reading("A", 0.9, np.array([[0, 0, 9, 20]]), np.array([0.9]), (("B", 0.1),))
    >>> PackedReadings([reading, reading]).unpack()[1].boxes
    array([[ 0,  0,  9, 20]])
    """

    def __init__(self, readings: Sequence[Reading]) -> None:
        self._said = [(r.text, r.confidence, r.runners_up, r.out_of_distribution) for r in readings]
        self._lengths = [len(r.probabilities) for r in readings]
        self._boxes = np.concatenate([np.empty((0, 4), np.intp), *(r.boxes for r in readings)])
        self._probabilities = np.concatenate([np.empty(0), *(r.probabilities for r in readings)])

    def unpack(self) -> list[Reading]:
        """Give the readings.

        Returns
        -------
        readings : list of Reading
        """
        readings, begin = [], 0
        for said, length in zip(self._said, self._lengths, strict=True):
            text, confidence, runners_up, unfamiliar = said
            own = slice(begin, begin + length)
            boxes, probabilities = self._boxes[own], self._probabilities[own]
            readings.append(Reading(text, confidence, boxes, probabilities, runners_up, unfamiliar))
            begin += length
        return readings


def read_captchas(model: Model, X: Sequence[Any]) -> list[Reading]:
    """Read captchas with a fitted pipeline and say how sure each reading is.

    Parameters
    ----------
    model : Pipeline, or fitted search over one
        Fitted; its last step is a reader.
    X : sequence of n captchas
        What the pipeline's ``predict`` takes.

    Returns
    -------
    readings : list of n Reading

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from skcaptcha.datasets import make_line_captchas
    >>> from skcaptcha.denoise import Binarizer, Grayscale
    >>> from skcaptcha.features import RawPixels
    >>> from skcaptcha.images import ImageDecoder
    >>> from skcaptcha.read import CharacterReader, read_captchas
    >>> from skcaptcha.segment import FixedBoxes
    >>> X, y = make_line_captchas(60, random_state=0)
    >>> places = [[8, 4, 20, 21], [38, 4, 20, 21], [68, 4, 20, 21], [98, 4, 20, 21]]
    >>> model = make_pipeline(
    ...     ImageDecoder(), Grayscale(), Binarizer(), FixedBoxes(places),
    ...     RawPixels(), CharacterReader(),
    ... )
    >>> reading = read_captchas(model.fit(X, y), X[:1])[0]
    >>> reading.text == y[0], reading.boxes.shape, len(reading.probabilities)
    (True, (4, 4), 4)
    >>> noise = np.random.default_rng(0).integers(0, 256, X[0].shape, dtype=np.uint8)
    >>> [reading.out_of_distribution for reading in read_captchas(model, [X[0], noise])]
    [False, True]
    """
    model = pipeline_of(model)
    first = model[0]
    detector = getattr(first, "novelty_", None)
    if detector is None:
        return model[-1].read(model[:-1].transform(X))
    images = first.transform(X)
    readings = model[-1].read(model[1:-1].transform(images) if len(model) > 2 else images)
    scores = detector.decision_function(images)
    return [
        _doubted(reading, share) if unlike else _familiar(reading)
        for reading, unlike, share in zip(
            readings, (scores < 0).tolist(), detector.credit(scores).tolist(), strict=True
        )
    ]


def _familiar(r: Reading) -> Reading:
    """Say that the image looks like the training images."""
    # For each of many captchas `replace` would take three times as long.
    return Reading(r.text, r.confidence, r.boxes, r.probabilities, r.runners_up, False)


def _doubted(reading: Reading, share: float) -> Reading:
    """Give the reading of an unfamiliar image a part of its confidence only."""
    return replace(
        reading,
        confidence=reading.confidence * share,
        runners_up=tuple((text, sure * share) for text, sure in reading.runners_up),
        out_of_distribution=True,
    )
