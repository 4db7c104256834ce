"""Scheme "dots": six digits under random black dots, or over a regular pattern of dashes."""

from functools import cache
from typing import Literal

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from skcaptcha.datasets._jpeg import through_jpeg
from skcaptcha.datasets._random import captcha_generators

_HEIGHT, _WIDTH = 50, 150
_N_DIGITS = 6
_JPEG_QUALITY = 75

# Digits are kept as distances to their outline, large, so that any size, slant, weight and place
# is one warp away, with clean edges.
_MASTER_SIDE = 320
_MASTER_FONT_SIZE = 200
_CENTRE = _MASTER_SIDE / 2
_WINDOW = 36

_DOT_GREY = 0
# Points thrown per pixel, black or white alike: about one pixel in seven of either ends up so.
_POINTS_PER_PIXEL = 0.31

_DASH_GREY = 100
_DASH_PITCHES = (4, 5)
_DASH = 3
"""Pixels of ink in a dash, and of ground between two."""


@cache
def _masters() -> tuple[np.ndarray, float]:
    """Signed distances to each digit's outline, (10, 320, 320), and the digits' height in them."""
    font = ImageFont.load_default(_MASTER_FONT_SIZE)
    masters = []
    height = 0
    for digit in "0123456789":
        image = Image.new("1", (_MASTER_SIDE, _MASTER_SIDE))
        ImageDraw.Draw(image).text((0, _CENTRE), digit, font=font, fill=1, anchor="ls")
        left, top, right, bottom = image.getbbox() or (0, 0, 0, 0)
        height = bottom - top
        centred = Image.new("1", image.size)
        x = round(_CENTRE - (right - left) / 2)
        centred.paste(image.crop((left, top, right, bottom)), (x, round(_CENTRE - height / 2)))
        ink = np.array(centred, np.uint8)
        inside, outside = (cv2.distanceTransform(m, cv2.DIST_L2, 5) for m in (ink, 1 - ink))
        masters.append(inside - outside)
    return np.stack(masters), float(height)


def _coverage(digit: int, centre: np.ndarray, height: float, rng: np.random.Generator) -> np.ndarray:
    raise NotImplementedError
