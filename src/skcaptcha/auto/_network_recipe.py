"""The recipe with a network, for captchas whose windows another recipe reads."""

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
ENOUGH_BATCHES = 1000
"""With fewer batches, a network reads more if its images are smaller."""
MANY_BATCHES = 3000
"""With more batches, networks read more if their images are larger."""


def is_start_of_network(recipe: Content) -> bool:
    """Check whether a network can start from the positions that a recipe finds."""
    steps = recipe["steps"]
    windows = steps.get("segment", {}).get("use") == "SlidingWindow"
    return windows and steps["read"]["use"] == "SequenceReader" and "rescale" in steps["denoise"]


def opening_size(recipe: Content) -> int:
    """Return the size of the opening in the denoising of a recipe; 1 does nothing."""
    size: int = recipe["steps"]["denoise"].get("opening", {}).get("size", 1)
    return size


class Heights(NamedTuple):
    """Heights of the images that a network can see, in pixels, multiples of 8."""

    least: int
    usual: int
    greatest: int


def network_heights(
    windows: Content, images: Sequence[NDArray[np.uint8]], y: Sequence[str]
) -> Heights:
    """Return the heights of the images that a network can see.

    The usual height is that of the images, so that fine strokes stay and no time is spent on pixels
    that do not exist, but with 24 to 36 pixels from one character to the next. Where time is short,
    images are enlarged to 16 pixels only, or reduced to 24; where there is more of it, they are
    enlarged to 36. ``y`` are the labels of the images.
    """
    denoise = Recipe(windows).pipeline()["denoise"].fit(images, y)
    rescale = denoise["rescale"]
    # Images may be cropped before they are resized.
    before = denoise[: list(denoise.named_steps).index("rescale")]
    resized = before.transform(images) if len(before) else images
    height = float(np.median([len(image) for image in resized]))
    low, middle, high = rescale.height_ * np.array(_PITCHES) / rescale.pitch
    greatest = min(high, _MAX_HEIGHT)
    usual = min(max(height, middle), greatest)
    least = min(max(low, min(height, middle)), usual)
    return Heights(*map(_in_units, (least, usual, greatest)))


def affordable_height(heights: Heights, batch_seconds: float | None, seconds: float) -> int:
    """Return about the greatest height at which networks learn from enough batches.

    A batch of the usual height takes ``batch_seconds``, and the others take time in proportion to
    their pixels. It is the usual height if that time is not known.
    """
    if batch_seconds is None:
        return heights.usual

    def affordable(n_batches: int) -> float:
        return heights.usual * math.sqrt(seconds / (n_batches * batch_seconds))

    reduced = max(heights.least, affordable(ENOUGH_BATCHES))
    enlarged = min(heights.greatest, affordable(MANY_BATCHES))
    return _in_units(max(min(heights.usual, reduced), enlarged))


def _in_units(height: float) -> int:
    return max(round(height / HEIGHT_UNIT), 1) * HEIGHT_UNIT


def network_recipe(windows: Content, height: int, **parameters: object) -> Content:
    """Return the ready recipe `convolutional` for captchas whose windows another recipe reads.

    Denoising and constraints are those of the recipe with windows. ``height`` is that of the
    images, and ``parameters`` are those of its `ConvolutionalReader`.
    """
    steps = parse_yaml(ready_recipe("convolutional"), _SOURCE)["steps"]
    denoise = deepcopy(windows["steps"]["denoise"])
    # Windows need a margin that they can be centered in; the network pads its images itself.
    denoise["rescale"] = {"use": "HeightScaler", "height": height, "margin": 0}
    constraints = {k: v for k, v in windows["steps"]["read"].items() if k in _CONSTRAINTS}
    read = {**steps["read"], **constraints, **parameters}
    return {**windows, "steps": {"denoise": denoise, "read": read}, "final": {}}
