"""Labelled folders: order, the three ways of labelling, ranges, and what can be wrong."""

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skcaptcha.datasets import load_captchas
from skcaptcha.errors import DatasetError

# No lone surrogates, which no file can hold, and no NUL, which numpy cuts off at the end.
label_text = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=8
)


@pytest.fixture(scope="module")
def make_folder(tmp_path_factory):
    """Folder of empty files, some with text."""

    def make(*names, **texts):
        folder = tmp_path_factory.mktemp("captchas")
        for name in names:
            (folder / name).touch()
        for name, text in texts.items():
            (folder / name.replace("_", ".")).write_text(text, encoding="utf-8", newline="")
        return folder

    return make


def test_order_is_natural(make_folder):
    folder = make_folder("a10.png", "a2.png", "a1.png", "10.png", "9.png", "a1b.png")
    names = ["9.png", "10.png", "a1.png", "a1b.png", "a2.png", "a10.png"]
    bunch = load_captchas(folder, labelled=False)
    assert bunch.filenames == names
    assert bunch.data == [str(folder / name) for name in names]


@given(st.permutations(["1.png", "01.png", "1a.png", "a.png", "2.png", "a-2.png", "a-10.png"]))
def test_order_is_one_for_all_orders_of_creation(make_folder, names):
    bunch = load_captchas(make_folder(*names), labelled=False)
    assert bunch.filenames == [
        "01.png", "1.png", "1a.png", "2.png", "a-2.png", "a-10.png", "a.png",
    ]  # fmt: skip


def test_only_visible_images_count(make_folder):
    folder = make_folder("a.PNG", "b.jpeg", "c.WebP", ".d.png", "e.txt", "f", "._a.png")
    (folder / "sub.png").mkdir()
    assert load_captchas(folder, labelled=False).filenames == ["a.PNG", "b.jpeg", "c.WebP"]


def test_labels_from_names(make_folder):
    bunch = load_captchas(make_folder("5UFQ.jpg", "5UFQ_2.png", "ab-1.png", "x.y.png", "ü.gif"))
    assert dict(zip(bunch.filenames, bunch.target, strict=True)) == {
        "5UFQ.jpg": "5UFQ",
        "5UFQ_2.png": "5UFQ",
        "ab-1.png": "ab",
        "x.y.png": "x.y",
        "ü.gif": "ü",
    }
    assert isinstance(bunch.target, np.ndarray)


def test_csv_comes_before_lines_and_names(make_folder):
    folder = make_folder("1.png", "2.png", labels_csv="filename,label\n1.png,c", labels_txt="t\nu")
    bunch = load_captchas(folder)
    assert (bunch.filenames, bunch.target.tolist()) == (["1.png"], ["c"])
    (folder / "labels.csv").unlink()
    assert load_captchas(folder).target.tolist() == ["t", "u"]


@given(st.lists(label_text, min_size=1, max_size=6), st.booleans())
def test_csv_labels_are_exact(make_folder, labels, bom):
    folder = make_folder(*(f"{i}.png" for i in range(len(labels))))
    encoding = "utf-8-sig" if bom else "utf-8"
    with (folder / "labels.csv").open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, ["label", "note", "filename"])
        writer.writeheader()
        for i, label in enumerate(labels):
            writer.writerow({"filename": f"{i}.png", "label": label, "note": "0"})
    assert load_captchas(folder).target.tolist() == labels


@given(st.lists(label_text.filter(lambda s: not set(s) & set("\r\n")), min_size=1, max_size=6))
def test_line_labels_are_exact(make_folder, labels):
    names = [f"{i}.png" if i % 2 else f"{i:03}.jpg" for i in range(1, len(labels) + 1)]
    # Spelled with a BOM, so that a label may begin with one of its own.
    folder = make_folder(*names, labels_txt="\ufeff" + "\r\n".join(labels) + "\r\n")
    assert load_captchas(folder).target.tolist() == labels


def test_images_beyond_the_last_line_are_unlabelled(make_folder):
    folder = make_folder("1.png", "2.png", "3.png", "x.png", labels_txt="007\n 8\n")
    bunch = load_captchas(folder)
    assert bunch.filenames == ["1.png", "2.png"]
    assert bunch.target.tolist() == ["007", " 8"]
    assert len(load_captchas(folder, labelled=False).data) == 4


