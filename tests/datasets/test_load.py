"""load_captchas: order, the three kinds of labels, ranges, and errors."""

import csv
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skcaptcha.datasets import load_captchas, make_line_captchas, write_captchas
from skcaptcha.exceptions import DatasetError, LabelWarning

# Excludes lone surrogates, which files cannot contain, and NUL, which numpy strips.
label_text = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=8
)


def composed(labels):
    return [unicodedata.normalize("NFC", label) for label in labels]


def test_order_is_natural(make_folder):
    folder = make_folder("a10.png", "a2.png", "a1.png", "10.png", "9.png", "a1b.png")
    names = ["9.png", "10.png", "a1.png", "a1b.png", "a2.png", "a10.png"]
    bunch = load_captchas(folder, labeled=False)
    assert bunch.filenames == names
    assert bunch.data == [str(folder / name) for name in names]


@given(st.permutations(["1.png", "01.png", "1a.png", "a.png", "2.png", "a-2.png", "a-10.png"]))
def test_order_does_not_depend_on_the_order_of_creation(make_folder, names):
    bunch = load_captchas(make_folder(*names), labeled=False)
    assert bunch.filenames == [
        "01.png", "1.png", "1a.png", "2.png", "a-2.png", "a-10.png", "a.png",
    ]  # fmt: skip


def test_only_visible_images_count(make_folder):
    folder = make_folder("a.PNG", "b.jpeg", "c.WebP", ".d.png", "e.txt", "f", "._a.png")
    (folder / "sub.png").mkdir()
    assert load_captchas(folder, labeled=False).filenames == ["a.PNG", "b.jpeg", "c.WebP"]


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


def test_csv_takes_precedence_over_lines_and_names(make_folder):
    folder = make_folder("1.png", "2.png", labels_csv="filename,label\n1.png,c", labels_txt="t\nu")
    bunch = load_captchas(folder)
    assert (bunch.filenames, bunch.target.tolist()) == (["1.png"], ["c"])
    (folder / "labels.csv").unlink()
    assert load_captchas(folder).target.tolist() == ["t", "u"]


@pytest.mark.filterwarnings("ignore::skcaptcha.exceptions.LabelWarning")
@given(st.lists(label_text, min_size=1, max_size=6), st.booleans())
def test_csv_labels_are_exact(make_folder, labels, bom):
    folder = make_folder(*(f"{i}.png" for i in range(len(labels))))
    encoding = "utf-8-sig" if bom else "utf-8"
    with (folder / "labels.csv").open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, ["label", "note", "filename"])
        writer.writeheader()
        for i, label in enumerate(labels):
            writer.writerow({"filename": f"{i}.png", "label": label, "note": "0"})
    assert load_captchas(folder).target.tolist() == composed(labels)


@pytest.mark.filterwarnings("ignore::skcaptcha.exceptions.LabelWarning")
@given(st.lists(label_text.filter(lambda s: not set(s) & set("\r\n")), min_size=1, max_size=6))
def test_line_labels_are_exact(make_folder, labels):
    names = [f"{i}.png" if i % 2 else f"{i:03}.jpg" for i in range(1, len(labels) + 1)]
    # Written with a BOM, because a label may also begin with one.
    folder = make_folder(*names, labels_txt="\ufeff" + "\r\n".join(labels) + "\r\n")
    assert load_captchas(folder).target.tolist() == composed(labels)


def test_images_beyond_the_last_line_are_unlabeled(make_folder):
    folder = make_folder("1.png", "2.png", "3.png", "x.png", labels_txt="007\n 8\n")
    with pytest.warns(LabelWarning, match=r"1 label begins or ends with a space.*' 8'"):
        bunch = load_captchas(folder)
    assert bunch.filenames == ["1.png", "2.png"]
    assert bunch.target.tolist() == ["007", " 8"]
    assert len(load_captchas(folder, labeled=False).data) == 4


def test_unlabeled_needs_no_labels(make_folder):
    bunch = load_captchas(make_folder("_.png", labels_csv="nonsense"), labeled=False)
    assert "target" not in bunch


def test_subset(make_folder):
    names = [f"{i}.png" for i in range(1, 13)]
    folder = make_folder(*names, labels_txt="\n".join("ABCDEFGHIJKL"))
    bunch = load_captchas(folder, subset="9..11")
    assert bunch.filenames == ["9.png", "10.png", "11.png"]
    assert bunch.target.tolist() == ["I", "J", "K"]
    assert len(load_captchas(folder, subset=" 1 .. 12 ").data) == 12


@pytest.mark.parametrize(
    ("subset", "message"),
    [
        ("9", "'9' is not a range; write it as 1..3"),
        ("-1..2", "is not a range"),
        ("", "is not a range"),
        ("0..2", "the range 0..2 is empty; write the first and last position"),
        ("3..2", "the range 3..2 is empty"),
        ("1..4", "exceeds the 3 captchas of .*; the maximum position is 3"),
    ],
)
def test_bad_range(make_folder, subset, message):
    with pytest.raises(DatasetError, match=message):
        load_captchas(make_folder("a.png", "b.png", "c.png"), subset=subset)


def test_missing_folder(tmp_path):
    with pytest.raises(DatasetError, match="no such folder"):
        load_captchas(tmp_path / "nowhere")


def test_file_instead_of_a_folder(make_folder):
    with pytest.raises(DatasetError, match=r"a\.png: it is an image; pass its folder"):
        load_captchas(make_folder("a.png") / "a.png")


