"""Tables of predict are absent, old or complete, and go on where they were interrupted."""

import csv
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from skcaptcha.datasets import load_captchas
from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.prediction._parquet import ResumableParquet
from skcaptcha.prediction._resumable_table import ResumableCsv
from skcaptcha.prediction._tables import Table

COLUMNS = ("filename", "text", "confidence")
KINDS = {"csv": ResumableCsv, "parquet": ResumableParquet}


def content(path: Path) -> object:
    if path.is_dir():
        return {part.name: part.read_bytes() for part in path.iterdir()}
    return path.read_bytes()


def rows(n: int, first: int = 0) -> list[tuple[str, str, float]]:
    return [(f"{i}.png", f"T{i}", i / 2**20) for i in range(first, first + n)]


def interrupt(table: Table, written: list[tuple[str, str, float]]) -> None:
    class StoppedError(Exception):
        pass

    def interrupted() -> None:
        with table:
            table.write(written)
            raise StoppedError

    with pytest.raises(StoppedError):
        interrupted()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lost_after", [0, 5, 16_384, 40_000])
def test_an_interrupted_table_becomes_what_it_would_have_been(tmp_path, kind, lost_after):
    pytest.importorskip("pyarrow")
    every = rows(50_000)
    with KINDS[kind](tmp_path / "whole", COLUMNS, resume=False) as table:
        table.write(every)
    (tmp_path / "joined").mkdir() if kind == "parquet" else (tmp_path / "joined").touch()
    old = content(tmp_path / "joined")

    interrupt(KINDS[kind](tmp_path / "joined", COLUMNS, resume=False), every[:lost_after])
    assert content(tmp_path / "joined") == old
    with KINDS[kind](tmp_path / "joined", COLUMNS, resume=True) as table:
        kept = table.n_rows
        assert kept <= lost_after
        todo = [row for row in every if not table.done.take(row[0])]
        assert todo == every[kept:]
        table.write(todo)
    assert content(tmp_path / "joined") == content(tmp_path / "whole")
    assert {path.name for path in tmp_path.iterdir()} == {"whole", "joined"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_complete_table_is_added_to_and_stays_until_that_is_done(tmp_path, kind):
    pytest.importorskip("pyarrow")
    place = tmp_path / "a"
    with KINDS[kind](place, COLUMNS, resume=False) as table:
        table.write(rows(3))
    before = content(place)
    table = KINDS[kind](place, COLUMNS, resume=True)
    assert content(place) == before
    with table:
        assert table.done.take("2.png")
        assert not table.done.take("3.png")
        table.write(rows(2, first=3))
        assert content(place) == before
    with KINDS[kind](place, COLUMNS, resume=True) as table:
        assert table.n_rows == 5


def test_pandas_and_pyarrow_read_the_folder_as_one_table(run, model, captchas, tmp_path):
    pytest.importorskip("pyarrow")
    import pyarrow.parquet

    name = tmp_path / os.fsdecode(b"\xff.png")
    name.symlink_to(load_captchas(captchas).data[0])
    folder = tmp_path / "a.parquet"
    command = ("predict", captchas, name, "--model", model)
    assert run(*command, "--parquet", folder).code == 0
    assert run(*command, "--csv", tmp_path / "a.csv").code == 0
    with (tmp_path / "a.csv").open(newline="", errors="backslashreplace") as stream:
        _, *expected = csv.reader(stream)
    found = pyarrow.parquet.read_table(folder)
    assert found.column_names == list(COLUMNS)
    assert [
        [row["filename"], row["text"], f"{row['confidence']:.4f}"] for row in found.to_pylist()
    ] == [[row[0].replace("\\xff", "\\udcff"), *row[1:]] for row in expected]
    again = run(*command, "--parquet", folder, "--resume")
    assert again.code == 0
    assert "0 of 0 images read" in again.err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
@pytest.mark.parametrize("option", ["--csv", "--parquet"])
def test_a_full_disk_is_one_sentence_and_leaves_the_old_table(model, captchas, tmp_path, option):
    """A limit on the size of files stands for a disk that is full: writing fails alike."""
    pytest.importorskip("pyarrow")
    place = tmp_path / f"table.{option[2:]}"
    with KINDS[option[2:]](place, COLUMNS, resume=False) as table:
        table.write([("old.png", "OLD", 1.0)])
    old = content(place)
    code = (
        "import resource, runpy, sys\n"
        "import sklearn.pipeline, skcaptcha.prediction._read_images\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "sys.argv[0] = 'skcaptcha'\n"
        "runpy.run_module('skcaptcha', run_name='__main__')"
    )
    command = [sys.executable, "-c", code, "predict", captchas, "--model", model, option, place]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    [sentence] = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert f"{place}.part: cannot be written (File too large)" in sentence
    assert content(place) == old


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_a_pipe_takes_the_rows_as_they_come(start, model, captchas, texts, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = start("predict", captchas, "--model", model, "--csv", pipe)
    with pipe.open(newline="") as stream:
        _, *found = csv.reader(stream)
    assert command.outcome().code == 0
    assert [text for _, text, _ in found] == texts
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]
    refused = start("predict", captchas, "--model", model, "--csv", pipe, "--resume").outcome()
    assert refused.code == 2
    assert f"{pipe}: is no regular file" in refused.sentence()


def test_nobody_elses_work_is_overwritten(run, model, captchas, tmp_path):
    command = ("predict", captchas, "--model", model)
    (tmp_path / "a.csv.part").write_text("chapter one\n")
    outcome = run(*command, "--csv", tmp_path / "a.csv")
    assert outcome.code == 2
    assert f"{tmp_path}/a.csv.part: its first line" in outcome.sentence()
    assert (tmp_path / "a.csv.part").read_text() == "chapter one\n"
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "1.jpg").touch()
    outcome = run(*command, "--parquet", tmp_path / "photos")
    assert outcome.code == 2
    assert f"{tmp_path}/photos: it holds 1.jpg" in outcome.sentence()
    assert (tmp_path / "photos" / "1.jpg").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks files by itself")
