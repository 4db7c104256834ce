"""Names that other programs give to images."""

import pytest

from skcaptcha.datasets import load_captchas
from skcaptcha.exceptions import DatasetError


@pytest.mark.parametrize(
    "written",
    ["1 a.png", "./1 a.png", "C:\\x\\1 a.png", "/abs/1 a.png", "http://h/x/1%20a.png?s=3", "1 a"],
)
def test_the_last_part_of_a_name_counts(make_folder, written):
    folder = make_folder("1 a.png", "2.png", gt_txt="2.png\tAB\n" + written + "\tCD\n")
    assert load_captchas(folder).target.tolist() == ["CD", "AB"]


def test_deep_paths_take_no_time_and_long_names_are_missing(make_folder):
    folder = make_folder("1.png", gt_txt="a/" * 200_000 + "1.png\tAB\n")
    assert load_captchas(folder).target.tolist() == ["AB"]
    (folder / "gt.txt").write_text("a/" + "b" * 300 + ".png\tAB\n")
    with pytest.raises(DatasetError, match=r"bbb\.png \(line 1\); restore them"):
        load_captchas(folder)


def test_the_longest_path_counts(tmp_path):
    for name in ("test", "train"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").touch()
    file = tmp_path / "gt.txt"
    file.write_text("data/test/1.png\tAB\ndata/train/1.png\tCD\n")
    captchas = load_captchas(tmp_path)
    assert captchas.filenames == ["test/1.png", "train/1.png"]
    assert captchas.target.tolist() == ["AB", "CD"]
    file.write_text("data/test/1.png\tAB\n1.png\tCD\n")
    with pytest.raises(DatasetError, match=r"line 2: 1\.png could be test/1\.png or"):
        load_captchas(tmp_path)


@pytest.mark.parametrize("name", ["labels.csv", "labels.json", "rec_gt_train.txt"])
def test_labels_above_a_folder_of_images(tmp_path, name):
    (tmp_path / "images").mkdir()
    for k in (1, 2):
        (tmp_path / "images" / f"{k}.png").touch()
    texts = {
        "labels.csv": "filename,label\nimages/2.png,AB\n1.png,CD\n",
        "labels.json": '{"2.png": "AB", "1.png": "CD"}',
        "rec_gt_train.txt": "images/2.png\tAB\nimages/1.png\tCD\n",
    }
    (tmp_path / name).write_text(texts[name])
    captchas = load_captchas(tmp_path)
    assert captchas.filenames == ["images/1.png", "images/2.png"]
    assert captchas.target.tolist() == ["CD", "AB"]
