"""Fuzz target: any text gives a recipe that builds only allowed steps, or a RecipeError."""

import sys
import warnings
from pathlib import Path
from tempfile import NamedTemporaryFile

import atheris
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

INSTRUMENTED = [
    "skcaptcha.recipes",
    "skcaptcha.recipes._schema",
    "skcaptcha.recipes._strict_yaml",
    "yaml",
]

with atheris.instrument_imports(include=INSTRUMENTED):
    from skcaptcha import load_recipe
    from skcaptcha.exceptions import RecipeError
    from skcaptcha.recipes import Recipe

ALLOWED = ("skcaptcha.", "sklearn.")
SMALL = Path(__file__).with_name("small.yaml").read_text(encoding="utf-8")


def check(content: bytes) -> None:
    """Raise AssertionError unless a recipe file or overrides give allowed steps or a RecipeError.

    If the first byte is odd, the rest are lines of ``KEY=VALUE`` for a small recipe; otherwise it
    is the content of a recipe file.
    """
    overrides = []
    if content[:1] and content[0] & 1:
        overrides = content[1:].decode(errors="replace").split("\n")
        content = b" " + SMALL.encode()
    with NamedTemporaryFile(suffix=".yaml") as file, warnings.catch_warnings():
        warnings.simplefilter("error")
        file.write(content[1:])
        file.flush()
        try:
            recipe = load_recipe(file.name, overrides)
            built = [recipe.pipeline(), recipe.final_pipeline()]
        except RecipeError as error:
            assert str(error).isprintable(), f"not one printable line: {error!r}"
            assert len(str(error)) < 5000
            return
    for estimator in [*built, recipe.search(), *values_of(recipe)]:
        check_estimator(estimator)


def values_of(recipe: Recipe) -> list[BaseEstimator]:
    """Return the estimators among the values of a grid."""
    return [
        value
        for grid in recipe.grid
        for values in grid.values()
        for value in values
        if isinstance(value, BaseEstimator)
    ]


def check_estimator(estimator: BaseEstimator) -> None:
    """Raise AssertionError if an estimator, or a part of it, has a class that is not allowed."""
    parts = [estimator, *estimator.get_params().values()]
    for part in parts:
        if isinstance(part, Pipeline):
            assert part.memory is None, "fitted steps would be cached in a folder"
        if hasattr(part, "get_params"):
            assert type(part).__module__.startswith(ALLOWED), type(part)
            assert part.get_params(deep=False).get("n_jobs") is None, part
        assert not callable(part), part


if __name__ == "__main__":
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()