def test_two_runs_do_not_write_to_one_table(tmp_path):
    with (
        ResumableCsv(tmp_path / "a.csv", COLUMNS, resume=False),
        pytest.raises(SkcaptchaError, match="another process is writing"),
    ):
        ResumableCsv(tmp_path / "a.csv", COLUMNS, resume=True)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks files by itself")
@pytest.mark.parametrize("resume", [False, True])
def test_a_run_that_begins_while_another_ends_takes_nothing_from_it(tmp_path, monkeypatch, resume):
    first = ResumableCsv(tmp_path / "a.csv", COLUMNS, resume=False)
    first.write(rows(1000))
    put, tried = os.replace, []

    def replace_while_another_begins(old: str, new: str) -> None:
        for moment in (lambda: None, lambda: put(old, new)):
            moment()
            if not tried:
                with pytest.raises(SkcaptchaError, match="another process is writing"):
                    ResumableCsv(tmp_path / "a.csv", COLUMNS, resume=resume)
                tried.append(old)

    monkeypatch.setattr(os, "replace", replace_while_another_begins)
    with first:
        pass
    assert tried
    with ResumableCsv(tmp_path / "a.csv", COLUMNS, resume=True) as table:
        assert table.n_rows == 1000


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks files by itself")
def test_runs_that_begin_again_and_again_lose_no_row(tmp_path):
    """Each adds a row to the table as soon as it gets hold of it."""
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from skcaptcha.prediction._resumable_table import ResumableCsv\n"
        "from skcaptcha.exceptions import SkcaptchaError\n"
        "added = 0\n"
        "while added < 100:\n"
        "    try:\n"
        "        with ResumableCsv(Path('a.csv'), ('filename', 'text'), resume=True) as table:\n"
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