def test_no_images(make_folder):
    with pytest.raises(DatasetError, match=r"contains no images; expected .* png"):
        load_captchas(make_folder("a.txt", ".b.png"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "columns filename and label; found none"),
        ("filename,width\n1.png,x\nb,y", "found filename, width"),
        ("filename,label\n", "contains no labels"),
        ("filename,label\n1.png,x\n3.png,x\n12.png,x\n", "2 of the 3 .* not images .* first 3.png"),
        ("filename,label\n../1.png,x\n", "1 of the 1 files .* not images"),
        ("filename,label\n1.png,x\n1.png,y\n", "1 of its files occur more than once, first 1.png"),
        ("filename,label\n1.png,\n", "the label of 1.png is empty"),
        ("filename,label\n1.png\n", "the label of 1.png is empty"),
        ("label,filename\nx\n", "line 2 does not name an image"),
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
    with pytest.raises(DatasetError, match=r"_1\.png: its name contains no label"):
        load_captchas(make_folder("a.png", "_1.png"))


def test_lines_beside_images_numbered_from_0(make_folder):
    folder = make_folder(*(f"{i}.png" for i in range(10)), labels_txt="\n".join("ABCDEFGHIJ"))
    with pytest.raises(DatasetError, match=r"so 0\.png has no label; if line 1 is its label"):
        load_captchas(folder)
    (folder / "0.png").unlink()
    assert load_captchas(folder).target.tolist() == list("ABCDEFGHI")


def test_copies_of_files_have_the_label_of_the_original(make_folder):
    names = [
        "JLHE.png",
        "JLHE(1).png",
        "JLHE - Copy.png",
        "JLHE (1).png",
        "JLHE copy.png",
        "JLHE copy 2.png",
    ]
    assert load_captchas(make_folder(*names)).target.tolist() == 6 * ["JLHE"]


def test_images_in_subfolders(make_folder):
    folder = make_folder("notes.txt")
    (folder / "images").mkdir()
    (folder / "images" / "1.png").touch()
    with pytest.raises(
        DatasetError, match=r"its subfolder images contains 1; pass that one: .*ges$"
    ):
        load_captchas(folder)
    (folder / "labels.csv").touch()
    with pytest.raises(DatasetError, match="move the label file there as well"):
        load_captchas(folder)
    (folder / "a").mkdir()
    (folder / "a" / "1.png").touch()
    with pytest.raises(DatasetError, match="its 2 subfolders contain 2; pass one of them, such as"):
        load_captchas(folder)


@pytest.mark.parametrize(
    ("written", "remedy"),
    [
        ("images/1.png", "leave the folder out of the names, as in 1.png"),
        ("images\\1.png", "leave the folder out of the names, as in 1.png"),
        ("sub/9.png", "move .*labels.csv there, and leave the folder out"),
        ("1", "write 1.png, the name of the image"),
        ("1.PNG", "write 1.png, the name of the image"),
    ],
)
def test_almost_correct_names_in_a_csv(make_folder, written, remedy):
    folder = make_folder("1.png", "2.png", labels_csv=f"filename,label\n{written},5UFQ\n")
    (folder / "sub").mkdir()
    (folder / "sub" / "9.png").touch()
    with pytest.raises(DatasetError, match=remedy):
        load_captchas(folder)


@pytest.mark.parametrize(("of_file", "written"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_both_unicode_forms_are_the_same_name_and_label(make_folder, of_file, written):
    file, name, label = (
        unicodedata.normalize(form, text)
        for form, text in ((of_file, "é.png"), (written, "é.png"), ("NFD", "Éa1"))
    )
    folder = make_folder(file, labels_csv=f"filename,label\n{name},{label}\n")
    assert (folder / file).exists()
    captchas = load_captchas(folder)
    assert (captchas.filenames, captchas.target.tolist()) == ([file], ["Éa1"])
    (folder / "labels.csv").unlink()
    assert load_captchas(folder).target.tolist() == ["é"]


def test_labels_in_one_case(make_folder):
    folder = make_folder("AB1c.png", "STRAß.png", "xyz.png", "XYZ_2.png")
    (folder / "STRAß.png").rename(folder / "STRAẞ.png")
    before = sorted(path.name for path in folder.iterdir())
    captchas = load_captchas(folder, fold_case=True)
    assert captchas.target.tolist() == ["AB1C", "STRAß", "XYZ", "XYZ"]
    assert captchas.fold_case is True
    assert sorted(path.name for path in folder.iterdir()) == before
    # A subset has the case of the whole folder.
    assert load_captchas(folder, subset="4..4", fold_case=True).target.tolist() == ["XYZ"]
    assert "fold_case" not in load_captchas(folder)


def test_labels_in_one_case_are_not_doubted(make_folder):
    folder = make_folder(*(f"ABCD_{k}.png" for k in range(30)), "abcd.png")
    with pytest.warns(LabelWarning, match="30 labels are upper case, 1 is not"):
        load_captchas(folder)
    assert set(load_captchas(folder, fold_case=True).target) == {"ABCD"}


def test_images_without_a_label_can_be_kept(tmp_path):
    images, labels = make_line_captchas(3, random_state=0)
    write_captchas(tmp_path, images, labels)
    first = load_captchas(tmp_path).filenames[0]
    (tmp_path / "labels.csv").write_text(f"filename,label\n{first},{labels[0]}\n")
    both = load_captchas(tmp_path, labeled=None)
    assert both.target.tolist() == [labels[0], "", ""]
    assert len(both.data) == len(both.filenames) == 3
    assert load_captchas(tmp_path).target.tolist() == [labels[0]]
