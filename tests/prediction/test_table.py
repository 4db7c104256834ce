"""A table is absent, old or complete, and can be resumed after any interruption."""

import csv
import io
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.prediction._table import open_table

COLUMNS = ("filename", "text", "confidence")
FORMATS = ("csv", "parquet")
SETTINGS = {"model": "0" * 64, "--charset": None, "--length": 4}
Row = tuple[str, str, float]


def rows(n: int, first: int = 0) -> list[Row]:
    return [(f"{i}.png", f"T{i}", i / 2**20) for i in range(first, first + n)]


@pytest.fixture(params=FORMATS)
def format_(request: pytest.FixtureRequest) -> str:
    if request.param == "parquet":
        pytest.importorskip("pyarrow")
    return str(request.param)


class StoppedError(Exception):
    pass


def interrupt(file: Path, written: list[Row], **options: object) -> None:
    def interrupted() -> None:
        with open_table(file, COLUMNS, **options) as table:
            table.write(written)
            raise StoppedError

    with pytest.raises(StoppedError):
        interrupted()


def write(file: Path, written: list[Row], **options: object) -> None:
    with open_table(file, COLUMNS, **options) as table:
        table.write(written)


@pytest.mark.parametrize("lost_after", [0, 5, 40_000])
def test_an_interrupted_table_is_completed_identically(tmp_path, format_, lost_after):
    every = rows(80_000)
    write(tmp_path / "whole", every, format=format_)
    joined = tmp_path / "joined"
    joined.touch()
    interrupt(joined, every[:lost_after], format=format_)
    assert joined.read_bytes() == b""
    with open_table(joined, COLUMNS, format=format_, resume=True) as table:
        assert table.n_rows == lost_after
        names = table.skip_done(name for name, _, _ in every)
        assert list(names) == [name for name, _, _ in every[lost_after:]]
        assert table.n_skipped == lost_after
        table.write(every[lost_after:])
    assert joined.read_bytes() == (tmp_path / "whole").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"whole", "joined"}


def test_a_complete_table_is_kept_until_new_rows_are_added(tmp_path, format_):
    file = tmp_path / "a"
    write(file, rows(3), format=format_)
    before = file.read_bytes()
    with open_table(file, COLUMNS, format=format_, resume=True) as table:
        assert list(table.skip_done(["2.png", "3.png"])) == ["3.png"]
        table.write(rows(2, first=3))
        assert file.read_bytes() == before
    with open_table(file, COLUMNS, format=format_, resume=True) as table:
        assert table.n_rows == 5
    write(tmp_path / "b", rows(5), format=format_)
    assert file.read_bytes() == (tmp_path / "b").read_bytes()


