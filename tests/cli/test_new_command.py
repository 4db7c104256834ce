"""One file in ``skcaptcha/cli`` adds a command."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import skcaptcha

COMMAND = '''
"""The command ``count-images``."""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = "skcaptcha count-images captchas"


def count_images(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of images.")],
) -> None:
    """Print the number of PNG files of a folder."""
    print(len(list(folder.glob("*.png"))))
'''


@pytest.fixture
def added(tmp_path: Path) -> Path:
    """Path of a copy of the package that contains one more file."""
    package = tmp_path / "path" / "skcaptcha"
    shutil.copytree(Path(skcaptcha.__file__).parent, package)
    (package / "cli" / "count_images.py").write_text(COMMAND)
    return package.parent


def run(path: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "skcaptcha", *words],
        env=os.environ | {"PYTHONPATH": str(path)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_one_file_adds_a_command(added: Path, tmp_path: Path) -> None:
    (tmp_path / "1.png").touch()
    assert run(added, "count-images", str(tmp_path)) == "1\n"
    help_ = run(added, "count-images", "--help")
    assert "Example: skcaptcha count-images captchas" in help_
    assert "--quiet" in help_
    assert "count-images" in run(added, "--help")
