"""Bad input gives one clear sentence, the right exit code and no partial files."""

import json
import shutil
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import joblib
import numpy as np
import pytest
from PIL import Image
from sklearn.base import BaseEstimator, TransformerMixin

from skcaptcha.datasets import load_captchas
from skcaptcha.exceptions import reason_of
from skcaptcha.prediction import read_images


def huge_png() -> bytes:
    """Return a PNG file of a few bytes whose header declares 60,000 x 60,000 pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.fixture
def folder(tmp_path: Path, captchas: Path) -> Path:
    """Two good captchas (one is a JPEG named .png) and one bad file of each kind."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    data, labels = (load_captchas(captchas)[key] for key in ("data", "target"))
    good = Path(data[0]).read_bytes()
    (folder / f"{labels[0]}.png").write_bytes(good)
    Image.open(data[1]).save(folder / f"{labels[1]}.png", format="JPEG", quality=100)
    (folder / "EMPT.png").write_bytes(b"")
    (folder / "TRUN.png").write_bytes(good[: len(good) // 2])
    (folder / "HUGE.png").write_bytes(huge_png())
    (folder / "TEXT.png").write_text("this is no image")
    Image.new("RGB", (40, 10), "white").save(folder / "SMAL.png")
    return folder


@pytest.fixture(autouse=True)
def no_partial_files(tmp_path: Path) -> Iterator[None]:
    yield
    assert not list(tmp_path.rglob(".*"))


@pytest.fixture
def places(
    workshop: Path, model: Path, captchas: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Path]:
    """Map the placeholders in arguments to paths, and change to an empty folder."""
    monkeypatch.chdir(tmp_path)
    return {"recipe": workshop / "recipe.yaml", "model": model, "captchas": captchas}


REASONS = {
    "EMPT.png": "the file is empty",
    "TRUN.png": "truncated",
    "HUGE.png": "more than the limit max_pixels",
    "TEXT.png": "it is not a PNG",
    "SMAL.png": "the image is 40 x 10",
}


def check_reasons(err: str) -> None:
    assert "Traceback" not in err
    for name, reason in REASONS.items():
        (line,) = [line for line in err.splitlines() if f"{name}: " in line]
        assert reason in line


def test_predict_reads_valid_images_and_lists_failures(run, model, folder, tmp_path):
    table = tmp_path / "a.csv"
    missing = tmp_path / "nosuch.png"
    outcome = run("predict", folder, missing, "--model", model, "--csv", table, "--json", "-")
    assert outcome.code == 1
    check_reasons(outcome.err)
    assert f"{missing}: no such file" in outcome.err
    assert table.read_text().count("\n") == 3
    report = json.loads(outcome.out)
    assert (report["n"], report["n_failed"]) == (8, 6)
    names = {Path(captcha["filename"]).name for captcha in report["captchas"]}
    assert names == {path.name for path in folder.iterdir()} - set(REASONS)


def test_score_counts_failed_images_as_wrong(run, model, folder, tmp_path):
    table = tmp_path / "a.csv"
    outcome = run("score", folder, "--model", model, "--csv", table, "--json", "-")
    assert outcome.code == 1
    check_reasons(outcome.err)
    report = json.loads(outcome.out)
    assert (report["n"], report["n_failed"]) == (7, 5)
    assert report["string_accuracy"] <= 2 / 7
    assert {failure["filename"] for failure in report["failed"]} == set(REASONS)
    assert table.read_text().count("\n") == 8


@pytest.mark.parametrize("command", ["score", "predict"])
def test_missing_folders_and_folders_without_images(run, model, tmp_path, command):
    (tmp_path / "empty").mkdir()
    outcome = run(command, tmp_path / "empty", "--model", model)
    assert outcome.code == 2
    assert "contains no images" in outcome.sentence()
    outcome = run(command, tmp_path / "none", "--model", model)
    assert outcome.code == (2 if command == "score" else 1)
    assert f"{tmp_path / 'none'}: no such" in outcome.err


def test_a_folder_without_labels(run, model, workshop, captchas, tmp_path):
    folder = tmp_path / "captchas"
    folder.mkdir()
    (folder / "_1.png").symlink_to(load_captchas(captchas).data[0])
    for outcome in (
        run("score", folder, "--model", model),
        run("cut", folder, tmp_path / "out", "--model", model),
        run("fit", workshop / "recipe.yaml", "--data", folder, "--out", tmp_path / "a.joblib"),
    ):
        assert outcome.code == 2
        assert "its name contains no label" in outcome.sentence()
    assert [path.name for path in tmp_path.iterdir()] == ["captchas"]


@pytest.mark.parametrize("command", ["score", "predict", "show", "cut"])
@pytest.mark.parametrize("content", [None, b"", b"no model", "array"])
def test_missing_and_invalid_models(run, captchas, tmp_path, command, content):
    model = tmp_path / "model.joblib"
    if content == "array":
        joblib.dump(np.zeros(3), model)
    elif content is not None:
        model.write_bytes(content)
    match command:
        case "show":
            outcome = run("show", model)
        case "cut":
            outcome = run("cut", captchas, tmp_path / "out", "--model", model)
        case _:
            outcome = run(command, captchas, "--model", model, "--csv", tmp_path / "a.csv")
    assert outcome.code == 2
    assert outcome.sentence().startswith(f"error: {model}: ")
    assert {path.name for path in tmp_path.iterdir()} <= {"model.joblib"}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("data: {generate: lines}\nsteps: [", "line 2"),
        ("just words", "mapping"),
        ("data: {generate: lines}\ndata: {generate: dots}", "twice"),
    ],
)
def test_files_that_are_not_recipes(run, tmp_path, text, named):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(text)
    outcome = run("fit", recipe, "--out", tmp_path / "out" / "model.joblib")
    assert outcome.code == 2
    assert outcome.sentence().startswith("error: ")
    assert named in outcome.sentence()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("surprise=1", "surprise"),
        ("search.folds=3", "folds"),
        ("search.cv=many", "search.cv"),
        ("steps.segment.use=Fixed", "FixedBoxes"),
        ("steps.segment.margins=3", "margin"),
        ("steps.denoise.ink.threshold=dark", "threshold"),
        ("grid={}", "grid"),
        ("grid.segment__margin=[]", "segment__margin"),
        ("grid.segment__margins=[1]", "segment__margin"),
        ("search.cv=500", "500 folds"),
        ("nothing", "KEY=VALUE"),
    ],
)
def test_recipes_with_mistakes(run, workshop, tmp_path, override, named):
    out = tmp_path / "out" / "model.joblib"
    outcome = run("fit", workshop / "recipe.yaml", "--out", out, "--jobs", 1, "--set", override)
    assert outcome.code == 2
    assert outcome.sentence().startswith("error: ")
    assert named in outcome.sentence()
    assert not out.parent.exists()


