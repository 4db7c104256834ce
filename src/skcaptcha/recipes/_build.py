"""Building the estimators that a recipe describes."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping
from copy import copy
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from skcaptcha.read._base import reads_images
from skcaptcha.recipes._allowed_classes import allowed_classes
from skcaptcha.recipes._schema import allowed, shortened, shown

_MAX_STEPS = 64  # of a pipeline; the ready recipes have ten at most

# Parameters that do not affect predictions. `memory` would load files from a folder.
_NOT_IN_RECIPES = ("memory", "n_jobs", "verbose", "steps", "transform_input")


class InvalidKeyError(Exception):
    """A value in a recipe cannot be used; its arguments are the key and a sentence."""


def build(value: Any, key: str, step: str | None = None) -> Any:
    """Build what a value in a recipe describes: an estimator, a pipeline of them, or the value.

    With `step`, the value must be an estimator for that step of the pipeline; "" allows every
    estimator.
    """
    if step is None and not isinstance(value, Mapping):
        return [build(v, key) for v in value] if isinstance(value, list) else value
    may_be_pipeline = step in (None, "", "denoise")
    if may_be_pipeline and value in (None, "passthrough"):
        return "passthrough"
    if not isinstance(value, Mapping):
        steps = "{use: NAME} or passthrough" if may_be_pipeline else "{use: NAME}"
        raise InvalidKeyError(key, f"found {shown(value)}; a step is {steps}")
    classes = allowed_classes(step or "")
    if "use" not in value:
        if not (may_be_pipeline and value):
            raise InvalidKeyError(key, f"has no key use; {allowed('', classes)}")
        return Pipeline(_build_named(value, key, step or ""))
    name = value["use"]
    if not isinstance(name, str) or name not in classes:
        problem = f"found {shortened(repr(name))}; {allowed(name, classes)}"
        raise InvalidKeyError(f"{key}.use", problem)
    kind = classes[name]
    parameters = [p for p in inspect.signature(kind).parameters if p not in _NOT_IN_RECIPES]
    given = {}
    for parameter in value:
        if parameter == "use":
            continue
        where = f"{key}.{parameter}"
        if parameter not in parameters:
            raise InvalidKeyError(
                where, f"{name} has no such parameter; {allowed(parameter, parameters)}"
            )
        if parameter == "branches":
            given[parameter] = _build_named(value[parameter], where, "denoise")
        else:
            given[parameter] = build(value[parameter], where)
    try:
        estimator = kind(**given)
    except TypeError as error:
        raise InvalidKeyError(key, f"{name} {str(error).partition('() ')[2]}") from None
    _check_parameters(estimator, key)
    return estimator


def build_values(
    grid: Mapping[str, list[Any]], key: str, pipeline: Pipeline
) -> dict[str, list[Any]]:
    """Build the values of a grid, and check each in the estimators whose parameter it is."""
    built: dict[str, list[Any]] = {}
    parameters_of = {"": [_parameters(pipeline)]}
    # An estimator is set before its own parameters, which are looked up in it.
    for name in sorted(grid, key=lambda name: name.count("__")):
        where = f"{key}.{name}"
        above = max((n for n in built if name.startswith(f"{n}__")), key=len, default="")
        inner = name[len(above) :].removeprefix("__") if above else name
        owners = {}
        # Every estimator among the values of the key above must have this parameter.
        for parameters in parameters_of[above]:
            if not inner or inner not in parameters:
                known = [f"{above}__" * bool(above) + p for p in parameters if p]
                problem = f"the pipeline has no such parameter; {allowed(name, known)}"
                raise InvalidKeyError(where, problem)
            owner = parameters[inner.rpartition("__")[0]]
            owners[type(owner)] = owner
        step = _step_of(name, next(iter(owners.values())))
        built[name], distinct = [], {}
        for value in grid[name]:
            check_number_of_steps(value, where)
            distinct[repr(value)] = build(value, where, step)
            built[name].append(distinct[repr(value)])
        if any(other.startswith(f"{name}__") for other in grid):
            parameters_of[name] = [_parameters(value) for value in distinct.values()]
        if step is None:
            # The valid values of a parameter depend only on the class that has it.
            for owner in owners.values():
                for value in distinct.values():
                    changed = copy(owner)
                    setattr(changed, name.rpartition("__")[2], value)
                    _check_parameters(changed, where)
    return built


def check_number_of_steps(value: Any, key: str) -> None:
    """Raise an error if a value describes more estimators than a pipeline may have."""
    n = _count_steps(value)
    if n > _MAX_STEPS:
        raise InvalidKeyError(key, f"has {n} steps; the maximum is {_MAX_STEPS}; remove some")


def check_input_of_reader(reader: BaseEstimator, steps: Collection[str]) -> None:
    """Raise an error if a recipe's steps do not give what its reader reads."""
    kind = type(reader).__name__
    for name in ("segment", "features"):
        key = f"steps.{name}"
        if reads_images(reader) and name in steps:
            raise InvalidKeyError(key, f"a {kind} reads images, not segments; remove this key")
        if not reads_images(reader) and name not in steps:
            problem = f"this key is missing; a {kind} reads segments with features"
            raise InvalidKeyError(key, problem)


def check_alternative_reader(reader: BaseEstimator, key: str, steps: Collection[str]) -> None:
    """Raise an error if a reader in a recipe's grid needs other steps than those before it."""
    kind = type(reader).__name__
    if reads_images(reader) and "segment" in steps:
        problem = f"a {kind} reads images, but the recipe has the key steps.segment"
        raise InvalidKeyError(key, problem)
    if not reads_images(reader) and "segment" not in steps:
        problem = f"a {kind} reads segments with features, but the recipe has no key steps.segment"
        raise InvalidKeyError(key, problem)


def _count_steps(value: Any) -> int:
    if isinstance(value, Mapping):
        return ("use" in value) + sum(map(_count_steps, value.values()))
    return sum(map(_count_steps, value)) if isinstance(value, list) else 0


def _build_named(value: Any, key: str, step: str) -> list[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        problem = f"found {shown(value)}; give each step a name, as in a: {{use: NAME}}"
        raise InvalidKeyError(key, problem)
    for name in value:
        if not isinstance(name, str) or not name or "__" in name or name in _NOT_IN_RECIPES:
            problem = f"{shown(name)} is not a valid step name; use another, without __"
            raise InvalidKeyError(key, problem)
    return [(name, build(part, f"{key}.{name}", step)) for name, part in value.items()]


def _check_parameters(estimator: BaseEstimator, key: str) -> None:
    try:
        estimator._validate_params()
    except (TypeError, ValueError) as error:
        raise InvalidKeyError(key, str(error)) from None


def _parameters(value: Any) -> dict[str, Any]:
    """Return the parameters that a recipe may set in a value, and the value itself as ""."""
    if not hasattr(value, "get_params"):
        return {"": value}
    return {"": value} | {
        name: parameter
        for name, parameter in value.get_params().items()
        if name.rpartition("__")[2] not in _NOT_IN_RECIPES
    }


def _step_of(name: str, owner: Any) -> str | None:
    """Return the step whose classes a parameter accepts; None if it is not itself a step."""
    steps = dict(getattr(owner, "branches", getattr(owner, "steps", ())))
    if name.rpartition("__")[2] not in steps:
        return None
    first = name.partition("__")[0]
    return first if first in ("denoise", name) else ""
