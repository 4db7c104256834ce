"""Scheme "image": captchas of the ``captcha`` package, made reproducible, in many looks."""

from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec, module_from_spec
from itertools import product
from numbers import Integral, Real
from types import ModuleType
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from PIL.ImageFont import FreeTypeFont

from skcaptcha.datasets._drawing import (
    check_charset,
    draw_captchas,
    missing_generators,
    random_text,
)

_SIZES = (42, 50, 56)
_OVERLAP = (0.0, 0.25)
_MAX_OVERLAP = 0.9
_MAX_GRADIENT = 255
# Distance of the first character from the left edge, relative to the mean width of the characters.
_MARGIN = 0.1

_TEXT_ARGUMENTS = (
    "mode",
    "direction",
    "features",
    "language",
    "stroke_width",
    "anchor",
    "ink",
    "start",
)

_Box = tuple[int, int, int, int]


class _SeededSecrets:
    """The functions of the module ``secrets`` that the package uses, with a seeded generator."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def randbelow(self, exclusive_upper_bound: int) -> int:
        return int(self._rng.integers(exclusive_upper_bound))

    def randbits(self, k: int) -> int:
        return int(self._rng.integers(2**k))

    def choice(self, sequence: Sequence[Any]) -> Any:
        return sequence[self.randbelow(len(sequence))]


def _private_captcha_module() -> ModuleType:
    """Load a private copy of the module ``captcha.image``.

    The package uses ``secrets``, which has no seed. Replacing it in the module itself would make
    the captchas of all other users of the module in this process predictable.
    """
    spec = find_spec("captcha.image") if find_spec("captcha") else None
    if spec is None or spec.loader is None:
        raise missing_generators()
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class _WeightedFont(FreeTypeFont):
    """A font whose strokes are thicker by ``weight`` pixels on either side.

    Characters are moved to the right and down by as much, so that no part of a stroke is cut off.
    """

    def __init__(self, name: str, size: int, weight: int) -> None:
        super().__init__(name, size)
        self._weight = weight

    def getbbox(self, text: Any, *args: Any, **kwargs: Any) -> tuple[float, float, float, float]:
        left, top, right, bottom = super().getbbox(text, **self._thicker(args, kwargs))
        shift = self._weight
        return left + shift, top + shift, right + shift, bottom + shift

    def getmask2(self, text: Any, *args: Any, **kwargs: Any) -> Any:
        mask, (x, y) = super().getmask2(text, **self._thicker(args, kwargs))
        return mask, (x + self._weight, y + self._weight)

    def _thicker(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return arguments with another stroke; some versions of Pillow pass them by position."""
        named = dict(zip(_TEXT_ARGUMENTS, args, strict=False))
        return {**named, **kwargs, "stroke_width": self._weight}


