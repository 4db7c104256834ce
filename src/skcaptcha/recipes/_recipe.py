"""Recipes: from a YAML file to a pipeline, a search over its grid, and a fitted model."""

from __future__ import annotations

import inspect
import logging
import math
import os
import re
import time
from collections.abc import Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.metrics import make_scorer
from sklearn.model_selection import ParameterGrid
from sklearn.pipeline import Pipeline
from sklearn.utils import Bunch

from skcaptcha._display.progress import progress
from skcaptcha._files.regular_file import UnreadableError, read_regular_file
from skcaptcha.base import as_texts
from skcaptcha.datasets import split_captchas
from skcaptcha.datasets._file_kinds import kind_of, may_be_recipe
from skcaptcha.exceptions import DatasetError, RecipeError
from skcaptcha.metrics import has_both_cases, string_accuracy
from skcaptcha.model_selection import CaptchaKFold, SharedGridSearchCV
from skcaptcha.recipes._allowed_classes import allowed_classes
from skcaptcha.recipes._ready import ready_names, ready_recipe
from skcaptcha.recipes._schema import (
    Steps,
    allowed,
    apply_override,
    count_steps,
    shortened,
    shown,
    validate,
)
from skcaptcha.recipes._strict_yaml import MOST_CHARACTERS, parse_yaml

_logger = logging.getLogger(__name__)

_MOST_CANDIDATES = 10_000
# Of a pipeline; the ready recipes have ten at most.
_MOST_STEPS = 64
_SCORING_OF_BOTH_CASES = {
    "score": make_scorer(string_accuracy),
    "ignoring_case": make_scorer(string_accuracy, ignore_case=True),
}

# What does not say how captchas are read: a folder to keep fitted steps in, and to load them from,
# processes, and messages.
_NOT_IN_RECIPES = ("memory", "n_jobs", "verbose", "steps", "transform_input")


