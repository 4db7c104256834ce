"""The command ``recipes``."""

# ruff: noqa: PLC0415 - heavy imports are late, so that --help is fast

from __future__ import annotations

from typing import Annotated

import typer

from skcaptcha.cli._console import result_console, summary_table

EXAMPLE = "skcaptcha recipes grid > my.yaml"


def recipes(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Recipe to print.")] = None,
) -> None:
    """List the ready recipes and when to use each; with a name, print that recipe.

    Fit a recipe by name from any folder, as in: skcaptcha fit grid --data DIR.
    """
    from skcaptcha.recipes import ready_recipe, ready_recipes

    if name is not None:
        print(ready_recipe(name), end="")
        return
    result_console().print(summary_table(ready_recipes().items()))
