"""Scheme "lines": colored italic characters at fixed places, crossed by thin colored lines."""

from functools import cache

import cv2
import numpy as np
from PIL import Image, ImageDraw

from skcaptcha.datasets._drawing import (
    add_jpeg_artifacts,
    check_charset,
    draw_captchas,
    load_font,
    random_text,
)

LINE_CHARSET = "ABCDEFGHJKLMNPQRSTUVWXYZ123456789"

_HEIGHT = 30
_PITCH = 30
_BASELINE = 24
# A glyph may overlap the next character.
_GLYPH_WIDTH = 36
_SLANT = 0.18
_OVERSAMPLING = 8
_FONT_SIZE = 26
# Fraction of a pixel that the outline must cover: strokes are slightly thinner than the font's.
_COVERAGE = 0.78
_BORDER_GRAY = 200
_N_LINES = 12
_MAX_RUN = 60
_MAX_FALL = 13
_GLYPH_COLORS = (20, 130)
# The original captchas were compressed twice: by the program that drew them and when saved.
_JPEG_QUALITIES = (75, 95)

# The scheme's own font is not part of any package, so a common font is fitted to it: the left edge
# of each upright character and its width, in pixels.
# fmt: off
_GLYPHS = {
    "1": (8.25, 13.25), "2": (7.5, 12.5), "3": (6.75, 14.5), "4": (6.5, 17),
    "5": (8, 13.25), "6": (6.5, 15.75), "7": (7.25, 14.75), "8": (8.25, 12.75),
    "9": (6.25, 16), "A": (5.75, 18.25), "B": (7.75, 12.25), "C": (6.25, 18),
    "D": (7.5, 18.25), "E": (7.5, 13.25), "F": (7.5, 12.75), "G": (6.75, 16.5),
    "H": (7.75, 15.5), "J": (6, 8.25), "K": (7.75, 17.25), "L": (7.5, 13.25),
    "M": (7.25, 20), "N": (7.25, 16), "P": (7.75, 14), "Q": (6.5, 19),
    "R": (7.75, 15.75), "S": (6.5, 13.75), "T": (5.75, 18), "U": (7.75, 14.75),
    "V": (6.25, 17.75), "W": (5.5, 23.75), "X": (5.5, 16.75), "Y": (6, 18.25),
    "Z": (6.5, 15),
}
# fmt: on
_USUAL_LEFT = 8.0
_USUAL_NARROWING = 0.85


@cache
def _glyph(character: str) -> np.ndarray:
    """Return the mask of a character, bool of shape (30, 36)."""
    background = Image.new("L", (_GLYPH_WIDTH * 2 * _OVERSAMPLING, _HEIGHT * 2 * _OVERSAMPLING))
    pen = (_GLYPH_WIDTH * _OVERSAMPLING, _HEIGHT * _OVERSAMPLING)
    font = load_font("DejaVuSans-Bold.ttf", _FONT_SIZE * _OVERSAMPLING)
    ImageDraw.Draw(background).text(pen, character, font=font, fill=255, anchor="ls")
    ink = background.getbbox()
    if ink is None:
        raise ValueError(f"charset: {character!r} is invisible; use visible characters")
    upright = background.crop(ink)
    top = ink[1] - pen[1]
    usual = (_USUAL_LEFT, _USUAL_NARROWING * upright.width / _OVERSAMPLING)
    left, width = _GLYPHS.get(character, usual)
    narrowing = width * _OVERSAMPLING / upright.width
    # Each row is moved right by its height above the baseline times the slant.
    italic = np.array(
        [
            [narrowing, -_SLANT, left * _OVERSAMPLING - _SLANT * top],
            [0, 1, _BASELINE * _OVERSAMPLING + top],
        ]
    )
    large = cv2.warpAffine(
        np.asarray(upright), italic, (_GLYPH_WIDTH * _OVERSAMPLING, _HEIGHT * _OVERSAMPLING)
    )
    covered = cv2.resize(large, (_GLYPH_WIDTH, _HEIGHT), interpolation=cv2.INTER_AREA)
    return covered > 255 * _COVERAGE


def make_line_captchas(
    n_samples: int = 100,
    *,
    charset: str = LINE_CHARSET,
    n_characters: int = 4,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw captchas of italic characters crossed by thin colored lines.

    The characters are 30 pixels apart, each in one dark color without antialiasing. Behind them are
    twelve lines of random colors that descend to the right, inside a gray frame. The image is then
    compressed lossily.

    Parameters
    ----------
    n_samples : int, default=100
        Number of captchas.
    charset : str, default="ABCDEFGHJKLMNPQRSTUVWXYZ123456789"
        Characters to draw from; a repeated character is drawn more often.
    n_characters : int, default=4
        Number of characters in each captcha.
    random_state : int, RandomState or None, default=None
        Seed. Captcha i depends only on the seed and on i, not on `n_samples`.

    Returns
    -------
    images : ndarray of shape (n_samples, 30, 30 * n_characters, 3), dtype uint8
        RGB images.
    labels : ndarray of shape (n_samples,), dtype str
        Their strings.

    Raises
    ------
    ValueError
        If `charset` is empty or contains an invisible character.
    MissingExtraError
        If the extra ``generate`` is not installed.

    See Also
    --------
    make_dot_captchas : Digits under dots or over dashes.

    Examples
    --------
    >>> from skcaptcha.datasets import make_line_captchas
    >>> images, labels = make_line_captchas(3, random_state=0)
    >>> images.shape, images.dtype
    ((3, 30, 120, 3), dtype('uint8'))
    >>> [len(label) for label in labels]
    [4, 4, 4]
    """
    check_charset(charset)
    width = _PITCH * n_characters

    def draw(rng: np.random.Generator) -> tuple[np.ndarray, str]:
        canvas = np.full((_HEIGHT, width + _GLYPH_WIDTH, 3), 255, np.uint8)
        image = canvas[:, :width]
        image[[0, -1]] = image[:, [0, -1]] = _BORDER_GRAY
        starts = rng.integers((width, _HEIGHT), size=(_N_LINES, 2))
        ends = starts + rng.integers((_MAX_RUN, _MAX_FALL), size=(_N_LINES, 2))
        colors = rng.integers(256, size=(_N_LINES, 3))
        for start, end, color in zip(starts.tolist(), ends.tolist(), colors.tolist(), strict=True):
            cv2.line(canvas, start, end, color)
        text = random_text(charset, n_characters, rng)
        for k, character in enumerate(text):
            cell = canvas[:, k * _PITCH : k * _PITCH + _GLYPH_WIDTH]
            cell[_glyph(character)] = rng.integers(*_GLYPH_COLORS, size=3)
        return add_jpeg_artifacts(image, *_JPEG_QUALITIES), text

    return draw_captchas(draw, n_samples, (_HEIGHT, width), n_characters, random_state)
