"""Start times of commands."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from .reading import CASES, files_of, model_of
from .rows import Row, ratio
from .timing import in_turn, seconds

_MODULES = """
import runpy, sys
sys.argv = {argv!r}
try:
    runpy.run_module("skcaptcha", run_name="__main__")
except SystemExit:
    pass
names = [n for n in sys.modules if not n.startswith(("skcaptcha", "__"))]
print("\\n".join(names), file=open({out!r}, "w"))
"""
_IMPORT = """
import importlib
for name in open({file!r}).read().split():
    try:
        importlib.import_module(name)
    except Exception:
        pass
"""


def starts(data: Path, work: Path, repeat: int) -> Iterator[Row]:
    """Compare the time of --help and of the first image with the time of their imports."""
    plain = [sys.executable, "-c", "import typer, rich"]
    own, other = in_turn(
        partial(_run, [sys.executable, "-m", "skcaptcha", "--help"]),
        partial(_run, plain),
        repeat=2 * repeat,
    )
    yield ratio("start", "--help", "import typer, rich", own, other, n=1, at_most=1.5)
    case = CASES[0]
    predict = ["predict", *files_of(case, data, 1), "--model", str(model_of(case, data, work))]
    names = work / "modules.txt"
    code = _MODULES.format(argv=["skcaptcha", *predict], out=str(names))
    _run([sys.executable, "-c", code])
    own, other = in_turn(
        partial(_run, [sys.executable, "-m", "skcaptcha", *predict]),
        partial(_run, [sys.executable, "-c", _IMPORT.format(file=str(names))]),
        repeat=repeat,
    )
    yield ratio("start", "predict, one image", "its imports", own, other, n=1, at_most=1.3)


def _run(command: list[str]) -> float:
    return seconds(partial(subprocess.run, command, check=True, capture_output=True))
