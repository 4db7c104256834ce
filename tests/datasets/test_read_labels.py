"""Rows of labels.csv; tests/datasets/test_load.py checks the errors."""

import csv
from io import StringIO
from pathlib import Path

import pytest

from skcaptcha.datasets._read_labels import parse_labels_csv
from skcaptcha.exceptions import DatasetError

CONTENT = 'label,filename,label,by\nold,1.png,"a,b",me\n\nold,2.png,"c\nd"\n'


def test_rows_match_those_of_the_csv_module():
    table = parse_labels_csv(Path("labels.csv"), b"\xef\xbb\xbf" + CONTENT.encode())
    rows = table.rows
    assert {len(row) for row in rows.values()} == {len(table.header)}
    expected = list(csv.DictReader(StringIO(CONTENT, newline="")))
    assert list(rows) == [row["filename"] for row in expected] == ["1.png", "2.png"]
    assert [row[table.label] for row in rows.values()] == [row["label"] for row in expected]


def entries(content):
    return [tuple(entry) for entry in parse_labels_csv(Path("a.csv"), content.encode()).entries()]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    ("header", "described"),
    [
        (["filename", "label"], ""),
        (["Image Name", "width", "captcha_text"], "columns Image Name and captcha_text"),
        (["words", "file"], "columns file and words"),
        (["Was", "Wo"], "columns Wo and Was"),  # only the names of the images tell
    ],
)
def test_tables_of_other_programs(header, described, separator, end):
    in_order = header[0] in {"words", "Was"}
    rows = [["1.png", "0042"], ["sub/2.JPG", 'a"b'], ["3.gif", f"x{separator}y"]]
    if in_order:
        rows = [row[::-1] for row in rows]
    elif len(header) == 3:
        rows = [[name, "160", label] for name, label in rows]
    buffer = StringIO(newline="")
    csv.writer(buffer, delimiter=separator, lineterminator=end).writerows([header, *rows])
    expected = [("1.png", "0042"), ("sub/2.JPG", 'a"b'), ("3.gif", f"x{separator}y")]
    assert entries("\ufeff" + buffer.getvalue()) == [
        (name, label, f"line {line}") for line, (name, label) in enumerate(expected, 2)
    ]
    found = parse_labels_csv(Path("a.csv"), buffer.getvalue().encode()).description()
    assert found.startswith(described)
    assert ("separated by" in found) == (separator != ",")


def test_spaces_after_separators_are_not_labels():
    content = 'filename, label\n1.png, "a, b"\n2.png, c \n'
    assert entries(content) == [("1.png", "a, b", "line 2"), ("2.png", "c ", "line 3")]
    assert entries("filename,label\n1.png, a\n") == [("1.png", " a", "line 2")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32-be"])
def test_other_encodings_are_errors(encoding):
    content = "filename,label\n1.png,a\n".encode(encoding)
    with pytest.raises(DatasetError, match="is not UTF-8 text"):
        parse_labels_csv(Path("a.csv"), content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("image,text,answer\n1.png,a,b\n", "found image, text, answer"),  # either may be the label
        ("1.png,a\n2.png,b\n", "must name the columns filename and label; found 1.png, a"),
        ("image;text\n1.png;a\n;b\n", "line 3 does not name an image"),
        ("image;text\n1.png;a\n2.png;\n", "line 3: the label of 2.png is empty"),
        ("image;text\n1.png;a;b\n", r'line 2 has more columns .* as in 1.png;"a;b"'),
        ("file|text\n1.png|a\n2.png|b\n1.png|c\n", r"first 1.png \(lines 2 and 4\)"),
        ('file,text\n1.png,a\n2.png,"b\n', r"not a well-formed CSV file \(line 3: "),
    ],
)
def test_what_does_not_fit_is_named_with_its_line(content, message):
    with pytest.raises(DatasetError, match=message):
        entries(content)
