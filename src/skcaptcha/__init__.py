"""Read text captchas and other noisy short strings with one scikit-learn Pipeline."""

# Before any import that could find a module of that name in the current folder.
from skcaptcha._process.import_path import is_run_as_module, remove_current_folder

if is_run_as_module():
    remove_current_folder()

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

# The names that __getattr__ returns, for type checkers and editors.
if TYPE_CHECKING:
    # isort: off
    from . import (
        audit as audit,
        auto as auto,
        base as base,
        datasets as datasets,
        denoise as denoise,
        exceptions as exceptions,
        features as features,
        fitting as fitting,
        images as images,
        inspection as inspection,
        label as label,
        label_issues as label_issues,
        measure as measure,
        metrics as metrics,
        model_selection as model_selection,
        novelty as novelty,
        persistence as persistence,
        prediction as prediction,
        read as read,
        recipes as recipes,
        report as report,
        segment as segment,
        segments as segments,
        semi_supervised as semi_supervised,
        serve as serve,
    )

    # isort: on
    from .exceptions import SkcaptchaError
    from .inspection import evaluate
    from .persistence import export_onnx, load, save
    from .read import Reading, read_captchas
    from .recipes import Recipe, load_recipe
    from .segments import Segments

__version__ = "0.1.0"

_HOMES = {
    "Reading": "skcaptcha.read",
    "Recipe": "skcaptcha.recipes",
    "Segments": "skcaptcha.segments",
    "SkcaptchaError": "skcaptcha.exceptions",
    "evaluate": "skcaptcha.inspection",
    "export_onnx": "skcaptcha.persistence",
    "load": "skcaptcha.persistence",
    "load_recipe": "skcaptcha.recipes",
    "read_captchas": "skcaptcha.read",
    "save": "skcaptcha.persistence",
}
_SUBMODULES = (
    "audit",
    "auto",
    "base",
    "datasets",
    "denoise",
    "exceptions",
    "features",
    "fitting",
    "images",
    "inspection",
    "label",
    "label_issues",
    "measure",
    "metrics",
    "model_selection",
    "novelty",
    "persistence",
    "prediction",
    "read",
    "recipes",
    "report",
    "segment",
    "segments",
    "semi_supervised",
    "serve",
)

__all__ = [
    "Reading",
    "Recipe",
    "Segments",
    "SkcaptchaError",
    "__version__",
    "evaluate",
    "export_onnx",
    "load",
    "load_recipe",
    "read_captchas",
    "save",
]


# To see log messages, configure the logger "skcaptcha".
logging.getLogger(__name__).addHandler(logging.NullHandler())


# With it, type checkers would accept any attribute.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        # Imported at first use, so that commands start without waiting for scikit-learn.
        if name in _HOMES:
            return getattr(import_module(_HOMES[name]), name)
        if name in _SUBMODULES:
            return import_module(f"{__name__}.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *_SUBMODULES])
