"""The ready recipes, which ship with the package."""

from __future__ import annotations

from pathlib import Path

from skcaptcha.exceptions import RecipeError
from skcaptcha.recipes._schema import allowed

_FOLDER = Path(__file__).parent / "ready"


def ready_recipes() -> dict[str, str]:
    """Return when to use each ready recipe, by its name.

    Returns
    -------
    recipes : dict of str to str
        The first paragraph of the comment that each recipe begins with.

    Examples
    --------
    >>> from skcaptcha.recipes import ready_recipes
    >>> ready_recipes()["grid"]
    'Characters at fixed positions, crossed by thin lines of other colors. The default recipe.'
    """
    return {name: _first_paragraph(ready_recipe(name)) for name in ready_names()}


def ready_recipe(name: str) -> str:
    """Return the YAML text of a ready recipe.

    Parameters
    ----------
    name : str
        Name of the recipe; a key of `ready_recipes`.

    Returns
    -------
    text : str
        Text whose paths are relative to the folder that it is saved in.

    Raises
    ------
    RecipeError
        If there is no ready recipe of this name.

    Examples
    --------
    >>> from skcaptcha.recipes import ready_recipe
    >>> print(ready_recipe("grid").splitlines()[0])
    # Characters at fixed positions, crossed by thin lines of other colors. The default recipe.
    """
    if name not in ready_names():
        raise RecipeError(f"{name}: not a ready recipe; {allowed(name, ready_names())}")
    text = (_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    # In a clone, `configs` links to the folder; models are written to `artifacts` next to the link.
    return text.replace("model: ../artifacts/", "model: artifacts/")


def ready_names() -> list[str]:
    """Return the names of the ready recipes."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def _first_paragraph(text: str) -> str:
    comment, _, _ = text.partition("\n#\n")
    return " ".join(line.removeprefix("#").strip() for line in comment.splitlines())
