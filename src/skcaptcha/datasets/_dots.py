"""Scheme "dots": six digits under random dots, or over a regular pattern of dashes."""

from functools import cache
from typing import Literal, get_args

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from skcaptcha.datasets._jpeg import through_jpeg
from skcaptcha.datasets._random import captcha_generators

_Kind = Literal["both", "dots", "dashes"]

_HEIGHT, _WIDTH = 50, 150
_N_DIGITS = 6
_JPEG_QUALITY = 75

_DOT_GREY = 0
# Points thrown per pixel, as many white as black: one pixel in seven ends up black.
_POINTS_PER_PIXEL = 0.31

_DASH_GREY = 100
_DASH_PITCHES = (4, 5)
_DASH = 3

# The font is near to the scheme's own, not the same; these ranges of height, pitch, place, width,
# lean and stroke hold the real digits and the difference.
_DIGIT_HEIGHTS = (16.7, 20.0)
_PITCH_AT_NO_HEIGHT, _PITCH_PER_HEIGHT = 5.9, 0.45
_PITCH_ALLOWANCE = (-0.35, 0.35)
_FIRST_CENTRES_X = (35.5, 37.5)
_CENTRES_Y = (12.0, 32.0)
_PLACE_DEVIATION = (0.3, 0.7)
_WIDTH_FACTORS = (0.86, 1.04)
_SHEARS = (-0.06, 0.06)
_ANGLE_DEVIATION = 0.03
_DOTTED_STROKES = (0.0, 0.25)
_DASHED_STROKES = (-0.12, 0.12)

_MASTER_SIDE = 320
_MASTER_FONT_SIZE = 200
_WINDOW = 36


