"""Properties of labeled captchas that determine which recipes can apply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skcaptcha._display.percent import percent
from skcaptcha.base import as_texts
from skcaptcha.denoise import Binarizer, Grayscale
from skcaptcha.denoise._small_marks import n_small_parts
from skcaptcha.exceptions import DatasetError
from skcaptcha.measure import text_box, text_extent
from skcaptcha.measure._otsu import otsu_thresholds
from skcaptcha.measure._polarity import has_dark_ink

_RARE = 3
# Minimum fraction of labels with the same length; the others are considered errors.
_USUAL_FRACTION = 0.9
_MAX_COLUMNS = 200
# The text is found in so many images. Its size varies if it stands out in nearly all of them, and
# both its height and the distance of its characters differ by this factor among most images.
_N_TEXTS, _MIN_TEXTS, _MIN_FOUND, _VARYING = 100, 20, 0.9, 1.5
# A position holds no digits, or no letters, if their absence from all labels has a lower
# probability by chance.
_BY_CHANCE = 1e-4


class Span(NamedTuple):
    """Minimum, median and maximum of a number over all images.

    Attributes
    ----------
    min, median, max : int
    """

    min: int
    median: int
    max: int

    def __str__(self) -> str:
        return (
            str(self.median)
            if self.min == self.max
            else f"{self.min} to {self.max}, median {self.median}"
        )


@dataclass(frozen=True)
class Measurement:
    """Properties of labeled captchas, from `measure`.

    Attributes
    ----------
    n, n_labels : int
        Number of captchas, and of different labels.
    heights, widths : Span
        Of the images, in pixels.
    color, dark_ink : float in 0..1
        Fraction of images in color, and of images whose ink is darker than the background.
    lengths : dict of int to int
        Number of labels of each length.
    characters : dict of str to int
        Number of occurrences of each character in the labels, sorted by character.
    pitch : float
        Mean distance of neighboring characters in pixels: text width divided by label length.
    text_size_varies : bool
        Whether the size of the text, relative to the height of the images, differs from image to
        image.
    mask : tuple of (str or None), or None
        Characters that can stand at each position, None for all. It is None unless all labels have
        the same length, and digits, letters, or other characters never stand at some position,
        which is not by chance, as in number plates.
    boxes : tuple of tuples (x, y, w, h), or None
        Equally spaced boxes over the ink of the mean image; None unless all images have the same
        size and the labels have a usual length.
    """

    n: int
    n_labels: int
    heights: Span
    widths: Span
    color: float
    dark_ink: float
    lengths: dict[int, int]
    characters: dict[str, int]
    pitch: float
    text_size_varies: bool
    mask: tuple[str | None, ...] | None
    boxes: tuple[tuple[int, int, int, int], ...] | None

    @property
    def length(self) -> int | None:
        """The length of at least 90 % of the labels; None if there is no such length."""
        return _usual(self.lengths)

    @property
    def n_unusual(self) -> int:
        """Number of labels of another length; 0 if there is no usual length."""
        return 0 if self.length is None else self.n - self.lengths[self.length]

    @property
    def one_size(self) -> bool:
        """Whether all images have the same size."""
        return self.heights.min == self.heights.max and self.widths.min == self.widths.max

    @property
    def small_marks(self) -> str:
        """Characters with parts that are as small as specks, such as decimal points."""
        return "".join(c for c in self.characters if n_small_parts(c))

    @property
    def rare(self) -> str:
        """Characters that occur fewer than three times, which is too rare to learn them well."""
        return "".join(c for c, count in self.characters.items() if count < _RARE)

    def summary(self) -> list[tuple[str, str]]:
        """Return the properties as text.

        Returns
        -------
        summary : list of pairs of str
            Name and value of each property.
        """
        lengths = ", ".join(
            f"{length} ({count} labels)" if len(self.lengths) > 1 else str(length)
            for length, count in self.lengths.items()
        )
        lines = [
            ("captchas", str(self.n)),
            ("width", f"{self.widths} pixels"),
            ("height", f"{self.heights} pixels"),
            ("in color", percent(self.color, self.n)),
            ("dark ink", percent(self.dark_ink, self.n)),
            ("length", lengths),
            ("characters", f"{''.join(self.characters)} ({len(self.characters)})"),
            ("pitch", f"{self.pitch:.0f} pixels"),
        ]
        if self.mask:
            allowed = ("any" if some is None else _kinds_of(some) for some in self.mask)
            lines.append(("positions", " ".join(allowed)))
        if self.text_size_varies:
            lines.append(("text", "varies in size"))
        if self.small_marks:
            lines.append(("small marks", self.small_marks))
        if self.rare:
            lines.append(("rare", f"{self.rare} (fewer than {_RARE} times each)"))
        return lines


def measure(images: Iterable[NDArray[np.uint8]], labels: Sequence[str]) -> Measurement:
    """Measure the properties of labeled captchas that determine which recipes can apply.

    Parameters
    ----------
    images : iterable of n ndarrays of shape (h, w) or (h, w, 3), dtype uint8
        Decoded images. They are used one by one and need not be in memory at once.
    labels : sequence of n str

    Returns
    -------
    measurement : Measurement

    Raises
    ------
    DatasetError
        If there are no captchas, or not as many images as labels.
    ReadingError
        If a label is not a string.

    Examples
    --------
    >>> from skcaptcha.auto import measure
    >>> from skcaptcha.datasets import make_line_captchas
    >>> measurement = measure(*make_line_captchas(50, random_state=0))
    >>> measurement.length, str(measurement.widths), measurement.dark_ink
    (4, '120', 1.0)
    >>> [x for x, y, w, h in measurement.boxes]
    [9, 39, 69, 99]
    """
    gray, binarize = Grayscale(), Binarizer(ink="auto")
    shapes: list[tuple[int, ...]] = []
    pitches: list[float] = []
    texts: list[NDArray[np.float64] | None] = []
    colored = dark = 0
    total: NDArray[np.intp] | None = None
    labels = as_texts(labels)
    for image, label in zip_longest(images, labels):
        if image is None or label is None:
            more, fewer = ("labels", "images") if image is None else ("images", "labels")
            raise DatasetError(
                f"expected as many images as labels; there are {more} left after {len(shapes)} "
                f"{fewer}"
            )
        (shade,) = gray.fit_transform([image])
        (ink,) = binarize.fit_transform([shade])
        shapes.append(shade.shape)
        colored += image.ndim == 3 and bool((image != image[:, :, :1]).any())
        is_dark = bool(has_dark_ink(shade[None])[0])
        dark += is_dark
        if label:
            left, right = text_extent(shade)
            pitches.append((right - left) / len(label))
            if len(texts) < _N_TEXTS:
                box = text_box(~shade if is_dark else shade)
                size = np.array([box[3], box[2] / len(label)]) if box else None
                texts.append(None if size is None else size / len(shade))
        if total is None:
            total = np.zeros(shade.shape, dtype=np.intp)
        if total.shape == shade.shape:
            total += ink > 0
    if total is None:
        raise DatasetError("there are no captchas to measure")
    n, lengths = len(shapes), Counter(map(len, labels))
    usual, boxes = _usual(lengths), None
    if usual and len(set(shapes)) == 1:
        boxes = _even_boxes(total / n, usual)
    heights, widths = (_span(numbers) for numbers in zip(*shapes, strict=True))
    return Measurement(
        n=n,
        n_labels=len(set(labels)),
        heights=heights,
        widths=widths,
        color=colored / n,
        dark_ink=dark / n,
        lengths=dict(sorted(lengths.items())),
        characters=dict(sorted(Counter("".join(labels)).items())),
        pitch=float(np.mean(pitches or [0])),
        text_size_varies=_varies(texts),
        mask=_mask(labels),
        boxes=boxes,
    )


def _usual(lengths: Mapping[int, int]) -> int | None:
    length = max(lengths, key=lambda length: lengths[length])
    return length if lengths[length] >= _USUAL_FRACTION * sum(lengths.values()) else None


def _mask(labels: Sequence[str]) -> tuple[str | None, ...] | None:
    """Return the characters that can stand at each position, or None if there is no rule."""
    if len({*map(len, labels)}) != 1:
        return None
    counts = Counter("".join(labels))
    kinds_of_all = Counter(map(_kind, counts.elements()))
    total = sum(counts.values())
    mask: list[str | None] = []
    for characters in zip(*labels, strict=True):
        kinds = {*map(_kind, characters)}
        missing = kinds_of_all.keys() - kinds
        if any((1 - kinds_of_all[k] / total) ** len(labels) < _BY_CHANCE for k in missing):
            mask.append("".join(c for c in sorted(counts) if _kind(c) in kinds))
        else:
            mask.append(None)
    return tuple(mask) if any(mask) else None


def _kind(character: str) -> str:
    if character.isdigit():
        return "digit"
    return "letter" if character.isalpha() else "other"


def _kinds_of(characters: str) -> str:
    return "/".join(dict.fromkeys(map(_kind, characters)))


def _varies(texts: Sequence[NDArray[np.float64] | None]) -> bool:
    """Return whether sizes of texts differ: height and pitch. None is a text that was not found."""
    found = [text for text in texts if text is not None]
    if len(found) < max(_MIN_TEXTS, _MIN_FOUND * len(texts)):
        return False
    low, high = np.percentile(found, [10, 90], axis=0)
    return bool((high >= _VARYING * low).all())


def _span(numbers: Sequence[int]) -> Span:
    return Span(min(numbers), int(np.median(numbers)), max(numbers))


def _otsu_threshold(values: NDArray[np.float64]) -> float:
    counts, edges = np.histogram(values, 256)
    k = int(otsu_thresholds(counts[None])[0])
    return float(edges[k] + edges[k + 1]) / 2


def _even_boxes(ink: NDArray[np.float64], n: int) -> tuple[tuple[int, int, int, int], ...] | None:
    """Return n equally spaced boxes of the same size where the mean image has most ink."""
    columns = ink.mean(axis=0)
    # Search a coarser image: more precision is not worth the time.
    scale = -(-len(columns) // _MAX_COLUMNS)
    columns = columns[: len(columns) // scale * scale].reshape(-1, scale).mean(axis=1)
    if columns.min() == columns.max() or len(columns) < 2 * n:
        return None
    excess = np.concatenate([[0], np.cumsum(columns - _otsu_threshold(columns))])
    best, found = 0.0, None
    for width in range(2, len(columns) // n + 1):
        inside = excess[width:] - excess[:-width]
        for pitch in np.arange(width, (len(columns) - width) / max(n - 1, 1) + 1e-9, 0.5):
            steps = np.rint(np.arange(n) * pitch).astype(int)
            gain = sum(inside[step : len(inside) - steps[-1] + step] for step in steps)
            if (highest := gain.max()) > best:
                best, found = highest, (steps + int(gain.argmax()), width)
    if found is None:
        return None
    x, width = found[0] * scale, found[1] * scale
    rows = np.mean([ink[:, left : left + width].mean(axis=1) for left in x], axis=0)
    # Characters of different heights leave little ink in the outermost rows.
    inked = np.flatnonzero(rows > rows.min() + 0.2 * (rows.max() - rows.min()))
    if not len(inked):
        return None
    top, height = int(inked[0]), int(inked[-1] + 1 - inked[0])
    return tuple((int(left), top, int(width), height) for left in x)