class Recipe:
    """What to fit, to what, and how to choose its parameters; see `load_recipe`.

    Parameters
    ----------
    content : mapping
        What a recipe's YAML file holds.
    source : str, default="recipe"
        The file's name, for messages.

    Attributes
    ----------
    content : dict
        As given.
    grid : list of dicts
        As `sklearn.model_selection.GridSearchCV` takes it; ``[{}]``, one candidate, if the recipe
        has no grid.
    data : Generated or Folder
    output : Output
    source : str
    overrides : list of str
        Changes that `load_recipe` made to the content of the file.

    Raises
    ------
    RecipeError
        If anything is wrong: names the key, what was found and what is allowed.
    """

    def __init__(self, content: Mapping[str, Any], source: str = "recipe") -> None:
        self.source = source
        self.overrides: list[str] = []
        self.content = dict(content)
        file = validate(content, source)
        self.data = file.data
        self.output = file.output
        self._steps = file.steps
        self._cv = file.search.cv
        n = sum(math.prod(map(len, grid.values())) for grid in file.grid or [])
        if n > _MOST_CANDIDATES:
            raise self._error(
                "grid", f"has {n} candidates, and {_MOST_CANDIDATES} are the most; try fewer values"
            )
        self._check_number_of_steps("steps", dict(self._steps))
        whole = _parameters(self.pipeline())
        self.grid = [
            self._check_values(f"grid{f'[{i}]' * (i > 0)}", grid, whole)
            for i, grid in enumerate(file.grid or [{}])
        ]
        final = {name: [file.final[name]] for name in file.final}
        final = self._check_values("final", final, whole)
        self._final = {name: values[0] for name, values in final.items()}

    def __repr__(self) -> str:
        steps = [getattr(self._steps, name)["use"] for name in ("segment", "features", "read")]
        n = len(ParameterGrid(self.grid))
        candidates = f"{n:,} candidate{'s' * (n != 1)}"
        return f"<Recipe {self.source}: {', '.join(steps)}; {candidates}, {self._cv} folds>"

    def pipeline(self) -> Pipeline:
        """Build the pipeline, not fitted.

        Returns
        -------
        pipeline : Pipeline
            With the steps ``images``, ``denoise``, ``segment``, ``features`` and ``read``.
        """
        return Pipeline(
            [
                (name, self._build(getattr(self._steps, name), f"steps.{name}", name))
                for name in Steps.model_fields
            ]
        )

    def final_pipeline(self, params: Mapping[str, Any] | None = None) -> Pipeline:
        """Build a candidate as it is fitted in the end: with the section ``final``, not fitted.

        Of that section, a candidate of another class takes what it has parameters for.

        Parameters
        ----------
        params : mapping, optional
            The candidate: parameters of the pipeline by name.

        Returns
        -------
        pipeline : Pipeline
        """
        model = self.pipeline().set_params(**(params or {}))
        # An estimator is set before its own parameters, so that these are looked for in it.
        for name in sorted(self._final, key=lambda name: name.count("__")):
            if name in model.get_params():
                model.set_params(**{name: clone(self._final[name], safe=False)})
        return model

    def search(
        self,
        *,
        n_jobs: int | None = None,
        verbose: int = 0,
        checkpoint: str | os.PathLike[str] | None = None,
    ) -> SharedGridSearchCV:
        """Build the search over the grid, not fitted.

        Parameters
        ----------
        n_jobs : int, optional
            Number of processes, as everywhere in scikit-learn.
        verbose : int, default=0
            1 shows progress and the time left.
        checkpoint : path-like, optional
            A file that keeps what is done, so that a search that was interrupted goes on where it
            was; see `SharedGridSearchCV`.

        Returns
        -------
        search : SharedGridSearchCV
            Its folds are drawn by chance, the same at every call: captchas often come sorted by
            label. Copies of an image are in one fold. Fitted, it predicts with the best candidate,
            without the section ``final``.
        """
        folds = CaptchaKFold(self._cv, shuffle=True, random_state=0)
        return SharedGridSearchCV(
            self.pipeline(),
            self.grid,
            cv=folds,
            n_jobs=n_jobs,
            verbose=verbose,
            checkpoint=checkpoint,
        )

    def fit(
        self,
        X: Sequence[Any],
        y: Sequence[str],
        *,
        n_jobs: int | None = None,
        verbose: int = 0,
        checkpoint: str | os.PathLike[str] | None = None,
    ) -> tuple[Pipeline, SharedGridSearchCV]:
        """Search the grid and fit the best candidate, with the section ``final``, to all captchas.

        Parameters
        ----------
        X : sequence of n captchas
            Paths, bytes, PIL images or arrays.
        y : sequence of n str
            Their labels.
        n_jobs, verbose, checkpoint
            See `search`.

        Returns
        -------
        model : Pipeline
            Fitted.
        search : SharedGridSearchCV
            Fitted, but for its ``best_estimator_``. If letters of both cases occur in the labels,
            its results have ``test_ignoring_case`` besides ``test_score``.

        Raises
        ------
        RecipeError
            If there are fewer captchas than folds.
        DatasetError
            If there are fewer different ones: the others are copies.
        ReadingError
            If a label is no string.
        CheckpointError
            If the checkpoint is of another search.
        """
        y = as_texts(y)
        if len(y) < self._cv:
            raise RecipeError(
                f"{self.source}: search.cv: {self._cv} folds need as many captchas, "
                f"found {len(y)} for training"
            )
        search = self.search(n_jobs=n_jobs, verbose=verbose, checkpoint=checkpoint)
        search.set_params(refit=False)
        if has_both_cases(y):
            search.set_params(scoring=_SCORING_OF_BOTH_CASES)
        search.fit(X, y)
        if search.multimetric_:
            # Of several metrics none is the one that decides, unless a model is fitted.
            search.best_index_ = int(search.cv_results_["rank_test_score"].argmin())
            search.best_params_ = search.cv_results_["params"][search.best_index_]
            search.best_score_ = search.cv_results_["mean_test_score"][search.best_index_]
        if not np.isfinite(search.best_score_):
            raise self._error("grid", "every candidate failed in some fold; the warning says why")
        model = self.final_pipeline(clone(search.best_params_, safe=False))
        _logger.info("fitting the best candidate, %s, to %d captchas", search.best_params_, len(y))
        begin = time.perf_counter()
        with (
            progress("fitting the best candidate", None, show=verbose > 0),
            joblib.parallel_config(n_jobs=n_jobs),
        ):
            model.fit(X, y)
        _logger.info("fitted in %.2f s", time.perf_counter() - begin)
        return model, search

    def load_data(self) -> tuple[Bunch, Bunch | None]:
        """Load or make the captchas of the section ``data``.

        Returns
        -------
        train : Bunch
            As `skcaptcha.datasets.load_captchas` gives it.
        test : Bunch or None
            What is kept out of training, if the section says ``train`` or ``test``.

        Raises
        ------
        DatasetError
            If the folder or its labels cannot be used.
        RecipeError
            If ``train`` and ``test`` do not fit the captchas that there are.
        """
        captchas, train, test = self.data.load(), self.data.train, self.data.test
        try:
            if train is not None:
                return split_captchas(captchas, train, test)
            if test is not None:
                kept_out, rest = split_captchas(captchas, test)
                return rest, kept_out
        except DatasetError as error:
            if train is not None and test is not None:
                raise self._error("data", str(error)) from None
            key = "data.test" if train is None else "data.train"
            raise self._error(key, re.sub("^(train|test):? ", "", str(error))) from None
        return captchas, None

    def _error(self, key: str, problem: str) -> RecipeError:
        return RecipeError(f"{self.source}: {shortened(key, 200)}: {shortened(problem, 2000)}")

    def _check_number_of_steps(self, key: str, found: Any) -> None:
        n = count_steps(found)
        if n > _MOST_STEPS:
            raise self._error(key, f"has {n} steps, and {_MOST_STEPS} are the most; leave some out")

    def _build(self, found: Any, key: str, room: str | None = None) -> Any:
        """Make what a YAML value describes: an estimator, a pipeline of them, or the value.

        With a room, it must be a step of that room; in the room "" may stand every estimator.
        """
        if room is None and not isinstance(found, Mapping):
            return [self._build(v, key) for v in found] if isinstance(found, list) else found
        many = room in (None, "", "denoise")  # elsewhere stands just one estimator, not left out
        if many and found in (None, "passthrough"):
            return "passthrough"
        if not isinstance(found, Mapping):
            steps = "{use: NAME} or passthrough" if many else "{use: NAME}"
            raise self._error(key, f"found {shown(found)}; a step is {steps}")
        classes = allowed_classes(room or "")
        if "use" not in found:
            if not (many and found):
                raise self._error(key, f"names no step to use; {allowed('', classes)}")
            return Pipeline(self._named(found, key, room or ""))
        name = found["use"]
        if not isinstance(name, str) or name not in classes:
            raise self._error(
                f"{key}.use", f"found {shortened(repr(name))}; {allowed(name, classes)}"
            )
        kind = classes[name]
        takes = [p for p in inspect.signature(kind).parameters if p not in _NOT_IN_RECIPES]
        given = {}
        for parameter, value in found.items():
            if parameter == "use":
                continue
            where = f"{key}.{parameter}"
            if parameter not in takes:
                problem = f"{name} takes no such parameter; {allowed(parameter, takes)}"
                raise self._error(where, problem)
            routed = parameter == "branches"
            given[parameter] = (
                self._named(value, where, "denoise") if routed else self._build(value, where)
            )
        try:
            estimator = kind(**given)
        except TypeError as error:
            raise self._error(key, f"{name} {str(error).partition('() ')[2]}") from None
        self._check_parameters(estimator, key)
        return estimator

    def _named(self, found: Any, key: str, room: str) -> list[tuple[str, Any]]:
        if not isinstance(found, Mapping):
            problem = f"found {shown(found)}; give each step a name, as in a: {{use: NAME}}"
            raise self._error(key, problem)
        for name in found:
            if not isinstance(name, str) or not name or "__" in name or name in _NOT_IN_RECIPES:
                problem = f"{shown(name)} is no name for a step; choose another, without __"
                raise self._error(key, problem)
        return [(name, self._build(part, f"{key}.{name}", room)) for name, part in found.items()]

    def _check_parameters(self, estimator: BaseEstimator, key: str) -> None:
        try:
            estimator._validate_params()
        except (TypeError, ValueError) as error:
            raise self._error(key, str(error)) from None

    def _check_values(
        self, key: str, grid: Mapping[str, list[Any]], whole: Mapping[str, Any]
    ) -> dict[str, list[Any]]:
        """Build the values that parameters are to take, and check each where it will be set."""
        checked: dict[str, list[Any]] = {}
        reached = {"": [whole]}
        # An estimator is set before its own parameters, so that these are looked for in it.
        for name in sorted(grid, key=lambda name: name.count("__")):
            where = f"{key}.{name}"
            above = max((n for n in checked if name.startswith(f"{n}__")), key=len, default="")
            inner = name[len(above) :].removeprefix("__") if above else name
            owners = {}
            # Every estimator among the values must have the parameters that stand below it.
            for parameters in reached[above]:
                if not inner or inner not in parameters:
                    prefix = f"{above}__" * bool(above)
                    known = [prefix + parameter for parameter in parameters if parameter]
                    problem = f"the pipeline has no such parameter; {allowed(name, known)}"
                    raise self._error(where, problem)
                owner = parameters[inner.rpartition("__")[0]]
                owners[type(owner)] = owner
            room = _room_of(name, next(iter(owners.values())))
            checked[name], distinct = [], {}
            for found in grid[name]:
                self._check_number_of_steps(where, found)
                value = distinct[repr(found)] = self._build(found, where, room)
                checked[name].append(value)
            if any(other.startswith(f"{name}__") for other in grid):
                reached[name] = [_parameters(value) for value in distinct.values()]
            if room is not None:
                continue  # it was built for there
            # What an estimator takes depends on nothing but its class.
            for owner in owners.values():
                for value in distinct.values():
                    changed = copy(owner)
                    setattr(changed, name.rpartition("__")[2], value)
                    self._check_parameters(changed, where)
        return checked


