"""Progress bars in terminals, no output with --quiet, and a log with --verbose."""

import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pty = pytest.importorskip("pty", reason="there are pseudo-terminals on Unix alone")

BAR = "━"


def in_terminal(*arguments: object) -> str:
    """Run a command in a real terminal and return its complete output."""
    code, shown = python_in_terminal("-m", "skcaptcha", *map(str, arguments))
    assert code == 0, shown
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)


def python_in_terminal(*arguments: str) -> tuple[int, str]:
    """Run Python in a real terminal and return its exit code and complete output."""
    terminal, end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdin=end, stdout=end, stderr=end, env=os.environ | {"TERM": "xterm", "COLUMNS": "110"},
    )  # fmt: skip
    os.close(end)
    shown = b""
    while True:
        try:
            part = os.read(terminal, 2**16)
        except OSError:  # on Linux, the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(terminal)
    return process.wait(timeout=60), shown.decode()


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with enough captchas to show progress."""
    folder = tmp_path_factory.mktemp("many") / "captchas"
    command = [sys.executable, "-m", "skcaptcha", "generate", "lines", folder, "-n", "600"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True)
    assert BAR not in done.stderr  # bars are shown only in terminals
    return folder


def test_a_terminal_shows_the_count_and_the_time_left(many, model):
    shown = in_terminal("score", many, "--model", model)
    assert re.search(r"reading ━.* of 600, .*0:\d\d", shown)
    assert "string accuracy" in shown


@pytest.mark.slow
def test_fits_show_progress(workshop, tmp_path):
    out = tmp_path / "m.joblib"
    shown = in_terminal("fit", workshop / "recipe.yaml", "--out", out, "--jobs", 1)
    assert re.search(r"fits ━.* of 4", shown)
    assert "fitting the best candidate" in shown


def test_ctrl_c_during_a_long_computation_restores_the_cursor():
    code = (
        "import hashlib, os, signal, threading\n"
        "from skcaptcha._display.progress import progress\n"
        "from skcaptcha.cli._interrupt import interruptible\n"
        "with interruptible('stopped'), progress('fits', 3):\n"
        "    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "    hashlib.pbkdf2_hmac('sha256', b'', b'', 10**9)\n"
    )
    ended, shown = python_in_terminal("-c", code)
    assert ended == 130
    hidden, seen = "\x1b[?25l", "\x1b[?25h"
    assert shown.rindex(hidden) < shown.rindex(seen)
    # The bar is erased and not drawn again.
    assert shown.rpartition("\x1b[2K")[2].removeprefix(seen) == "stopped\r\n"


def test_quiet_prints_neither_progress_nor_summary(run, many, model, tmp_path):
    table = tmp_path / "readings.csv"
    command = ("score", many, "--model", model, "--csv", table)
    assert in_terminal(*command, "--quiet") == ""
    assert len(table.read_text().splitlines()) == 601
    before = run("--quiet", *command)
    assert before.out == before.err == ""


def test_quiet_commands_write_only_requested_files(run, captchas, model, tmp_path):
    page = tmp_path / "score.html"
    outcome = run("score", captchas, "--model", model, "--report", page, "--quiet")
    assert outcome.out == outcome.err == ""
    assert page.stat().st_size > 0
    table = tmp_path / "readings.csv"
    command = ("predict", captchas, "--model", model, "--csv", table, "--min-confidence", 1)
    outcome = run(*command, "--quiet")
    assert outcome.out == outcome.err == ""
    assert "texts left empty" in run(*command).err


def test_quiet_keeps_results_warnings_and_errors(run, model, captchas, tmp_path):
    name = next(captchas.glob("*.png"))
    outcome = run("predict", name, "--model", model, "--quiet")
    assert outcome.out.startswith(f"{name}\t")
    outcome = run("score", captchas, "--model", model, "--quiet", "--json", "-")
    assert outcome.out.startswith("{")
    assert outcome.err == ""
    assert "characters" in run("show", model, "--quiet").out
    (tmp_path / "AAAA.png").write_bytes(b"")
    outcome = run("score", tmp_path, "--model", model, "--quiet")
    assert outcome.code == 1
    assert outcome.sentence() == "AAAA.png: the file is empty"
    assert run("score", tmp_path / "none", "--model", model, "--quiet").sentence()


def test_verbose_logs_steps_and_times(run, workshop, tmp_path):
    outcome = run(
        "fit", workshop / "recipe.yaml", "--out", tmp_path / "m.joblib", "--jobs", 1, "--verbose"
    )
    lines = outcome.err.splitlines()
    assert all(re.match(r"\d\d:\d\d:\d\d skcaptcha[\w.]*: ", line) for line in lines), outcome.err
    assert "skcaptcha.model_selection._search: searching: 2 candidates in 2 folds" in outcome.err
    assert outcome.err.count(", fold ") == 4
    assert "fitting the best candidate" in outcome.err
    assert re.search(r"skcaptcha: \d+\.\d\d s", lines[-1])


def test_verbosity_does_not_affect_the_next_command(run, model, captchas):
    name = next(captchas.glob("*.png"))
    assert run("predict", name, "--model", model, "--verbose").err.count("skcaptcha: ") == 1
    assert run("predict", name, "--model", model).err == ""
    assert run("score", captchas, "--model", model, "--quiet").out == ""
    assert "string accuracy" in run("score", captchas, "--model", model).out


def test_quiet_and_verbose_cannot_be_combined(run, model):
    outcome = run("show", model, "--quiet", "--verbose")
    assert outcome.code == 2
    assert "cannot be combined" in outcome.err


def test_every_command_has_both_options(run):
    listed = re.findall(r"^  ([a-z-]+)  ", run("--help").out.partition("Commands:")[2], re.M)
    assert {"fit", "score", "check-labels"} <= set(listed)
    for command in listed:
        out = run(command, "--help").out
        assert "--quiet" in out
        assert "--verbose" in out


@pytest.mark.slow
def test_the_library_prints_nothing_by_default():
    code = (
        "from skcaptcha import load_recipe\n"
        "recipe = load_recipe('raw-knn', ['search.cv=2'])\n"
        "train, _ = recipe.load_data()\n"
        "recipe.fit(train.data, train.target)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == done.stderr == ""
    assert logging.getLogger("skcaptcha").level == logging.NOTSET
