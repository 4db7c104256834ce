"""Recipes: from a YAML file to a pipeline, a search over its grid, and a fitted model."""

from skcaptcha.recipes._recipe import Recipe, load_recipe

__all__ = ["Recipe", "load_recipe"]
