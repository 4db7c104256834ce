"""Choose a recipe: measure labeled captchas, race the recipes that can apply, and fit the best."""

from skcaptcha.auto._candidate import Trial
from skcaptcha.auto._choose import Choice, choose_recipe, default_budget
from skcaptcha.auto._families import load_families
from skcaptcha.auto._measurement import Measurement, Span, measure

__all__ = [
    "Choice",
    "Measurement",
    "Span",
    "Trial",
    "choose_recipe",
    "default_budget",
    "load_families",
    "measure",
]