SETTINGS = {"model": "0" * 64, "--charset": None, "--length": 4, "--min-confidence": None}


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_other_models_or_options_are_not_joined(run, model, captchas, tmp_path, kind):
    pytest.importorskip("pyarrow")
    place, part = tmp_path / f"a.{kind}", tmp_path / f"a.{kind}.part"
    interrupt(KINDS[kind](place, COLUMNS, resume=False, settings=SETTINGS), rows(20_000))
    before = content(part)
    outcome = run("predict", captchas, "--model", model, f"--{kind}", place, "--resume")
    assert outcome.code == 2
    assert f"{part}: its rows were read with another model and --length 4;" in outcome.sentence()
    others = {**SETTINGS, "--charset": "AB"}
    with pytest.raises(SkcaptchaError, match="read with no --charset; resume with the same"):
        KINDS[kind](place, COLUMNS, resume=True, settings=others)
    assert content(part) == before
    with KINDS[kind](place, COLUMNS, resume=True, settings=SETTINGS) as table:
        assert table.n_rows > 0
    assert [path.name for path in tmp_path.iterdir()] == [place.name]
    with KINDS[kind](place, COLUMNS, resume=True, settings=others) as table:
        assert table.n_rows > 0


@pytest.mark.parametrize("kind", KINDS)
def test_an_older_versions_rows_are_gone_on_from(run, model, captchas, tmp_path, kind):
    pytest.importorskip("pyarrow")
    place = tmp_path / f"a.{kind}"
    interrupt(KINDS[kind](place, COLUMNS, resume=False), rows(20_000))
    assert not (tmp_path / f"a.{kind}.part.json").exists()
    assert run("predict", captchas, "--model", model, f"--{kind}", place, "--resume").code == 0
    assert [path.name for path in tmp_path.iterdir()] == [place.name]


@pytest.mark.parametrize("kind", KINDS)
def test_what_an_interrupted_run_left_is_not_begun_anew(run, model, captchas, tmp_path, kind):
    pytest.importorskip("pyarrow")
    place, part = tmp_path / f"a.{kind}", tmp_path / f"a.{kind}.part"
    interrupt(KINDS[kind](place, COLUMNS, resume=False, settings=SETTINGS), [])
    interrupt(KINDS[kind](place, COLUMNS, resume=False, settings=SETTINGS), rows(20_000))
    before = content(part)
    outcome = run("predict", captchas, "--model", model, f"--{kind}", place)
    assert outcome.code == 2
    kept = f"{len(before)} bytes" if kind == "csv" else "1 Parquet files"
    assert f"{part}: holds {kept} of an interrupted run: --resume goes on" in outcome.sentence()
    assert content(part) == before


def test_a_folder_comes_back_if_a_run_was_killed_as_it_replaced_it(tmp_path):
    pytest.importorskip("pyarrow")
    place, part, replaced = (tmp_path / name for name in ("a", "a.part", "a.old"))
    with ResumableParquet(place, COLUMNS, resume=False) as table:
        table.write(rows(3))
    old = content(place)
    interrupt(ResumableParquet(place, COLUMNS, resume=False), rows(20_000))
    place.rename(replaced)
    with pytest.raises(SkcaptchaError, match="holds 1 Parquet files"):
        ResumableParquet(place, COLUMNS, resume=False)
    assert content(place) == old
    place.rename(replaced)
    new = content(part)
    with ResumableParquet(place, COLUMNS, resume=True) as table:
        assert content(place) == old
    assert content(place) == new
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--jobs", 2)])
def test_killed_at_any_moment_and_resumed(start, model, captchas, tmp_path, options):
    """Until it is through: each time a while later, each time from where it was."""
    folder = tmp_path / "many"
    folder.mkdir()
    data = load_captchas(captchas).data
    for i in range(20_000):
        (folder / f"{i}.png").symlink_to(data[i % len(data)])
    (folder / "100a.png").write_bytes(b"")
    command = ("predict", folder, "--model", model, *options, "--csv")
    assert start(*command, tmp_path / "whole.csv").outcome().code == 1
    expected = (tmp_path / "whole.csv").read_bytes()
    joined = tmp_path / "joined.csv"
    for attempt in range(200):
        process = start(*command, joined, "--resume")
        try:
            process.wait(2 + attempt / 10)
        except subprocess.TimeoutExpired:
            process.kill()
        process.outcome()
        if joined.exists():
            break
    assert joined.read_bytes() == expected
    assert attempt > 3


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("n_parts", [1, 3])
def test_a_folder_that_is_killed_is_gone_on_from(tmp_path, n_parts):
    pytest.importorskip("pyarrow")
    place, part = tmp_path / "a", tmp_path / "a.part"
    with ResumableParquet(place, COLUMNS, resume=False) as table:
        table.write(rows(3))
    old = content(place)
    code = (
        "from itertools import count\n"
        "from pathlib import Path\n"
        "from skcaptcha.prediction._parquet import ResumableParquet\n"
        "names = ('filename', 'text', 'confidence')\n"
        "with ResumableParquet(Path('a'), names, resume=False) as table:\n"
        "    for i in count():\n"
        "        table.write([(f'{i}.png', f'T{i}', i / 2**20)])\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path)
    while not (part / f"part-{n_parts - 1:05}.parquet").exists():
        assert process.poll() is None
        time.sleep(0.001)
    process.kill()
    process.wait()
    assert content(place) == old
    with ResumableParquet(place, COLUMNS, resume=True) as table:
        assert table.n_rows >= n_parts * 16_384
        every = rows(table.n_rows + 5)
        assert [row for row in every if not table.done.take(row[0])] == every[-5:]
        table.write(every[-5:])
    with ResumableParquet(tmp_path / "whole", COLUMNS, resume=False) as table:
        table.write(every)
    assert content(place) == content(tmp_path / "whole")
    assert {path.name for path in tmp_path.iterdir()} == {"a", "whole"}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 0.95, 1.0])