class _Composer:
    """Replaces the method ``create_captcha_image`` of the package's ``ImageCaptcha``.

    It makes the same random choices in the same order, and adds a gradient, other overlaps and the
    boxes of the characters, which are in ``boxes`` after a captcha is drawn.
    """

    def __init__(
        self, drawer: Any, size: tuple[int, int], overlap: tuple[float, float], gradient: int
    ) -> None:
        self._drawer = drawer
        self._size = size
        self._overlap = overlap
        self._gradient = gradient
        self.secrets = _SeededSecrets(np.random.default_rng(0))
        self.boxes: list[_Box] = []

    def __call__(
        self, text: str, color: tuple[int, ...], background: tuple[int, ...]
    ) -> Image.Image:
        randbits = partial(self.secrets.randbits, 32)
        pen = ImageDraw.Draw(Image.new("RGB", self._size))
        drawer = self._drawer
        glyphs = []
        for character in text:
            if randbits() / 2**32 > drawer.word_space_probability:
                glyphs.append((drawer._draw_character(" ", pen, color), False))
            glyphs.append((drawer._draw_character(character, pen, color), True))
        text_width = sum(glyph.width for glyph, _ in glyphs)
        width, height = max(text_width, self._size[0]), self._size[1]
        average = int(text_width / len(text))
        least, most = (int(fraction * average) for fraction in self._overlap)
        image = self._background(background, width)
        x = int(_MARGIN * average)
        self.boxes = []
        for glyph, is_character in glyphs:
            mask = glyph.convert("L").point(drawer.lookup_table)
            y = int((height - glyph.height) / 2)
            image.paste(glyph, (x, y), mask)
            if is_character:
                ink = mask.getbbox() or (0, 0, *mask.size)
                self.boxes.append(self._box(x, y, ink, self._size[0] / width))
            x += glyph.width - least - self.secrets.randbelow(most - least + 1)
        return image.resize(self._size) if width > self._size[0] else image

    def _background(self, color: tuple[int, ...], width: int) -> Image.Image:
        """Return an image of one color, or one that changes evenly in a random direction."""
        if not self._gradient:
            return Image.new("RGB", (width, self._size[1]), color)
        angle = 2 * np.pi * self.secrets.randbits(32) / 2**32
        y, x = np.mgrid[: self._size[1], :width]
        along = np.cos(angle) * x / width + np.sin(angle) * y / self._size[1]
        along = (along - along.min()) / np.ptp(along)
        fall = [self.secrets.randbelow(self._gradient + 1) for _ in color]
        shades = np.array(color) - along[:, :, None] * fall
        return Image.fromarray(np.clip(np.rint(shades), 0, 255).astype(np.uint8))

    def _box(self, x: int, y: int, ink: _Box, scale: float) -> _Box:
        """Return the box of a glyph's ink (left, top, right, bottom) that was drawn at x, y."""
        width, height = self._size
        left = min(max(round((x + ink[0]) * scale), 0), width - 1)
        right = min(max(round((x + ink[2]) * scale), left + 1), width)
        top = min(max(y + ink[1], 0), height - 1)
        bottom = min(max(y + ink[3], top + 1), height)
        return left, top, right - left, bottom - top


