"""Choosing a recipe for the labels so far and fitting it, repeatedly as labels are added."""

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
from sklearn.utils import _safe_indexing

from skcaptcha.auto import choose_recipe, load_families
from skcaptcha.exceptions import ImageError, SkcaptchaError
from skcaptcha.images import ImageDecoder, find_duplicates
from skcaptcha.label._task import Guess
from skcaptcha.read import CharacterReader, Reading, read_captchas
from skcaptcha.read._base import reader_of_strings
from skcaptcha.read._limit_training import limit_training
from skcaptcha.recipes import Recipe

MIN_LABELS = 20
# The first guesses should appear soon; networks take longer and are tried afterward.
_SECONDS_FOR_FIRST = 8.0
_NETWORKS = {"MLPClassifier", "ConvolutionalReader"}
# All recipes are tried again when the number of labels has doubled, unless the current one is
# accurate enough. The more labels there are, the more time this may take.
_GROWTH_UNTIL_NEXT_CHOICE, _ACCURATE_ENOUGH = 2, 0.95
_SECONDS, _SECONDS_PER_LABEL, _MAX_SECONDS = 40.0, 1.0, 240.0
_SECONDS_OF_NETWORKS = 30.0  # in each fit, if a given recipe has any that read whole images
_CALIBRATION_FOLDS = 3
# Fraction of the labels that a held-out fold may take away: with few labels, each one matters.
_HELD_OUT_FRACTION, _NETWORK_FOLDS = 0.05, 3


class Learner:
    """Chooses a recipe for the labels and fits it.

    Parameters
    ----------
    folder : Path
        Folder of the images.
    recipe : Recipe, optional
        The recipe to fit. By default, one is chosen.

    Attributes
    ----------
    name : str
        Name of the recipe; empty until one is chosen.
    recipe : Recipe or None
        The recipe that is fitted.
    """

    def __init__(self, folder: Path, recipe: Recipe | None = None) -> None:
        self.name = recipe.source if recipe else ""
        self._folder = folder
        self.recipe = recipe
        self._decoder = recipe.pipeline().named_steps["images"] if recipe else ImageDecoder()
        # A given recipe is never replaced.
        self._accuracy = 1.0 if recipe else 0.0
        self._n_at_last_choice = 0
        self._model: Pipeline | None = None
        self._X: list[NDArray[np.uint8]] = []
        self._y: NDArray[np.str_] = np.array([], dtype=str)
        self._filenames: list[str] = []

    def learn(self, labels: Mapping[str, str]) -> Iterator[None]:
        """Fit a model quickly, then perhaps a better one; yield after each.

        Images that cannot be decoded are left out.

        Raises
        ------
        SkcaptchaError
            If no recipe can be fitted to the labels.
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
        if (
            n >= _GROWTH_UNTIL_NEXT_CHOICE * self._n_at_last_choice
            and self._accuracy < _ACCURATE_ENOUGH
        ):
            seconds = min(_SECONDS + _SECONDS_PER_LABEL * n, _MAX_SECONDS)
            self._choose(load_families(), seconds)
            self._n_at_last_choice = n
            yield

    def _choose(self, families: dict[str, Any], seconds: float) -> None:
        # The section `final` is left out: `_fit` fits the recipe instead. Networks that read whole
        # images would take minutes for every few labels.
        choice = choose_recipe(
            self._X,
            self._y.tolist(),
            families={**families, "final": {}},
            budget=seconds,
            refit=False,
            networks=False,
        )
        data = {"folder": os.fspath(self._folder)}
        self.recipe, self._accuracy = Recipe({"data": data, **choice.recipe}), choice.accuracy
        self.name = choice.trials[0].name
        self._fit()

    def _fit(self) -> None:
        model = self._pipeline()
        if isinstance(model[-1], CharacterReader):
            # Some of its classifiers return only probabilities of 0 and 1, which do not rank
            # images. A SequenceReader ranks them as well without calibration, which takes long.
            model.set_params(read__calibration_cv=_CALIBRATION_FOLDS)
        with warnings.catch_warnings(action="ignore"):
            self._model = model.fit(self._X, self._y)

    def _pipeline(self) -> Pipeline:
        assert self.recipe is not None
        model = self.recipe.pipeline()
        limit_training(model, _SECONDS_OF_NETWORKS)
        return model

    def read(self, filenames: Sequence[str]) -> dict[str, Guess]:
        """Read images with the model; those that cannot be decoded are left out."""
        assert self._model is not None
        images = dict(self._decoded(filenames))
        if not images:
            return {}
        readings = read_captchas(self._model, list(images.values()))
        return {name: _guess(reading) for name, reading in zip(images, readings, strict=True)}

    def read_held_out(self, filenames: Sequence[str]) -> dict[str, Guess]:
        """Read training images with models fitted to all or most of the others.

        The text of an image that cannot be decoded is empty, because no model will ever read it.
        """
        assert self.recipe is not None
        assert self._model is not None
        positions = {name: k for k, name in enumerate(self._filenames)}
        sample = np.array([positions[name] for name in filenames if name in positions], dtype=int)
        # Only the reader is fitted to labels. The other steps, which take most of the time, depend
        # on the images alone.
        given = self._model[1:-1].transform(self._X)
        reader = self._pipeline()[-1]
        n_folds = _NETWORK_FOLDS
        if not _is_network(self.recipe.content["steps"]["read"]):
            n_folds = math.ceil(len(sample) / (_HELD_OUT_FRACTION * len(self._y)))
        guesses = {
            name: Guess("", 0.0, (), (), unfamiliar=True)
            for name in filenames
            if name not in positions
        }
        groups = find_duplicates(self._X)
        for k in range(min(n_folds, len(sample))):
            test = sample[k::n_folds]
            train = np.flatnonzero(~np.isin(groups, groups[test]))
            try:
                with warnings.catch_warnings(action="ignore"):
                    fitted = clone(reader).fit(_safe_indexing(given, train), self._y[train])
                    if isinstance(fitted, CharacterReader):
                        # The confidences must be those of the model; to calibrate each fold would
                        # take four times as long.
                        fitted.set_params(calibration_cv=_CALIBRATION_FOLDS)
                        fitted.temperature_ = self._model[-1].temperature_
                    readings = reader_of_strings(fitted).read(_safe_indexing(given, test))
            except SkcaptchaError:
                continue  # too few captchas are left to fit to
            guesses |= {self._filenames[i]: _guess(r) for i, r in zip(test, readings, strict=True)}
        return guesses

    def _decoded(self, filenames: Iterable[str]) -> Iterator[tuple[str, NDArray[np.uint8]]]:
        for name in filenames:
            try:
                yield name, self._decoder.transform([self._folder / name])[0]
            except ImageError:
                continue


def _without_networks(families: dict[str, Any]) -> dict[str, Any]:
    """Replace each network by the quick readers that the race screens in its place, if any."""
    quick = [
        {**family, "read": [r for r in family["read"] if not _is_network(r)]}
        for family in families["grid"]
    ]
    return {**families, "grid": [family for family in quick if family["read"]]}


def _is_network(reader: Mapping[str, Any]) -> bool:
    estimator = reader.get("estimator") or {}
    return not _NETWORKS.isdisjoint({reader["use"], estimator.get("use")})


def _guess(reading: Reading) -> Guess:
    return Guess(
        text=reading.text,
        confidence=reading.confidence,
        characters=tuple(zip(reading.text, reading.probabilities.tolist(), strict=True)),
        runners_up=reading.runners_up,
        unfamiliar=bool(reading.out_of_distribution),
    )
