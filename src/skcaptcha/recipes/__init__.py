"""Recipes: from a YAML file to a pipeline, a search over its grid, and a fitted model."""

from skcaptcha.recipes._ready import ready_recipe, ready_recipes
from skcaptcha.recipes._recipe import Recipe, load_recipe

__all__ = ["Recipe", "load_recipe", "ready_recipe", "ready_recipes"]
