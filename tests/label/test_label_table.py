"""labels.csv is correct even if other programs write to it."""

import os

import pytest

from skcaptcha.datasets import load_captchas
from skcaptcha.exceptions import DatasetError
from skcaptcha.label._label_table import LabelTable, check_label


@pytest.fixture
def folder(tmp_path):
    for name in ("1.png", "2.png", "10.png"):
        (tmp_path / name).write_bytes(b"never opened")
    return tmp_path


def labels_on_disk(folder):
    captchas = load_captchas(folder)
    return dict(zip(captchas.filenames, captchas.target.tolist(), strict=True))


def test_no_file_before_the_first_label(folder):
    LabelTable(folder)
    assert not (folder / "labels.csv").exists()


def test_load_captchas_reads_the_labels(folder):
    table = LabelTable(folder)
    given = {"1.png": 'a,"b"', "10.png": "ß 字"}
    for name, label in given.items():
        table.put({name: label})
    assert labels_on_disk(folder) == given == table.labels


@pytest.mark.parametrize("name", ["a\rb.png", "a\nb.png", 'a",b.png', " .png"])
def test_any_file_name_round_trips(folder, name):
    (folder / name).write_bytes(b"never opened")
    table = LabelTable(folder)
    table.put({"1.png": "AB"})
    table.put({name: "CD"})
    assert labels_on_disk(folder) == LabelTable(folder).labels == {"1.png": "AB", name: "CD"}


def test_unencodable_name_raises_and_changes_nothing(folder):
    table = LabelTable(folder)
    table.put({"1.png": "AB"})
    with pytest.raises(DatasetError, match="is not UTF-8 and cannot be written; rename"):
        table.put({os.fsdecode(b"\xff.png"): "CD"})
    assert labels_on_disk(folder) == table.labels == {"1.png": "AB"}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_format_of_an_existing_file_is_kept(folder, newline):
    content = ["who,label,filename", "me,AB,10.png", 'you,"C,D",1.png']
    path = folder / "labels.csv"
    path.write_bytes(b"\xef\xbb\xbf" + newline.join([*content, ""]).encode())
    table = LabelTable(folder)
    table.put({"2.png": "EF"})
    table.put({"10.png": "AC"})
    content[1] = "me,AC,10.png"
    expected = newline.join([*content, ",EF,2.png", ""]).encode()
    assert path.read_bytes() == b"\xef\xbb\xbf" + expected


def test_removed_row_is_restored_with_its_columns(folder):
    (folder / "labels.csv").write_text("filename,label,who\n1.png,AB,me\n")
    table = LabelTable(folder)
    row = table.row("1.png")
    table.remove({"1.png"})
    assert table.labels == {}
    table.put({"1.png": "AB"}, row=row)
    assert (folder / "labels.csv").read_text() == "filename,label,who\n1.png,AB,me\n"


def test_concurrent_edits_are_kept(folder):
    table = LabelTable(folder)
    table.put({"1.png": "AB"})
    with (folder / "labels.csv").open("a") as file:
        file.write("2.png,CD\n")
    table.put({"10.png": "EF"})
    assert labels_on_disk(folder) == {"1.png": "AB", "2.png": "CD", "10.png": "EF"}


