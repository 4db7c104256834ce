"""Progress of what takes long: what, how many, how fast, how long."""

# ruff: noqa: PLC0415 - what --help does not need is imported late, so that it answers at once

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

_shown: list[Progress] = []


def take_down() -> None:
    """Take down all bars, from whatever thread, before the process ends without doing so."""
    for bar in reversed(_shown):
        bar.stop()


@contextmanager
def known(bar: Progress) -> Iterator[None]:
    """Have `take_down` know of a bar.

    Parameters
    ----------
    bar : rich.progress.Progress
        One that is shown.
    """
    _shown.append(bar)
    try:
        yield
    finally:
        _shown.remove(bar)


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
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
    from rich.text import Text

    class Figures(ProgressColumn):
        """How many, how fast, how long."""

        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text(
                figures(task.completed, task.total, speed, task.elapsed, task.time_remaining)
            )

    columns = (TextColumn("{task.description}"), BarColumn(), Figures())
    console = Console(stderr=True)
    # In a file, what was done stays. Left to itself, rich would send what is printed meanwhile to
    # the bar's console.
    with Progress(
        *columns, console=console, transient=console.is_terminal, redirect_stdout=False
    ) as bar:
        task = bar.add_task(title, total=total)
        with known(bar):
            yield lambda done: bar.advance(task, done)


def figures(
    done: float,
    total: float | None,
    speed: float | None,
    elapsed: float | None,
    left: float | None,
) -> str:
    """Write how far something is.

    Parameters
    ----------
    done : float
    total : float or None
        None: not known.
    speed : float or None
        Pieces a second.
    elapsed, left : float or None
        Seconds.

    Returns
    -------
    text : str

    Examples
    --------
    >>> from skcaptcha._progress import figures
    >>> figures(1200, 5000, 310.4, 3.9, 12.2)
    '1,200 of 5,000, 310 a second, 0:03, 0:12 left'
    >>> figures(3, 5, 0.04, 75, 50), figures(0, None, None, 75, None)
    ('3 of 5, 25.0 s each, 1:15, 0:50 left', '1:15')
    """
    parts = []
    if total is not None:
        parts.append(f"{done:,.0f} of {total:,.0f}")
    elif done:
        parts.append(f"{done:,.0f}")
    if done and speed:
        parts.append(
            f"{speed:,.0f} a second"
            if speed >= 10
            else f"{speed:,.1f} a second"
            if speed >= 1
            else f"{1 / speed:,.1f} s each"
        )
    if elapsed is not None:
        parts.append(_clock(elapsed))
    if left is not None and total is not None and done < total:
        parts.append(f"{_clock(left)} left")
    return ", ".join(parts)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
