"""What the commands write to the terminal: sentences, tables, progress."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skcaptcha.cli._files import replacing

if TYPE_CHECKING:
    from rich.console import Console

STDOUT = Path("-")


def say(sentence: str) -> None:
    """Write one line to the standard error, whatever the width of the terminal."""
    print(sentence, file=sys.stderr, flush=True)


def report_console(json_file: Path | None) -> Console:
    """Give the console for tables: the standard output, unless JSON goes there.

    Parameters
    ----------
    json_file : Path or None
        What ``--json`` was given.

    Returns
    -------
    console : Console
    """
    from rich.console import Console

    return Console(stderr=json_file == STDOUT, highlight=False)


def write_json(report: Mapping[str, Any], file: Path | None) -> None:
    """Write what ``--json`` asks for.

    Parameters
    ----------
    report : mapping
    file : Path or None
        ``-`` is the standard output; None: nothing is written.
    """
    if file is None:
        return
    text = json.dumps(report, indent=2, ensure_ascii=False, default=_plain)
    if file == STDOUT:
        print(text)
        return
    with replacing(file) as stream:
        stream.write(text + "\n")


def _plain(value: Any) -> Any:
    """What JSON does not know: numpy scalars and arrays, estimators, paths."""
    return value.tolist() if hasattr(value, "tolist") else str(value)


@contextmanager
def progress(title: str, total: int, *, show: bool = True) -> Iterator[Callable[[int], None]]:
    """Show a bar with the time left on the standard error, if that is a terminal.

    Parameters
    ----------
    title : str
    total : int
    show : bool, default=True
        False for work that is over before anybody reads the bar.

    Yields
    ------
    advance : callable
        Takes the number of pieces that are done since the last call.
    """
    if not (show and sys.stderr.isatty()):
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda done: bar.advance(task, done)
