"""Rows of labels.csv; tests/datasets/test_load.py checks the errors."""

import csv
from io import StringIO
from pathlib import Path

from skcaptcha.datasets._read_labels import column, parse_labels_csv

CONTENT = 'label,filename,label,by\nold,1.png,"a,b",me\n\nold,2.png,"c\nd"\n'


def test_rows_match_those_of_the_csv_module():
    header, rows = parse_labels_csv(Path("labels.csv"), b"\xef\xbb\xbf" + CONTENT.encode())
    assert {len(row) for row in rows.values()} == {len(header)}
    expected = list(csv.DictReader(StringIO(CONTENT, newline="")))
    assert list(rows) == [row["filename"] for row in expected] == ["1.png", "2.png"]
    label = column(header, "label")
    assert [row[label] for row in rows.values()] == [row["label"] for row in expected]
