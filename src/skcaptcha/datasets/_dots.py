"""Scheme "dots": six digits under random dots, or over a regular pattern of dashes."""

from functools import cache
from typing import Literal, get_args

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from skcaptcha.datasets._drawing import add_jpeg_artifacts, draw_captchas, load_font

_Kind = Literal["both", "dots", "dashes"]

_HEIGHT, _WIDTH = 50, 150
_N_DIGITS = 6
_JPEG_QUALITY = 75

# Number of points per pixel, and the fraction of them that are black; the others are white.
_POINTS_PER_PIXEL = (0.22, 0.37)
_BLACK_FRACTIONS = (0.46, 0.56)

# Half of the patterns are exactly those of the known real captchas. The others vary, so that a
# reader does not learn the pattern instead of the digits.
_USUAL_FRACTION = 0.5
_USUAL_DASH_GRAY = 100
_USUAL_DASH_PITCHES = (4, 5)
_USUAL_DASH = 3
_DASH_GRAYS = (85, 112)
_DASH_PITCHES = (4, 7)
_DASHES = (2, 4)
_DASH_GAPS = (2, 5)

# The scheme's own font is not part of any package. A reader must not depend on the details of
# another one: digits are drawn in several fonts and in shapes between them, and vary much more than
# in the scheme itself.
_FONTS = (None, "DejaVuSans.ttf", "cmss10.ttf")
_FONT_PROBABILITIES = (0.5, 0.25, 0.25)
_MOST_OF_OTHER_FONT = 0.5
_DIGIT_HEIGHTS = (15.5, 20.5)
_PITCH_AT_NO_HEIGHT, _PITCH_PER_HEIGHT = 5.9, 0.45
_PITCH_ALLOWANCE = (-0.8, 0.8)
_LAST_CENTER_X = 114.0
_FIRST_CENTERS_X = (35.0, 38.5)
_CENTERS_Y = (12.0, 33.0)
_POSITION_DEVIATIONS = (0.3, 0.8)
_WIDTH_FACTORS = (0.85, 1.1)
_WIDTH_DEVIATION = 0.03
_SHEARS = (-0.06, 0.06)
_ANGLE_DEVIATION = 0.03
_DOTTED_STROKES = (-0.1, 0.45)
_DASHED_STROKES = (-0.2, 0.35)
# Amplitude, in pixels, of the warp of a digit.
_WARP = 0.3

_MASTER_SIDE = 320
_MASTER_FONT_SIZE = 200
_WINDOW = 36


@cache
def _masters(font_name: str | None) -> tuple[np.ndarray, int]:
    """Return the signed distances of each digit's pixels to its outline, and the digits' height.

    One warp of the distances gives a digit of any size, slant and stroke with smooth edges, and the
    weighted mean of the distances in two fonts is a shape between both.
    """
    if font_name is None:
        font = ImageFont.load_default(_MASTER_FONT_SIZE)
    else:
        font = load_font(font_name, _MASTER_FONT_SIZE)
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
    # The last values of "bottom" and "top" are those of the 9, which overshoots as round digits do.
    return np.stack(masters), bottom - top