@pytest.mark.parametrize("suffix", [".json", ".csv", ".html"])
def test_fit_checks_output_paths_before_fitting(run, places, tmp_path, suffix):
    (tmp_path / f"m{suffix}").mkdir()
    outcome = run("fit", places["recipe"], "--out", "m.joblib", "--jobs", 1)
    assert outcome.code == 2
    assert f"m{suffix}: is a folder" in outcome.sentence()
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.filterwarnings("default:.* fits")
def test_a_few_training_images_of_another_size_are_excluded(run, workshop, captchas, tmp_path):
    folder = tmp_path / "captchas"
    shutil.copytree(captchas, folder)
    (folder / "00000.png").write_bytes(b"")
    for name, color in (("00000b", "white"), ("99999", "silver")):
        Image.new("RGB", (40, 10), color).save(folder / f"{name}.png")
    with (folder / "labels.csv").open("a") as stream:
        stream.write("00000.png,AAAA\n00000b.png,AAAA\n99999.png,AAAA\n")
    out = tmp_path / "m.joblib"
    outcome = run(
        "fit", workshop / "recipe.yaml", "--data", folder, "--out", out, "--jobs", 1, "--json", "-"
    )
    assert outcome.code == 1
    report = json.loads(outcome.out)
    assert (report["n_train"], report["n_failed"]) == (30, 3)
    reasons = {failure["filename"]: failure["reason"] for failure in report["failed"]}
    assert list(reasons) == ["00000.png", "00000b.png", "99999.png"]
    for name in ("00000b.png", "99999.png"):
        assert "the image is 40 x 10" in reasons[name]
        assert f"{name}: {reasons[name]}" in outcome.err
    assert run("score", captchas, "--model", out).code == 0


