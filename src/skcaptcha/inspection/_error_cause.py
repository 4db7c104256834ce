"""The probable cause of a wrong prediction: segmentation or classification."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from skcaptcha.base import Model, pipeline_of
from skcaptcha.inspection._pipeline_steps import n_image_steps
from skcaptcha.read import Reading
from skcaptcha.read._base import in_case_of, reader_of_strings, reads_images
from skcaptcha.segments import Segments

# Shifts of a box, in box widths: for the box as it is, and for boxes of other widths.
_SHIFTS = (-0.5, -0.375, -0.25, -0.125, 0.0, 0.125, 0.25, 0.375, 0.5)
_SHIFTS_OF_OTHER_WIDTHS = (-0.25, 0.0, 0.25)
_OTHER_WIDTHS = (0.7, 1.4)
# In box widths. A classifier has to tolerate smaller shifts; larger ones are segmentation errors.
_TOLERATED_SHIFT = 0.2
# In character pitches. The centers of wide and narrow boxes on the same ink differ by less.
_TOLERATED_DISTANCE = 1 / 3


@dataclass(frozen=True)
class ErrorCause:
    """Probable cause of a wrong prediction.

    Attributes
    ----------
    kind : {"segmentation", "classification"}
        The stage that probably failed.
    explanation : str
        The evidence, for example "4 boxes for 5 characters".
    """

    kind: Literal["segmentation", "classification"]
    explanation: str


def explain_error(model: Model, source: Any, label: str, reading: Reading) -> ErrorCause:
    """Find the probable cause of a wrong prediction.

    The cause is segmentation if the number of boxes differs from the number of characters, or if
    misread characters are outside their boxes. Otherwise, it is classification.

    The label helps to locate the characters. A reader with a ``mask``, such as `SequenceReader`, is
    constrained to read the label: a misread character is outside its box if its position then
    differs from the box by more than a third of the distance between characters. For other readers
    of segments, the boxes of misread characters are shifted by up to half of their width, narrowed
    and widened: the characters are outside their boxes if they are read correctly somewhere, but
    only in boxes that differ by more than a fifth of their width. A fragment of another glyph may
    resemble the label's character by chance: for these readers, 12 to 25 % of classification errors
    are reported as segmentation errors.

    Parameters
    ----------
    model : Pipeline, or fitted search over one
        Fitted model that made the prediction.
    source : path, bytes, PIL image or ndarray
        The captcha.
    label : str
        The correct text.
    reading : Reading
        The wrong prediction.

    Returns
    -------
    cause : ErrorCause

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from skcaptcha.datasets import make_line_captchas
    >>> from skcaptcha.denoise import Binarizer, Grayscale
    >>> from skcaptcha.features import RawPixels
    >>> from skcaptcha.inspection import explain_error
    >>> from skcaptcha.read import CharacterReader, read_captchas
    >>> from skcaptcha.segment import EqualSplit
    >>> X, y = make_line_captchas(60, charset="ABC", random_state=0)
    >>> model = make_pipeline(
    ...     Grayscale(), Binarizer(), EqualSplit(4), RawPixels(), CharacterReader()
    ... )
    >>> reading = read_captchas(model.fit(X, y), X[:1])[0]
    >>> print(explain_error(model, X[0], reading.text + "A", reading))
    ErrorCause(kind='segmentation', explanation='4 boxes for 5 characters')
    """
    model = pipeline_of(model)
    (label,) = in_case_of(model[-1], [label])
    n_boxes, n = len(reading.boxes), len(label)
    if n_boxes != n or len(reading.text) != n:
        return ErrorCause("segmentation", f"{n_boxes} boxes for {n} characters")
    reader = reader_of_strings(model[-1])
    unknown = sorted(set(label).difference(getattr(reader, "classes_", label)))
    if unknown:
        names = " ".join(unknown)
        return ErrorCause("classification", f"the training labels do not contain {names}")
    wrong = [k for k in range(n) if reading.text[k] != label[k]]
    mistaken = ", ".join(f"{label[k]} read as {reading.text[k]}" for k in wrong)
    locate = _outside_by_shifting
    if hasattr(reader, "mask"):
        locate = _outside_by_alignment
    elif reads_images(reader):
        return ErrorCause("classification", mistaken)
    at = n_image_steps(model)
    image = model[:at].transform([source])[0] if at else source
    outside = locate(model[at:], image, label, reading, wrong)
    if outside:
        return ErrorCause("segmentation", "; ".join(outside))
    boxes = "their boxes are" if len(wrong) > 1 else "its box is"
    return ErrorCause("classification", f"{mistaken}; {boxes} in the right place")


def _outside_by_alignment(
    model: Pipeline, image: Any, label: str, reading: Reading, wrong: list[int]
) -> list[str]:
    """Compare the boxes with those of the same reader when it is constrained to the label."""
    reader = copy(reader_of_strings(model[-1]))
    reader.length, reader.charset, reader.mask = None, None, list(label)
    aligned = reader.read(model[:-1].transform([image]) if len(model) > 1 else [image])[0]
    if aligned.text != label:
        return ["no path through the image spells the label"]
    expected, found = _centers(aligned.boxes), _centers(reading.boxes)
    pitch = np.diff(expected).mean() if len(label) > 1 else aligned.boxes[0, 2]
    offset = expected - found
    return [
        f"{label[k]} is {abs(offset[k]):.0f} pixels to the "
        f"{'right' if offset[k] > 0 else 'left'} of its box"
        for k in wrong
        if abs(offset[k]) > _TOLERATED_DISTANCE * pitch
    ]


def _outside_by_shifting(
    model: Pipeline, image: Any, label: str, reading: Reading, wrong: list[int]
) -> list[str]:
    """Shift and stretch the boxes of misread characters until they are read correctly."""
    tried = [_shifted(reading.boxes[k], image.shape[1]) for k in wrong]
    boxes = np.concatenate([boxes for boxes, _ in tried])
    segments = Segments(boxes, [0, len(boxes)], images=[image])
    reader = reader_of_strings(model[-1])
    characters = np.array(list(str(reader.predict(model[1:-1].transform(segments))[0])))
    outside = []
    for k, (shifted, distance) in zip(wrong, tried, strict=True):
        own, characters = np.split(characters, [len(shifted)])
        correct = own == label[k]
        if not correct.any() or correct[distance <= _TOLERATED_SHIFT].any():
            return []
        x, _, w, _ = shifted[correct][distance[correct].argmin()].tolist()
        outside.append(f"{label[k]} is read in columns {x} to {x + w - 1}, not in its box")
    return outside


def _shifted(box: NDArray[np.intp], width: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return boxes around a box, and the larger displacement of their two edges, in box widths."""
    x, y, w, h = box.tolist()
    shift = np.array([*_SHIFTS, *_SHIFTS_OF_OTHER_WIDTHS * len(_OTHER_WIDTHS)])
    scale = np.concatenate(
        [np.ones(len(_SHIFTS)), np.repeat(_OTHER_WIDTHS, len(_SHIFTS_OF_OTHER_WIDTHS))]
    )
    left = x + w / 2 + w * (shift - scale / 2)
    begin = np.clip(np.rint(left), 0, width - 1).astype(np.intp)
    end = np.clip(np.rint(left + w * scale), begin + 1, width).astype(np.intp)
    boxes = np.stack([begin, np.full_like(begin, y), end - begin, np.full_like(begin, h)], axis=1)
    return boxes, np.maximum(abs(begin - x), abs(end - x - w)) / w


def _centers(boxes: NDArray[np.intp]) -> NDArray[np.float64]:
    return boxes[:, 0] + boxes[:, 2] / 2
