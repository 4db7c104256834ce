"""Read text captchas and other noisy short strings with one scikit-learn Pipeline."""

# Before anything that the folder in which the command runs could hold by the same name.
from skcaptcha._import_path import is_run_by_dash_m, leave_out_current_folder

if is_run_by_dash_m():
    leave_out_current_folder()

import logging
from importlib import import_module
from typing import Any

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


def __getattr__(name: str) -> Any:
    # Imported when first asked for: the commands start without waiting for scikit-learn.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