class MemoryHog(TransformerMixin, BaseEstimator):
    """A step that requests more memory than any machine has when an image is wide."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        for image in X:
            np.empty((2**58 if image.shape[1] > 130 else 1,), np.uint8)
        return X


def test_images_that_exhaust_memory_do_not_affect_others(model, captchas, texts):
    reader = joblib.load(model)
    reader.steps.insert(1, ("hog", MemoryHog()))
    sources = [*load_captchas(captchas).data[:5], np.zeros((30, 140), np.uint8)]
    *good, bad = (result for _, result in read_images(reader, sources))
    assert [reading.text for reading in good] == texts[:5]
    assert reason_of(bad) == "there is not enough memory for 140 x 30 pixels"


def test_training_images_of_different_sizes(run, workshop, tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    for shade, label in enumerate(("AB", "CD", "EF", "GH"), start=250):
        Image.new("L", (40, 10), shade).save(folder / f"{label}.png")
    outcome = run(
        "fit", workshop / "recipe.yaml", "--data", folder, "--out", tmp_path / "a.joblib",
        "--jobs", 1,
    )  # fmt: skip
    assert outcome.code == 2
    assert "AB.png: the boxes span" in outcome.sentence()
    assert "the image is 40 x 10" in outcome.sentence()
    assert "4 of 4 training images" in outcome.sentence()
    assert [path.name for path in tmp_path.iterdir()] == ["small"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("fit", "."), "contains no images"),
        (("fit", "{captchas}", "--data", "{captchas}"), "--data and --set need a recipe"),
        (("fit", "{captchas}", "--set", "search.cv=3"), "--data and --set need a recipe"),
        (("fit", "{captchas}", "--out", "model.yaml"), "suffix"),
        (("fit", "{recipe}", "--budget", "60"), "--budget needs a folder"),
        (("fit", "none.yaml"), "no such file"),
        (("fit", "{recipe}", "--out", "model.json"), "suffix"),
        (("fit", "{recipe}", "--out", "."), "is a folder"),
        (("fit", "{recipe}", "--out", "-"), "only --json"),
        (("fit", "{recipe}", "--out", "m.joblib", "--json", "m.json"), "two results"),
        (("score", "{captchas}", "--model", "{model}", "--csv", "-"), "only --json"),
        (("predict", "{captchas}", "--model", "{model}", "--csv", "-"), "only --json"),
        (("show", "{model}", "a.png", "--out", "-"), "only --json"),
        (("fit", "{recipe}", "--data", "none"), "no such folder"),
        (("score", "{captchas}", "--model", "{model}", "--subset", "9..99"), "exceeds the 30"),
        (("score", "{captchas}", "--model", "{model}", "--csv", "{recipe}/a.csv"), "is a file"),
        (("predict", "{captchas}", "--model", "{model}", "--resume"), "--csv"),
        (("generate", "circles", "new"), "lines, dots, image, display"),
        (("generate", "lines", "{captchas}"), "not empty"),
        (("cut", "{captchas}", "new", "--model", "{model}", "--recipe", "{recipe}"), "combined"),
        (("cut", "{captchas}", "{captchas}", "--model", "{model}"), "not empty"),
    ],
)
def test_invalid_arguments(run, places, tmp_path, arguments, said):
    outcome = run(*(argument.format(**places) for argument in arguments))
    assert outcome.code == 2
    assert outcome.sentence().startswith("error: ")
    assert said in outcome.sentence()
    assert not list(tmp_path.iterdir())


FOLDER_WANTED = [
    ("fit",),
    ("fit", "{recipe}", "--data"),
    ("score", "--model", "{model}"),
    ("audit",),
    ("check-labels", "--recipe", "{recipe}"),
    ("label",),
    ("cut", "--model", "{model}", "new"),
]


@pytest.mark.parametrize("command", FOLDER_WANTED, ids=" ".join)
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("in/1.png", "it is an image; pass its folder: in"),
        ("in/labels.csv", "it is a table; pass the folder of the images next to it: in"),
        ("in/labels.txt", "it is a text file; pass the folder of the images next to it: in"),
        ("in.zip", "it is an archive; pass the folder unpacked from it: in"),
        ("in.tar.gz", "it is an archive; pass the folder unpacked from it: in"),
        ("other.zip", "it is an archive; unpack it"),
        ("m.joblib", "it is a model; pass a folder of images"),
    ],
)
def test_a_file_instead_of_a_folder(run, places, tmp_path, command, name, said):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "1.png").touch()
    (tmp_path / name).touch()
    words = [word.format(**places) for word in command]
    # The folder is the first argument, unless it belongs to an option.
    words.insert(len(words) if words[-1] == "--data" else 1, name)
    outcome = run(*words)
    assert outcome.code == 2
    assert outcome.sentence().startswith(f"error: {name}: {said}")


def test_a_folder_or_other_file_instead_of_a_recipe(run, places, captchas):
    image = load_captchas(captchas).data[0]
    for name, said in ((captchas, "it is a folder"), (image, "is an image, not a recipe")):
        outcome = run("check-labels", captchas, "--recipe", name)
        assert outcome.code == 2
        assert f"{name}: " in outcome.sentence()
        assert said in outcome.sentence()


def test_a_failed_report_keeps_the_previous_one(run, model, captchas, tmp_path):
    table = tmp_path / "a.csv"
    table.write_text("old")
    assert run("score", captchas, "--model", f"{model}x", "--csv", table).code == 2
    assert table.read_text() == "old"


@pytest.mark.parametrize("content", ["hello", "a,b,c\n1,2,3\n", "a\n", "filename,text\nx,y\n"])
def test_resume_does_not_change_unrelated_files(run, model, captchas, tmp_path, content):
    table = tmp_path / "a.csv"
    table.write_text(content)
    outcome = run("predict", captchas, "--model", model, "--csv", table, "--resume")
    assert outcome.code == 2
    assert "cannot be resumed" in outcome.sentence()
    assert table.read_text() == content
