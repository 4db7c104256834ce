"""Recipes: from a YAML file to a pipeline, a search over its grid, and a fitted model."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.base import clone
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
from skcaptcha.read._base import set_fold_case
from skcaptcha.recipes._build import (
    InvalidKeyError,
    build,
    build_values,
    check_alternative_reader,
    check_input_of_reader,
    check_number_of_steps,
)
from skcaptcha.recipes._ready import ready_names, ready_recipe
from skcaptcha.recipes._schema import allowed, apply_override, key_error, shown, validate
from skcaptcha.recipes._strict_yaml import MAX_CHARACTERS, parse_yaml

_logger = logging.getLogger(__name__)

_MAX_CANDIDATES = 10_000
_SCORING_OF_BOTH_CASES = {
    "score": make_scorer(string_accuracy),
    "ignoring_case": make_scorer(string_accuracy, ignore_case=True),
}


class Recipe:
    """A pipeline to fit, the captchas to fit it to, and the grid to search; see `load_recipe`.

    Parameters
    ----------
    content : mapping
        Content of a recipe's YAML file.
    source : str, default="recipe"
        Name of the file, for messages.

    Attributes
    ----------
    content : dict
        Content as given.
    grid : list of dict
        Grid as `sklearn.model_selection.GridSearchCV` takes it; ``[{}]``, one candidate, if the
        recipe has no grid.
    data : Generated or Folder
        Captchas to fit.
    output : Output
        File of the model.
    source : str
        Name as given.
    overrides : list of str
        Changes that `load_recipe` made to the content of the file.

    Raises
    ------
    RecipeError
        If the content is invalid. The message names the key, the value and what is allowed.
    """

    def __init__(self, content: Mapping[str, Any], source: str = "recipe") -> None:
        self.source = source
        self.overrides: list[str] = []
        self.content = dict(content)
        file = validate(content, source)
        self.data = file.data
        self.output = file.output
        self._steps = file.steps.given()
        self._cv = file.search.cv
        grids = file.grid or [{}]
        if (n := len(ParameterGrid(grids))) > _MAX_CANDIDATES:
            problem = f"has {n} candidates; the maximum is {_MAX_CANDIDATES}; try fewer values"
            raise key_error(source, "grid", problem)
        try:
            check_number_of_steps(self._steps, "steps")
            pipeline = self.pipeline()
            check_input_of_reader(pipeline[-1], self._steps)
            self.grid = [
                build_values(grid, f"grid{f'[{i}]' * (i > 0)}", pipeline)
                for i, grid in enumerate(grids)
            ]
            for grid in self.grid:
                for reader in grid.get("read", []):
                    check_alternative_reader(reader, "grid.read", self._steps)
                    self._set_fold_case(reader)
            final = {name: [value] for name, value in file.final.items()}
            self._final = {k: v[0] for k, v in build_values(final, "final", pipeline).items()}
        except InvalidKeyError as error:
            raise key_error(source, *error.args) from None

    def __repr__(self) -> str:
        names = ("segment", "features", "read")
        steps = [self._steps[name]["use"] for name in names if name in self._steps]
        n = len(ParameterGrid(self.grid))
        candidates = f"{n:,} candidate{'s' * (n != 1)}"
        return f"<Recipe {self.source}: {', '.join(steps)}; {candidates}, {self._cv} folds>"

    def pipeline(self) -> Pipeline:
        """Build the pipeline.

        Returns
        -------
        pipeline : Pipeline
            Unfitted pipeline with the steps ``images``, ``denoise``, ``segment``, ``features`` and
            ``read``; without ``segment`` and ``features`` if the reader reads images. If the
            section ``data`` has ``fold_case: true``, so has the reader.
        """
        steps = self._steps.items()
        model = Pipeline([(name, build(step, f"steps.{name}", name)) for name, step in steps])
        self._set_fold_case(model[-1])
        return model

    def with_fold_case(self) -> Recipe:
        """Return the same recipe with ``fold_case: true`` in the section ``data``.

        Returns
        -------
        recipe : Recipe
        """
        data = {**self.content["data"], "fold_case": True}
        recipe = Recipe({**self.content, "data": data}, self.source)
        recipe.overrides = self.overrides
        return recipe

    def _set_fold_case(self, reader: Any) -> None:
        if self.data.fold_case:
            set_fold_case(reader)

    def final_pipeline(self, params: Mapping[str, Any] | None = None) -> Pipeline:
        """Build a candidate with the parameters of the section ``final``, for the last fit.

        Parameters
        ----------
        params : mapping, optional
            Parameters of the candidate, by name.

        Returns
        -------
        pipeline : Pipeline
            Unfitted pipeline. Parameters in ``final`` that its classes do not have are ignored.
        """
        model = self.pipeline().set_params(**(params or {}))
        # An estimator is set before its own parameters.
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
        """Build the search over the grid.

        Parameters
        ----------
        n_jobs : int, optional
            Number of processes, as in scikit-learn.
        verbose : int, default=0
            1 shows progress and the time left.
        checkpoint : path-like, optional
            File that keeps finished results, so that an interrupted search can be continued; see
            `SharedGridSearchCV`.

        Returns
        -------
        search : SharedGridSearchCV
            Unfitted search. Its folds are shuffled with a fixed seed, because captchas often come
            sorted by label, and duplicates of an image are in one fold. After fitting, it predicts
            with the best candidate, without the section ``final``.
        """
        return SharedGridSearchCV(
            self.pipeline(),
            self.grid,
            cv=CaptchaKFold(self._cv, shuffle=True, random_state=0),
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
        """Search the grid, and fit the best candidate with the section ``final`` to all captchas.

        Parameters
        ----------
        X : sequence of n captchas
            Paths, bytes, PIL images or arrays.
        y : sequence of n str
            Labels of the captchas.
        n_jobs, verbose, checkpoint
            See `search`.

        Returns
        -------
        model : Pipeline
            Fitted pipeline.
        search : SharedGridSearchCV
            Fitted search without ``best_estimator_``. If the labels contain upper and lower case,
            its results have ``test_ignoring_case`` in addition to ``test_score``.

        Raises
        ------
        RecipeError
            If there are fewer captchas than folds.
        DatasetError
            If there are fewer captchas than folds, not counting duplicates.
        ReadingError
            If a label is not a string.
        CheckpointError
            If the checkpoint belongs to another search.

        See Also
        --------
        skcaptcha.fitting.fit_recipe : Also exclude unusable captchas and write the model.
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
            # With several metrics and without a refit, the search selects no candidate.
            search.best_index_ = int(search.cv_results_["rank_test_score"].argmin())
            search.best_params_ = search.cv_results_["params"][search.best_index_]
            search.best_score_ = search.cv_results_["mean_test_score"][search.best_index_]
        if not np.isfinite(search.best_score_):
            problem = "every candidate failed in some fold; see the warning"
            raise key_error(self.source, "grid", problem)
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
        """Load or generate the captchas of the section ``data``.

        Returns
        -------
        train : Bunch
            Captchas as `skcaptcha.datasets.load_captchas` returns them.
        test : Bunch or None
            Held-out captchas, if the section has the key ``train`` or ``test``.

        Raises
        ------
        DatasetError
            If the folder or its labels cannot be used.
        RecipeError
            If there are too few captchas for ``train`` and ``test``.
        """
        captchas, train, test = self.data.load(), self.data.train, self.data.test
        try:
            if train is not None:
                return split_captchas(captchas, train, test)
            if test is not None:
                held_out, rest = split_captchas(captchas, test)
                return rest, held_out
        except DatasetError as error:
            if train is not None and test is not None:
                raise key_error(self.source, "data", str(error)) from None
            key = "data.test" if train is None else "data.train"
            problem = re.sub("^(train|test):? ", "", str(error))
            raise key_error(self.source, key, problem) from None
        return captchas, None


