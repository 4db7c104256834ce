"""Which file of a folder is taken for its labels."""

import pytest

from skcaptcha.datasets import load_captchas
from skcaptcha.exceptions import DatasetError


@pytest.mark.parametrize(
    "name",
    [
        "train_labels.csv", "rec_gt_train.txt", "metadata.csv", "metadata.jsonl",
        "Labels.csv", "label.csv", "labels.tsv", "labels.json", "labels.csv.txt", "LABELS.TXT",
        "gt.txt", "ground_truth.csv", "annotations.xml", "instances_default.json",
        "project-3-at-2026-01-02-03-04-5f6a7b8c.json", "labels.yaml",
    ],
)  # fmt: skip
def test_files_that_seem_to_hold_labels_must_hold_them(make_folder, name):
    folder = make_folder("A1.png", "B2.png", "C3.png", name)
    advice = f"{name}.*; .*write a labels.csv .* if the names .*, move {name} to another folder"
    with pytest.raises(DatasetError, match=advice):
        load_captchas(folder)
    assert len(load_captchas(folder, labeled=False).data) == 3
    (folder / "labels.csv").write_text("filename,label\nA1.png,5UFQ\n")
    assert load_captchas(folder).target.tolist() == ["5UFQ"]


def test_one_of_several_files_must_be_chosen(make_folder):
    folder = make_folder("1.png", gt_txt="1.png\tAB\n", labels_json='{"1.png": "CD"}')
    with pytest.raises(DatasetError, match=r"from gt\.txt or from labels\.json; choose one with"):
        load_captchas(folder)
    assert load_captchas(folder, labels=folder / "gt.txt").target.tolist() == ["AB"]
    assert load_captchas(folder, labels=str(folder / "labels.json")).target.tolist() == ["CD"]
    (folder / "labels.json").unlink()
    assert load_captchas(folder).target.tolist() == ["AB"]
    (folder / "1.gt.txt").write_text("EF")
    with pytest.raises(DatasetError, match=r"from gt\.txt or from \.gt\.txt files"):
        load_captchas(folder)


def test_a_chosen_file_comes_before_all_others(make_folder, tmp_path):
    folder = make_folder("1.png", labels_csv="filename,label\n1.png,AB\n")
    other = tmp_path / "any name.json"
    other.write_text('{"1.png": "CD"}')
    assert load_captchas(folder, labels=other).target.tolist() == ["CD"]
    with pytest.raises(DatasetError, match=r"none\.csv: no such file"):
        load_captchas(folder, labels=tmp_path / "none.csv")
    with pytest.raises(
        DatasetError, match=r"labels\.csv: no such file; pass its path: .*/labels\.csv"
    ):
        load_captchas(folder, labels="labels.csv")
