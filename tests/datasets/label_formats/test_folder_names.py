"""One folder for each string."""

from pathlib import Path

import numpy as np
import pytest

from skcaptcha.datasets import load_captchas, write_characters
from skcaptcha.exceptions import DatasetError


def make(folder, *files):
    for file in files:
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).touch()
    return folder


def test_folders_are_labels(tmp_path):
    files = ["5UFQ/1.png", "5UFQ/2.png", "5UFQ/10.png", "é/1.png", "ab-1/x.gif"]
    folder = make(tmp_path, *files, ".hidden/1.png")
    captchas = load_captchas(folder)
    assert captchas.filenames == [
        "5UFQ/1.png",
        "5UFQ/2.png",
        "5UFQ/10.png",
        "ab-1/x.gif",
        "é/1.png",
    ]
    assert captchas.target.tolist() == ["5UFQ", "5UFQ", "5UFQ", "ab-1", "é"]
    assert all(Path(path).is_file() for path in captchas.data)
    with pytest.raises(DatasetError, match="contains no images itself"):
        load_captchas(folder, labeled=False)


def test_folders_of_cut_characters_are_labels(tmp_path):
    characters = ["A", "a", "/", "é", "7", "ﬁ"]
    crops = np.zeros((len(characters), 5, 5), np.uint8)
    write_characters(tmp_path / "cut", crops, characters, [f"{k}.png" for k in range(6)])
    captchas = load_captchas(tmp_path / "cut")
    assert sorted(captchas.target.tolist()) == sorted(characters)


@pytest.mark.parametrize(
    "folders",
    [["train", "test"], ["images", "AB"], ["Val", "5UFQ"], ["batch1", "batch2"], ["8", "9", "10"]],
)
def test_folders_with_another_purpose_are_not_labels(tmp_path, folders):
    folder = make(tmp_path, *(f"{name}/5UFQ.png" for name in folders))
    with pytest.raises(DatasetError, match=r"subfolders contain .*; pass one of them"):
        load_captchas(folder)


def test_folders_of_schemes_are_not_labels(tmp_path):
    """Their images are named by labels, or each of them has a file of labels."""
    named = make(tmp_path, "lines/AB.png", "lines/CD.png", "dots/EF.png")
    with pytest.raises(DatasetError, match=r"2 subfolders contain 3; pass one of them"):
        load_captchas(named)
    assert load_captchas(named / "lines").target.tolist() == ["AB", "CD"]
    (named / "labels.csv").write_text("filename,label\ndots/EF.png,GH\n")
    assert load_captchas(named).target.tolist() == ["GH"]


@pytest.mark.parametrize("file", ["labels.csv", "1.gt.txt", "gt.txt"])
def test_folders_with_labels_of_their_own_are_not_labels(tmp_path, file):
    folder = make(tmp_path, "ABCD/1.png", "EFGH/1.png", "EFGH/2.png", f"EFGH/{file}")
    with pytest.raises(DatasetError, match=r"2 subfolders contain 3; pass one of them"):
        load_captchas(folder)
    (folder / "EFGH" / file).unlink()
    assert load_captchas(folder).target.tolist() == ["ABCD", "EFGH", "EFGH"]


@pytest.mark.parametrize("name", ["{k}.png", "IMG_{k}.jpg", "{label}_{k}.png", "{k:032x}.png"])
def test_names_of_images_in_folders_of_strings(tmp_path, name):
    labels = [label for label in ("5UFQ", "HOTS", "AB12") for _ in range(2)]
    files = [f"{label}/{name.format(label=label, k=k)}" for k, label in enumerate(labels)]
    assert sorted(load_captchas(make(tmp_path, *files)).target) == sorted(labels)