def test_predict_parquet_killed_and_resumed(start, model, captchas, texts, tmp_path, *, share):
    """After a share of the seconds that a whole run takes."""
    pytest.importorskip("pyarrow")
    import pyarrow.parquet

    data = load_captchas(captchas).data
    expected = [(str(data[i % len(data)]), texts[i % len(data)]) for i in range(17_000)]
    paths = tmp_path / "paths"
    paths.write_text("".join(f"{path}\n" for path, _ in expected))
    place, part = tmp_path / "a", tmp_path / "a.part"
    with ResumableParquet(place, COLUMNS, resume=False) as table:
        table.write(rows(3))
    old = content(place)
    command = ("predict", "-", "--model", model, "--parquet")
    begin = time.perf_counter()
    with paths.open() as stdin:
        assert start(*command, tmp_path / "whole", stdin=stdin).outcome().code == 0
    seconds = time.perf_counter() - begin
    with paths.open() as stdin:
        process = start(*command, place, stdin=stdin)
        time.sleep(share * seconds)
        process.kill()
        process.outcome()
    if not place.exists() or content(place) == old:
        with paths.open() as stdin:
            assert start(*command, place, "--resume", stdin=stdin).outcome().code == 0
    found = pyarrow.parquet.read_table(place)
    names, read = found.column("filename").to_pylist(), found.column("text").to_pylist()
    # Killed before anything gathered, --resume goes on from the old table.
    kept = [row[:2] for row in rows(3)] if names[0] == "0.png" else []
    assert list(zip(names, read, strict=True)) == kept + expected
    assert not part.exists()


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_names(tmp_path):
    code = (
        "import resource\n"
        "from pathlib import Path\n"
        "from skcaptcha.prediction._resumable_table import ResumableCsv\n"
        "def rows(n): return [(f'folder/{i:09}.png', 'ABCD', '0.9000') for i in range(n)]\n"
        "with ResumableCsv(Path('a.csv'), ('filename', 'text', 'confidence'), resume=False) as t:\n"
        "    for i in range(300):\n"
        "        t.write([(f'folder/{i * 1000 + k}.png', 'AB', '0.9') for k in range(1000)])\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "with ResumableCsv(Path('a.csv'), ('filename', 'text', 'confidence'), resume=True) as t:\n"
        "    assert t.n_rows == 300_000\n"
        "    assert all(t.done.take(f'folder/{i}.png') for i in range(300_000))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    kib = int(done.stdout) * (1 / 1024 if sys.platform == "darwin" else 1)
    # The names themselves, in a Python set, would take more.
    assert kib < 25 * 1024
