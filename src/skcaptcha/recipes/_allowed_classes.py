"""The classes that a recipe may name, which never contains import paths."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

from sklearn.base import BaseEstimator, ClassifierMixin

_PACKAGES = ("images", "denoise", "segment", "features", "read")

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
def allowed_classes(step: str) -> dict[str, type[BaseEstimator]]:
    """Return the estimators that may be used as a step of the pipeline, by name.

    They are all estimators in the modules of ``skcaptcha.<step>``, without the classifiers, which a
    reader takes as parameters. For "", the result is every estimator of all steps, and those of
    scikit-learn.
    """
    if step:
        package = f"skcaptcha.{step}."
        return {
            name: kind
            for name, kind in allowed_classes("").items()
            if f"{kind.__module__}.".startswith(package) and not issubclass(kind, ClassifierMixin)
        }
    found = {
        name: getattr(import_module(module), name)
        for module, names in _FROM_SKLEARN.items()
        for name in names
    }
    for module in _modules():
        for name, value in vars(module).items():
            defined_here = inspect.isclass(value) and value.__module__ == module.__name__
            if defined_here and issubclass(value, BaseEstimator) and not inspect.isabstract(value):
                found[name] = value
    return found


def _modules() -> Iterator[Any]:
    for name in _PACKAGES:
        package = import_module(f"skcaptcha.{name}")
        yield package
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            yield import_module(module.name)
