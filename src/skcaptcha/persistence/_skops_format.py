"""Models in skops files, which load without running code, and only if all types are trusted."""

# ruff: noqa: PLC0415 - skops is an extra, imported only when it is needed

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED

from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from skcaptcha import denoise, features, images, read, segment
from skcaptcha.exceptions import ModelError
from skcaptcha.persistence._unsafe_values import unsafe_value

# Classifiers that cannot be saved, and why.
_TREES = "the nodes of its trees cannot be checked for valid indices"
_IMPOSSIBLE = {
    "ConvolutionalClassifier": "it contains a PyTorch network",
    "ExtraTreesClassifier": _TREES,
    "HistGradientBoostingClassifier": _TREES,
    "RandomForestClassifier": _TREES,
}

# Types of the attributes of fitted estimators, and the parts of the readers.
_ATTRIBUTES = frozenset(
    {
        "skcaptcha.novelty.NoveltyDetector",
        "skcaptcha.read._calibration.PlattScaling",
        "skcaptcha.read.convolutional._folded_network.FoldedNetwork",
        "skcaptcha.read.inference._fitted_classifier.FittedClassifier",
        "skcaptcha.read.sequence._candidate_classifier.CandidateClassifier",
        "skcaptcha.read.sequence._candidate_classifier.ScaledClassifier",
        "skcaptcha.read.sequence._geometry.Geometry",
        "skcaptcha.read.sequence._lattice.Spacing",
        "skcaptcha.read.sequence._linear_discriminants.LinearDiscriminants",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    }
)


def public_estimators() -> frozenset[str]:
    """Return the full names of the package's public estimators that can be saved."""
    exported = [
        getattr(module, name)
        for module in (images, denoise, segment, features, read)
        for name in module.__all__
    ]
    return frozenset(
        f"{kind.__module__}.{kind.__qualname__}"
        for kind in exported
        if inspect.isclass(kind)
        and issubclass(kind, BaseEstimator)
        and not inspect.isabstract(kind)
        and kind.__name__ not in _IMPOSSIBLE
    )


TRUSTED_TYPES = public_estimators() | _ATTRIBUTES
"""Types that a skops file may contain besides those that skops itself trusts (numbers, strings,
arrays, and the estimators of scikit-learn). None of them runs anything from the file when it is
created and its attributes are set."""

_MAX_NAMED = 5


def check_before_fit(estimators: Iterable[Any]) -> None:
    """Check before fitting whether the fitted estimators can be saved in a skops file.

    Parameters
    ----------
    estimators : iterable
        Estimators, or values of parameters that may contain estimators.

    Raises
    ------
    ModelError
        If skops is not installed, or one of the estimators cannot be saved.
    """
    _require_skops("to write a skops file")
    for name in (type(part).__name__ for part in _parts(estimators)):
        if name in _IMPOSSIBLE:
            raise ModelError(
                f"{name} cannot be saved in a skops file, because {_IMPOSSIBLE[name]}; use another "
                "classifier or the format joblib"
            )


def dump_skops(model: Pipeline) -> bytes:
    """Return a fitted pipeline as a skops file; raise ModelError if it cannot be loaded again."""
    _require_skops("to write a skops file")
    import skops.io

    file = BytesIO()
    try:
        skops.io.dump(model, file, compression=ZIP_DEFLATED, compresslevel=3)
    except TypeError as error:
        raise ModelError(f"the model cannot be saved in a skops file ({error})") from error
    content = file.getvalue()
    if unknown := _unknown_types(content):
        raise ModelError(
            f"the model cannot be saved in a skops file, because it contains {', '.join(unknown)}, "
            "not among the types that are safe to load (skcaptcha.persistence.TRUSTED_TYPES); use "
            "the format joblib"
        )
    if found := unsafe_value(model):
        raise ModelError(
            f"the model cannot be saved in a skops file, because it contains {found}; change that "
            "parameter with set_params, or use the format joblib"
        )
    return content


def load_skops(content: bytes, path: Path) -> Any:
    """Load a skops file; raise ModelError for types and values that are not safe."""
    _require_skops(f"{path}: to read it, a skops file")
    import skops.io

    if unknown := _unknown_types(content):
        raise ModelError(
            f"{path}: contains {', '.join(unknown)}, not among the types that are safe to load "
            "(skcaptcha.persistence.TRUSTED_TYPES); fit a model of your own"
        )
    model = skops.io.loads(content, trusted=sorted(TRUSTED_TYPES))
    if found := unsafe_value(model):
        raise ModelError(
            f"{path}: contains {found}; skops files must not contain functions, or parameters that "
            "open files; fit a model of your own"
        )
    return model


def _unknown_types(content: bytes) -> list[str]:
    import skops.io

    unknown = sorted(set(skops.io.get_untrusted_types(data=content)) - TRUSTED_TYPES)
    # A malicious file may contain any names.
    return [name if name.isprintable() else repr(name) for name in unknown[:_MAX_NAMED]]


def _require_skops(purpose: str) -> None:
    if find_spec("skops") is None:
        raise ModelError(f"{purpose}, install the extra skops: pip install 'skcaptcha[skops]'")


def _parts(value: Any) -> Iterator[Any]:
    """Yield a value and, recursively, the parameters and elements in it."""
    yield value
    if isinstance(value, type):
        return
    if hasattr(value, "get_params"):
        value = value.get_params(deep=False)
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            yield from _parts(part)
