"""The families of recipes that are tried: read from auto.yaml, filled in with what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from importlib.resources import files
from itertools import product
from typing import Any

from sklearn.model_selection import ParameterGrid

from skcaptcha.auto._measure import Measurement
from skcaptcha.recipes import Recipe
from skcaptcha.recipes._strict_yaml import parse_yaml

_SOURCE = "auto.yaml"

Content = dict[str, Any]
"""What a recipe's file holds; here always without a grid, so that it is one candidate."""


@dataclass(frozen=True)
class Variant:
    """One way of a family to make segments and features of images, and what may read them.

    Attributes
    ----------
    settings : dict
        What the family's grid sets, but for the reader.
    stages : tuple of tuples of Content
        Candidates by the ``read`` that they have in the grid: the last ones are meant, the first
        stand in for them while it is screened. Those of one stage differ in the reader's settings.
    """

    settings: Content
    stages: tuple[tuple[Content, ...], ...]


@dataclass(frozen=True)
class Family:
    """One item of the grid.

    Attributes
    ----------
    number : int
        Its place in the grid, from 0.
    name : str
        The classes that segment, describe and read.
    variants : tuple of Variant
    excluded : str
        Why it cannot apply; empty if it can.
    """

    number: int
    name: str
    variants: tuple[Variant, ...]
    excluded: str


def load_families() -> Content:
    """Read auto.yaml.

    Returns
    -------
    content : dict
        A recipe's, with a list of families as its grid.
    """
    text = files("skcaptcha.recipes").joinpath("ready", _SOURCE).read_text(encoding="utf-8")
    content: Content = parse_yaml(text, _SOURCE)
    return content


def families_for(measurement: Measurement, content: Mapping[str, Any]) -> Iterator[Family]:
    """Fill in the families with what was measured.

    Parameters
    ----------
    measurement : Measurement
    content : mapping
        As `load_families` gives it.

    Yields
    ------
    family : Family
    """
    alone = {key: value for key, value in content.items() if key != "grid"}
    for number, grid in enumerate(content["grid"]):
        reading = {key: values for key, values in grid.items() if key.startswith("read__")}
        making = {key: values for key, values in grid.items() if not key.startswith("read")}
        variants: list[Variant] = []
        for length, unfilled in product(_lengths(measurement), ParameterGrid(making)):
            settings = _filled(unfilled, measurement, length)
            if any(settings == other.settings for other in variants):
                continue  # gray images have no other channels, and not all segmenters a length
            stages = tuple(
                tuple(
                    _candidate(alone, {**settings, **read, **tuned}, measurement, length)
                    for tuned in ParameterGrid(reading)
                )
                for read in ParameterGrid({"read": grid["read"]} if "read" in grid else {})
            )
            variants.append(Variant(settings, stages))
        meant = variants[0].stages[-1][0]
        excluded = _excluded(meant["steps"], measurement)
        yield Family(number, name_of(meant), tuple(variants), excluded)


def name_of(candidate: Content) -> str:
    """Name a candidate by the classes that segment, describe and read.

    Parameters
    ----------
    candidate : Content

    Returns
    -------
    name : str
    """
    steps = candidate["steps"]
    reader = steps["read"]
    named = steps["segment"], steps["features"], reader.get("estimator", reader)
    return " + ".join(step["use"] for step in named)


def _lengths(measurement: Measurement) -> tuple[int | None, ...]:
    """How many characters to cut captchas into; None: as many as it seems."""
    if measurement.length is None or measurement.n_unusual == 0:
        return (measurement.length,)
    return measurement.length, None  # labels of another length may be right


def _candidate(
    alone: Content, values: Content, measurement: Measurement, length: int | None
) -> Content:
    steps = _filled(_with_values(alone["steps"], values), measurement, length)
    content = {**alone, "steps": steps, "final": {}}
    known = Recipe(content, _SOURCE).pipeline().get_params()
    final = {name: value for name, value in alone.get("final", {}).items() if name in known}
    return {**content, "final": final}


def _with_values(steps: Content, values: Mapping[str, Any]) -> Content:
    """Set parameters by the names that set_params takes."""
    steps = deepcopy(steps)
    # A step is set before its own parameters.
    for name in sorted(values, key=lambda name: name.count("__")):
        *path, last = name.split("__")
        section = steps
        for part in path:
            section = section[part]
        section[last] = deepcopy(values[name])
    return steps


def _filled(found: Any, measurement: Measurement, length: int | None) -> Any:
    """Put in what was measured, wherever a step has a place for it."""
    if isinstance(found, list):
        return [_filled(part, measurement, length) for part in found]
    if not isinstance(found, Mapping):
        return found
    filled = {key: _filled(value, measurement, length) for key, value in found.items()}
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


def _excluded(steps: Content, measurement: Measurement) -> str:
    if "boxes" not in steps["segment"] or measurement.boxes is not None:
        return ""
    if measurement.length is None:
        return "labels differ in length"
    if measurement.one_size:
        return "the mean image shows no places"
    return "images differ in size"
