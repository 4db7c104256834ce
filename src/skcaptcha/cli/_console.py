"""What the commands say in the terminal: sentences, tables, progress."""

# ruff: noqa: PLC0415 - what --help does not need is imported late, so that it answers at once

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skcaptcha._display import progress as _progress
from skcaptcha._display.printable import printable
from skcaptcha.cli._output import STDOUT
from skcaptcha.cli._verbosity import is_quiet

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

# Names of files and values may hold what rich would take for its own signs, such as [/b] and :x:.
_AS_IT_IS: dict[str, Any] = {"highlight": False, "markup": False, "emoji": False}


def say(sentence: str) -> None:
    """Write one line to the standard error, whatever the width of the terminal.

    Parameters
    ----------
    sentence : str
    """
    print(printable(sentence), file=sys.stderr, flush=True)


def note(sentence: str) -> None:
    """Write one line to the standard error, unless ``--quiet`` was given.

    Parameters
    ----------
    sentence : str
        What is no warning, and no result that somebody asked for.
    """
    if not is_quiet():
        say(sentence)


def report_console(json_file: Path | None = None) -> Console:
    """Give the console for summaries: the standard output, unless JSON goes there.

    With ``--quiet`` it shows nothing; what was asked for goes to `result_console`.

    Parameters
    ----------
    json_file : Path or None
        What ``--json`` was given.

    Returns
    -------
    console : Console
    """
    from rich.console import Console

    return Console(stderr=json_file == STDOUT, quiet=is_quiet(), **_AS_IT_IS)


def result_console() -> Console:
    """Give the console for what was asked for: the standard output, also with ``--quiet``.

    Returns
    -------
    console : Console
    """
    from rich.console import Console

    return Console(**_AS_IT_IS)


def figures_table() -> Table:
    """Give an empty table of names and figures, in the look that all commands share.

    Returns
    -------
    table : Table
        Of two columns.
    """
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    return table


def visible(character: str) -> str:
    """Write a character so that it is seen, even if it is a space.

    Parameters
    ----------
    character : str

    Returns
    -------
    text : str

    Examples
    --------
    >>> from skcaptcha.cli._console import visible
    >>> print(visible("a"), visible(" "))
    a ' '
    """
    return repr(character) if character.isspace() or not character.isprintable() else character


def shows_progress() -> bool:
    """Tell whether there is somebody to see progress: the standard error is a terminal.

    Returns
    -------
    shown : bool
        Never with ``--quiet``.
    """
    return sys.stderr.isatty() and not is_quiet()


def progress(
    title: str, total: int | None, *, show: bool = True
) -> AbstractContextManager[Callable[[int], None]]:
    """Show a bar with speed and time left on the standard error, if that is a terminal.

    Parameters
    ----------
    title : str
    total : int or None
        None: nobody knows yet.
    show : bool, default=True
        False for work that is over before anybody reads the bar, or that prints as it goes on.

    Returns
    -------
    context : context manager
        Gives what takes the number of pieces that are done since the last call.
    """
    return _progress.progress(title, total, show=show and shows_progress())
