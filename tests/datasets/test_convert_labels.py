"""Labels survive each format."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skcaptcha.datasets import convert_labels, load_captchas
from skcaptcha.exceptions import DatasetError, OverwriteError

# Without what files cannot hold, and NUL, which numpy strips.
any_text = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=8
)
plain_text = any_text.filter(lambda text: not set(text) & set("\t\r\n"))


def labels_of(folder, **options):
    captchas = load_captchas(folder, **options)
    return dict(zip(captchas.filenames, captchas.target.tolist(), strict=True))


@pytest.mark.filterwarnings("ignore::skcaptcha.exceptions.LabelWarning")
@pytest.mark.parametrize(
    ("to", "name", "text"),
    [
        ("csv", "labels.csv", any_text),
        ("tsv", "labels.tsv", any_text),
        ("gt.txt", "gt.txt", plain_text),
        ("jsonl", "labels.jsonl", any_text),
    ],
)
@settings(max_examples=20)
@given(st.data())
def test_all_formats_hold_all_labels(make_folder, to, name, text, data):
    names = ["1.png", 'a,"b" c.png', "ü;.gif", "unlabeled.png"]
    rows = [{"image": image, "text": data.draw(text)} for image in names[:3]]
    folder = make_folder(*names, metadata_jsonl="\n".join(map(json.dumps, rows)))
    expected = labels_of(folder)
    out = make_folder() / "new" / name
    converted = convert_labels(folder, to, out=out)
    assert (converted.file, converted.n_labels) == (out, 3)
    (folder / "metadata.jsonl").unlink()
    assert labels_of(folder, labels=out) == expected
    out.rename(folder / name)
    assert labels_of(folder) == expected


def test_names_of_images_become_a_table(make_folder):
    folder = make_folder("5UFQ.png", "5UFQ_2.png", "AB.png")
    expected = labels_of(folder)
    convert_labels(folder, "csv")
    (folder / "AB.png").rename(folder / "CD.png")
    assert "CD.png" not in str(folder / "labels.csv")
    with pytest.raises(DatasetError, match=r"first AB\.png"):
        load_captchas(folder)
    (folder / "CD.png").rename(folder / "AB.png")
    assert labels_of(folder) == expected


def test_names_of_folders_become_a_table(tmp_path):
    for name in ("5UFQ", "HOTS"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").touch()
    expected = {"5UFQ/1.png": "5UFQ", "HOTS/1.png": "HOTS"}
    convert_labels(tmp_path, "csv")
    assert "5UFQ/1.png,5UFQ" in (tmp_path / "labels.csv").read_text()
    assert labels_of(tmp_path) == expected


def test_nothing_is_overwritten(make_folder):
    folder = make_folder("1.png", gt_txt="1.png\tAB\n", labels_json='{"1.png": "CD"}')
    chosen = folder / "labels.json"
    for to, message in (("gt.txt", "exists, and may hold labels"), ("jsonl", "a second file of")):
        with pytest.raises(OverwriteError, match=message):
            convert_labels(folder, to, labels=chosen)
    with pytest.raises(OverwriteError, match="a second file of"):
        convert_labels(folder, "tsv", labels=chosen, out=folder / ".." / folder.name / "labels.tsv")
    assert (folder / "gt.txt").read_text() == "1.png\tAB\n"
    convert_labels(folder, "csv", labels=chosen)
    assert labels_of(folder) == {"1.png": "CD"}
    convert_labels(folder, "jsonl", labels=folder / "gt.txt")  # labels.csv is read before it
    assert labels_of(folder) == {"1.png": "CD"}


@pytest.mark.parametrize(
    ("to", "out", "message"),
    [
        ("xml", None, "'xml' is not a format; use one of csv, tsv, gt.txt, jsonl"),
        ("tsv", "labels.csv", r"labels\.csv: the format is tsv; use a name such as .*labels\.tsv"),
        ("gt.txt", "1.gt.txt", "a file with this name holds the text of one of them; use .*gt.txt"),
        ("gt.txt", None, "of '1.png' contains a tab or a line break, which gt.txt cannot hold"),
    ],
)
@pytest.mark.filterwarnings("ignore::skcaptcha.exceptions.LabelWarning")
def test_what_cannot_be_written_is_an_error(make_folder, to, out, message):
    folder = make_folder("1.png", labels_csv='filename,label\n1.png,"a\tb"\n')
    with pytest.raises(DatasetError, match=message):
        convert_labels(folder, to, out=out and folder / out)
    assert not (folder / "gt.txt").exists()
