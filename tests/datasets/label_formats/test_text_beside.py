"""A .gt.txt file beside each image."""

import pytest

from skcaptcha.datasets import load_captchas
from skcaptcha.exceptions import DatasetError


def test_each_image_has_a_file_with_its_text(make_folder):
    folder = make_folder("1.png", "gt_2.jpg", "0003.bin.png", "4.x.png", "unlabeled.png")
    texts = {"1": "5UFQ\n", "gt_2": "a b", "0003": "\ufeffÄ\r\n", "4.x": "007\r"}
    for name, text in texts.items():
        (folder / f"{name}.gt.txt").write_bytes(text.encode())
    captchas = load_captchas(folder)
    assert dict(zip(captchas.filenames, captchas.target.tolist(), strict=True)) == {
        "1.png": "5UFQ", "gt_2.jpg": "a b", "0003.bin.png": "Ä", "4.x.png": "007",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("2", "", r"2\.gt\.txt: the label is empty"),
        ("2", "A\nB\n", r"2\.gt\.txt: line 2: 2 lines were found"),
        ("9", "A", r"1 of its 2 .gt.txt files have no image beside them, first 9\.gt\.txt"),
    ],
)
def test_a_file_that_does_not_fit_is_named(make_folder, name, text, message):
    folder = make_folder("1.png", "2.png")
    (folder / "1.gt.txt").write_text("X")
    (folder / f"{name}.gt.txt").write_text(text)
    with pytest.raises(DatasetError, match=message):
        load_captchas(folder)
