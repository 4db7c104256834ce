"""The recipe with a network, for captchas whose windows another recipe reads."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import numpy as np
from numpy.typing import NDArray

from skcaptcha.auto._families import Content
from skcaptcha.read.convolutional._network import HEIGHT_UNIT
from skcaptcha.recipes import Recipe, ready_recipe
from skcaptcha.recipes._strict_yaml import parse_yaml

_SOURCE = "convolutional.yaml"
# Pixels from one character to the next.
_PITCHES = 24.0, 36.0
_MAX_HEIGHT = 96


def is_start_of_network(recipe: Content) -> bool:
    """Check whether a network can start from the positions that a recipe finds."""
    steps = recipe["steps"]
    windows = steps.get("segment", {}).get("use") == "SlidingWindow"
    return windows and steps["read"]["use"] == "SequenceReader" and "rescale" in steps["denoise"]


def opening_size(recipe: Content) -> int:
    """Return the size of the opening in the denoising of a recipe; 1 does nothing."""
    size: int = recipe["steps"]["denoise"].get("opening", {}).get("size", 1)
    return size


def network_height(windows: Content, images: Sequence[NDArray[np.uint8]], y: Sequence[str]) -> int:
    """Return the height of the images that a network should see, in pixels.

    It is that of the images, so that fine strokes stay and no time is spent on pixels that do not
    exist, but with 24 to 36 pixels from one character to the next, and a multiple of 8, which
    needs no padding. ``y`` are the labels of the images.
    """
    rescale = Recipe(windows).pipeline()["denoise"].fit(images, y)["rescale"]
    height = float(np.median([len(image) for image in images]))
    lowest, highest = rescale.height_ * np.array(_PITCHES) / rescale.pitch
    wanted = min(max(height, lowest), highest, _MAX_HEIGHT)
    return max(round(wanted / HEIGHT_UNIT), 1) * HEIGHT_UNIT


def network_recipe(windows: Content, height: int, **parameters: object) -> Content:
    """Return the ready recipe `convolutional` with the denoising of a recipe that reads windows.

    ``height`` is that of the images, and ``parameters`` are those of its `ConvolutionalReader`.
    """
    steps = parse_yaml(ready_recipe("convolutional"), _SOURCE)["steps"]
    denoise = deepcopy(windows["steps"]["denoise"])
    # Windows need a margin that they can be centered in; the network pads its images itself.
    denoise["rescale"] = {"use": "HeightScaler", "height": height, "margin": 0}
    read = {**steps["read"], **parameters}
    return {**windows, "steps": {"denoise": denoise, "read": read}, "final": {}}