@overload
def make_image_captchas(
    n_samples: int = ...,
    *,
    charset: str = ...,
    n_characters: int = ...,
    width: int = ...,
    height: int = ...,
    sizes: Sequence[int] = ...,
    weights: Sequence[int] = ...,
    overlap: tuple[float, float] = ...,
    gradient: int = ...,
    return_boxes: Literal[False] = ...,
    random_state: int | np.random.RandomState | None = ...,
) -> tuple[np.ndarray, np.ndarray]: ...
@overload
def make_image_captchas(
    n_samples: int = ...,
    *,
    charset: str = ...,
    n_characters: int = ...,
    width: int = ...,
    height: int = ...,
    sizes: Sequence[int] = ...,
    weights: Sequence[int] = ...,
    overlap: tuple[float, float] = ...,
    gradient: int = ...,
    return_boxes: Literal[True],
    random_state: int | np.random.RandomState | None = ...,
) -> tuple[np.ndarray, np.ndarray, NDArray[np.intp]]: ...
def make_image_captchas(
    n_samples: int = 100,
    *,
    charset: str = "0123456789",
    n_characters: int = 4,
    width: int = 160,
    height: int = 60,
    sizes: Sequence[int] = _SIZES,
    weights: Sequence[int] = (0,),
    overlap: tuple[float, float] = _OVERLAP,
    gradient: int = 0,
    return_boxes: bool = False,
    random_state: int | np.random.RandomState | None = None,
) -> Any:
    """Draw captchas with the ``captcha`` package: warped, overlapping characters, an arc, dots.

    With the default values of all parameters, these are the package's captchas. The others give
    them many looks, drawn by chance.

    Parameters
    ----------
    n_samples : int, default=100
        Number of captchas.
    charset : str, default="0123456789"
        Characters to draw from; a repeated character is drawn more often.
    n_characters : int, default=4
        Number of characters in each captcha.
    width, height : int, default=160 and 60
        Size of each image in pixels. Characters that need more width are made narrower.
    sizes : sequence of int >= 1, default=(42, 50, 56)
        Sizes of the font in pixels, of which each character has one.
    weights : sequence of int >= 0, default=(0,)
        Numbers of pixels by which strokes are thicker on either side, of which each character has
        one.
    overlap : tuple of two floats in 0..0.9, default=(0.0, 0.25)
        Least and greatest overlap of a character with the one before it, as a fraction of the mean
        width of the captcha's characters. The width includes the space around a glyph. Between half
        of the characters, there is a space.
    gradient : int in 0..255, default=0
        Greatest difference of the background's red, green and blue values between opposite edges
        or corners. Each captcha has differences and a direction of its own.
    return_boxes : bool, default=False
        Also return where the characters are.
    random_state : int, RandomState or None, default=None
        Seed. Captcha i depends only on the seed and on i, not on `n_samples`.

    Returns
    -------
    images : ndarray of shape (n_samples, height, width, 3), dtype uint8
        RGB images.
    labels : ndarray of shape (n_samples,), dtype str
        Their strings.
    boxes : ndarray of shape (n_samples, n_characters, 4), dtype intp
        x, y, width and height of the ink of each character in pixels; only if `return_boxes`.

    Raises
    ------
    ValueError
        If `charset` is empty, or another parameter is out of range.
    MissingExtraError
        If the extra ``generate`` is not installed.

    References
    ----------
    .. [1] `captcha <https://captcha.lepture.com>`_, whose ``ImageCaptcha`` draws them.

    Examples
    --------
    >>> from skcaptcha.datasets import make_image_captchas
    >>> images, labels = make_image_captchas(2, charset="AB", random_state=0)
    >>> images.shape, images.dtype
    ((2, 60, 160, 3), dtype('uint8'))
    >>> set("".join(labels)) <= set("AB")
    True

    Characters of one size and of three stroke weights, on a gradient, and where they are:

    >>> images, labels, boxes = make_image_captchas(
    ...     2, sizes=[42], weights=[0, 1, 2], gradient=80, return_boxes=True, random_state=0
    ... )
    >>> boxes.shape
    (2, 4, 4)
    """
    check_charset(charset)
    _check_looks(sizes, weights, overlap, gradient)
    module = _private_captcha_module()
    fonts = [
        _WeightedFont(name, size, weight)
        for name, size, weight in product(module.DEFAULT_FONTS, sizes, weights)
    ]
    # The package draws a character in one of its fonts; the property has no setter.
    drawer_class = type("Drawer", (module.ImageCaptcha,), {"truefonts": fonts})
    drawer = drawer_class(width=width, height=height)
    compose = _Composer(drawer, (width, height), overlap, gradient)
    drawer.create_captcha_image = compose
    boxes: list[list[_Box]] = []

    def draw(rng: np.random.Generator) -> tuple[np.ndarray, str]:
        text = random_text(charset, n_characters, rng)
        compose.secrets = vars(module)["secrets"] = _SeededSecrets(rng)
        image = np.asarray(drawer.generate_image(text))
        boxes.append(compose.boxes)
        return image, text

    images, labels = draw_captchas(draw, n_samples, (height, width), n_characters, random_state)
    if return_boxes:
        return images, labels, np.array(boxes, dtype=np.intp).reshape(n_samples, n_characters, 4)
    return images, labels


def _check_looks(
    sizes: Sequence[int], weights: Sequence[int], overlap: tuple[float, float], gradient: int
) -> None:
    for name, values, least in (("sizes", sizes, 1), ("weights", weights, 0)):
        wrong = [value for value in values if not isinstance(value, Integral) or value < least]
        if wrong or not len(values):
            found = repr(wrong[0]) if wrong else "none"
            raise ValueError(f"{name}: found {found}; pass whole numbers of pixels from {least} on")
    ends = tuple(overlap)
    if (
        len(ends) != 2
        or not all(isinstance(end, Real) for end in ends)
        or not 0 <= ends[0] <= ends[1] <= _MAX_OVERLAP
    ):
        raise ValueError(
            f"overlap: found {overlap!r}; pass two fractions in ascending order, from 0 to "
            f"{_MAX_OVERLAP}"
        )
    if not isinstance(gradient, Integral) or not 0 <= gradient <= _MAX_GRADIENT:
        raise ValueError(
            f"gradient: found {gradient!r}; pass a whole number from 0 to {_MAX_GRADIENT}"
        )
