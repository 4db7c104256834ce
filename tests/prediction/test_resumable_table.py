"""Tables that are continued after any interruption."""

import csv
import io
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from skcaptcha.prediction._resumable_table import ResumableCsv

HEADER = ("filename", "text", "confidence")
FIELDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
NUMBERS = st.floats(0, 1).map(lambda x: f"{x:.4f}")


@given(
    rows=st.lists(st.tuples(FIELDS, FIELDS, NUMBERS), max_size=6, unique_by=lambda row: row[0]),
    cut=st.integers(min_value=0),
)
def test_whatever_was_lost_is_written_again(tmp_path_factory, rows, cut):
    file: Path = tmp_path_factory.getbasetemp() / "resumable.csv"
    file.unlink(missing_ok=True)
    unfinished = file.with_name("resumable.csv.part")
    text = io.StringIO(newline="")
    csv.writer(text).writerows([HEADER, *rows])
    whole = text.getvalue().encode()
    unfinished.write_bytes(whole[: cut % (len(whole) + 1)])
    with ResumableCsv(file, HEADER, resume=True) as table:
        table.write([row for row in rows if not table.done.take(row[0])])
    assert file.read_bytes() == whole
