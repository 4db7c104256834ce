"""The recipe with a network, for captchas whose windows another recipe reads."""

from __future__ import annotations

from copy import deepcopy

from skcaptcha.auto._families import Content
from skcaptcha.recipes import ready_recipe
from skcaptcha.recipes._strict_yaml import parse_yaml

_SOURCE = "convolutional.yaml"


def is_start_of_network(recipe: Content) -> bool:
    """Check whether a network can start from the positions that a recipe finds."""
    steps = recipe["steps"]
    windows = steps.get("segment", {}).get("use") == "SlidingWindow"
    return windows and steps["read"]["use"] == "SequenceReader" and "rescale" in steps["denoise"]


def network_recipe(windows: Content, **parameters: object) -> Content:
    """Return the ready recipe `convolutional` with the denoising of a recipe that reads windows.

    ``parameters`` are those of its `ConvolutionalReader`.
    """
    steps = parse_yaml(ready_recipe("convolutional"), _SOURCE)["steps"]
    denoise = deepcopy(windows["steps"]["denoise"])
    # Windows need a margin that they can be centered in; the network pads its images itself.
    denoise["rescale"]["margin"] = 0
    read = {**steps["read"], **parameters}
    return {**windows, "steps": {"denoise": denoise, "read": read}, "final": {}}
