"""Progress of what takes long: what, how many, how fast, how long."""

# ruff: noqa: PLC0415 - what --help does not need is imported late, so that it answers at once

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(
    title: str, total: int | None, *, show: bool = True
) -> Iterator[Callable[[int], None]]:
    """Show a bar on the standard error until the work is done.

    Parameters
    ----------
    title : str
        What is being done.
    total : int or None
        Of how many pieces it consists; None: nobody knows yet.
    show : bool, default=True

    Yields
    ------
    advance : callable
        Takes the number of pieces that are done since the last call.

    Examples
    --------
    >>> from skcaptcha._progress import progress
    >>> with progress("reading", 3, show=False) as advance:
    ...     for _ in range(3):
    ...         advance(1)
    """
    if not show:
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        """How fast it goes."""

        def render(self, task: Task) -> Text:
            return Text(rate(task.finished_speed or task.speed))

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
    )
    # Left to itself, rich would send what is printed meanwhile to the bar's console.
    with Progress(
        *columns, console=Console(stderr=True), transient=True, redirect_stdout=False
    ) as bar:
        task = bar.add_task(title, total=total)
        yield lambda done: bar.advance(task, done)


def rate(speed: float | None) -> str:
    """Write how fast something goes.

    Parameters
    ----------
    speed : float or None
        Pieces a second; None: not known yet.

    Returns
    -------
    text : str

    Examples
    --------
    >>> from skcaptcha._progress import rate
    >>> rate(1234.5), rate(2.5), rate(0.04), rate(None)
    ('1,234/s', '2.5/s', '25.0 s each', '')
    """
    if not speed:
        return ""
    if speed < 1:
        return f"{1 / speed:,.1f} s each"
    return f"{speed:,.1f}/s" if speed < 10 else f"{speed:,.0f}/s"