def _draw_digits(
    digits: np.ndarray, strokes: tuple[float, float], rng: np.random.Generator
) -> np.ndarray:
    """Return the fraction of each pixel that digits cover; `strokes` bounds the outline offsets."""
    coverage = np.zeros((_HEIGHT, _WIDTH), np.float32)
    fonts = rng.choice(len(_FONTS), size=2, p=_FONT_PROBABILITIES)
    weight_of_other = rng.uniform(0, _MOST_OF_OTHER_FONT)
    height = rng.uniform(*_DIGIT_HEIGHTS)
    width = rng.uniform(*_WIDTH_FACTORS)
    stroke = rng.uniform(*strokes)
    start = np.array([rng.uniform(*_FIRST_CENTERS_X), rng.uniform(*_CENTERS_Y)])
    pitch = _PITCH_AT_NO_HEIGHT + _PITCH_PER_HEIGHT * height + rng.uniform(*_PITCH_ALLOWANCE)
    pitch = min(pitch, (_LAST_CENTER_X - start[0]) / (_N_DIGITS - 1))
    deviation = rng.uniform(*_POSITION_DEVIATIONS)
    for k, digit in enumerate(digits):
        center = rng.normal(start + np.array([k * pitch, 0]), deviation)
        x, y = np.maximum(np.round(center).astype(int) - _WINDOW // 2, 0)
        window = coverage[y : y + _WINDOW, x : x + _WINDOW]
        back = _inverse_map(height, width, center - (x, y), rng)
        distances = sum(
            weight * _distances(_FONTS[font], digit, height, back)
            for font, weight in zip(fonts, (1 - weight_of_other, weight_of_other), strict=True)
        )
        ink = np.clip(distances + stroke + 0.5, 0, 1)
        np.maximum(window, ink[: window.shape[0], : window.shape[1]], out=window)
    return coverage


def _inverse_map(
    height: float, width: float, center: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return the origin of each pixel of a window relative to the center of a digit of height 1."""
    angle = rng.normal(0, _ANGLE_DEVIATION)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    width *= rng.normal(1, _WIDTH_DEVIATION)
    lean = np.array([[width, rng.uniform(*_SHEARS)], [0, 1]])
    at = np.stack(np.meshgrid(np.arange(_WINDOW), np.arange(_WINDOW)), axis=-1) - center
    # One low-frequency wave in each direction for each coordinate.
    phases, frequencies = rng.uniform(0, 2 * np.pi, (2, 2)), rng.uniform(0.15, 0.35, (2, 2))
    waves = np.sin(at[..., np.newaxis] * frequencies + phases).sum(axis=-2)
    return ((at + _WARP * waves) @ np.linalg.inv(turn @ lean).T / height).astype(np.float32)


def _distances(font: str | None, digit: int, height: float, back: np.ndarray) -> np.ndarray:
    """Return the signed distances, in pixels, to the outline of a digit warped into a window."""
    masters, master_height = _masters(font)
    source = back * np.float32(master_height) + np.float32(_MASTER_SIDE / 2)
    warped = cv2.remap(
        masters[digit], source, None, cv2.INTER_LINEAR, borderValue=-float(_MASTER_SIDE)
    )
    return (height / master_height) * warped


def _dashes(dash: int, gap: int, pitches: tuple[int, int], start: int) -> np.ndarray:
    """Return a pattern of dashes on lines `pitches` pixels apart, True where there is ink.

    A single pen draws every row and then every column, so that the dashes of a column continue
    those of the previous one. `start` is the number of pixels of dash and gap drawn before.
    """
    pattern = np.zeros((_HEIGHT, _WIDTH), bool)
    for lines, pitch in ((pattern, pitches[0]), (pattern.T, pitches[1])):
        drawn = lines[::pitch]
        drawn[:] = ((start + np.arange(drawn.size)) % (dash + gap) < dash).reshape(drawn.shape)
    return pattern


def _dotted(digits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    image = 255 * (1 - _draw_digits(digits, _DOTTED_STROKES, rng))
    n_points = round(rng.uniform(*_POINTS_PER_PIXEL) * image.size)
    points = rng.integers(image.size, size=n_points)
    black = rng.random(n_points) < rng.uniform(*_BLACK_FRACTIONS)
    image.flat[points] = np.where(black, 0, 255)
    return image


def _dashed(digits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if rng.random() < _USUAL_FRACTION:
        pitch = int(rng.choice(_USUAL_DASH_PITCHES))
        gray, pattern = _USUAL_DASH_GRAY, _dashes(_USUAL_DASH, _USUAL_DASH, (pitch, pitch), 0)
    else:
        gray = int(rng.integers(*_DASH_GRAYS, endpoint=True))
        dash, gap = (int(rng.integers(*n, endpoint=True)) for n in (_DASHES, _DASH_GAPS))
        down, across = rng.integers(*_DASH_PITCHES, size=2, endpoint=True).tolist()
        pattern = _dashes(dash, gap, (down, across), int(rng.integers(dash + gap)))
    background = np.where(pattern, gray, 255)
    coverage = _draw_digits(digits, _DASHED_STROKES, rng)
    return background + coverage * (gray - background)


def make_dot_captchas(
    n_samples: int = 100,
    *,
    kind: _Kind = "both",
    random_state: int | np.random.RandomState | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw captchas of six digits under random dots, or over a pattern of dashes.

    Both kinds are gray and have artifacts of lossy compression. Digits may touch their neighbors or
    be slightly higher or lower. Fonts, sizes, widths, strokes, gaps, the density of dots and the
    pattern of dashes vary between captchas.

    Parameters
    ----------
    n_samples : int, default=100
        Number of captchas.
    kind : {"both", "dots", "dashes"}, default="both"
        ``"dots"``: black digits under black and white dots that fill and break their strokes; more
        than 300 pixels have the value 0. ``"dashes"``: gray digits over a lattice of dashes of the
        same gray level; no pixel is darker than 40. ``"both"``: one of the two kinds at random for
        each captcha.
    random_state : int, RandomState or None, default=None
        Seed. Captcha i depends only on the seed and on i, not on `n_samples`.

    Returns
    -------
    images : ndarray of shape (n_samples, 50, 150, 3), dtype uint8
        RGB images with three equal channels.
    labels : ndarray of shape (n_samples,), dtype str
        The six digits of each captcha.

    Raises
    ------
    ValueError
        If `kind` is invalid.
    MissingExtraError
        If the extra ``generate`` is not installed.

    See Also
    --------
    make_line_captchas : Colored characters crossed by lines.

    Examples
    --------
    >>> from skcaptcha.datasets import make_dot_captchas
    >>> images, labels = make_dot_captchas(3, kind="dots", random_state=0)
    >>> images.shape, images.dtype
    ((3, 50, 150, 3), dtype('uint8'))
    >>> bool(((images == 0).all(axis=-1).sum(axis=(1, 2)) > 300).all())
    True
    """
    if kind not in get_args(_Kind):
        raise ValueError(f"kind must be one of {', '.join(get_args(_Kind))}; found {kind!r}")

    def draw(rng: np.random.Generator) -> tuple[np.ndarray, str]:
        digits = rng.integers(10, size=_N_DIGITS)
        dotted = kind == "dots" or (kind == "both" and rng.integers(2) == 0)
        image = _dotted(digits, rng) if dotted else _dashed(digits, rng)
        gray = add_jpeg_artifacts(np.round(image).astype(np.uint8), _JPEG_QUALITY)
        return gray[..., np.newaxis], "".join(map(str, digits))

    return draw_captchas(draw, n_samples, (_HEIGHT, _WIDTH), _N_DIGITS, random_state)
