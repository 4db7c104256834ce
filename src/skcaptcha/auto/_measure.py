"""What a labeled folder looks like, in numbers: what decides which recipes can apply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from skimage.filters import threshold_otsu

from skcaptcha._display.percent import percent
from skcaptcha.base import as_texts
from skcaptcha.denoise import Binarizer, Grayscale
from skcaptcha.denoise._otsu import histograms, ink_is_dark
from skcaptcha.exceptions import DatasetError
from skcaptcha.measure import text_extent

_FEW = 3
# Of the labels must have one length, so that the others are taken for errors.
_USUALLY = 0.9
_MOST_COLUMNS = 200


class Span(NamedTuple):
    """Least, median and greatest of a number that each image has.

    Attributes
    ----------
    least, median, most : int
    """

    least: int
    median: int
    most: int

    def __str__(self) -> str:
        least, median, most = self
        return str(median) if least == most else f"{least} to {most}, mostly {median}"


@dataclass(frozen=True)
class Measurement:
    """What `measure` finds.

    Attributes
    ----------
    n, n_labels : int
        Number of captchas, and of different labels.
    heights, widths : Span
        Of the images, in pixels.
    color, dark_ink : float in 0..1
        Share of the images that are in color, and of those whose ink is darker than the ground.
    lengths : dict of int to int
        How many labels have so many characters.
    characters : dict of str to int
        How often each character occurs in the labels; in order of the characters.
    pitch : float
        From one character to the next, in pixels: the mean of how wide the text is, divided by the
        length of its label.
    boxes : tuple of tuples (x, y, w, h), or None
        An even layout over the ink of the mean image; None unless all images have one size and
        labels a usual length.
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
    boxes: tuple[tuple[int, int, int, int], ...] | None

    @property
    def length(self) -> int | None:
        """The labels' usual length, if nine of ten have it."""
        return _usual(self.lengths)

    @property
    def n_unusual(self) -> int:
        """How many labels have another length than usual; 0 if there is no usual one."""
        return 0 if self.length is None else self.n - self.lengths[self.length]

    @property
    def one_size(self) -> bool:
        """Whether all images are equally high and equally wide."""
        return self.heights.least == self.heights.most and self.widths.least == self.widths.most

    @property
    def rare(self) -> str:
        """The characters that occur less than three times: too seldom to be learned well."""
        return "".join(c for c, count in self.characters.items() if count < _FEW)

    def lines(self) -> list[tuple[str, str]]:
        """Say what was measured.

        Returns
        -------
        lines : list of pairs of str
            What it is, and how much.
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
        if self.rare:
            lines.append(("rare", f"{self.rare} (less than {_FEW} times each)"))
        return lines


def measure(images: Iterable[NDArray[np.uint8]], labels: Sequence[str]) -> Measurement:
    """Measure labeled captchas.

    Parameters
    ----------
    images : iterable of n ndarrays of shape (h, w) or (h, w, 3), dtype uint8
        They are taken one by one, so that not all need be held.
    labels : sequence of n str

    Returns
    -------
    measurement : Measurement

    Raises
    ------
    DatasetError
        If there are no captchas, or not as many images as labels.
    ReadingError
        If a label is no string.

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
        dark += int(ink_is_dark(histograms([shade]))[0])
        if label:
            left, right = text_extent(shade)
            pitches.append((right - left) / len(label))
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
        boxes=boxes,
    )


def _usual(lengths: Mapping[int, int]) -> int | None:
    length = max(lengths, key=lambda length: lengths[length])
    return length if lengths[length] >= _USUALLY * sum(lengths.values()) else None


def _span(numbers: Sequence[int]) -> Span:
    return Span(min(numbers), int(np.median(numbers)), max(numbers))


def _even_boxes(ink: NDArray[np.float64], n: int) -> tuple[tuple[int, int, int, int], ...] | None:
    """Place n boxes of one size at even distances where the mean image has most ink."""
    columns = ink.mean(axis=0)
    # Places are looked for on a coarser image: fine ones are not worth the time.
    scale = -(-len(columns) // _MOST_COLUMNS)
    columns = columns[: len(columns) // scale * scale].reshape(-1, scale).mean(axis=1)
    if columns.min() == columns.max() or len(columns) < 2 * n:
        return None
    excess = np.concatenate([[0], np.cumsum(columns - threshold_otsu(columns))])
    best, place = 0.0, None
    for width in range(2, len(columns) // n + 1):
        inside = excess[width:] - excess[:-width]
        for pitch in np.arange(width, (len(columns) - width) / max(n - 1, 1) + 1e-9, 0.5):
            steps = np.rint(np.arange(n) * pitch).astype(int)
            gain = sum(inside[step : len(inside) - steps[-1] + step] for step in steps)
            if (most := gain.max()) > best:
                best, place = most, (steps + int(gain.argmax()), width)
    if place is None:
        return None
    x, width = place[0] * scale, place[1] * scale
    rows = np.mean([ink[:, left : left + width].mean(axis=1) for left in x], axis=0)
    # Glyphs of several heights leave little ink in their outermost rows.
    inked = np.flatnonzero(rows > rows.min() + 0.2 * (rows.max() - rows.min()))
    if not len(inked):
        return None
    top, height = int(inked[0]), int(inked[-1] + 1 - inked[0])
    return tuple((int(left), top, int(width), height) for left in x)
