"""Commands do not overwrite inputs or labels, and file suffixes match formats."""

import os
import re
import shutil
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from skcaptcha.cli._check_outputs import check_outputs, refuse_outputs
from skcaptcha.datasets import load_captchas
from skcaptcha.exceptions import OverwriteError, SkcaptchaError

Link = Callable[[Path, Path], None]

# Inputs of each command. The names appear in its arguments.
READS: dict[str, tuple[str, ...]] = {
    "fit {recipe} --data {folder}": ("recipe", "labels", "image"),
    "fit {folder}": ("labels", "image"),
    "score {folder} --model {model}": ("labels", "image", "model", "manifest"),
    "predict {folder} --model {model}": ("labels", "image", "model", "manifest"),
    "predict {folder}/*.png --model {model}": ("image", "model", "manifest"),
    "predict {image} --model {model}": ("image", "model", "manifest"),
    "check-labels {folder} --recipe {recipe}": ("labels", "image", "recipe"),
    "check-labels {folder} --model {model}": ("labels", "image", "model", "manifest"),
    "audit {folder}": ("labels", "image"),
    "show {model} {image}": ("image", "model", "manifest"),
}
# Outputs of each command and their suffixes.
WRITES: dict[str, dict[str, str]] = {
    "fit": {"--out": ".joblib", "--json": ".json"},
    "score": {"--csv": ".csv", "--json": ".json", "--report": ".html"},
    "predict": {"--csv": ".csv", "--json": ".json"},
    "check-labels": {"--csv": ".csv", "--json": ".json", "--report": ".html"},
    "audit": {"--out": ".html", "--json": ".json"},
    "show": {"--out": ".png"},
}
PAIRS = [
    (command, option, suffix, read)
    for command, reads in READS.items()
    for (option, suffix), read in product(WRITES[command.split()[0]].items(), reads)
]


