"""The families of recipes in auto.yaml, with values measured on the captchas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from itertools import product
from typing import Any

from sklearn.model_selection import ParameterGrid

from skcaptcha.auto._measurement import Measurement
from skcaptcha.read._base import reads_images
from skcaptcha.recipes import Recipe, ready_recipe
from skcaptcha.recipes._allowed_classes import allowed_classes
from skcaptcha.recipes._strict_yaml import parse_yaml

_SOURCE = "auto.yaml"
_SAME_POLARITY = 0.95  # fraction of images
# Steps that keep what could be a small mark of the labels. An opening would need more of a program
# that uses an exported network; all families with one also try size 1, which removes nothing.
_MARK_KEEPERS = ("SmallComponentRemover", "ThinLineRemover")

Content = dict[str, Any]
"""Content of a recipe file, without a grid."""


@dataclass(frozen=True)
class Variant:
    """One setting of a family's denoising, segmentation and features, with its readers.

    ``settings`` are the values from the family's grid, without the reader. ``stages`` holds the
    recipes with each ``read`` of the grid; the recipes of one stage differ in the reader's
    parameters. The last stage has the actual reader; the first has a cheap surrogate for the
    screening.
    """

    settings: Content
    stages: tuple[tuple[Content, ...], ...]


@dataclass(frozen=True)
class Family:
    """One item of the grid in auto.yaml; ``excluded`` is the reason why it cannot apply, or ""."""

    number: int
    name: str
    variants: tuple[Variant, ...]
    excluded: str


def load_families() -> Content:
    """Read auto.yaml, the recipe that `choose_recipe` takes its candidates from.

    Returns
    -------
    content : dict
        Content of a recipe whose grid is a list of families.
    """
    content: Content = parse_yaml(ready_recipe("auto"), _SOURCE)
    return content


def families_for(measurement: Measurement, content: Mapping[str, Any]) -> Iterator[Family]:
    """Yield the families of a recipe's content, filled in with measured values."""
    fixed = {key: value for key, value in content.items() if key != "grid"}
    for number, grid in enumerate(content["grid"]):
        reader_grid = {key: values for key, values in grid.items() if key.startswith("read__")}
        variant_grid = {key: values for key, values in grid.items() if not key.startswith("read")}
        variants: list[Variant] = []
        # The plain variants come first: if time is short, the others are not tried.
        for length, (crop, ink), unfilled in product(
            _lengths(measurement), _treatments(measurement), ParameterGrid(variant_grid)
        ):
            settings = _treated(_filled(unfilled, measurement, length), crop=crop, ink=ink)
            if any(settings == other.settings for other in variants):
                continue  # not all settings depend on colors, the length, or the treatment
            stages = tuple(
                tuple(
                    _recipe(fixed, {**settings, **read, **tuned}, measurement, length)
                    for tuned in ParameterGrid(reader_grid)
                )
                for read in ParameterGrid({"read": grid["read"]} if "read" in grid else {})
            )
            variants.append(Variant(settings, stages))
        meant = variants[0].stages[-1][0]
        excluded = _excluded(meant["steps"], measurement)
        yield Family(number, name_of(meant), tuple(variants), excluded)


def name_of(recipe: Content) -> str:
    """Return the names of a recipe's segmenter, features and classifier, as far as it has them."""
    steps = recipe["steps"]
    reader = steps["read"]
    named = steps.get("segment"), steps.get("features"), reader.get("estimator", reader)
    return " + ".join(step["use"] for step in named if step)


def _lengths(measurement: Measurement) -> tuple[int | None, ...]:
    """Return the numbers of characters to segment; None: estimated for each captcha."""
    if measurement.length is None or measurement.n_unusual == 0:
        return (measurement.length,)
    return measurement.length, None  # labels of unusual length may be correct


def _treatments(measurement: Measurement) -> Iterator[tuple[bool, str]]:
    """Yield whether to crop images to their text, and the polarity of the ink.

    If images seem to differ in polarity, it may still be the same for all: in photographs, shadows
    and frames can be mistaken for ink.
    """
    polarities = ["auto"]
    if max(measurement.dark_ink, 1 - measurement.dark_ink) < _SAME_POLARITY:
        polarities.append("dark" if measurement.dark_ink >= 0.5 else "bright")
    return product([False, True] if measurement.text_size_varies else [False], polarities)


def _treated(found: Any, *, crop: bool, ink: str) -> Any:
    """Return settings whose images are cropped to the text, and whose ink has a polarity."""
    if not isinstance(found, Mapping):
        return found
    treated = {key: _treated(value, crop=crop, ink=ink) for key, value in found.items()}
    if treated.get("use") == "PolarityNormalizer" and ink != "auto":
        treated.setdefault("ink", ink)
    return _with_cropper(treated) if crop and "rescale" in treated else treated


def _recipe(
    fixed: Content, values: Content, measurement: Measurement, length: int | None
) -> Content:
    steps = _filled(_with_values(fixed["steps"], values), measurement, length)
    reader = allowed_classes("read").get(steps["read"]["use"])
    if measurement.mask and reader is not None and "mask" in reader._get_param_names():
        steps["read"].setdefault("mask", list(measurement.mask))
    if reads_images(reader):
        # Its surrogate may read segments of the same images.
        steps = {name: step for name, step in steps.items() if name not in ("segment", "features")}
    content = {**fixed, "steps": steps, "final": {}}
    known = Recipe(content, _SOURCE).pipeline().get_params()
    final = {name: value for name, value in fixed.get("final", {}).items() if name in known}
    return {**content, "final": final}


def _with_values(steps: Content, values: Mapping[str, Any]) -> Content:
    """Return a copy of the steps with parameters set by the names that set_params accepts."""
    steps = deepcopy(steps)
    # Steps are set before their own parameters.
    for name in sorted(values, key=lambda name: name.count("__")):
        *path, last = name.split("__")
        section = steps
        for part in path:
            section = section[part]
        section[last] = deepcopy(values[name])
    return steps


def _filled(found: Any, measurement: Measurement, length: int | None) -> Any:
    """Fill in the measured values of all parameters that depend on them."""
    if isinstance(found, list):
        return [_filled(part, measurement, length) for part in found]
    if not isinstance(found, Mapping):
        return found
    filled = {key: _filled(value, measurement, length) for key, value in found.items()}
    if filled.get("use") in _MARK_KEEPERS and measurement.small_marks:
        filled.setdefault("keep_marks", True)
    if (
        filled.get("use") == "Grayscale"
        and not measurement.color
        and found.get("channel") != "contrast"
    ):
        filled.pop("channel", None)
    if "n_characters" in filled:
        filled["n_characters"] = length
    if "boxes" in filled and measurement.boxes is not None:
        filled["boxes"] = [list(box) for box in measurement.boxes]
    return filled


def _with_cropper(denoise: Content) -> Content:
    """Crop images to their text before other steps that need its size, right after polarity."""
    cropped: Content = {}
    for name, step in denoise.items():
        cropped[name] = step
        if step["use"] == "PolarityNormalizer":
            cropped["text"] = {"use": "TextCropper"}
    return cropped


def _excluded(steps: Content, measurement: Measurement) -> str:
    if "boxes" not in (steps.get("segment") or {}) or measurement.boxes is not None:
        return ""
    if measurement.length is None:
        return "labels differ in length"
    if measurement.one_size:
        return "the mean image shows no character positions"
    return "images differ in size"
