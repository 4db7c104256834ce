"""What a recipe can build: classes by their names, never by import paths."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from sklearn.base import BaseEstimator, ClassifierMixin

_ROOMS = ("images", "denoise", "segment", "features", "read")

# Names of classes, never import paths: a recipe from elsewhere can only choose among these.
_FROM_SKLEARN = {
    "sklearn.calibration": ("CalibratedClassifierCV",),
    "sklearn.decomposition": ("PCA",),
    "sklearn.discriminant_analysis": ("LinearDiscriminantAnalysis",),
    "sklearn.ensemble": (
        "ExtraTreesClassifier",
        "HistGradientBoostingClassifier",
        "RandomForestClassifier",
    ),
    "sklearn.kernel_approximation": ("Nystroem",),
    "sklearn.linear_model": ("LogisticRegression", "RidgeClassifier", "SGDClassifier"),
    "sklearn.naive_bayes": ("GaussianNB",),
    "sklearn.neighbors": ("KNeighborsClassifier", "NearestCentroid"),
    "sklearn.neural_network": ("MLPClassifier",),
    "sklearn.preprocessing": ("MinMaxScaler", "Normalizer", "StandardScaler"),
    "sklearn.svm": ("LinearSVC", "SVC"),
}


@cache
def allowed_classes(room: str) -> dict[str, type[BaseEstimator]]:
    """List the classes that a recipe may name.

    Parameters
    ----------
    room : str
        A step of the pipeline; in "" may stand every public estimator of all steps, and others.

    Returns
    -------
    classes : dict of str to class
        By name.
    """
    if room:
        module = re.compile(rf"skcaptcha\.{room}\b")
        return {
            name: kind
            for name, kind in allowed_classes("").items()
            # A classifier is not a reader but what a reader is given.
            if module.match(kind.__module__) and not issubclass(kind, ClassifierMixin)
        }
    found = {
        name: getattr(import_module(module), name)
        for module, names in _FROM_SKLEARN.items()
        for name in names
    }
    for module in _room_modules():
        for name, thing in vars(module).items():
            ours = inspect.isclass(thing) and thing.__module__ == module.__name__
            if ours and issubclass(thing, BaseEstimator) and not inspect.isabstract(thing):
                found[name] = thing
    return found


def _room_modules() -> Iterator[Any]:
    for room in _ROOMS:
        module = import_module(f"skcaptcha.{room}")
        yield module
        for part in iter_modules(getattr(module, "__path__", [])):
            yield import_module(f"{module.__name__}.{part.name}")