@pytest.fixture
def inputs(workshop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Copies of the inputs, by their names in INPUTS and OUTPUTS."""
    folder = tmp_path / "in"
    folder.mkdir()
    captchas = sorted((workshop / "captchas").iterdir())
    for path in [*captchas[:3], workshop / "captchas" / "labels.csv"]:
        shutil.copy(path, folder)
    for path in (workshop / "recipe.yaml", *(workshop / "out").glob("model.j*")):
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    return {
        "folder": folder,
        "labels": folder / "labels.csv",
        "image": folder / captchas[0].name,
        "recipe": tmp_path / "recipe.yaml",
        "model": tmp_path / "model.joblib",
        "manifest": tmp_path / "model.json",
    }


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def symbolic(link: Path, file: Path) -> None:
    link.symlink_to(file)


def hard(link: Path, file: Path) -> None:
    os.link(file, link)


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_an_output_cannot_be_an_input(
    run: Any, inputs: dict[str, Path], tmp_path: Path, pair: tuple[str, str, str, str]
) -> None:
    command, option, suffix, read = pair
    words = command.format(**inputs).split()
    outputs = [inputs[read]]
    for link in (symbolic, hard):
        outputs.append(tmp_path / f"{link.__name__}{suffix}")
        link(outputs[-1], inputs[read])
    before = contents(tmp_path)
    for output in outputs:
        outcome = run(*words, option, output)
        assert outcome.code == 2
        assert outcome.sentence().startswith(f"error: {output}: ")
        assert contents(tmp_path) == before


@pytest.mark.slow
def test_names_on_standard_input_are_also_inputs(start: Any, inputs: dict[str, Path]) -> None:
    link = inputs["folder"].parent / "link.csv"
    link.symlink_to(inputs["labels"])
    # In a folder without images, labels.csv has no special meaning.
    other = inputs["folder"].parent / "labels.csv"
    other.write_text("filename,label\n")
    before = inputs["labels"].read_bytes()
    for output, name in ((link, inputs["labels"]), (other, other)):
        command = start("predict", "-", "--model", inputs["model"], "--csv", output)
        outcome = command.outcome(f"{inputs['image']}\n{name}\n")
        assert outcome.code == 2
        assert str(output) in outcome.sentence()
    assert (inputs["labels"].read_bytes(), other.read_text()) == (before, "filename,label\n")


@pytest.mark.parametrize("name", ["labels.csv", "Labels.CSV", "labels.txt"])
@pytest.mark.parametrize("there", [False, True])
def test_outputs_do_not_become_labels_of_a_folder(tmp_path: Path, name: str, there: bool) -> None:
    if there:
        (tmp_path / name).touch()
    check_outputs(tmp_path / name)
    (tmp_path / "1.PNG").touch()
    with pytest.raises(OverwriteError, match="is the file of the labels of the images next to it"):
        check_outputs(tmp_path / name)


@pytest.mark.parametrize("name", ["labels.json", "label.csv", "gt.csv", "my-labels.html"])
def test_no_output_is_mistaken_for_labels(tmp_path: Path, name: str) -> None:
    """With the suggested name, the folder still takes its labels from image names."""
    (tmp_path / "5UFQ.png").touch()
    file = tmp_path / name
    for output in ({"json": file}, {"csv": file}, {"html": file}):
        try:
            check_outputs(**output)
        except SkcaptchaError as error:
            advised = Path(re.search("such as (.*)", str(error))[1])  # type: ignore[index]
            check_outputs(**dict.fromkeys(output, advised))
        else:
            advised = file
        advised.touch()
        assert load_captchas(tmp_path).target.tolist() == ["5UFQ"]
        advised.unlink()
    (tmp_path / "labels.csv").write_text("filename,label\n5UFQ.png,HOTS\n")
    check_outputs(file)


def test_fit_does_not_overwrite_labels_with_its_table(run: Any, inputs: dict[str, Path]) -> None:
    before = contents(inputs["folder"])
    for source in (inputs["folder"], inputs["recipe"]):
        outcome = run("fit", source, "--out", inputs["folder"] / "labels.joblib")
        assert outcome.code == 2
        assert "labels.csv is the file of the labels" in outcome.sentence()
    assert contents(inputs["folder"]) == before


@pytest.mark.parametrize(
    ("command", "out", "beside"),
    [("fit", "mine.joblib", "mine.yaml"), ("audit", "README.html", "README.md")],
)
def test_handwritten_files_are_not_replaced(run, inputs, command, out, beside) -> None:
    file = Path(beside)  # in the current folder
    file.write_text("written by hand")
    labels = inputs["labels"].read_text().splitlines()
    inputs["labels"].write_text("\n".join(labels[:4]))  # labels of existing images
    outcome = run(command, inputs["folder"], "--out", out)
    assert outcome.code == 2
    assert f"{beside}: not from an earlier run" in outcome.sentence()
    assert file.read_text() == "written by hand"


@pytest.mark.parametrize("link", [symbolic, hard])
def test_two_outputs_need_two_files(tmp_path: Path, link: Link) -> None:
    table, page = tmp_path / "a.csv", tmp_path / "a.html"
    table.touch()
    link(page, table)
    with pytest.raises(OverwriteError, match="two results would be written to this file"):
        check_outputs(csv=table, html=page)


def test_a_table_and_its_partial_rows_need_two_files(
    run: Any, inputs: dict[str, Path], tmp_path: Path
) -> None:
    outcome = run(
        "predict", inputs["image"], "--model", inputs["model"], "--csv", tmp_path / "a.csv",
        "--json", tmp_path / "a.csv.part.json",
    )  # fmt: skip
    assert outcome.code == 2
    assert "two results" in outcome.sentence()


SUFFIXES = [
    (command, option, f"result{wrong}")
    for command, options in WRITES.items()
    for option, suffix in options.items()
    for wrong in {".csv", ".json", ".html", ".png", ".jpg", ".pdf", ".yaml", ".txt"} - {suffix}
    # A model may have any name that does not suggest another file type.
    if (option, suffix, wrong) != ("--out", ".joblib", ".pdf")
]


@pytest.mark.parametrize(("command", "option", "name"), sorted(SUFFIXES))
def test_a_suffix_matches_the_format(run, inputs, command, option, name) -> None:
    words = next(each for each in READS if each.startswith(f"{command} "))
    outcome = run(*words.format(**inputs).split(), option, name)
    assert outcome.code == 2
    assert outcome.sentence().startswith(f"error: {name}: ")
    assert "use a name such as" in outcome.sentence()
    assert not Path(name).exists()


@pytest.mark.parametrize(("suffix", "format_"), [(".joblib", "skops"), (".skops", "joblib")])
def test_the_suffix_of_a_model_matches_its_format(
    run: Any, inputs: dict[str, Path], suffix: str, format_: str
) -> None:
    outcome = run("fit", inputs["recipe"], "--format", format_, "--out", f"new{suffix}")
    assert outcome.code == 2
    assert f"add --format {suffix[1:]}" in outcome.sentence()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such devices")
def test_devices_and_pipes_have_no_suffix(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    check_outputs(csv=pipe, json=pipe, html=Path("/dev/stdout"), png=Path("/dev/null"))


def test_inputs_are_checked_only_if_an_output_exists(tmp_path: Path) -> None:
    def never() -> Any:
        raise AssertionError
        yield

    check_outputs(csv=tmp_path / "new.csv", reads=never())
    assert list(refuse_outputs(["a.png"], tmp_path / "new.csv", None)) == ["a.png"]