def load_recipe(
    path: str | os.PathLike[str],
    overrides: Sequence[str] = (),
    *,
    data: str | os.PathLike[str] | None = None,
    labels: str | os.PathLike[str] | None = None,
    fold_case: bool = False,
) -> Recipe:
    """Load a recipe from a YAML file.

    Paths in the recipe are relative to its folder; if ``path`` is a symbolic link, to the folder of
    the link. Paths in ``overrides``, ``data``, ``labels`` and ready recipes are relative to the
    current folder, as is the default output ``artifacts/model.joblib``.

    A recipe can only build the steps of this package and some estimators of scikit-learn, by name.
    It has at most 65,536 characters and values, 40 levels, 64 steps and 10,000 candidates.

    Parameters
    ----------
    path : path-like
        YAML file, or the name of a ready recipe; see `ready_recipes`. A file takes precedence.
    overrides : sequence of str
        Changes, each as ``KEY=VALUE``. The levels of the key are separated by dots, as in
        ``steps.segment.n_characters``; items of a list count from 0, as in
        ``grid.0.read__estimator__C``. The value is YAML.
    data : path-like, optional
        Labeled folder to use instead of the section ``data``.
    labels : path-like, optional
        File of the labels of this folder, or of the one in the section ``data``; see
        `skcaptcha.datasets.load_captchas`.
    fold_case : bool, default=False
        Whether upper and lower case are the same, as with ``fold_case: true`` in the section
        ``data``.

    Returns
    -------
    recipe : Recipe

    Raises
    ------
    RecipeError
        If the file is missing or not a valid recipe. The message names the key, the value and
        what is allowed.

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
    if labels is not None:
        section = content.get("data")
        if not isinstance(section, dict) or "folder" not in section:
            raise RecipeError(
                f"{source}: the recipe has no labeled folder, whose labels could be in "
                f"{os.fspath(labels)}; add the folder, as in: --data DIR"
            )
        section["labels"] = os.fspath(labels)
    if fold_case and isinstance(content.get("data"), dict):
        content["data"]["fold_case"] = True
    for override in overrides:
        apply_override(content, override)
    recipe = Recipe(content, source)
    recipe.overrides = list(overrides)
    return recipe


def _text(path: str | os.PathLike[str], source: str) -> str:
    def check_size(n_bytes: int) -> None:
        # A character has up to four bytes; `parse_yaml` counts characters.
        if n_bytes > 4 * MAX_CHARACTERS:
            raise RecipeError(
                f"{source}: it has {n_bytes} bytes; a recipe has at most {MAX_CHARACTERS} "
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
    for section, key in (("data", "folder"), ("data", "labels"), ("output", "model")):
        values = content.get(section)
        if isinstance(values, dict) and isinstance(values.get(key), str):
            # Without resolving links: the folder may be a link to another one.
            values[key] = os.path.normpath(folder / values[key])
