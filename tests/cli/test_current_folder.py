"""Commands do not import modules from the current folder."""

import os
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

MODULE = """
import os
with open(os.environ["IMPORTED"], "a") as file:
    file.write(__name__ + "\\n")
raise ImportError(__name__)
"""
# Modules that Python imports, also from the current folder, before it finds the package for -m.
BY_PYTHON = {
    *("collections", "contextlib", "functools", "importlib", "keyword", "operator", "reprlib"),
    *("types", "warnings", "skcaptcha"),
}
DASH_M = [sys.executable, "-m", "skcaptcha"]
SCRIPT = [str(Path(sys.executable).with_name("skcaptcha"))]


@pytest.fixture
def folder(tmp_path):
    """Folder that contains a module for every existing module name."""
    folder = tmp_path / "downloaded"
    folder.mkdir()
    for name in {*sys.stdlib_module_names, *packages_distributions()} - BY_PYTHON:
        (folder / f"{name}.py").write_text(MODULE)
    return folder


def run(folder, command, *arguments, **environment):
    """Run a command in the folder; return its result and the modules imported from there."""
    if not Path(command[0]).exists():
        pytest.skip(f"{command[0]} is not installed")
    imported = folder.parent / "imported"
    imported.write_text("")
    environment = {**os.environ, "IMPORTED": str(imported), **environment}
    ended = subprocess.run(
        [*command, *map(str, arguments)],
        cwd=folder, env=environment, check=False, capture_output=True, text=True,
    )  # fmt: skip
    return ended, imported.read_text().split()


@pytest.mark.parametrize("command", [DASH_M, SCRIPT], ids=["-m", "script"])
def test_commands_do_not_import_from_the_current_folder(folder, command):
    ended, imported = run(folder, command, "--version")
    assert imported == []
    assert ended.returncode == 0, ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize("command", [DASH_M, SCRIPT], ids=["-m", "script"])
def test_late_imports_and_workers_do_not_use_the_current_folder(folder, workshop, command):
    out = folder / "m.joblib"
    arguments = ("fit", workshop / "recipe.yaml", "--jobs", 2, "--out", out)
    ended, imported = run(folder, command, *arguments)
    assert imported == []
    assert ended.returncode == 0, ended.stderr


def test_other_programs_import_from_the_current_folder(folder):
    # Otherwise the other tests would pass without checking anything.
    _, imported = run(folder, [sys.executable, "-c", "import joblib"])
    assert imported == ["joblib"]


@pytest.mark.parametrize("entries", ["", "{0}nowhere", "nowhere{0}"])
def test_an_empty_entry_of_pythonpath_is_not_the_current_folder(folder, entries):
    _without_standard_library(folder)
    entries = entries.format(os.pathsep)
    ended, imported = run(folder, DASH_M, "--version", PYTHONPATH=entries)
    assert imported == []
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("entry", [os.curdir, "{}"])
def test_the_current_folder_in_pythonpath_is_imported_from(folder, entry):
    # This lets recipes use custom steps.
    _without_standard_library(folder)
    _, imported = run(folder, DASH_M, "--version", PYTHONPATH=entry.format(folder))
    assert "typer" in imported


def _without_standard_library(folder):
    """Remove modules that would replace the standard library if PYTHONPATH has the folder."""
    for path in folder.iterdir():
        if path.stem in sys.stdlib_module_names:
            path.unlink()
