"""Readings: strings with confidences, boxes and runners-up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skcaptcha.base import Model, pipeline_of


@dataclass(frozen=True)
class Reading:
    """Result of reading one captcha.

    Attributes
    ----------
    text : str
        String that was read.
    confidence : float in 0..1
        Probability that the whole string is right.
    boxes : ndarray of shape (k, 4)
        ``x, y, w, h`` of each character, in pixels of the denoised image.
    probabilities : ndarray of shape (k,)
        Probability of each character.
    runners_up : tuple of (str, float)
        Next most probable strings and their confidences, best first.
    out_of_distribution : bool or None
        Whether the image looks different from the training images. In this case its accuracy is
        unknown, and the confidence is reduced accordingly. None: the model cannot detect it.
    answer : str or None
        Result of the arithmetic in ``text``, if the reader is an `Evaluate`; empty if there is
        none. None: the reader does not answer.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.read import Reading
    >>> reading = Reading("A", 0.9, np.array([[0, 0, 9, 20]]), np.array([0.9]), (("B", 0.1),))
    >>> reading.text, reading.confidence
    ('A', 0.9)
    """

    text: str
    confidence: float
    boxes: NDArray[np.intp]
    probabilities: NDArray[np.float64]
    runners_up: tuple[tuple[str, float], ...]
    out_of_distribution: bool | None = None
    answer: str | None = None


class PackedReadings:
    """Readings packed into a few arrays, for sending them between processes.

    Pickling the arrays of each reading separately can take longer than reading the captcha.
    """

    def __init__(self, readings: Sequence[Reading]) -> None:
        self._scalars = [
            (r.text, r.confidence, r.runners_up, r.out_of_distribution, r.answer) for r in readings
        ]
        self._lengths = [len(r.probabilities) for r in readings]
        self._boxes = np.concatenate([np.empty((0, 4), np.intp), *(r.boxes for r in readings)])
        self._probabilities = np.concatenate([np.empty(0), *(r.probabilities for r in readings)])

    def unpack(self) -> list[Reading]:
        """Return the readings."""
        readings, begin = [], 0
        for scalars, length in zip(self._scalars, self._lengths, strict=True):
            text, confidence, runners_up, outlier, answer = scalars
            own = slice(begin, begin + length)
            boxes, probabilities = self._boxes[own], self._probabilities[own]
            readings.append(
                Reading(text, confidence, boxes, probabilities, runners_up, outlier, answer)
            )
            begin += length
        return readings


def read_captchas(model: Model, X: Sequence[Any]) -> list[Reading]:
    """Read captchas with a fitted model, with confidences, boxes and runners-up.

    Parameters
    ----------
    model : Pipeline, or fitted search over one
        Fitted model; its last step is a reader.
    X : sequence of n captchas
        Captchas in any form that the ``predict`` method of the pipeline accepts.

    Returns
    -------
    readings : list of n Reading

    Raises
    ------
    NotFittedError
        If the model is not fitted.
    TypeError
        If the model is not a Pipeline or a search over one.
    ImageError
        If an image cannot be read.
    ReadingError
        If no string can meet the constraints of the reader.

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
    >>> boxes = [[8, 4, 20, 21], [38, 4, 20, 21], [68, 4, 20, 21], [98, 4, 20, 21]]
    >>> model = make_pipeline(
    ...     ImageDecoder(), Grayscale(), Binarizer(), FixedBoxes(boxes),
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
        _with_outlier(reading, outlier, factor)
        for reading, outlier, factor in zip(
            readings,
            (scores < 0).tolist(),
            detector.confidence_factors(scores).tolist(),
            strict=True,
        )
    ]


def _with_outlier(r: Reading, outlier: bool, factor: float) -> Reading:
    """Return a reading with ``out_of_distribution``; for an outlier, confidences get a factor."""
    confidence, runners_up = r.confidence, r.runners_up
    if outlier:
        confidence *= factor
        runners_up = tuple((text, other * factor) for text, other in runners_up)
    # `dataclasses.replace` takes three times as long, which matters for many captchas.
    return Reading(r.text, confidence, r.boxes, r.probabilities, runners_up, outlier, r.answer)
