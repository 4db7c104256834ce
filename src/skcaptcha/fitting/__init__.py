"""Fitting with everything that the commands do: excluding, searching, resuming, writing."""

from skcaptcha.fitting._check_labels import CheckedLabels, check_labels
from skcaptcha.fitting._exclude import exclude_unusable_images
from skcaptcha.fitting._fit_captchas import fit_captchas
from skcaptcha.fitting._fit_recipe import fit_recipe
from skcaptcha.fitting._result import FitResult, files_of_fit

__all__ = [
    "CheckedLabels",
    "FitResult",
    "check_labels",
    "exclude_unusable_images",
    "files_of_fit",
    "fit_captchas",
    "fit_recipe",
]
