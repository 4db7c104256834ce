"""Why a captcha was read wrong: cut in the wrong places, or a character taken for another."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from skcaptcha.base import Model, pipeline_of
from skcaptcha.read import Reading, SequenceReader
from skcaptcha.report._steps import segmenter_of
from skcaptcha.segments import Segments

# How far a box is moved, in parts of its width, as it is and brought to other widths.
_MOVES = (-0.5, -0.375, -0.25, -0.125, 0.0, 0.125, 0.25, 0.375, 0.5)
_MOVES_OF_OTHERS = (-0.25, 0.0, 0.25)
_WIDTHS = (0.7, 1.4)
# A classifier has to bear less; so far off, the box is to blame.
_FAR = 0.2
# In distances of characters. The middles of wide and narrow ones on the same ink are closer.
_FAR_ALONG = 1 / 3


@dataclass(frozen=True)
class Cause:
    """Why a captcha was probably read wrong.

    Attributes
    ----------
    kind : {"segmentation", "classification"}
    explanation : str
        By which signs.
    """

    kind: Literal["segmentation", "classification"]
    explanation: str


def why_wrong(model: Model, source: Any, label: str, reading: Reading) -> Cause:
    """Say why a captcha was probably read wrong.

    It was the segmentation if there are more or fewer boxes than characters, or if the characters
    stand elsewhere than the boxes; else the classification. Where they stand is found out with the
    label. A `SequenceReader` is made to read the label: if a character that was misread then stands
    a third of the distance of characters away from its box, the box was to blame. With other
    readers, the boxes of characters that were misread are moved by up to half of their width, made
    narrower and wider: they were to blame if the label's characters are read somewhere there, but
    not where a box differs by less than a fifth of its width. An odd piece of a glyph may look like
    the label's character by chance: of mistakes of the classification by such readers, one in eight
    to one in four passes for one of the segmentation.

    Parameters
    ----------
    model : Pipeline, or fitted search over one
        Fitted; it gave the reading.
    source : path, bytes, PIL image or ndarray
        What the pipeline takes.
    label : str
        What is right.
    reading : Reading
        What was read instead.

    Returns
    -------
    cause : Cause

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from skcaptcha.datasets import make_line_captchas
    >>> from skcaptcha.denoise import Binarizer, Grayscale
    >>> from skcaptcha.features import RawPixels
    >>> from skcaptcha.read import CharacterReader, read_captchas
    >>> from skcaptcha.report import why_wrong
    >>> from skcaptcha.segment import EqualSplit
    >>> X, y = make_line_captchas(60, charset="ABC", random_state=0)
    >>> model = make_pipeline(
    ...     Grayscale(), Binarizer(), EqualSplit(4), RawPixels(), CharacterReader()
    ... )
    >>> reading = read_captchas(model.fit(X, y), X[:1])[0]
    >>> print(why_wrong(model, X[0], reading.text + "A", reading))
    Cause(kind='segmentation', explanation='4 boxes for 5 characters')
    """
    model = pipeline_of(model)
    n_boxes, n = len(reading.boxes), len(label)
    if n_boxes != n or len(reading.text) != n:
        return Cause("segmentation", f"{n_boxes} boxes for {n} characters")
    reader = model[-1]
    unknown = sorted(set(label).difference(getattr(reader, "classes_", label)))
    if unknown:
        return Cause("classification", f"the model never saw {' '.join(unknown)}")
    wrong = [k for k in range(n) if reading.text[k] != label[k]]
    at = segmenter_of(model)
    image = model[:at].transform([source])[0] if at else source
    look = _far_from_label if isinstance(reader, SequenceReader) else _read_elsewhere
    places = look(model[at:], image, label, reading, wrong)
    if not places:
        mistaken = ", ".join(f"{label[k]} read as {reading.text[k]}" for k in wrong)
        return Cause("classification", f"{mistaken}, {'each ' * (len(wrong) > 1)}in its place")
    return Cause("segmentation", "; ".join(places))


def _far_from_label(
    model: Pipeline, image: Any, label: str, reading: Reading, wrong: list[int]
) -> list[str]:
    """Compare the boxes with the places that the reader finds for the label."""
    reader = copy(model[-1])
    reader.length, reader.charset, reader.mask = None, None, list(label)
    forced = reader.read(model[:-1].transform([image]))[0]
    if forced.text != label:
        return ["no path through the candidates spells the label"]
    there, here = _middles(forced.boxes), _middles(reading.boxes)
    pitch = float(np.diff(there).mean()) if len(label) > 1 else float(forced.boxes[0, 2])
    away = there - here
    return [
        f"{label[k]} stands {abs(away[k]):.0f} pixels to the "
        f"{'right' if away[k] > 0 else 'left'} of its box"
        for k in wrong
        if abs(away[k]) > _FAR_ALONG * pitch
    ]


def _read_elsewhere(
    model: Pipeline, image: Any, label: str, reading: Reading, wrong: list[int]
) -> list[str]:
    """Move the boxes of misread characters until they are read right, if they are."""
    shape = image.shape[:2]
    tried = [_moved(reading.boxes[k], shape) for k in wrong]
    boxes = np.concatenate([boxes for boxes, _ in tried])
    segments = Segments(boxes, [0, len(boxes)], images=[image])
    found = np.array(list(str(model[1:].predict(segments)[0])))
    places = []
    for k, (moved, far) in zip(wrong, tried, strict=True):
        own, found = found[: len(moved)], found[len(moved) :]
        right = own == label[k]
        if not right.any() or right[far <= _FAR].any():
            return []
        x, _, w, _ = moved[right][far[right].argmin()].tolist()
        places.append(f"{label[k]} is read in columns {x} to {x + w - 1}, not in its box")
    return places


def _moved(
    box: NDArray[np.intp], shape: tuple[int, ...]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Give boxes about a box, and how far off the farther of their edges is, in widths."""
    x, y, w, h = box.tolist()
    move = np.array([*_MOVES, *_MOVES_OF_OTHERS * len(_WIDTHS)])
    width = np.array([1.0] * len(_MOVES) + list(np.repeat(_WIDTHS, len(_MOVES_OF_OTHERS))))
    left = x + w / 2 + w * (move - width / 2)
    begin = np.clip(np.rint(left), 0, shape[1] - 1).astype(np.intp)
    end = np.clip(np.rint(left + w * width), begin + 1, shape[1]).astype(np.intp)
    boxes = np.stack([begin, np.full_like(begin, y), end - begin, np.full_like(begin, h)], axis=1)
    far = np.maximum(abs(begin - x), abs(end - x - w)) / w
    return boxes, far


def _middles(boxes: NDArray[np.intp]) -> NDArray[np.float64]:
    return boxes[:, 0] + boxes[:, 2] / 2