def load_recipe(
    path: str | os.PathLike[str],
    overrides: Sequence[str] = (),
    *,
    data: str | os.PathLike[str] | None = None,
) -> Recipe:
    """Load a recipe from a YAML file.

    Paths in the recipe are relative to its folder; if ``path`` is a symbolic link, to the folder of
    the link. Paths in ``overrides``, ``data`` and ready recipes are relative to the current folder,
    as is the default output ``artifacts/model.joblib``.

    A recipe can build nothing but the steps of this package and a few estimators of scikit-learn,
    by name. It has at most 65,536 characters and values, 40 levels, 64 steps and 10,000 candidates.

    Parameters
    ----------
    path : path-like
        YAML file, or the name of a ready recipe; see `ready_recipes`. A file takes precedence.
    overrides : sequence of str
        ``KEY=VALUE`` each: the key with dots between its levels (``steps.segment.n_characters``;
        in a list, items count from 0: ``grid.0.read__estimator__C``), the value in YAML.
    data : path-like, optional
        A labeled folder to use in place of the section ``data``.

    Returns
    -------
    recipe : Recipe

    Raises
    ------
    RecipeError
        If the file is missing, is not YAML or describes no recipe: names the key, what was found
        and what is allowed.

    Examples
    --------
    >>> from skcaptcha import load_recipe
    >>> recipe = load_recipe("grid", ["search.cv=3"])
    >>> list(recipe.pipeline().named_steps)
    ['images', 'denoise', 'segment', 'features', 'read']
    """
    source = os.fspath(path)
    if os.path.exists(source) or source not in ready_names():
        content = parse_yaml(_text(path, source), source)
        if not isinstance(content, dict):
            raise RecipeError(f"{source}: expected a mapping of sections, found {shown(content)}")
        _resolve_paths(Path(path).parent, content)
    else:
        content = parse_yaml(ready_recipe(source), source)
    if data is not None:
        content["data"] = {"folder": os.fspath(data)}
    for override in overrides:
        apply_override(content, override)
    recipe = Recipe(content, source)
    recipe.overrides = list(overrides)
    return recipe


