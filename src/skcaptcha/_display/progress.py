"""Progress of what takes long: what, how many, how fast, how long."""

# ruff: noqa: PLC0415 - what --help does not need is imported late, so that it answers at once

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn, Task

_LEAST_FOR_NAME_AND_BAR = 16  # columns of a terminal

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
    >>> from skcaptcha._display.progress import progress
    >>> with progress("reading", 3, show=False) as advance:
    ...     for _ in range(3):
    ...         advance(1)
    """
    if not show:
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    pace = Pace()

    def figures_of(task: Task) -> str:
        speed = pace.speed(task.completed, task.elapsed or 0)
        left = (task.total - task.completed) / speed if speed and task.total else None
        for shown in ((speed, left), (None, left), (None, None)):
            text = figures(task.completed, task.total, shown[0], task.elapsed, shown[1])
            if len(text) <= console.width - _LEAST_FOR_NAME_AND_BAR:
                break
        return text

    console = Console(stderr=True)
    columns = line_of(console, figures_of)
    # In a file, what was done stays. Left to itself, rich would send what is printed meanwhile to
    # the bar's console.
    with Progress(
        *columns, console=console, transient=console.is_terminal, redirect_stdout=False
    ) as bar:
        task = bar.add_task(title, total=total)
        with known(bar):
            yield lambda done: bar.advance(task, done)


class Pace:
    """How many pieces a second: of those done after the first second.

    In that, what was known already is counted, and the first pieces come all at once.

    Examples
    --------
    >>> from skcaptcha._display.progress import Pace
    >>> pace = Pace()
    >>> [pace.speed(done, seconds) for done, seconds in [(900, 0.1), (900, 1.0), (920, 5.0)]]
    [None, None, 5.0]
    """

    def __init__(self) -> None:
        self._first: tuple[float, float] | None = None

    def speed(self, done: float, elapsed: float) -> float | None:
        """Give it; None: it cannot be told yet.

        Parameters
        ----------
        done : float
            Pieces.
        elapsed : float
            Seconds.

        Returns
        -------
        speed : float or None
        """
        if elapsed < 1:
            return None
        if self._first is None:
            self._first = done, elapsed
        since = elapsed - self._first[1]
        more = done - self._first[0]
        return more / since if since >= 1 and more > 0 else None


def line_of(
    console: Console,
    figures_of: Callable[[Task], str],
    share_of: Callable[[Task], float] | None = None,
) -> tuple[ProgressColumn, ...]:
    """Give the columns of a line of progress: a name, a bar, figures.

    The figures are shown whole, with the clock; in a narrow terminal, the name is shortened.

    Parameters
    ----------
    console : rich.console.Console
    figures_of : callable
        Gives the figures of a task.
    share_of : callable, optional
        Gives how much of a task is done, in 0..1; by default its pieces tell.

    Returns
    -------
    columns : tuple of rich.progress.ProgressColumn
    """
    from rich.cells import cell_len
    from rich.progress import ProgressColumn
    from rich.progress_bar import ProgressBar
    from rich.text import Text

    def width_of_bar() -> int:
        return max(4, min(40, console.width // 6))

    class Name(ProgressColumn):
        def render(self, task: Task) -> Text:
            room = console.width - width_of_bar() - cell_len(figures_of(task)) - 3
            name = Text(task.description, no_wrap=True)
            name.truncate(max(room, 1), overflow="ellipsis")
            return name

    class Bar(ProgressColumn):
        def render(self, task: Task) -> ProgressBar:
            total = task.total if share_of is None else 1.0
            return ProgressBar(
                total=total,
                completed=task.completed if share_of is None else share_of(task),
                width=width_of_bar(),
                pulse=total is None,
                animation_time=task.get_time(),
            )

    class Figures(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(figures_of(task), no_wrap=True)

    return Name(), Bar(), Figures()


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
    >>> from skcaptcha._display.progress import figures
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
        parts.append(clock(elapsed))
    if left is not None and total is not None and done < total:
        parts.append(f"{clock(left)} left")
    return ", ".join(parts)


def clock(seconds: float) -> str:
    """Write a time as hours, minutes and seconds.

    Parameters
    ----------
    seconds : float

    Returns
    -------
    text : str

    Examples
    --------
    >>> from skcaptcha._display.progress import clock
    >>> clock(75.9), clock(3675)
    ('1:15', '1:01:15')
    """
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