def test_edits_with_the_same_size_and_time_are_detected(folder):
    table = LabelTable(folder)
    table.put({"1.png": "AB"})
    path = folder / "labels.csv"
    status = path.stat()
    with path.open("r+") as file:
        file.write(path.read_text().replace("AB", "CD"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    table.refresh()
    assert table.labels == {"1.png": "CD"}


def test_a_half_saved_file_is_not_overwritten(folder):
    table = LabelTable(folder)
    table.put({"1.png": "AB"})
    path = folder / "labels.csv"
    for broken in ("", "filename,la", 'filename,label\n1.png,"AB', "filename,label\n1.png,\n"):
        path.write_text(broken)
        with pytest.raises(DatasetError, match=r"labels\.csv"):
            table.put({"2.png": "CD"})
        assert path.read_text() == broken
        assert table.labels == {"1.png": "AB"}
    path.write_text("filename,label\n1.png,AA\n")
    table.put({"2.png": "CD"})
    assert labels_on_disk(folder) == {"1.png": "AA", "2.png": "CD"}


def test_labels_survive_a_deleted_file(folder):
    table = LabelTable(folder)
    table.put({"1.png": "AB"})
    (folder / "labels.csv").unlink()
    table.put({"2.png": "CD"})
    assert labels_on_disk(folder) == {"1.png": "AB", "2.png": "CD"}


def test_labels_txt_is_copied_to_the_table(folder):
    (folder / "labels.txt").write_text("AB\nCD\n")
    table = LabelTable(folder)
    assert table.labels == {"1.png": "AB", "2.png": "CD"}
    assert not (folder / "labels.csv").exists()
    table.put({"10.png": "EF"})
    assert labels_on_disk(folder) == {"1.png": "AB", "2.png": "CD", "10.png": "EF"}
    assert (folder / "labels.txt").read_text() == "AB\nCD\n"


def test_names_are_labels_only_on_request(folder):
    assert LabelTable(folder).labels == {}
    table = LabelTable(folder, name_labels=True)
    assert table.labels == {"1.png": "1", "2.png": "2", "10.png": "10"}
    table.put({"2.png": "7"})
    assert labels_on_disk(folder) == {"1.png": "1", "2.png": "7", "10.png": "10"}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_form_of_the_table_of_another_program_is_kept(folder, end):
    lines = ["image;note;text", "1.png;;AB", "2.png;x;CD", ""]
    (folder / "labels.csv").write_bytes(end.join(lines).encode())
    table = LabelTable(folder)
    assert table.labels == {"1.png": "AB", "2.png": "CD"}
    table.put({"2.png": "E;F"})
    table.put({"10.png": "GH"}, row={"note": "y"})
    lines[2:] = ['2.png;x;"E;F"', "10.png;y;GH", ""]
    assert (folder / "labels.csv").read_bytes().decode() == end.join(lines)
    assert LabelTable(folder).labels == {"1.png": "AB", "2.png": "E;F", "10.png": "GH"}


@pytest.mark.parametrize(
    "header", ["filename,label", "Image Name;text", "label,filename,note", "bild\twert", "x|y"]
)
def test_every_reader_understands_the_column_of_sources(folder, header):
    separator = next(c for c in ",;\t|" if c in header)
    names = header.split(separator)
    row = {"label": "AB", "text": "AB", "wert": "AB", "y": "AB", "note": "n"}
    cells = separator.join(row.get(name, "1.png") for name in names)
    (folder / "labels.csv").write_text(f"{header}\n{cells}\n")
    table = LabelTable(folder)
    assert not table.accepted
    table.put({"2.png": "CD", "10.png": "EF"}, accepted={"10.png"})
    lines = (folder / "labels.csv").read_text().splitlines()
    assert lines[0] == separator.join([header, "source"])
    assert [line.split(separator)[-1] for line in lines[1:]] == ["typed", "typed", "accepted"]
    assert LabelTable(folder).accepted == table.accepted == {"10.png"}
    assert labels_on_disk(folder) == {"1.png": "AB", "2.png": "CD", "10.png": "EF"}
    table.put({"10.png": "EF"})
    assert LabelTable(folder).accepted == frozenset()


@pytest.mark.parametrize("header", ["filename,source", "source,label"])
def test_names_and_labels_in_a_column_source_are_not_replaced(folder, header):
    path = folder / "labels.csv"
    path.write_text(f"{header}\n1.png,typed\n")
    table = LabelTable(folder)
    with pytest.raises(DatasetError, match="rename it"):
        table.put({"2.png": "CD"}, accepted=["2.png"])
    table.remove(["1.png"])
    table.put({"2.png": "CD"})
    assert path.read_text() == f"{header}\n2.png,CD\n"


def test_other_columns_of_sources_are_kept(folder):
    path = folder / "labels.csv"
    path.write_text("filename,label,source\n1.png,AB,camera 2\n")
    table = LabelTable(folder)
    with pytest.raises(DatasetError, match="the column source has other values than typed"):
        table.put({"2.png": "CD"}, accepted={"2.png"})
    table.put({"2.png": "CD"})
    assert path.read_text() == "filename,label,source\n1.png,AB,camera 2\n2.png,CD,\n"


def test_labels_of_another_program_are_copied_with_the_first_change(folder):
    (folder / "gt.txt").write_text("2.png\tAB\n")
    table = LabelTable(folder)
    assert table.labels == {"2.png": "AB"}
    table.put({"1.png": "CD"})
    assert labels_on_disk(folder) == {"2.png": "AB", "1.png": "CD"}


def test_last_label_can_be_removed(folder):
    table = LabelTable(folder)
    table.put({"1.png": "AB"})
    table.remove({"1.png"})
    assert LabelTable(folder).labels == {}
    # Without the file, image names would become labels.
    with pytest.raises(DatasetError, match="contains no labels"):
        load_captchas(folder)


def test_repeated_file_raises(folder):
    (folder / "labels.csv").write_text("filename,label\n1.png,AB\n1.png,CD\n")
    with pytest.raises(DatasetError, match=r"occur more than once, first 1\.png"):
        LabelTable(folder)


@pytest.mark.parametrize("text", ["", "  ", "A\nB", "A\x00B", "A\u200bB"])
def test_invisible_labels_raise(text):
    with pytest.raises(ValueError, match="type"):
        check_label(text)
