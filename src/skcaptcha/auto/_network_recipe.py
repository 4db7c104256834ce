"""The recipe with a network, for captchas whose windows another recipe reads."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import numpy as np
from numpy.typing import NDArray

from skcaptcha.auto._families import Content
from skcaptcha.recipes import Recipe, ready_recipe
from skcaptcha.recipes._strict_yaml import parse_yaml

_SOURCE = "convolutional.yaml"
_MIN_PITCH, _MAX_PITCH = 24.0, 36.0


def is_start_of_network(recipe: Content) -> bool:
    """Check whether a network can start from the positions that a recipe finds."""
    steps = recipe["steps"]
    windows = steps.get("segment", {}).get("use") == "SlidingWindow"
    return windows and steps["read"]["use"] == "SequenceReader" and "rescale" in steps["denoise"]


def opening_size(recipe: Content) -> int:
    """Return the size of the opening in the denoising of a recipe; 1 does nothing."""
    size: int = recipe["steps"]["denoise"].get("opening", {}).get("size", 1)
    return size


def network_pitch(windows: Content, images: Sequence[NDArray[np.uint8]], y: Sequence[str]) -> float:
    """Return the distance between characters that a network should see, in pixels.

    It is that of the images, so that fine strokes stay and no time is spent on pixels that do not
    exist, but within 24 to 36 pixels. ``y`` are the labels of the images.
    """
    denoise = Recipe(windows).pipeline()["denoise"].fit(images, y)
    rescale = denoise["rescale"]
    factors = [rescale.height_ / len(image) for image in images]
    own = rescale.pitch / float(np.median(factors))
    return float(np.clip(round(own), _MIN_PITCH, _MAX_PITCH))


def network_recipe(windows: Content, pitch: float, **parameters: object) -> Content:
    """Return the ready recipe `convolutional` with the denoising of a recipe that reads windows.

    ``pitch`` is the distance between characters in pixels, and ``parameters`` are those of its
    `ConvolutionalReader`.
    """
    steps = parse_yaml(ready_recipe("convolutional"), _SOURCE)["steps"]
    denoise = deepcopy(windows["steps"]["denoise"])
    # Windows need a margin that they can be centered in; the network pads its images itself.
    denoise["rescale"].update(margin=0, pitch=pitch)
    read = {**steps["read"], **parameters}
    return {**windows, "steps": {"denoise": denoise, "read": read}, "final": {}}
