"""Fitting with everything that the commands do: excluding, searching, resuming, writing."""

from skcaptcha.fitting._check_labels import CheckedLabels, check_labels
from skcaptcha.fitting._exclude import exclude_unusable_images
from skcaptcha.fitting._fit_captchas import fit_captchas
from skcaptcha.fitting._fit_recipe import fit_recipe
from skcaptcha.fitting._result import FitResult, files_of_fit
from skcaptcha.fitting._update_model import UpdateResult, update_model

__all__ = [
    "CheckedLabels",
    "FitResult",
    "UpdateResult",
    "check_labels",
    "exclude_unusable_images",
    "files_of_fit",
    "fit_captchas",
    "fit_recipe",
    "update_model",
]
