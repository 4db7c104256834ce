"""Scheme "display": numbers on seven-segment displays, with decimal points and minus signs."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Literal, get_args, overload

import cv2
import numpy as np
from numpy.typing import NDArray

from skcaptcha.datasets._drawing import add_jpeg_artifacts, draw_captchas

_Kind = Literal["both", "lcd", "led"]

_SEPARATORS = ".,:"
_COLON, _MINUS = ":", "-"
_DIGITS_AFTER_COLON = 2
_MIN_HEIGHT, _MAX_GRADIENT = 12, 255

# Column and row of the two corners that each segment joins. Segments are named clockwise from the
# top, a to f; g is the one in the middle.
_CORNERS = {
    "a": ((0, 0), (1, 0)),
    "b": ((1, 0), (1, 1)),
    "c": ((1, 1), (1, 2)),
    "d": ((0, 2), (1, 2)),
    "e": ((0, 1), (0, 2)),
    "f": ((0, 0), (0, 1)),
    "g": ((0, 1), (1, 1)),
}
_LIT = {
    "0": "abcdef",
    "1": "bc",
    "2": "abdeg",
    "3": "abcdg",
    "4": "bcfg",
    "5": "acdfg",
    "6": "acdefg",
    "7": "abc",
    "8": "abcdefg",
    "9": "abcdfg",
    "-": "g",
}

# Relative to the height of the image.
_DIGIT_HEIGHTS = (0.5, 0.62)
_WIDTH_PER_CELL, _MARGINS = 0.56, 0.4
_OFFSETS = (-0.08, 0.08)
# Relative to the height of the digits.
_DIGIT_WIDTHS = (0.5, 0.56)
_SPACES = (0.27, 0.33)
_DOTS_OF_COLON = (0.3, 0.7)
_TAIL = (0.6, 1.3)
# Relative to the thickness of the segments.
_POINTS = (1.05, 1.35)
_GLOWS = (0.6, 1.2)

_OVERSAMPLING = 4
_SHIFT = 4  # binary digits after the point in the coordinates of polygons

_LCD_GROUND = ((140, 190), (160, 210), (120, 180))
_LCD_INK = (15, 80)
_LED_GROUND = (4, 36)
_LED_COLORS = ((255, 48, 36), (255, 160, 24), (70, 255, 90), (80, 150, 255), (235, 240, 255))
_GLARE_SIZES = (0.15, 0.6)
_NOISE = (1.0, 4.0)
_JPEG_QUALITIES = (70, 95)

_CIRCLE = np.stack([f(np.linspace(0, 2 * np.pi, 24, endpoint=False)) for f in (np.cos, np.sin)], 1)

_Box = tuple[int, int, int, int]
_Polygon = NDArray[np.float64]
_Range = tuple[float, float]


@dataclass(frozen=True)
class _Display:
    """Shapes and places of one display, in pixels of the image."""

    left: float
    top: float
    height: float  # of a digit
    width: float  # of a digit
    space: float  # between digits
    thickness: float
    gap: float
    slant: float
    point: float

    def segments(self, k: int, names: Iterable[str]) -> list[_Polygon]:
        """Return segments of cell k: bars whose ends are pointed."""
        half = self.thickness / 2
        x = np.array([half, self.width - half]) + k * (self.width + self.space)
        y = np.array([half, self.height / 2, self.height - half])
        polygons = []
        for name in names:
            begin, end = (np.array([x[column], y[row]]) for column, row in _CORNERS[name])
            along = np.sign(end - begin)
            across = along[::-1] * half
            begin, end = begin + along * self.gap, end - along * self.gap
            first, last = begin + along * half, end - along * half
            corners = [begin, first + across, last + across, end, last - across, first - across]
            polygons.append(self._placed(np.array(corners)))
        return polygons

    def separator(self, k: int, mark: str) -> list[_Polygon]:
        """Return the parts of a point, comma or colon after cell k."""
        x = k * (self.width + self.space) + self.width + self.space / 2
        radius = self.point / 2
        low = self.height - radius
        rows = [part * self.height for part in _DOTS_OF_COLON] if mark == _COLON else [low]
        parts = [(x, row) + radius * _CIRCLE for row in rows]
        if mark == ",":
            tip = (x - _TAIL[0] * self.point, low + _TAIL[1] * self.point)
            parts.append(np.array([(x + radius, low), tip, (x - radius / 2, low)]))
        return [self._placed(part) for part in parts]

    def _placed(self, corners: _Polygon) -> _Polygon:
        """Slant a polygon, given from the top left corner of the first digit, and move it there."""
        x, y = corners.T
        return np.stack([self.left + x + self.slant * (self.height - y), self.top + y], axis=1)


@overload
def make_display_captchas(
    n_samples: int = ...,
    *,
    kind: _Kind = ...,
    n_digits: int = ...,
    marks: str = ...,
    height: int = ...,
    slant: _Range = ...,
    stroke_width: _Range = ...,
    gap: _Range = ...,
    ghost: float = ...,
    glow: float = ...,
    gradient: int = ...,
    glare: float = ...,
    return_boxes: Literal[False] = ...,
    random_state: int | np.random.RandomState | None = ...,
) -> tuple[np.ndarray, np.ndarray]: ...
@overload
def make_display_captchas(
    n_samples: int = ...,
    *,
    kind: _Kind = ...,
    n_digits: int = ...,
    marks: str = ...,
    height: int = ...,
    slant: _Range = ...,
    stroke_width: _Range = ...,
    gap: _Range = ...,
    ghost: float = ...,
    glow: float = ...,
    gradient: int = ...,
    glare: float = ...,
    return_boxes: Literal[True],
    random_state: int | np.random.RandomState | None = ...,
) -> tuple[np.ndarray, np.ndarray, list[NDArray[np.intp]]]: ...
def make_display_captchas(
    n_samples: int = 100,
    *,
    kind: _Kind = "both",
    n_digits: int = 4,
    marks: str = ".-",
    height: int = 60,
    slant: _Range = (0.0, 0.15),
    stroke_width: _Range = (0.1, 0.16),
    gap: _Range = (0.01, 0.03),
    ghost: float = 0.15,
    glow: float = 0.6,
    gradient: int = 60,
    glare: float = 0.5,
    return_boxes: bool = False,
    random_state: int | np.random.RandomState | None = None,
) -> Any:
    """Draw numbers on seven-segment displays: liquid crystals (LCD) and light-emitting diodes.

    Each number has the same number of digits, and by chance a minus sign and one separator between
    two digits. Colors, sizes and places vary between displays. The images have noise and artifacts
    of lossy compression.

    Parameters
    ----------
    n_samples : int, default=100
        Number of captchas.
    kind : {"both", "lcd", "led"}, default="both"
        ``"lcd"``: dark segments on a bright background. ``"led"``: bright colored segments on a
        dark background. ``"both"``: one of the two kinds at random for each captcha.
    n_digits : int >= 1, default=4
        Number of digits of each number.
    marks : str, default=".-"
        Small marks that can be drawn, of ``"."``, ``","``, ``":"`` and ``"-"``. Half of the numbers
        have a minus sign if it is among them. Each number of two or more digits has one of the
        separators or, as often as each of them, none. Points and commas are at random places, a
        colon is before the last two digits, as in times.
    height : int >= 12, default=60
        Height of each image in pixels. Everything else has a size relative to it.
    slant : tuple of two floats in 0..0.5, default=(0.0, 0.15)
        Least and greatest shift of the top of a digit to the right, as a fraction of its height.
    stroke_width : tuple of two floats in 0.02..0.25, default=(0.1, 0.16)
        Least and greatest thickness of segments, as a fraction of the height of a digit.
    gap : tuple of two floats in 0..0.1, default=(0.01, 0.03)
        Least and greatest distance of the ends of a segment from the corners where it would meet
        others, as a fraction of the height of a digit.
    ghost : float in 0..1, default=0.15
        Greatest opacity of the segments that are not lit, relative to the lit ones.
    glow : float in 0..1, default=0.6
        Greatest brightness of the light around the segments of LEDs, relative to theirs.
    gradient : int in 0..255, default=60
        Greatest difference of brightness between opposite edges or corners.
    glare : float in 0..1, default=0.5
        Greatest opacity of a white reflection.
    return_boxes : bool, default=False
        Also return where the characters are.
    random_state : int, RandomState or None, default=None
        Seed. Captcha i depends only on the seed and on i, not on `n_samples`.

    Returns
    -------
    images : ndarray of shape (n_samples, height, width, 3), dtype uint8
        RGB images. The width depends on the height, the number of digits, and whether there can be
        a minus sign.
    labels : ndarray of shape (n_samples,), dtype str
        Their strings.
    boxes : list of n_samples ndarrays of shape (len(label), 4), dtype intp
        x, y, width and height of each character in pixels; only if `return_boxes`.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    See Also
    --------
    make_dot_captchas : Digits under dots or over dashes.

    Examples
    --------
    >>> from skcaptcha.datasets import make_display_captchas
    >>> images, labels = make_display_captchas(3, random_state=0)
    >>> images.shape, images.dtype
    ((3, 60, 192, 3), dtype('uint8'))
    >>> labels.tolist()
    ['-3133', '165.8', '8052']

    Times on small displays, and where their characters are:

    >>> images, labels, boxes = make_display_captchas(
    ...     2, kind="led", marks=":", height=24, return_boxes=True, random_state=0
    ... )
    >>> labels.tolist(), boxes[1].shape
    (['3313', '31:65'], (5, 4))
    """
    ranges = {"slant": (slant, 0, 0.5), "stroke_width": (stroke_width, 0.02, 0.25)}
    _check_parameters(kind, n_digits, marks, height, gradient)
    for name, (value, least, most) in {**ranges, "gap": (gap, 0, 0.1)}.items():
        _check_range(name, value, least, most)
    for name, amount in {"ghost": ghost, "glow": glow, "glare": glare}.items():
        if not isinstance(amount, Real) or not 0 <= amount <= 1:
            raise ValueError(f"{name}: found {amount!r}; pass a number from 0 to 1")
    has_sign = _MINUS in marks
    separators = ["", *(mark for mark in _SEPARATORS if mark in marks)] if n_digits > 1 else [""]
    n_cells = n_digits + has_sign
    width = round(height * (_WIDTH_PER_CELL * n_cells + _MARGINS))
    boxes: list[NDArray[np.intp]] = []

    def draw(rng: np.random.Generator) -> tuple[np.ndarray, str]:
        is_lcd = kind == "lcd" or (kind == "both" and rng.integers(2) == 0)
        digits = "".join(map(str, rng.integers(10, size=n_digits)))
        sign = _MINUS if has_sign and rng.integers(2) else ""
        separator = separators[rng.integers(len(separators))]
        after = int(rng.integers(1, n_digits)) if separator else n_digits
        if separator == _COLON:
            after = _digits_before_colon(n_digits)
        text = sign + digits[:after] + separator + digits[after:]
        digit = height * rng.uniform(*_DIGIT_HEIGHTS)
        cell, space = digit * rng.uniform(*_DIGIT_WIDTHS), digit * rng.uniform(*_SPACES)
        thickness, lean = digit * rng.uniform(*stroke_width), rng.uniform(*slant)
        taken = n_cells * cell + (n_cells - 1) * space + lean * digit
        right, down = height * rng.uniform(*_OFFSETS, 2)
        display = _Display(
            left=(width - taken) / 2 + right,
            top=(height - digit) / 2 + down,
            height=digit,
            width=cell,
            space=space,
            thickness=thickness,
            gap=digit * rng.uniform(*gap),
            slant=lean,
            point=thickness * rng.uniform(*_POINTS),
        )
        shapes = list(_draw_characters(display, text, n_cells))
        everything = _all_polygons(display, n_cells, separators, has_sign=has_sign)
        lit, all_ink = (_coverage(part, height, width) for part in (shapes, everything))
        ink = lit + rng.uniform(0, ghost) * np.maximum(all_ink - lit, 0)
        if is_lcd:
            image = _on_lcd(ink, rng)
        else:
            image = _on_led(ink, thickness * rng.uniform(*_GLOWS), glow, rng)
        _add_light(image, gradient, glare, rng)
        image += rng.normal(0, rng.uniform(*_NOISE), image.shape)
        boxes.append(
            np.array([_box(polygons, height, width) for polygons in shapes], dtype=np.intp)
        )
        quality = int(rng.integers(*_JPEG_QUALITIES, endpoint=True))
        return add_jpeg_artifacts(np.clip(np.rint(image), 0, 255).astype(np.uint8), quality), text

    longest = n_cells + (len(separators) > 1)
    images, labels = draw_captchas(draw, n_samples, (height, width), longest, random_state)
    return (images, labels, boxes) if return_boxes else (images, labels)


def _digits_before_colon(n_digits: int) -> int:
    return max(n_digits - _DIGITS_AFTER_COLON, 1)


def _draw_characters(display: _Display, text: str, n_cells: int) -> Iterator[list[_Polygon]]:
    """Yield the polygons of each character; digits are aligned to the right."""
    k = n_cells - sum(character in _LIT for character in text)
    for character in text:
        if character in _LIT:
            yield display.segments(k, _LIT[character])
            k += 1
        else:
            yield display.separator(k - 1, character)


def _all_polygons(
    display: _Display, n_cells: int, separators: Sequence[str], *, has_sign: bool
) -> Iterator[list[_Polygon]]:
    """Yield the polygons of everything that can be lit."""
    if has_sign:
        yield display.segments(0, _LIT[_MINUS])
    colon = has_sign + _digits_before_colon(n_cells - has_sign) - 1
    for k in range(has_sign, n_cells):
        yield display.segments(k, _CORNERS)
        if k + 1 < n_cells:
            marks = [mark for mark in separators if mark and (mark != _COLON or k == colon)]
            yield from (display.separator(k, mark) for mark in marks)


def _coverage(shapes: Iterable[Iterable[_Polygon]], height: int, width: int) -> NDArray[np.float64]:
    """Return the fraction of each pixel that polygons cover."""
    large = np.zeros((height * _OVERSAMPLING, width * _OVERSAMPLING), np.uint8)
    for polygons in shapes:
        for corners in polygons:
            # Coordinates of OpenCV begin at the center of the first pixel, not at its corner.
            points = np.rint((corners * _OVERSAMPLING - 0.5) * 2**_SHIFT).astype(np.int32)
            cv2.fillPoly(large, [points], 255, cv2.LINE_AA, _SHIFT)
    return cv2.resize(large, (width, height), interpolation=cv2.INTER_AREA) / 255


def _box(polygons: Sequence[_Polygon], height: int, width: int) -> _Box:
    corners = np.concatenate(polygons)
    limit = np.array([width, height])
    first = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, limit - 1)
    end = np.clip(np.ceil(corners.max(axis=0)).astype(int), first + 1, limit)
    return (*first.tolist(), *(end - first).tolist())


def _on_lcd(coverage: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    ground = np.array([rng.uniform(*bounds) for bounds in _LCD_GROUND])
    ink = np.full(3, rng.uniform(*_LCD_INK))
    return ground + coverage[..., None] * (ink - ground)


def _on_led(
    coverage: NDArray[np.float64], radius: float, glow: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    ground = np.full(3, rng.uniform(*_LED_GROUND))
    color = np.array(_LED_COLORS[rng.integers(len(_LED_COLORS))], dtype=float)
    halo = rng.uniform(0, glow) * cv2.GaussianBlur(coverage, (0, 0), radius)
    light = np.maximum(coverage, halo)
    return ground + light[..., None] * (color - ground)


def _add_light(
    image: NDArray[np.float64], gradient: int, glare: float, rng: np.random.Generator
) -> None:
    """Darken an image evenly in a random direction, and add a reflection, in place."""
    height, width = image.shape[:2]
    y, x = np.mgrid[:height, :width] / np.array([height, width])[:, None, None]
    angle = rng.uniform(0, 2 * np.pi)
    along = np.cos(angle) * x + np.sin(angle) * y
    along = (along - along.min()) / np.ptp(along)
    image -= (rng.uniform(0, gradient) * along)[..., None]
    # The reflection is an ellipse, in relation to the size of the image.
    (center_x, center_y), (spread_x, spread_y) = rng.uniform(size=2), rng.uniform(*_GLARE_SIZES, 2)
    spot = np.exp(-(((x - center_x) / spread_x) ** 2 + ((y - center_y) / spread_y) ** 2) / 2)
    image += (rng.uniform(0, glare) * spot)[..., None] * (255 - image)


def _check_parameters(kind: str, n_digits: int, marks: str, height: int, gradient: int) -> None:
    if kind not in get_args(_Kind):
        raise ValueError(f"kind must be one of {', '.join(get_args(_Kind))}; found {kind!r}")
    if not isinstance(n_digits, Integral) or n_digits < 1:
        raise ValueError(f"n_digits: found {n_digits!r}; pass a whole number from 1 on")
    if not isinstance(marks, str) or not {*marks} <= {*_SEPARATORS, _MINUS}:
        raise ValueError(f"marks: found {marks!r}; pass a string of . , : - or an empty one")
    if not isinstance(height, Integral) or height < _MIN_HEIGHT:
        raise ValueError(f"height: found {height!r}; pass a whole number from {_MIN_HEIGHT} on")
    if not isinstance(gradient, Integral) or not 0 <= gradient <= _MAX_GRADIENT:
        raise ValueError(
            f"gradient: found {gradient!r}; pass a whole number from 0 to {_MAX_GRADIENT}"
        )


def _check_range(name: str, found: _Range, least: float, most: float) -> None:
    ends = tuple(found) if isinstance(found, Iterable) else ()
    if (
        len(ends) != 2
        or not all(isinstance(end, Real) for end in ends)
        or not least <= ends[0] <= ends[1] <= most
    ):
        raise ValueError(
            f"{name}: found {found!r}; pass two fractions in ascending order, from "
            f"{least} to {most}"
        )
