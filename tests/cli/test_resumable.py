"""Tables that are continued after any interruption."""

import csv
import io
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from skcaptcha.cli._resumable import open_resumable

HEADER = ("filename", "text", "confidence")
FIELDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
NUMBERS = st.floats(0, 1).map(lambda x: f"{x:.4f}")


@given(
    rows=st.lists(st.tuples(FIELDS, FIELDS, NUMBERS), max_size=6, unique_by=lambda row: row[0]),
    cut=st.integers(min_value=0),
)
def test_whatever_was_lost_is_written_again(tmp_path_factory, rows, cut):
    file: Path = tmp_path_factory.getbasetemp() / "resumable.csv"
    text = io.StringIO(newline="")
    csv.writer(text).writerows([HEADER, *rows])
    whole = text.getvalue().encode()
    file.write_bytes(whole[: cut % (len(whole) + 1)])
    stream, done = open_resumable(file, HEADER, resume=True)
    with stream:
        writer = csv.writer(stream)
        writer.writerows(row for row in rows if row[0] not in done)
    assert file.read_bytes() == whole
