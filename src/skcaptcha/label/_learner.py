"""Learning from few labels, again and again, as they become more."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from skcaptcha.auto import choose_recipe, load_families
from skcaptcha.exceptions import ImageError, SkcaptchaError
from skcaptcha.images import decode, find_duplicates
from skcaptcha.label._task import Guess
from skcaptcha.read import CharacterReader, Reading, read_captchas
from skcaptcha.recipes import Recipe

FEWEST_LABELS = 20
# The first guesses should come soon; networks, which take longer, are tried after them.
_SECONDS_FOR_FIRST = 8.0
_NETWORK = "MLPClassifier"
# All recipes are tried when there are so many times the labels that they were tried with, unless
# what is there reads nearly everything. They may take longer the longer the labels took.
_TRY_AGAIN, _NEARLY_EVERYTHING = 2, 0.95
_SECONDS, _SECONDS_PER_LABEL, _MOST_SECONDS = 40.0, 1.0, 240.0
_CALIBRATION_FOLDS = 3
# Models that miss many labels would read less, the more so while labels are few.
_MISSED, _FOLDS_OF_NETWORKS = 0.05, 3


class Learner:
    """The recipe that suits the labels so far, fitted to them.

    Parameters
    ----------
    folder : Path
        Where the images are.
    recipe : Recipe, optional
        What to fit; None: what suits the labels.

    Attributes
    ----------
    name : str
        What is fitted, in words; empty if that is not chosen yet.
    recipe : Recipe or None
        The same as a recipe.
    """

    def __init__(self, folder: Path, recipe: Recipe | None = None) -> None:
        self.name = recipe.source if recipe else ""
        self._folder = folder
        self.recipe = recipe
        # Nobody asks for another recipe than the one that was given.
        self._accuracy = 1.0 if recipe else 0.0
        self._tried_with = 0
        self._model: Pipeline | None = None
        self._X: list[NDArray[np.uint8]] = []
        self._y: NDArray[np.str_] = np.array([], dtype=str)
        self._filenames: list[str] = []

    def learn(self, labels: Mapping[str, str]) -> Iterator[None]:
        """Fit models to labels, a quick one before one that may read more.

        Parameters
        ----------
        labels : mapping of str to str
            By file name. Images that cannot be decoded are left out.

        Yields
        ------
        None
            When there is a new model to read with.

        Raises
        ------
        SkcaptchaError
            If nothing can be learned from them.
        """
        images = dict(self._decoded(labels))
        self._filenames, self._X = list(images), list(images.values())
        self._y = np.array([labels[name] for name in images])
        n = len(images)
        if self.recipe is None:
            self._choose(_without_networks(load_families()), _SECONDS_FOR_FIRST)
        else:
            self._fit()
        yield
        if n >= _TRY_AGAIN * self._tried_with and self._accuracy < _NEARLY_EVERYTHING:
            seconds = min(_SECONDS + _SECONDS_PER_LABEL * n, _MOST_SECONDS)
            self._choose(load_families(), seconds)
            self._tried_with = n
            yield

    def _choose(self, families: dict[str, Any], seconds: float) -> None:
        # What is fitted in the end of a race is fitted anew here.
        choice = choose_recipe(
            self._X, self._y.tolist(), families={**families, "final": {}}, budget=seconds
        )
        data = {"folder": os.fspath(self._folder)}
        self.recipe, self._accuracy = Recipe({"data": data, **choice.recipe}), choice.accuracy
        self.name = choice.tried[0].name
        self._fit()

    def _fit(self) -> None:
        assert self.recipe is not None
        model = self.recipe.pipeline()
        if isinstance(model[-1], CharacterReader):
            # Of the classifiers in it some are always sure, and put images in no order. The other
            # reader takes long, and calibration does not change the order in which it puts them.
            model.set_params(read__calibration_cv=_CALIBRATION_FOLDS)
        with warnings.catch_warnings(action="ignore"):
            self._model = model.fit(self._X, self._y)

    def _reads_by_network(self) -> bool:
        assert self.recipe is not None
        return _is_network(self.recipe.content["steps"]["read"])

    def read(self, filenames: Sequence[str]) -> dict[str, Guess]:
        """Read images with the model.

        Parameters
        ----------
        filenames : sequence of str
            Those that cannot be decoded are left out.

        Returns
        -------
        guesses : dict of str to Guess
        """
        assert self._model is not None
        images = dict(self._decoded(filenames))
        if not images:
            return {}
        readings = read_captchas(self._model, list(images.values()))
        return {name: _guess(reading) for name, reading in zip(images, readings, strict=True)}

    def read_held_out(self, filenames: Sequence[str]) -> dict[str, str]:
        """Read labeled images with models that have learned from all the others, or most of them.

        Parameters
        ----------
        filenames : sequence of str
            Of images that `learn` was given.

        Returns
        -------
        texts : dict of str to str
            Empty for those that cannot be decoded, of which nobody will ever read more.
        """
        assert self.recipe is not None
        assert self._model is not None
        place = {name: k for k, name in enumerate(self._filenames)}
        sample = np.array([place[name] for name in filenames if name in place], dtype=int)
        # Labels teach the reader alone; the other steps, which take most of the time, see but the
        # images.
        features = self._model[1:-1].transform(self._X)
        reader = self.recipe.pipeline()[-1]
        folds = _FOLDS_OF_NETWORKS
        if not self._reads_by_network():
            folds = math.ceil(len(sample) / (_MISSED * len(self._y)))
        texts = {name: "" for name in filenames if name not in place}
        groups = find_duplicates(self._X)
        for k in range(min(folds, len(sample))):
            test = sample[k::folds]
            kept = np.flatnonzero(~np.isin(groups, groups[test]))
            try:
                with warnings.catch_warnings(action="ignore"):
                    found = clone(reader).fit(features[kept], self._y[kept]).predict(features[test])
            except SkcaptchaError:
                continue  # what is left suffices for nothing
            texts |= dict(zip((self._filenames[i] for i in test), found.tolist(), strict=True))
        return texts

    def _decoded(self, filenames: Iterable[str]) -> Iterator[tuple[str, NDArray[np.uint8]]]:
        for name in filenames:
            try:
                yield name, decode(self._folder / name)
            except ImageError:
                continue


def _without_networks(families: dict[str, Any]) -> dict[str, Any]:
    """Leave those that stand in for a network as readers by themselves."""
    return {
        **families,
        "grid": [
            {**family, "read": [r for r in family["read"] if not _is_network(r)]}
            for family in families["grid"]
        ],
    }


def _is_network(reader: Mapping[str, Any]) -> bool:
    return bool(reader.get("estimator", {}).get("use") == _NETWORK)


def _guess(reading: Reading) -> Guess:
    return Guess(
        text=reading.text,
        confidence=reading.confidence,
        characters=tuple(zip(reading.text, reading.probabilities.tolist(), strict=True)),
        runners_up=reading.runners_up,
        unfamiliar=bool(reading.out_of_distribution),
    )