@cache
def _masters() -> tuple[np.ndarray, int]:
    """Signed distances of each digit's pixels to its outline, and the height of the digits.

    From distances, a digit of any size, lean and stroke is one warp away, with smooth edges.
    """
    font = ImageFont.load_default(_MASTER_FONT_SIZE)
    middle = (_MASTER_SIDE // 2, _MASTER_SIDE // 2)
    masters = []
    for digit in "0123456789":
        image = Image.new("1", (_MASTER_SIDE, _MASTER_SIDE))
        ImageDraw.Draw(image).text(middle, digit, font=font, fill=1, anchor="mm")
        left, top, right, bottom = image.getbbox() or (0, 0, *middle)
        ink = np.zeros((_MASTER_SIDE, _MASTER_SIDE), np.uint8)
        y, x = ((_MASTER_SIDE - n) // 2 for n in (bottom - top, right - left))
        ink[y : y + bottom - top, x : x + right - left] = np.asarray(image)[top:bottom, left:right]
        inside, outside = (cv2.distanceTransform(m, cv2.DIST_L2, 5) for m in (ink, 1 - ink))
        masters.append(inside - outside)
    # The last "bottom" and "top" are those of the 9, which overshoots as round digits do.
    return np.stack(masters), bottom - top


def _draw_digits(
    digits: np.ndarray, strokes: tuple[float, float], rng: np.random.Generator
) -> np.ndarray:
    """Share of each pixel that the digits cover; `strokes` bounds how far outlines move outward."""
    coverage = np.zeros((_HEIGHT, _WIDTH), np.float32)
    height = rng.uniform(*_DIGIT_HEIGHTS)
    pitch = _PITCH_AT_NO_HEIGHT + _PITCH_PER_HEIGHT * height + rng.uniform(*_PITCH_ALLOWANCE)
    stroke = rng.uniform(*strokes)
    start = np.array([rng.uniform(*_FIRST_CENTRES_X), rng.uniform(*_CENTRES_Y)])
    for k, digit in enumerate(digits):
        centre = rng.normal(start + np.array([k * pitch, 0]), _PLACE_DEVIATION)
        x, y = np.maximum(np.round(centre).astype(int) - _WINDOW // 2, 0)
        window = coverage[y : y + _WINDOW, x : x + _WINDOW]
        distances = _distances(digit, centre - (x, y), height, rng)
        ink = np.clip(distances + stroke + 0.5, 0, 1)
        np.maximum(window, ink[: window.shape[0], : window.shape[1]], out=window)
    return coverage


def _distances(
    digit: int, centre: np.ndarray, height: float, rng: np.random.Generator
) -> np.ndarray:
    """Signed distances to a digit's outline in a window around it, a little warped by chance."""
    masters, master_height = _masters()
    scale = height / master_height
    angle = rng.normal(0, _ANGLE_DEVIATION)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    lean = np.array([[rng.uniform(*_WIDTH_FACTORS), rng.uniform(*_SHEARS)], [0, 1]])
    linear = scale * turn @ lean
    shift = centre - linear @ np.full(2, _MASTER_SIDE / 2)
    return scale * cv2.warpAffine(
        masters[digit],
        np.column_stack([linear, shift]),
        (_WINDOW, _WINDOW),
        borderValue=-float(_MASTER_SIDE),
    )


@cache
def _dashes(pitch: int) -> np.ndarray:
    """Pattern of dashes `pitch` pixels apart, True where there is ink.

    One pen draws every row and then every column and never lifts: where a column's dashes begin
    follows from where the column before it ended.
    """
    pattern = np.zeros((_HEIGHT, _WIDTH), bool)
    for lines in (pattern[::pitch], pattern.T[::pitch]):
        lines[:] = (np.arange(lines.size) % (2 * _DASH) < _DASH).reshape(lines.shape)
    return pattern


def _dotted(digits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    image = 255 * (1 - _draw_digits(digits, _DOTTED_STROKES, rng))
    n_points = round(_POINTS_PER_PIXEL * image.size)
    places = rng.integers(image.size, size=n_points)
    image.flat[places] = np.where(rng.integers(2, size=n_points), 255, _DOT_GREY)
    return image


def _dashed(digits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    ground = np.where(_dashes(int(rng.choice(_DASH_PITCHES))), _DASH_GREY, 255)
    coverage = _draw_digits(digits, _DASHED_STROKES, rng)
    return ground + coverage * (_DASH_GREY - ground)


def make_dot_captchas(
    n_samples: int = 100,
    *,
    kind: _Kind = "both",
    random_state: int | np.random.RandomState | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw captchas of six digits under random dots, or over a pattern of dashes.

    Both kinds are grey, with digits that may touch or stand a little higher or lower than their
    neighbours, and bear the marks of lossy compression.

    Parameters
    ----------
    n_samples : int, default=100
        Number of captchas.
    kind : {"both", "dots", "dashes"}, default="both"
        ``"dots"``: black digits, strewn with black and white dots that fill and break their
        strokes; well over 500 pixels have the value 0. ``"dashes"``: grey digits over a lattice
        of dashes as grey as they are; no pixel has the value 0. ``"both"``: each captcha is of
        the one kind or the other, by chance.
    random_state : int, RandomState or None, default=None
        Seed. Captcha i depends on the seed and on i, not on `n_samples`.

    Returns
    -------
    images : ndarray of shape (n_samples, 50, 150, 3), dtype uint8
        RGB images, their three channels equal.
    labels : ndarray of shape (n_samples,), dtype str
        The six digits in each.

    Raises
    ------
    ValueError
        If `kind` is none of the three.

    See Also
    --------
    make_line_captchas : Coloured characters crossed by lines.

    Examples
    --------
    >>> from skcaptcha.datasets import make_dot_captchas
    >>> images, labels = make_dot_captchas(3, kind="dots", random_state=0)
    >>> images.shape, images.dtype
    ((3, 50, 150, 3), dtype('uint8'))
    >>> bool(((images == 0).all(axis=-1).sum(axis=(1, 2)) > 500).all())
    True
    """
    if kind not in get_args(_Kind):
        raise ValueError(f"kind must be one of {', '.join(get_args(_Kind))}; found {kind!r}")
    images = np.empty((n_samples, _HEIGHT, _WIDTH, 3), np.uint8)
    labels = np.empty(n_samples, f"U{_N_DIGITS}")
    for i, rng in enumerate(captcha_generators(n_samples, random_state)):
        digits = rng.integers(10, size=_N_DIGITS)
        dotted = kind == "dots" or (kind == "both" and rng.integers(2) == 0)
        image = _dotted(digits, rng) if dotted else _dashed(digits, rng)
        grey = through_jpeg(np.round(image).astype(np.uint8), _JPEG_QUALITY)
        images[i] = grey[..., np.newaxis]
        labels[i] = "".join(map(str, digits))
    return images, labels
