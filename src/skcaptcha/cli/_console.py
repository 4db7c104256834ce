"""What the commands print in the terminal: sentences, tables and progress, in any encoding."""

# ruff: noqa: PLC0415 - heavy imports are late, so that --help is fast

from __future__ import annotations

import codecs
import io
import os
import shlex
import sys
from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skcaptcha._display import progress as _progress
from skcaptcha._display.percent import percent_with_interval
from skcaptcha._display.printable import printable
from skcaptcha.cli._output import STDOUT
from skcaptcha.cli._verbosity import is_quiet

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

# File names and values may contain what rich would interpret, such as [/b] and :x:.
_LITERAL: dict[str, Any] = {"highlight": False, "markup": False, "emoji": False}

_HANDLER = "skcaptcha.escape"


def say(sentence: str) -> None:
    """Print one line to standard error without wrapping it."""
    print(printable(sentence), file=sys.stderr, flush=True)


def note(sentence: str) -> None:
    """Print one line to standard error, unless ``--quiet`` was given."""
    if not is_quiet():
        say(sentence)


def note_labels(folder: Path, file: Path | None = None, *, left_out: bool = True) -> None:
    """Print where the labels of a folder come from, and how many of its images have none.

    Nothing is said about labels.csv, labels.txt, and images named by their labels. ``left_out`` is
    whether images without a label are left out.
    """
    from skcaptcha.datasets._find_labels import IMAGE_NAMES, find_labels

    found = find_labels(folder, file)
    if found.source not in ("labels.csv", "labels.txt", IMAGE_NAMES):
        note(f"{folder}: labels are taken from {found.source}")
    if n := found.n_unlabeled:
        verbs = ("has", " and is left out") if n == 1 else ("have", " and are left out")
        note(
            f"{folder}: {n} of its {len(found.names)} images {verbs[0]} no label"
            f"{verbs[1] * left_out}; to label more: "
            f"{shlex.join(['skcaptcha', 'label', str(folder)])}"
        )


def report_console(json_file: Path | None = None) -> Console:
    """Return the console for summaries: standard output, or standard error if `json_file`
    is ``-``. With ``--quiet`` it prints nothing.
    """  # noqa: D205 - one sentence does not fit
    from rich.console import Console

    return Console(stderr=json_file == STDOUT, quiet=is_quiet(), **_LITERAL)


def result_console() -> Console:
    """Return the console for results: standard output, also with ``--quiet``."""
    from rich.console import Console

    return Console(**_LITERAL)


def summary_table(rows: Iterable[tuple[str, str]]) -> Table:
    """Return a table of names and values, as all commands print it."""
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, value)
    return table


def empty_table(*columns: str, right: Collection[str] = ()) -> Table:
    """Return a table with these columns and no rows; columns in `right` are aligned right."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name, justify="right" if name in right else "left", overflow="fold")
    return table


def with_interval(metrics: dict[str, Any], name: str) -> str:
    """Return a proportion among the metrics of `skcaptcha.inspection.summarize`, as text.

    Examples
    --------
    >>> from skcaptcha.cli._console import with_interval
    >>> metrics = {"n": 96, "string_accuracy": 0.5, "string_accuracy_interval": (0.4, 0.6)}
    >>> with_interval(metrics, "string_accuracy")
    '50 % (95 % interval 40 to 60 %)'
    """
    n = metrics["n_characters" if name == "character_accuracy" else "n"]
    return percent_with_interval(metrics[name], metrics[f"{name}_interval"], n)


def shows_progress() -> bool:
    """Return whether progress is shown: on a terminal, without ``--quiet``."""
    return sys.stderr.isatty() and not is_quiet()


def progress(
    title: str, total: int | None, *, show: bool = True
) -> AbstractContextManager[Callable[[int], None]]:
    """Show a progress bar on standard error if it is a terminal.

    The context is a function that takes the number of items done since its last call. `total` is
    None if the number of items is not known.
    """
    return _progress.progress(title, total, show=show and shows_progress())


def prepare_streams() -> None:
    r"""Open the standard streams that are closed, and escape what their encoding lacks.

    Such a letter is shown as in Python, for example as ``\xe9``. Bytes of a file name that are not
    text stay as they are, so that the name can be passed on.
    """
    codecs.register_error(_HANDLER, _escape)
    for name in ("stdin", "stdout", "stderr"):
        # A stream that was closed, as by >&-, is None, which libraries do not expect.
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r+", encoding="utf-8"))  # noqa: SIM115 - stays open
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def _escape(error: UnicodeError) -> tuple[bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return b"".join(map(_byte_or_escape, lacking)), error.end


def _byte_or_escape(character: str) -> bytes:
    try:
        return character.encode("ascii", "surrogateescape")
    except UnicodeEncodeError:
        return character.encode("ascii", "backslashreplace")