def test_unlabelled_needs_no_labels(make_folder):
    bunch = load_captchas(make_folder("_.png", labels_csv="nonsense"), labelled=False)
    assert "target" not in bunch


def test_subset(make_folder):
    folder = make_folder(*(f"{i}.png" for i in range(1, 13)))
    bunch = load_captchas(folder, subset="9..11")
    assert bunch.filenames == ["9.png", "10.png", "11.png"]
    assert bunch.target.tolist() == ["9", "10", "11"]
    assert len(load_captchas(folder, subset=" 1 .. 12 ").data) == 12


@pytest.mark.parametrize(
    ("subset", "message"),
    [
        ("9", "'9' is not a range; write it as 1..3"),
        ("-1..2", "is not a range"),
        ("", "is not a range"),
        ("0..2", "the range 0..2 is empty; positions count from 1"),
        ("3..2", "the range 3..2 is empty"),
        ("1..4", "reaches beyond the 3 captchas of .*; end it at 3 or before"),
    ],
)
def test_bad_range(make_folder, subset, message):
    with pytest.raises(DatasetError, match=message):
        load_captchas(make_folder("a.png", "b.png", "c.png"), subset=subset)


def test_missing_folder(tmp_path):
    with pytest.raises(DatasetError, match="there is no such folder"):
        load_captchas(tmp_path / "nowhere")


def test_file_for_a_folder(make_folder):
    with pytest.raises(DatasetError, match=r"a\.png: is a file; give the folder"):
        load_captchas(make_folder("a.png") / "a.png")


def test_no_images(make_folder):
    with pytest.raises(DatasetError, match=r"holds no images; expected .* png"):
        load_captchas(make_folder("a.txt", ".b.png"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "columns filename and label; found none"),
        ("filename,text\n1.png,x", "found filename, text"),
        ("filename,label\n", "holds no labels"),
        ("filename,label\n1.png,x\n3.png,x\n12.png,x\n", "2 of the 3 .* not among .* first 3.png"),
        ("filename,label\n../1.png,x\n", "1 of the 1 files .* not among"),
        ("filename,label\n1.png,x\n1.png,y\n", "1 of its files occur more than once, first 1.png"),
        ("filename,label\n1.png,\n", "the label of 1.png is empty"),
        ("filename,label\n1.png\n", "the label of 1.png is empty"),
        ("label,filename\nx\n", "not among the images"),
        ("filename,label\n2.png,x\n1.png,x,y\n", "line 3 has more columns"),
        ('filename,label\n1.png,"x\n', "is not a well-formed CSV file"),
    ],
)
def test_bad_csv(make_folder, text, message):
    with pytest.raises(DatasetError, match=message):
        load_captchas(make_folder("1.png", "2.png", labels_csv=text))


@pytest.mark.parametrize("name", ["labels.csv", "labels.txt"])
def test_labels_in_another_encoding(make_folder, name):
    folder = make_folder("1.png")
    (folder / name).write_bytes("filename,label\n1.png,é\n".encode("latin-1"))
    with pytest.raises(DatasetError, match="is not UTF-8 text"):
        load_captchas(folder)


@pytest.mark.parametrize(
    ("names", "text", "message"),
    [
        (["a.png", "0.png", "3.png"], "x\ny", "labels none of the 3 images"),
        (["1.png"], "", "labels none of the 1 images"),
        (["1.png", "2.png"], "\ny\n", "line 1, the label of 1.png, is empty"),
        (["1.png", "01.jpg"], "x\n", "line 1 could belong to 01.jpg or to 1.png"),
    ],
)
def test_bad_lines(make_folder, names, text, message):
    with pytest.raises(DatasetError, match=message):
        load_captchas(make_folder(*names, labels_txt=text))


def test_name_without_label(make_folder):
    with pytest.raises(DatasetError, match=r"_1\.png: its name holds no label"):
        load_captchas(make_folder("a.png", "_1.png"))
