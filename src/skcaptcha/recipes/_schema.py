"""The sections of a recipe as typed models, whose errors name the key."""

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
from skcaptcha.datasets._captchas import with_folded_case
from skcaptcha.exceptions import RecipeError
from skcaptcha.recipes._strict_yaml import MAX_LEVELS, parse_yaml

_MAX_LISTED = 25


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Data(_Section):
    train: str | int | float | None = None
    test: str | int | float | None = None
    fold_case: bool = False


class Generated(_Data):
    """Captchas that `skcaptcha.datasets` generates: ``data`` with the key ``generate``."""

    generate: Literal["lines", "dots", "image", "display"]
    n: int = Field(default=1000, ge=1, le=100_000)  # they are all held in memory
    seed: int = Field(default=0, ge=0, lt=2**32)

    def load(self) -> Captchas:
        """Generate the captchas."""
        images, labels = SCHEMES[self.generate](self.n, random_state=self.seed)
        captchas = Captchas(data=list(images), target=labels)
        return with_folded_case(captchas) if self.fold_case else captchas


class Folder(_Data):
    """A labeled folder: ``data`` with the key ``folder``, and optionally its file of labels."""

    folder: str
    labels: str | None = None

    def load(self) -> Captchas:
        """List the images of the folder with their labels."""
        return load_captchas(self.folder, labels=self.labels, fold_case=self.fold_case)


class Steps(_Section):
    """The section ``steps``: for each step, the class to ``use`` and its parameters.

    A reader of images needs neither ``segment`` nor ``features``.
    """

    images: dict[str, Any] = {"use": "ImageDecoder"}
    denoise: dict[str, Any]
    segment: dict[str, Any] | None = None
    features: dict[str, Any] | None = None
    read: dict[str, Any]

    def given(self) -> dict[str, dict[str, Any]]:
        """Return the steps that the pipeline has, in order."""
        return {name: step for name, step in self if step is not None}

    @field_validator("images", mode="before")
    @classmethod
    def _decode_by_default(cls, step: Any) -> Any:
        """Add the only class that decodes, so that parameters can be set without naming it."""
        return {"use": "ImageDecoder", **step} if isinstance(step, Mapping) else step


class Search(_Section):
    """The section ``search``: how candidates are compared."""

    cv: int = Field(default=5, ge=2)


class Output(_Section):
    """The section ``output``: the file of the model."""

    model: Path = Field(default=Path("artifacts/model.joblib"), strict=False)


def _kind_of_data(data: Any) -> str:
    return "folder" if isinstance(data, Mapping) and "folder" in data else "generate"


_ParamGrid = Annotated[dict[str, Annotated[list[Any], Field(min_length=1)]], Field(min_length=1)]


class RecipeFile(_Section):
    """The content of a recipe file."""

    data: Annotated[
        Annotated[Generated, Tag("generate")] | Annotated[Folder, Tag("folder")],
        Discriminator(_kind_of_data),
    ]
    steps: Steps
    grid: Annotated[list[_ParamGrid], Field(min_length=1)] | None = None
    search: Search = Search()
    final: dict[str, Any] = {}
    output: Output = Output()


def apply_override(content: dict[str, Any], override: str) -> None:
    """Set a key of a recipe's content to a value, from ``KEY=VALUE``."""
    key, equals, value = override.partition("=")
    source = f"--set {shortened(override)}"
    if not equals or not key:
        raise RecipeError(f"{source}: expected KEY=VALUE, as in search.cv=3")
    *path, last = key.split(".")
    if len(path) >= MAX_LEVELS:
        raise RecipeError(f"{source}: the key has {len(path) + 1} levels; at most {MAX_LEVELS}")
    section: Any = content
    for name in path:
        index = _index(section, name, source)
        if isinstance(section, dict):
            section.setdefault(index, {})
        section = section[index]
        if not isinstance(section, dict | list):
            raise RecipeError(f"{source}: {shortened(name)} is {shown(section)}, not a section")
    section[_index(section, last, source)] = parse_yaml(value, source)


def _index(section: dict[str, Any] | list[Any], name: str, source: str) -> Any:
    if isinstance(section, dict):
        return name
    if name.isdecimal() and int(name) < len(section):
        return int(name)
    items = f"the list has {len(section)} items, counted from 0"
    raise RecipeError(f"{source}: {shortened(name)} is not an item; {items}")


def validate(content: Any, source: str) -> RecipeFile:
    """Check the content of a recipe; an error names the key, the value and what is allowed."""
    if not isinstance(content, Mapping):
        raise RecipeError(f"{source}: expected a mapping of sections, found {shown(content)}")
    if isinstance(content.get("grid"), Mapping):
        content = {**content, "grid": [content["grid"]]}
    try:
        return RecipeFile.model_validate(content)
    except ValidationError as error:
        raise key_error(source, *_first_problem(error)) from None


def key_error(source: str, key: str, problem: str) -> RecipeError:
    """Return an error of bounded length about a key of a recipe."""
    return RecipeError(f"{source}: {shortened(key, 200)}: {shortened(problem, 2000)}")


def _first_problem(error: ValidationError) -> tuple[str, str]:
    """Return the key of the first problem, and a sentence about it."""
    problem = error.errors(include_url=False)[0]
    loc = list(problem["loc"])
    if loc[:1] == ["data"]:
        loc = ["data", *loc[2:3]]  # the kinds of data and of number are not keys
    if loc[:1] == ["grid"]:
        loc = [part for part in loc if not isinstance(part, int)]
    key = ".".join(map(str, loc))
    found = shown(problem["input"])
    match problem["type"]:
        case "extra_forbidden" if loc[0] == "data" and loc[-1] in Generated.model_fields:
            return key, "cannot be combined with folder; keep folder, or generate with n and seed"
        case "extra_forbidden":
            return key, f"unknown key; {allowed(loc[-1], _keys_at(loc[:-1]))}"
        case "missing":
            return key, "this key is missing"
        case "too_short":
            return key, "is empty; list the values to try, or remove the key"
        case "literal_error":
            return key, f"found {found}; allowed: {problem['ctx']['expected']}"
    return key, f"{problem['msg'].removeprefix('Input ')}, found {found}"


def _keys_at(loc: list[Any]) -> list[str]:
    if loc == ["data"]:
        return [*Generated.model_fields, *Folder.model_fields]
    sections: dict[str, type[BaseModel]] = {"steps": Steps, "search": Search, "output": Output}
    return list((sections[loc[0]] if loc else RecipeFile).model_fields)


def allowed(found: Any, names: Iterable[str]) -> str:
    """Return a list of the allowed names, after the one that is most like what was found."""
    names = sorted(set(names))
    close = difflib.get_close_matches(shortened(str(found)), names, n=1)
    hint = f"did you mean {shortened(close[0])}? " if close else ""
    listed = [shortened(name) for name in names[:_MAX_LISTED]]
    more = f" and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else ""
    return f"{hint}allowed: {', '.join(listed) or 'none'}{more}"


def shown(value: Any) -> str:
    """Return a value and its type, shortened, for a message."""
    return f"{shortened(repr(value))} ({type(value).__name__})"


def shortened(text: str, n: int = 60) -> str:
    """Return at most n characters of a text."""
    return text if len(text) <= n else text[: n - 3] + "..."
