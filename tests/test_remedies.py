"""Remedies in error messages work, and the options and functions they mention exist."""

import ast
import re
import tomllib
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from PIL import Image

import skcaptcha
from image_samples import COLOR, GRAY, encode
from skcaptcha.cli import app
from skcaptcha.images import ImageDecoder, decode
from skcaptcha.recipes import load_recipe, ready_recipes

ROOT = Path(__file__).parent.parent
PACKAGE = Path(skcaptcha.__file__).parent


def opened(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content))


JPEG = encode(COLOR, "JPEG")
LOSSLESS = JPEG.replace(b"\xff\xc0", b"\xff\xc3")
BMP = encode(COLOR, "BMP")

REMEDIES: list[tuple[str, Callable[[], Any], Callable[[], Any]]] = [
    (
        r"pass np\.asarray\(image\)\.astype\('uint8'\) instead",
        lambda: decode(GRAY.astype(np.uint16)),
        lambda: decode(np.asarray(GRAY.astype(np.uint16)).astype("uint8")),
    ),
    (
        r"pass np\.asarray\(image\)\.astype\('uint8'\) instead",
        lambda: decode(Image.fromarray(GRAY).convert("I")),
        lambda: decode(np.asarray(Image.fromarray(GRAY).convert("I")).astype("uint8")),
    ),
    (
        r"convert it with \.astype\('uint8'\)",
        lambda: decode(GRAY.astype(np.int64)),
        lambda: decode(GRAY.astype(np.int64).astype("uint8")),
    ),
    (
        "scale or clip them, or convert them to uint8",
        lambda: decode(GRAY.astype(float)),
        lambda: [
            decode(GRAY / 255),
            decode(GRAY.astype(float).clip(0, 1)),
            decode(GRAY.astype(float).astype(np.uint8)),
        ],
    ),
    (
        r"wrap it in a list: \[X\]",
        lambda: ImageDecoder().transform(COLOR),
        lambda: ImageDecoder().transform([COLOR]),
    ),
    (
        r"wrap it in a list: \[X\], or pass list\(X\) if it is a batch",
        lambda: ImageDecoder().transform(np.zeros((20, 3, 4), np.uint8)),
        lambda: ImageDecoder().transform(list(np.zeros((20, 3, 4), np.uint8))),
    ),
    (
        r"pass list\(X\) if it holds images",
        lambda: ImageDecoder().transform(iter([GRAY])),  # type: ignore[arg-type]
        lambda: ImageDecoder().transform(list(iter([GRAY]))),
    ),
    (
        "fit with --set steps.images.max_pixels=N",
        lambda: decode(np.zeros((1025, 1025), np.uint8)),
        lambda: with_more_pixels("steps.images.max_pixels=2000000"),
    ),
    (
        "resize it",
        lambda: decode(Image.new("L", (1025, 1025))),
        lambda: decode(Image.new("L", (1025, 1025)).resize((512, 512))),
    ),
    (
        "the maximum side length is 16384; crop it",
        lambda: decode(np.zeros((1, 20_000), np.uint8)),
        lambda: decode(np.zeros((1, 20_000), np.uint8)[:, :16_384]),
    ),
    (
        "neither baseline nor progressive; save it as one of these",
        lambda: decode(LOSSLESS),
        lambda: [decode(JPEG), decode(encode(COLOR, "JPEG", progressive=True))],
    ),
    (
        "of an unsupported kind .*; save it as PNG",
        lambda: decode(BMP[:14] + b"\x14" + BMP[15:]),
        lambda: decode(encode(opened(BMP), "PNG")),
    ),
    (
        r"expected KEY=VALUE, as in search\.cv=3",
        lambda: load_recipe(ROOT / "configs" / "grid.yaml", ["search.cv"]),
        lambda: load_recipe(ROOT / "configs" / "grid.yaml", ["search.cv=3"]),
    ),
]


def with_more_pixels(override: str) -> None:
    for path in sorted((ROOT / "configs").glob("*.yaml")):
        if path.stem not in ("auto", "cnn"):  # recipe families; needs an extra
            decoder = load_recipe(path, [override]).pipeline()[0]
            assert decoder.transform([np.zeros((1025, 1025), np.uint8)])


@pytest.mark.parametrize(("advice", "provoke", "follow"), REMEDIES, ids=range(len(REMEDIES)))
def test_a_remedy_works(advice: str, provoke: Callable[[], Any], follow: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match=advice):
        provoke()
    follow()


def messages() -> Iterator[tuple[str, str]]:
    """Strings in the package's code that are not docstrings, with their locations."""
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docstrings = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                parts = [
                    part.value if isinstance(part, ast.Constant) else "X" for part in node.values
                ]
                yield f"{path.name}:{node.lineno}", "".join(map(str, parts))
            elif (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and id(node) not in docstrings
            ):
                yield f"{path.name}:{node.lineno}", node.value


MESSAGES = [(place, text) for place, text in messages() if " " in text]


@pytest.fixture(scope="module")
def commands() -> dict[str, Any]:
    group: Any = typer.main.get_command(app)
    return {"": group, **group.commands}


def test_options_mentioned_in_messages_exist(commands: dict[str, Any]) -> None:
    known = {"--help", "--nworkers", "--nthreads", "--upgrade"}  # options of dask worker and pip
    for command in commands.values():
        for parameter in command.params:
            known |= {*parameter.opts, *parameter.secondary_opts}
    found = [
        (place, option) for place, text in MESSAGES for option in re.findall(r"--[a-z][\w-]+", text)
    ]
    assert len(found) > 30
    assert [case for case in found if case[1] not in known] == []


def test_commands_mentioned_in_messages_exist_with_their_options(
    commands: dict[str, Any],
) -> None:
    named = re.compile(r"skcaptcha ([a-z]+(?:-[a-z]+)?)\b((?: [^ ;:,)]+)*)")
    known = 0
    for place, text in MESSAGES:
        for command, rest in named.findall(text):
            if command not in commands:
                continue  # the name of the package within a sentence
            known += 1
            options = {
                option
                for parameter in commands[command].params
                for option in (*parameter.opts, *parameter.secondary_opts)
            }
            wrong = [
                option for option in re.findall(r"--[a-z][\w-]+", rest) if option not in options
            ]
            assert wrong == [], f"{place}: {text}"
    assert known > 10


def test_extras_mentioned_in_messages_exist() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    found = [extra for _, text in MESSAGES for extra in re.findall(r"skcaptcha\[(\w+)\]", text)]
    assert set(found) >= {
        "dask",
        "generate",
        "labels",
        "parquet",
        "report",
        "skops",
        "torch",
        "web",
    }
    assert set(found) <= set(extras)


def test_recipes_mentioned_in_messages_exist() -> None:
    texts = [text for _, text in MESSAGES]
    found = {name for text in texts for name in re.findall(r"skcaptcha fit (\w+) --data", text)}
    assert found
    assert found <= set(ready_recipes())
    assert [text for text in texts if "configs/" in text] == []  # users may not have a clone