def test_parquet_keeps_each_digit_of_a_confidence(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    write(tmp_path / "a", [("a.png", "", 1 / 3), ("b\r\n.png", 'x,"', 0.1)], format="parquet")
    interrupt(tmp_path / "a", rows(2), format="parquet", resume=True)
    write(tmp_path / "a", [], format="parquet", resume=True)
    found = parquet.read_table(tmp_path / "a")
    assert [tuple(row.values()) for row in found.to_pylist()] == [
        ("a.png", "", 1 / 3), ("b\r\n.png", 'x,"', 0.1), *rows(2)
    ]  # fmt: skip
    assert [str(field.type) for field in found.schema] == ["string", "string", "double"]


def test_a_table_with_other_columns_is_not_resumed(tmp_path, format_):
    file = tmp_path / "a"
    write(file, rows(3), format=format_)
    before = file.read_bytes()
    with (
        pytest.raises(SkcaptchaError, match="cannot be resumed: its"),
        open_table(file, (*COLUMNS, "reason"), format=format_, resume=True),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert file.read_bytes() == before


def test_a_file_of_another_kind_is_not_overwritten(tmp_path):
    part = tmp_path / "a.csv.part"
    part.write_text("chapter one\n")
    with (
        pytest.raises(SkcaptchaError, match=r"a.csv.part: its first line is not filename,text"),
        open_table(tmp_path / "a.csv", COLUMNS),
    ):
        pass
    assert part.read_text() == "chapter one\n"
    pytest.importorskip("pyarrow")
    (tmp_path / "photo").write_text("not a table")
    with (
        pytest.raises(SkcaptchaError, match="photo: cannot be resumed"),
        open_table(tmp_path / "photo", COLUMNS, format="parquet", resume=True),
    ):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks files by itself")
def test_two_processes_do_not_write_to_one_table(tmp_path, format_):
    with (
        open_table(tmp_path / "a", COLUMNS, format=format_),
        pytest.raises(SkcaptchaError, match="another process is writing"),
        open_table(tmp_path / "a", COLUMNS, format=format_, resume=True),
    ):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks files by itself")
@pytest.mark.parametrize("resume", [False, True])
def test_a_run_that_starts_while_another_ends_loses_no_row(tmp_path, monkeypatch, resume):
    replace, tried = os.replace, []

    def replace_while_another_starts(old: str, new: str) -> None:
        for moment in (lambda: None, lambda: replace(old, new)):
            moment()
            if not tried:
                with (
                    pytest.raises(SkcaptchaError, match="another process is writing"),
                    open_table(tmp_path / "a.csv", COLUMNS, resume=resume),
                ):
                    pass
                tried.append(old)

    with open_table(tmp_path / "a.csv", COLUMNS) as first:
        first.write(rows(1000))
        monkeypatch.setattr(os, "replace", replace_while_another_starts)
    assert tried
    with open_table(tmp_path / "a.csv", COLUMNS, resume=True) as table:
        assert table.n_rows == 1000


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks files by itself")
def test_many_concurrent_runs_lose_no_row(tmp_path):
    """Each adds a row to the table as soon as it can open it."""
    code = (
        "import sys\n"
        "from skcaptcha.exceptions import SkcaptchaError\n"
        "from skcaptcha.prediction._table import open_table\n"
        "added = 0\n"
        "while added < 100:\n"
        "    try:\n"
        "        with open_table('a.csv', ('filename', 'text'), resume=True) as table:\n"
        "            table.write([(f'{sys.argv[1]} {added}', 'AB')])\n"
        "        added += 1\n"
        "    except SkcaptchaError as error:\n"
        "        assert 'another process' in str(error), error\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code, k], cwd=tmp_path) for k in "ab"]
    assert [process.wait(60) for process in processes] == [0, 0]
    with (tmp_path / "a.csv").open(newline="") as stream:
        _, *found = csv.reader(stream)
    assert sorted(found) == sorted([f"{k} {i}", "AB"] for k in "ab" for i in range(100))
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_rows_of_other_settings_are_not_resumed(tmp_path, format_):
    file, part = tmp_path / "a", tmp_path / "a.part"
    interrupt(file, rows(20), format=format_, settings=SETTINGS)
    before = part.read_bytes()
    others = {**SETTINGS, "--charset": "AB", "model": "1" * 64}
    with (
        pytest.raises(SkcaptchaError, match="read with another model and no --charset; resume"),
        open_table(file, COLUMNS, format=format_, resume=True, settings=others),
    ):
        pass
    assert part.read_bytes() == before
    with open_table(file, COLUMNS, format=format_, resume=True, settings=SETTINGS) as table:
        assert table.n_rows == 20
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    # Rows of a complete table are kept, whatever settings they were read with.
    with open_table(file, COLUMNS, format=format_, resume=True, settings=others) as table:
        assert table.n_rows == 20


def test_rows_without_settings_are_resumed(tmp_path):
    interrupt(tmp_path / "a", rows(20))
    with open_table(tmp_path / "a", COLUMNS, resume=True, settings=SETTINGS) as table:
        assert table.n_rows == 20


def test_rows_of_an_interrupted_run_are_not_lost_without_resume(tmp_path, format_):
    file, part = tmp_path / "a", tmp_path / "a.part"
    interrupt(file, [], format=format_, settings=SETTINGS)
    interrupt(file, rows(20), format=format_, settings=SETTINGS)
    before = part.read_bytes()
    with (
        pytest.raises(SkcaptchaError, match=f"a.part: contains {len(before)} bytes of an interr"),
        open_table(file, COLUMNS, format=format_, settings=SETTINGS),
    ):
        pass
    assert part.read_bytes() == before


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_parquet_table_loses_no_row(tmp_path):
    """This includes a kill during the conversion to Parquet."""
    pytest.importorskip("pyarrow")
    file = tmp_path / "a"
    write(file, rows(3), format="parquet")
    old = file.read_bytes()
    code = (
        "from skcaptcha.prediction._table import open_table\n"
        "names = ('filename', 'text', 'confidence')\n"
        "with open_table('a', names, format='parquet') as table:\n"
        "    for i in range(0, 300_000, 1000):\n"
        "        table.write([(f'{k}.png', f'T{k}', k / 2**20) for k in range(i, i + 1000)])\n"
        "    print('written', flush=True)\n"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        time.sleep(0.1)
        process.kill()
    assert file.read_bytes() == old
    with open_table(file, COLUMNS, format="parquet", resume=True) as table:
        assert table.n_rows == 300_000
        table.write(rows(5, first=300_000))
    write(tmp_path / "whole", rows(300_005), format="parquet")
    assert file.read_bytes() == (tmp_path / "whole").read_bytes()


FIELDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
NUMBERS = st.floats(0, 1).map(lambda x: f"{x:.4f}")


@given(
    written=st.lists(st.tuples(FIELDS, FIELDS, NUMBERS), max_size=6, unique_by=lambda row: row[0]),
    cut=st.integers(min_value=0),
)
def test_incomplete_rows_are_written_again(tmp_path_factory, written, cut):
    file: Path = tmp_path_factory.getbasetemp() / "resumable.csv"
    file.unlink(missing_ok=True)
    text = io.StringIO(newline="")
    csv.writer(text).writerows([COLUMNS, *written])
    whole = text.getvalue().encode()
    file.with_name("resumable.csv.part").write_bytes(whole[: cut % (len(whole) + 1)])
    with open_table(file, COLUMNS, resume=True) as table:
        by_name = {row[0]: row for row in written}
        table.write([by_name[name] for name in table.skip_done(by_name)])
    assert file.read_bytes() == whole


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_names(tmp_path):
    code = (
        "import resource\n"
        "from skcaptcha.prediction._table import open_table\n"
        "columns = ('filename', 'text', 'confidence')\n"
        "with open_table('a.csv', columns) as table:\n"
        "    for i in range(300):\n"
        "        table.write([(f'folder/{i * 1000 + k}.png', 'AB', '0.9') for k in range(1000)])\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "with open_table('a.csv', columns, resume=True) as table:\n"
        "    assert table.n_rows == 300_000\n"
        "    assert not list(table.skip_done(f'folder/{i}.png' for i in range(300_000)))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    kib = int(done.stdout) * (1 / 1024 if sys.platform == "darwin" else 1)
    # A Python set of the names alone would take more.
    assert kib < 25 * 1024
