"""Following the remedy in an error message fixes the error."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skcaptcha.base import pipeline_of
from skcaptcha.cli._check_outputs import check_model_suffix, check_outputs
from skcaptcha.datasets import (
    Captchas,
    load_captchas,
    make_display_captchas,
    make_image_captchas,
    make_line_captchas,
    split_captchas,
    write_captchas,
)
from skcaptcha.datasets._load import parse_range
from skcaptcha.denoise import Binarizer, Grayscale, SmallComponentRemover
from skcaptcha.exceptions import DatasetError, RecipeError, SkcaptchaError
from skcaptcha.features import RawPixels
from skcaptcha.images import ImageDecoder, decode
from skcaptcha.metrics import string_accuracy
from skcaptcha.read import CharacterReader
from skcaptcha.read.sequence._constraints import make_constraints
from skcaptcha.recipes import load_recipe
from skcaptcha.segment import ConnectedComponents, EqualSplit

RECIPE = (Path(__file__).parent.parent / "configs" / "grid.yaml").read_text(encoding="utf-8")

Files = dict[str, str]

# Files next to a.png and b.png, the expected remedy, and the files after applying it.
FOLDERS: list[tuple[Files, str, Files]] = [
    (
        {"labels.csv": "filename,label\n"},
        "add a line filename,label for each image",
        {"labels.csv": "filename,label\na.png,AB\n"},
    ),
    (
        {"labels.csv": "a.png,AB\n"},
        "its first line must name the columns filename and label",
        {"labels.csv": "filename,label\na.png,AB\n"},
    ),
    (
        {"labels.csv": "filename,label\na.png,x\na.png,y\n"},
        "keep one line for each",
        {"labels.csv": "filename,label\na.png,y\n"},
    ),
    (
        {"labels.csv": "filename,label\na.png,x,y\n"},
        r'put a label that contains a comma in quotes, as in 1\.png,"a,b"',
        {"labels.csv": 'filename,label\na.png,"x,y"\n'},
    ),
    (
        {"labels.csv": "filename,label\na.png,\nb.png,x\n"},
        "the label of a.png is empty; write it or delete the line",
        {"labels.csv": "filename,label\nb.png,x\n"},
    ),
    (
        {"labels.csv": "filename,label\nc.png,x\nb.png,x\n"},
        "restore them or delete their lines",
        {"labels.csv": "filename,label\nb.png,x\n"},
    ),
    (
        {"labels.csv": "filename,label\nimages/a.png,x\n"},
        r"leave the folder out of the names, as in a\.png",
        {"labels.csv": "filename,label\na.png,x\n"},
    ),
    (
        {"labels.csv": "filename,label\na,x\n"},
        r"write a\.png, the name of the image",
        {"labels.csv": "filename,label\na.png,x\n"},
    ),
    (
        {"gt.txt": "x\ny\n"},
        r"write a labels\.csv with the columns filename and label",
        {"gt.txt": "x\ny\n", "labels.csv": "filename,label\na.png,x\n"},
    ),
    (
        {"gt.txt": "x\ny\n"},
        r"if the names of the images are their labels, move gt\.txt to another folder",
        {},
    ),
    (
        {"labels.txt": "a.png x\nb.png y\n"},
        "save it as labels.csv instead, with filename,label as its first line and a comma between",
        {"labels.csv": "filename,label\na.png,x\nb.png,y\n"},
    ),
    (
        {"1.png": "", "2.png": "", "labels.txt": "label\n5UFQ\nHOTS\n"},
        "seems to be a header, .*; delete that line",
        {"1.png": "", "2.png": "", "labels.txt": "5UFQ\nHOTS\n"},
    ),
    (
        {"0.png": "", "1.png": "", "labels.txt": "5UFQ\nHOTS\n"},
        r"if line 1 is its label, .*, write a labels\.csv",
        {"0.png": "", "1.png": "", "labels.csv": "filename,label\n0.png,5UFQ\n1.png,HOTS\n"},
    ),
    (
        {"1.png": "", "01.png": "", "labels.txt": "5UFQ\n"},
        "could belong to 01.png or to 1.png; rename or delete one",
        {"1.png": "", "labels.txt": "5UFQ\n"},
    ),
    (
        {"1.png": "", "2.png": "", "labels.txt": "\n5UFQ\n"},
        "line 1, the label of 1.png, is empty; write it or delete 1.png",
        {"2.png": "", "labels.txt": "\n5UFQ\n"},
    ),
    (
        {"labels.txt": "5UFQ\n"},
        r"line N is the label of the image named N, such as 1\.png",
        {"1.png": "", "labels.txt": "5UFQ\n"},
    ),
    (
        {"_1.png": ""},
        r"name it by its label, such as 5UFQ\.png or 5UFQ_2\.png, or write a labels\.csv",
        {"5UFQ.png": "", "5UFQ_2.png": ""},
    ),
    (
        {f"captcha_{k}.png": "" for k in range(3)},
        r"name each by its label, such as 5UFQ\.png",
        {"5UFQ.png": "", "HOTS.png": "", "AB12.png": ""},
    ),
]


def folder_of(path: Path, files: Files) -> Path:
    path.mkdir()
    for name, text in {"a.png": "", "b.png": "", **files}.items():
        (path / name).write_text(text)
    return path


@pytest.mark.parametrize(("files", "advice", "mended"), FOLDERS)
def test_folders(tmp_path: Path, files: Files, advice: str, mended: Files) -> None:
    with pytest.raises(DatasetError, match=advice):
        load_captchas(folder_of(tmp_path / "wrong", files))
    assert len(load_captchas(folder_of(tmp_path / "right", mended)).target)


@pytest.mark.parametrize(
    "make",
    [lambda path: path / "a.png", lambda path: path / "labels.csv", lambda path: path.parent],
)
def test_the_suggested_folder_can_be_loaded(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    folder = folder_of(tmp_path / "captchas", {"labels.csv": "filename,label\na.png,x\n"})
    with pytest.raises(DatasetError) as error:
        load_captchas(make(folder))
    named = re.findall(r": (/[^,;]+)", str(error.value))[-1]
    assert len(load_captchas(named).target) == 1


# Text of the recipe, invalid replacement, expected advice, and valid replacement.
RECIPES = [
    ("n: 300", "n: 0300", "write a number without it, a string in quotes", "n: 300"),
    ("n: 300", "n: !!int 300", "write the value without it", "n: 300"),
    ("search: {cv: 5}", "search: {<<: {cv: 5}}", "write the keys out", "search: {cv: 5}"),
    (
        "generate: lines",
        "folder: captchas",
        "keep folder, or generate with n and seed",
        "generate: lines",
    ),
    (
        "segment__margin: [0, 1]",
        f"segment__margin: {list(range(2000))}",
        "try fewer values",
        "segment__margin: [0]",
    ),
    (
        "ink: {use: Binarizer",
        "a__b: {use: Binarizer",
        "is not a valid step name; use another, without __",
        "first: {use: Binarizer",
    ),
]


@pytest.mark.parametrize(("there", "wrong", "advice", "right"), RECIPES)
def test_recipes(tmp_path: Path, there: str, wrong: str, advice: str, right: str) -> None:
    recipe = RECIPE.replace("  denoise__ink__threshold: [111, 127, 143, 159]\n", "")
    assert there in recipe
    file = tmp_path / "recipe.yaml"
    file.write_text(recipe.replace(there, wrong, 1), encoding="utf-8")
    with pytest.raises(RecipeError, match=advice):
        load_recipe(file)
    file.write_text(recipe.replace(there, right, 1), encoding="utf-8")
    assert load_recipe(file).pipeline()


@pytest.mark.parametrize(
    "outputs", [{"html": "a.pdf"}, {"csv": "a.txt"}, {"json": "labels.csv"}, {"png": "a.jpg"}]
)
def test_suggested_names_of_results(tmp_path: Path, outputs: dict[str, str]) -> None:
    (tmp_path / "1.png").touch()
    ((format, name),) = outputs.items()  # noqa: A001
    with pytest.raises(SkcaptchaError, match="use a name such as") as error:
        check_outputs(**{format: tmp_path / name})  # type: ignore[arg-type]
    check_outputs(**{format: Path(str(error.value).rpartition("such as ")[2])})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["m.skops", "m.yaml", "m.png"])
def test_suggested_names_of_models(name: str) -> None:
    with pytest.raises(SkcaptchaError, match="a name such as") as error:
        check_model_suffix(Path(name), "joblib")
    check_model_suffix(Path(str(error.value).rpartition("such as ")[2]), "joblib")


GRAY = np.full((20, 30), 200, np.uint8)
COLOR = np.full((20, 30, 3), 200, np.uint8)
NOISE = np.zeros((200, 200), np.uint8)
NOISE[::2, ::2] = 255
INK = [np.pad(np.full((9, k), 255, np.uint8), 2) for k in (2, 7) * 3]
LABELS = ["A", "B"] * 3
CAPTCHAS = Captchas(data=[np.full((2, 2), k, np.uint8) for k in range(9)], target=["A"] * 9)
AB = np.array(["A", "B"])


def search(**options: Any) -> GridSearchCV:
    grid = {"dummyclassifier__strategy": ["prior"]}
    return GridSearchCV(make_pipeline(DummyClassifier()), grid, cv=2, **options)


NUMBERS = [[0], [1]] * 2, [0, 1] * 2

CALLS: list[tuple[str, Callable[[], Any], Callable[[], Any]]] = [
    (
        "expected a batch of images, .* wrap a single image in a list",
        lambda: Grayscale().transform(GRAY),
        lambda: Grayscale().transform([GRAY]),
    ),
    (
        "put Grayscale before this step",
        lambda: Binarizer().transform([COLOR]),
        lambda: make_pipeline(Grayscale(), Binarizer()).fit_transform([COLOR]),
    ),
    (
        "decode with ImageDecoder",
        lambda: Grayscale().transform([GRAY.astype(float)]),
        lambda: make_pipeline(ImageDecoder(), Grayscale()).fit_transform([GRAY / 255]),
    ),
    (
        "components are too many .*; put SmallComponentRemover before ConnectedComponents",
        lambda: ConnectedComponents().fit_transform([NOISE]),
        lambda: make_pipeline(
            SmallComponentRemover(2, connectivity=4), ConnectedComponents()
        ).fit_transform([NOISE]),
    ),
    (
        "no segment was found in any training image, .* or set the shape",
        lambda: make_pipeline(ConnectedComponents(), RawPixels()).fit([np.zeros((9, 9), np.uint8)]),
        lambda: make_pipeline(ConnectedComponents(), RawPixels((3, 3))).fit(
            [np.zeros((9, 9), np.uint8)]
        ),
    ),
    (
        "the segments have no features; put a features step, such as HOG, before the reader",
        lambda: make_pipeline(EqualSplit(1), CharacterReader()).fit(INK, LABELS),
        lambda: make_pipeline(EqualSplit(1), RawPixels(), CharacterReader()).fit(INK, LABELS),
    ),
    (
        r"mask is empty; list the allowed characters of each position, such as \['AB', None\]",
        lambda: make_constraints(AB, {2: 9}, 2, mask=[]),
        lambda: make_constraints(AB, {2: 9}, 2, mask=["AB", None]),
    ),
    (
        r"mask must be a list with the allowed characters of each position, such as \['AB', None\]",
        lambda: make_constraints(AB, {2: 9}, 2, mask="AB"),
        lambda: make_constraints(AB, {2: 9}, 2, mask=["AB", None]),
    ),
    (
        "is a single string; wrap it in a list",
        lambda: string_accuracy("AB", ["AB"]),
        lambda: string_accuracy(["AB"], ["AB"]),
    ),
    (
        r"is not fitted; call its fit\(X, y\) first",
        lambda: pipeline_of(search()),
        lambda: pipeline_of(search().fit(*NUMBERS)),
    ),
    (
        "fitted with refit=False and holds no model; fit it with refit=True",
        lambda: pipeline_of(search(refit=False).fit(*NUMBERS)),
        lambda: pipeline_of(search(refit=True).fit(*NUMBERS)),
    ),
    (
        "charset is empty; pass the characters to draw, such as 'ABC123'",
        lambda: make_line_captchas(1, charset=""),
        lambda: make_line_captchas(1, charset="ABC123"),
    ),
    (
        "charset is empty; pass the characters to draw, such as 'ABC123'",
        lambda: make_image_captchas(1, charset=""),
        lambda: make_image_captchas(1, charset="ABC123"),
    ),
    (
        "weights: found none; pass whole numbers of pixels from 0 on",
        lambda: make_image_captchas(1, weights=[]),
        lambda: make_image_captchas(1, weights=[0]),
    ),
    (
        "pass two fractions in ascending order, from 0 to 0.9",
        lambda: make_image_captchas(1, overlap=(0.3, 0.1)),
        lambda: make_image_captchas(1, overlap=(0.1, 0.3)),
    ),
    (
        "gradient: found 300; pass a whole number from 0 to 255",
        lambda: make_image_captchas(1, gradient=300),
        lambda: make_image_captchas(1, gradient=255),
    ),
    (
        r"marks: found '\+'; pass a string of \. , : - or an empty one",
        lambda: make_display_captchas(1, marks="+"),
        lambda: make_display_captchas(1, marks=""),
    ),
    (
        "pass two fractions in ascending order, from 0 to 0.5",
        lambda: make_display_captchas(1, slant=0.1),
        lambda: make_display_captchas(1, slant=(0.1, 0.1)),
    ),
    (
        "is invisible; use visible characters",
        lambda: make_line_captchas(1, charset=" "),
        lambda: make_line_captchas(1, charset="x"),
    ),
    (
        r"must be a range such as 1\.\.9, a fraction between 0 and 1, or a number",
        lambda: split_captchas(CAPTCHAS, 1.5),
        lambda: [split_captchas(CAPTCHAS, part) for part in ("1..8", 0.5, 5)],
    ),
    (
        "are left; use a smaller number",
        lambda: split_captchas(CAPTCHAS, 10),
        lambda: split_captchas(CAPTCHAS, 8),
    ),
    (
        r"is not a range; write it as 1\.\.9",
        lambda: parse_range("9", 9, where="here"),
        lambda: parse_range("1..9", 9, where="here"),
    ),
    (
        "exceeds the 9 captchas of here; the maximum position is 9",
        lambda: parse_range("2..10", 9, where="here"),
        lambda: parse_range("2..9", 9, where="here"),
    ),
]


@pytest.mark.parametrize(("advice", "provoke", "follow"), CALLS, ids=range(len(CALLS)))
def test_calls(advice: str, provoke: Callable[[], Any], follow: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match=advice):
        provoke()
    follow()


def test_a_url_is_read_from_a_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not downloaded; save the image and pass its path"):
        decode("https://example.org/5UFQ.png")
    write_captchas(tmp_path / "saved", [GRAY], ["5UFQ"])
    assert (decode(tmp_path / "saved" / "00001.png") == 200).all()


def test_captchas_are_written_to_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="there are 1 images and 2 labels; pass one label per"):
        write_captchas(tmp_path / "new", [GRAY], ["A", "B"])
    write_captchas(tmp_path / "new", [GRAY], ["A"])
    with pytest.raises(DatasetError, match="is not empty; pass an empty or a new folder"):
        write_captchas(tmp_path / "new", [GRAY], ["A"])
    with pytest.raises(DatasetError, match="is a file; pass a folder to write to"):
        write_captchas(tmp_path / "new" / "00001.png", [GRAY], ["A"])
    (tmp_path / "empty").mkdir()
    for folder in ("empty", "other"):
        write_captchas(tmp_path / folder, [GRAY], ["A"])
