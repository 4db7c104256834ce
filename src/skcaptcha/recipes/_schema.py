"""What stands in a recipe's YAML file: its sections as typed models, and errors that name keys."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    field_validator,
)

from skcaptcha.datasets import SCHEMES, Captchas, load_captchas
from skcaptcha.exceptions import RecipeError
from skcaptcha.recipes._strict_yaml import MOST_LEVELS, parse_yaml

_MOST_LISTED = 25


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Generated(_Section):
    """Captchas that `skcaptcha.datasets` makes: the section ``data`` with the key ``generate``."""

    generate: Literal["lines", "dots", "image"]
    n: int = Field(default=1000, ge=1, le=100_000)  # they are all held in memory
    seed: int = Field(default=0, ge=0, lt=2**32)
    train: str | int | float | None = None
    test: str | int | float | None = None

    def load(self) -> Captchas:
        """Make the captchas."""
        images, labels = SCHEMES[self.generate](self.n, random_state=self.seed)
        return Captchas(data=list(images), target=labels)


class Folder(_Section):
    """A labeled folder: the section ``data`` with the key ``folder``."""

    folder: str
    train: str | int | float | None = None
    test: str | int | float | None = None

    def load(self) -> Captchas:
        """Find the folder's images and their labels."""
        return load_captchas(self.folder)


class Steps(_Section):
    """The section ``steps``: for each step, the class to ``use`` and its parameters."""

    images: dict[str, Any] = {"use": "ImageDecoder"}
    denoise: dict[str, Any]
    segment: dict[str, Any]
    features: dict[str, Any]
    read: dict[str, Any]

    @field_validator("images", mode="before")
    @classmethod
    def _decode_by_default(cls, step: Any) -> Any:
        """Let parameters be set without naming the only class that decodes."""
        return {"use": "ImageDecoder", **step} if isinstance(step, Mapping) else step


class Comparison(_Section):
    """The section ``search``: how candidates are compared."""

    cv: int = Field(default=5, ge=2)


class Output(_Section):
    """The section ``output``: what is written."""

    model: Path = Field(default=Path("artifacts/model.joblib"), strict=False)


def _kind_of_data(data: Any) -> str:
    return "folder" if isinstance(data, Mapping) and "folder" in data else "generate"


_ParamGrid = Annotated[dict[str, Annotated[list[Any], Field(min_length=1)]], Field(min_length=1)]


class RecipeFile(_Section):
    """A whole recipe, as it stands in the file."""

    data: Annotated[
        Annotated[Generated, Tag("generate")] | Annotated[Folder, Tag("folder")],
        Discriminator(_kind_of_data),
    ]
    steps: Steps
    grid: Annotated[list[_ParamGrid], Field(min_length=1)] | None = None
    search: Comparison = Comparison()
    final: dict[str, Any] = {}
    output: Output = Output()


def apply_override(content: dict[str, Any], override: str) -> None:
    """Set one key of a recipe's content, as ``--set KEY=VALUE`` asks."""
    key, equals, value = override.partition("=")
    if not equals or not key:
        raise RecipeError(f"--set {shortened(override)}: expected KEY=VALUE, as in search.cv=3")
    source = f"--set {shortened(override)}"
    *path, last = key.split(".")
    if len(path) >= MOST_LEVELS:
        raise RecipeError(f"{source}: the key has {len(path) + 1} levels, {MOST_LEVELS} at most")
    section: Any = content
    for name in path:
        place = _place(section, name, source)
        if isinstance(section, dict):
            section.setdefault(place, {})
        section = section[place]
        if not isinstance(section, dict | list):
            raise RecipeError(f"{source}: {shortened(name)} is {shown(section)}, not a section")
    section[_place(section, last, source)] = parse_yaml(value, source)


def _place(section: dict[str, Any] | list[Any], name: str, source: str) -> Any:
    if isinstance(section, dict):
        return name
    if name.isdecimal() and int(name) < len(section):
        return int(name)
    items = f"the list has {len(section)} items, counted from 0"
    raise RecipeError(f"{source}: {shortened(name)} is no item; {items}")


def validate(content: Any, source: str) -> RecipeFile:
    """Check what a recipe's YAML holds; errors name the key, what was found and what is allowed."""
    if not isinstance(content, Mapping):
        raise RecipeError(f"{source}: expected a mapping of sections, found {shown(content)}")
    if isinstance(content.get("grid"), Mapping):
        content = {**content, "grid": [content["grid"]]}
    try:
        return RecipeFile.model_validate(content)
    except ValidationError as error:
        key, problem = _explain(error)
        raise RecipeError(f"{source}: {shortened(key, 200)}: {shortened(problem, 2000)}") from None


def _explain(error: ValidationError) -> tuple[str, str]:
    """Name the key of the first problem, and say what was found and what is allowed."""
    problem = error.errors(include_url=False)[0]
    loc = list(problem["loc"])
    if loc[:1] == ["data"]:
        loc = ["data", *loc[2:3]]  # without the kind of data and of number, which are no keys
    if loc[:1] == ["grid"]:
        loc = [part for part in loc if not isinstance(part, int)]
    key = ".".join(map(str, loc))
    match problem["type"]:
        case "extra_forbidden" if loc[0] == "data" and loc[-1] in Generated.model_fields:
            return key, "does not go with folder; keep either folder, or generate with n and seed"
        case "extra_forbidden":
            return key, f"unknown key; {allowed(loc[-1], _keys_at(loc[:-1]))}"
        case "missing":
            return key, "this key is missing"
        case "too_short":
            return key, "is empty; list the values to try, or leave the key out"
        case "literal_error":
            return key, f"found {shown(problem['input'])}; allowed: {problem['ctx']['expected']}"
    said = problem["msg"].removeprefix("Input ")
    return key, f"{said}, found {shown(problem['input'])}"


def _keys_at(loc: list[Any]) -> list[str]:
    sections: dict[str, list[type[BaseModel]]] = {
        "": [RecipeFile],
        "data": [Generated, Folder],
        "steps": [Steps],
        "search": [Comparison],
        "output": [Output],
    }
    return [key for model in sections[".".join(map(str, loc))] for key in model.model_fields]


def count_steps(found: Any) -> int:
    """Count the estimators that a value describes, with those in them."""
    if isinstance(found, Mapping):
        return ("use" in found) + sum(map(count_steps, found.values()))
    return sum(map(count_steps, found)) if isinstance(found, list) else 0


def allowed(found: Any, names: Iterable[str]) -> str:
    """Say what is allowed, the likeliest first."""
    names = sorted(set(names))
    close = difflib.get_close_matches(shortened(str(found)), names, n=1)
    hint = f"did you mean {shortened(close[0])}? " if close else ""
    listed = [shortened(name) for name in names[:_MOST_LISTED]]
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return f"{hint}allowed: {', '.join(listed) or 'none'}{more}"


def shown(value: Any) -> str:
    """Show a value and its type in a message, shortened."""
    return f"{shortened(repr(value))} ({type(value).__name__})"


def shortened(text: str, most: int = 60) -> str:
    """Leave the first characters."""
    return text if len(text) <= most else text[: most - 3] + "..."
