"""Output of commands in terminals and pipes of every encoding."""

import os
import subprocess
import sys
from io import BytesIO, TextIOWrapper

import pytest

from skcaptcha.cli import main
from skcaptcha.datasets import load_captchas


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
@pytest.mark.parametrize(
    ("closed", "n_lines"),
    [
        *(pytest.param(*case, marks=pytest.mark.slow) for case in [("<&-", 30), (">&-", 0)]),
        ("2>&-", 30),
        ("<&- >&- 2>&-", 0),
    ],
)
def test_closed_streams_are_not_errors(model, captchas, closed, n_lines):
    command = [sys.executable, "-m", "skcaptcha", "predict", captchas, "--model", model]
    shell = ["sh", "-c", f'exec "$@" {closed}', "sh", *command]
    done = subprocess.run(shell, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == n_lines


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_a_progress_bar_stays_out_of_the_output(start, model, captchas, texts, tmp_path):
    import pty

    source = load_captchas(captchas).data[0]
    for i in range(300):
        (tmp_path / f"{i}.png").symlink_to(source)
    terminal, side = pty.openpty()
    outcome = start("predict", tmp_path, "--model", model, stderr=side).outcome()
    os.close(side)
    assert "reading" in os.read(terminal, 10_000).decode()
    os.close(terminal)
    assert [line.split("\t")[1] for line in outcome.out.splitlines()] == texts[:1] * 300


class Terminal:
    """A terminal with a given encoding that runs commands."""

    def __init__(self, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.encoding = encoding
        self._monkeypatch = monkeypatch

    def run(self, *arguments: object) -> tuple[int, str, str]:
        """Run a command; return its exit code and the output of both streams."""
        streams = [TextIOWrapper(BytesIO(), encoding=self.encoding) for _ in range(2)]
        with self._monkeypatch.context() as patched:
            patched.setattr(sys, "argv", ["skcaptcha", *map(str, arguments)])
            patched.setattr(sys, "stdout", streams[0])
            patched.setattr(sys, "stderr", streams[1])
            with pytest.raises(SystemExit) as ended:
                main()
        return int(ended.value.code or 0), *map(self._shown, streams)

    def escaped(self, text: str) -> str:
        return text.encode(self.encoding, "backslashreplace").decode(self.encoding)

    def _shown(self, stream: TextIOWrapper) -> str:
        stream.flush()
        return stream.buffer.getvalue().decode(self.encoding, "surrogateescape")


@pytest.fixture(params=["cp1252", "ascii", "utf-8"])
def terminal(request, monkeypatch) -> Terminal:
    return Terminal(request.param, monkeypatch)


def test_terminals_with_every_encoding(terminal, captchas, model, tmp_path) -> None:
    """Characters that the encoding lacks are escaped; files are UTF-8."""
    name, label = "é→1.png", "Ж→é"
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / name).symlink_to(load_captchas(captchas).data[0])
    (folder / "labels.csv").write_text(f"filename,label\n{name},{label}\n", encoding="utf-8")
    table, report = tmp_path / "a.csv", tmp_path / "a.json"

    code, out, _ = terminal.run("predict", folder, "--model", model)
    assert code == 0
    assert out.startswith(terminal.escaped(f"{folder / name}\t"))
    code, out, _ = terminal.run("show", model, folder / name)
    assert code == 0
    assert out.startswith(terminal.escaped(f"{name}: "))
    code, out, err = terminal.run(
        "score", folder, "--model", model, "--csv", table, "--json", report
    )
    assert code == 0
    assert terminal.escaped("Ж") in out
    assert terminal.escaped("→") in err
    assert f"{name},{label}," in table.read_text(encoding="utf-8")
    assert "Ж" in report.read_text(encoding="utf-8")
    code, _, err = terminal.run("predict", folder / "→.png", "--model", model)
    assert code == 1
    assert terminal.escaped("→.png: ") in err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_file_names_that_are_not_valid_text(terminal, captchas, model, tmp_path) -> None:
    name = tmp_path / "a\udcff.png"
    name.symlink_to(load_captchas(captchas).data[0])
    code, out, _ = terminal.run("predict", name, "--model", model)
    assert code == 0
    encoding, errors = terminal.encoding, "surrogateescape"
    assert out.startswith(f"{name}\t".encode(encoding, errors).decode(encoding, errors))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locale")
def test_file_names_in_the_c_locale(start, captchas, model, tmp_path) -> None:
    """Names in labels.csv are found even if the system's file name encoding is ASCII."""
    (tmp_path / "é→1.png").symlink_to(load_captchas(captchas).data[0])
    text = "filename,label\né→1.png,Ж→é\n"
    (tmp_path / "labels.csv").write_text(text, encoding="utf-8")
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = ("score", tmp_path, "--model", model, "--csv", tmp_path / "a.csv")
    outcome = start(*command, env=os.environ | ascii_only).outcome()
    assert outcome.code == 0, outcome.err
    assert r"\u0416" in outcome.out
    assert "é→1.png,Ж→é," in (tmp_path / "a.csv").read_text(encoding="utf-8")
