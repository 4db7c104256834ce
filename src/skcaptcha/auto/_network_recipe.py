"""The recipe with a network, for captchas whose characters another recipe finds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import deepcopy
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skcaptcha.auto._families import Content
from skcaptcha.read.convolutional._network import HEIGHT_UNIT
from skcaptcha.recipes import Recipe, ready_recipe
from skcaptcha.recipes._strict_yaml import parse_yaml

_SOURCE = "convolutional.yaml"
# Pixels from one character to the next: at least, usually, and at most.
_PITCHES = 16.0, 24.0, 36.0
_MAX_HEIGHT = 96
_CONSTRAINTS = {"length", "charset", "mask"}
_PREPARING = {"Grayscale", "PolarityNormalizer"}
ENOUGH_BATCHES = 1000
"""With fewer batches, networks read more if their images are smaller."""
MANY_BATCHES = 3000
"""With more batches, networks read more if their images are larger."""
BATCHES_PER_CAPTCHA = 4
"""Fewer batches are both enough and many if they are this number for each captcha."""


def is_start_of_network(recipe: Content) -> bool:
    """Check whether a network can start from the positions that a recipe finds.

    They are found either in windows, or as segments that are characters. Fixed boxes find nothing.
    """
    return reads_windows(recipe) or _reads_segments(recipe)


def reads_windows(recipe: Content) -> bool:
    """Check whether a recipe reads windows of images that are resized."""
    steps = recipe["steps"]
    windows = steps.get("segment", {}).get("use") == "SlidingWindow"
    return windows and steps["read"]["use"] == "SequenceReader" and "rescale" in steps["denoise"]


def _reads_segments(recipe: Content) -> bool:
    steps = recipe["steps"]
    segmenter = steps.get("segment", {}).get("use", "FixedBoxes")
    return steps["read"]["use"] == "CharacterReader" and segmenter != "FixedBoxes"


def _denoising(start: Content) -> Content:
    """Return denoising steps after which images are gray, and the ink is bright."""
    denoise: Content = deepcopy(start["steps"]["denoise"])
    if reads_windows(start):
        return denoise
    polarity = {"use": "PolarityNormalizer", "ink": _binarizer(denoise)["ink"]}
    return {
        "gray": denoise["gray"],
        "polarity": denoise.get("polarity", polarity),
        "rescale": {"use": "HeightScaler", "pitch": _PITCHES[1]},
    }


def _init(start: Content, height: int) -> Content:
    """Return the steps of a recipe that find segments in gray images of the original height."""
    steps = deepcopy(start["steps"])
    denoise = steps.pop("denoise")
    _binarizer(denoise)["ink"] = "bright"
    rescale = {"use": "HeightScaler", "height": height, "margin": 0}
    binarize = {name: step for name, step in denoise.items() if step["use"] not in _PREPARING}
    return {"rescale": rescale, **binarize, **steps}


def _binarizer(denoise: Content) -> Content:
    """Return the first step that separates ink from the background."""
    first: Content = next(step for step in denoise.values() if step["use"] == "Binarizer")
    return first


def opening_size(recipe: Content) -> int:
    """Return the size of the opening in the denoising of a recipe; 1 does nothing."""
    size: int = recipe["steps"]["denoise"].get("opening", {}).get("size", 1)
    return size


class Heights(NamedTuple):
    """Heights of images in pixels: as they are, and as a network can see them, multiples of 8."""

    original: int
    least: int
    usual: int
    greatest: int


def network_heights(
    start: Content, images: Sequence[NDArray[np.uint8]], y: Sequence[str]
) -> Heights:
    """Return the heights of the images that a network can see.

    The usual height is that of the images, so that fine strokes stay and no time is spent on pixels
    that do not exist, but with 24 to 36 pixels from one character to the next. Where time is short,
    images are enlarged to 16 pixels only, or reduced to 24; where there is more of it, they are
    enlarged to 36. ``y`` are the labels of the images.
    """
    steps = {**start["steps"], "denoise": _denoising(start)}
    denoise = Recipe({**start, "steps": steps}).pipeline()["denoise"].fit(images, y)
    rescale = denoise["rescale"]
    # Images may be cropped before they are resized.
    before = denoise[: list(denoise.named_steps).index("rescale")]
    resized = before.transform(images) if len(before) else images
    height = float(np.median([len(image) for image in resized]))
    low, middle, high = rescale.height_ * np.array(_PITCHES) / rescale.pitch
    greatest = min(high, _MAX_HEIGHT)
    usual = min(max(height, middle), greatest)
    least = min(max(low, min(height, middle)), usual)
    return Heights(round(height), *map(_in_units, (least, usual, greatest)))


def affordable_height(
    heights: Heights, n_captchas: int, batch_seconds: float | None, seconds: float
) -> int:
    """Return about the greatest height at which networks learn from enough batches.

    Few captchas are learned in fewer batches, and networks read more if they see them larger. A
    batch of the usual height takes ``batch_seconds``, and the others take time in proportion to
    their pixels. The result is the usual height if that time is not known.
    """
    if batch_seconds is None:
        return heights.usual

    def affordable(n_batches: int) -> float:
        n_batches = min(n_batches, BATCHES_PER_CAPTCHA * n_captchas)
        return heights.usual * math.sqrt(seconds / (n_batches * batch_seconds))

    reduced = max(heights.least, affordable(ENOUGH_BATCHES))
    enlarged = min(heights.greatest, affordable(MANY_BATCHES))
    return _in_units(max(min(heights.usual, reduced), enlarged))


def _in_units(height: float) -> int:
    return max(round(height / HEIGHT_UNIT), 1) * HEIGHT_UNIT


def network_recipe(
    start: Content, height: int, *, original_height: int, **parameters: object
) -> Content:
    """Return the ready recipe `convolutional` for captchas whose characters another recipe finds.

    Channel, polarity, opening and constraints are those of this recipe. ``height`` is that of the
    images, and ``parameters`` are those of its `ConvolutionalReader`.
    """
    steps = parse_yaml(ready_recipe("convolutional"), _SOURCE)["steps"]
    denoise = _denoising(start)
    # Windows need a margin that they can be centered in; the network pads its images itself.
    denoise["rescale"] = {"use": "HeightScaler", "height": height, "margin": 0}
    constraints = {k: v for k, v in start["steps"]["read"].items() if k in _CONSTRAINTS}
    init = {} if reads_windows(start) else {"init": _init(start, original_height)}
    read = {**steps["read"], **init, **constraints, **parameters}
    return {**start, "steps": {"denoise": denoise, "read": read}, "final": {}}
