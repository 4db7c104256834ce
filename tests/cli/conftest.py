"""Shared fixtures for command tests: captchas, a model, and ways to run a command."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import pytest

from skcaptcha.cli import main
from skcaptcha.datasets import load_captchas

RECIPE = """
data: {generate: lines, n: 120, seed: 1, train: 100}
steps:
  denoise:
    gray: {use: Grayscale}
    ink: {use: Binarizer, method: fixed, threshold: 127, ink: dark}
    smooth: {use: Smoother, method: binomial, size: 3}
    binarize: {use: Binarizer, method: fixed, threshold: 127, ink: bright}
  segment:
    use: FixedBoxes
    boxes: [[8, 4, 20, 21], [38, 4, 20, 21], [68, 4, 20, 21], [98, 4, 20, 21]]
  features: {use: RawPixels}
  read: {use: CharacterReader}
grid:
  segment__margin: [0, 1]
search: {cv: 2}
output: {model: out/model.joblib}
"""


@dataclass
class Outcome:
    """Result of a command."""

    code: int
    out: str
    err: str

    def sentence(self) -> str:
        """Return the only line of standard error, ignoring warnings."""
        lines = self.err.splitlines()
        lines = [line for line in lines if not line.startswith("warning: ")] or lines
        assert len(lines) == 1, self.err
        return lines[0]


class Command(subprocess.Popen[str]):
    """A command that runs in its own process, as a user runs it."""

    def __init__(self, *arguments: object, **options: Any) -> None:
        super().__init__(
            [sys.executable, "-m", "skcaptcha", *map(str, arguments)],
            **dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE) | options,
            text=True,
        )

    def outcome(self, stdin: str | None = None, timeout: float = 120) -> Outcome:
        """Wait for the command to finish."""
        out, err = self.communicate(stdin, timeout)
        return Outcome(self.returncode, out, err)


@pytest.fixture(scope="session")
def start() -> type[Command]:
    """Class that starts a command in its own process."""
    return Command


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    """Run a command in this process, where scikit-learn is already imported."""

    def run(*arguments: object) -> Outcome:
        code = _run_here(monkeypatch, *arguments)
        said = capsys.readouterr()
        return Outcome(code, said.out, said.err)

    return run


def _run_here(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """Run a command in this process, and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["skcaptcha", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with recipe.yaml, the labeled folder ``captchas``, and a model in ``out``."""
    folder = tmp_path_factory.mktemp("workshop")
    (folder / "recipe.yaml").write_text(RECIPE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert _run_here(patch, "generate", "lines", "captchas", "-n", 30, "--seed", 7) == 0
        assert _run_here(patch, "fit", "recipe.yaml", "--jobs", 1, "--json", "fit.json") == 0
    return folder


@pytest.fixture(scope="session")
def model(workshop: Path) -> Path:
    return workshop / "out" / "model.joblib"


@pytest.fixture(scope="session")
def captchas(workshop: Path) -> Path:
    return workshop / "captchas"


@pytest.fixture(scope="session")
def texts(model: Path, captchas: Path) -> list[str]:
    """The model's predictions for the captchas."""
    texts: list[str] = joblib.load(model).predict(load_captchas(captchas).data).tolist()
    return texts