def _text(path: str | os.PathLike[str], source: str) -> str:
    def check_size(n_bytes: int) -> None:
        # Some characters have four bytes; `parse_yaml` counts them.
        if n_bytes > 4 * MOST_CHARACTERS:
            raise RecipeError(
                f"{source}: it has {n_bytes} bytes; a recipe has at most {MOST_CHARACTERS} "
                "characters"
            )

    file = Path(path)
    if file.is_file() and not may_be_recipe(file):
        raise RecipeError(
            f"{source}: is {kind_of(file)}, not a recipe; the ready recipes are "
            f"{', '.join(ready_names())}"
        )
    try:
        return read_regular_file(path, check_size).decode()
    except UnicodeDecodeError:
        raise RecipeError(f"{source}: is not UTF-8 text; save it as UTF-8") from None
    except UnreadableError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise RecipeError(
                f"{source}: no such file, folder or ready recipe; "
                f"{allowed(file.stem, ready_names())}"
            ) from None
        raise RecipeError(f"{source}: cannot be read as a recipe: {error}") from None


def _resolve_paths(folder: Path, content: dict[str, Any]) -> None:
    """Resolve the paths in a recipe, which are relative to its folder."""
    for section, key in (("data", "folder"), ("output", "model")):
        values = content.get(section)
        if isinstance(values, dict) and isinstance(values.get(key), str):
            # By name alone: the folder may be a link to one elsewhere.
            values[key] = os.path.normpath(folder / values[key])


def _parameters(value: Any) -> dict[str, Any]:
    """Parameters that a recipe may set below a value, and the value itself as that without name."""
    if not hasattr(value, "get_params"):
        return {"": value}
    return {"": value} | {
        name: parameter
        for name, parameter in value.get_params().items()
        if name.rpartition("__")[2] not in _NOT_IN_RECIPES
    }


def _room_of(name: str, owner: Any) -> str | None:
    """Room whose steps a parameter may be; None if it is no step of a pipeline or a router."""
    steps = dict(getattr(owner, "branches", getattr(owner, "steps", ())))
    if name.rpartition("__")[2] not in steps:
        return None
    room = name.partition("__")[0]
    return room if room in ("denoise", name) else ""
