"""Read text captchas and other noisy short strings with one scikit-learn Pipeline."""

# Before anything that the folder in which the command runs could hold by the same name.
from skcaptcha._import_path import is_run_by_dash_m, leave_out_current_folder

if is_run_by_dash_m():
    leave_out_current_folder()

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

# What __getattr__ gives, for type checkers and editors.
if TYPE_CHECKING:
    # isort: off
    from . import (
        audit as audit,
        auto as auto,
        config as config,
        datasets as datasets,
        denoise as denoise,
        errors as errors,
        evaluation as evaluation,
        extent as extent,
        features as features,
        images as images,
        label as label,
        label_issues as label_issues,
        metrics as metrics,
        model_io as model_io,
        novelty as novelty,
        read as read,
        report as report,
        search as search,
        segment as segment,
        segments as segments,
    )

    # isort: on
    from .config import Recipe, load_recipe
    from .errors import SkcaptchaError
    from .evaluation import evaluate
    from .model_io import load, save
    from .read import Reading, read_captchas
    from .segments import Segments

__version__ = "0.1.0"

_HOMES = {
    "Reading": "skcaptcha.read",
    "Recipe": "skcaptcha.config",
    "Segments": "skcaptcha.segments",
    "SkcaptchaError": "skcaptcha.errors",
    "evaluate": "skcaptcha.evaluation",
    "load": "skcaptcha.model_io",
    "load_recipe": "skcaptcha.config",
    "read_captchas": "skcaptcha.read",
    "save": "skcaptcha.model_io",
}
_SUBMODULES = (
    "audit",
    "auto",
    "config",
    "datasets",
    "denoise",
    "errors",
    "evaluation",
    "extent",
    "features",
    "images",
    "label",
    "label_issues",
    "metrics",
    "model_io",
    "novelty",
    "read",
    "report",
    "search",
    "segment",
    "segments",
)

__all__ = [
    "Reading",
    "Recipe",
    "Segments",
    "SkcaptchaError",
    "__version__",
    "evaluate",
    "load",
    "load_recipe",
    "read_captchas",
    "save",
]


# Who wants to see what is being done configures the logger "skcaptcha".
logging.getLogger(__name__).addHandler(logging.NullHandler())


# Type checkers would take everything for an attribute.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        # Imported when first asked for: the commands start without waiting for scikit-learn.
        if name in _HOMES:
            return getattr(import_module(_HOMES[name]), name)
        if name in _SUBMODULES:
            return import_module(f"{__name__}.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *_SUBMODULES])
