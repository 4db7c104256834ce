"""Progress bars: what is done, how far, how fast, and the time left."""

# ruff: noqa: PLC0415 - what --help does not need is imported late, so that it answers at once

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn, Task

_MIN_WIDTH_OF_NAME_AND_BAR = 16  # columns of a terminal

_shown: list[Progress] = []


def stop_bars() -> None:
    """Remove all progress bars, from any thread, before the process exits without cleanup."""
    for bar in reversed(_shown):
        bar.stop()


@contextmanager
def registered(bar: Progress) -> Iterator[None]:
    """Make `stop_bars` remove a bar that is shown."""
    _shown.append(bar)
    try:
        yield
    finally:
        _shown.remove(bar)


@contextmanager
def progress(
    title: str, total: int | None, *, show: bool = True
) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on standard error until the context ends.

    `total` is the number of items, or None if it is unknown. Yield a function whose argument is the
    number of items done since its last call.
    """
    if not show:
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    pace = _Pace()

    def text_of(task: Task) -> str:
        speed = pace.speed(task.completed, task.elapsed or 0)
        left = (task.total - task.completed) / speed if speed and task.total else None
        for shown in ((speed, left), (None, left), (None, None)):
            text = _progress_text(task.completed, task.total, shown[0], task.elapsed, shown[1])
            if len(text) <= console.width - _MIN_WIDTH_OF_NAME_AND_BAR:
                break
        return text

    console = Console(stderr=True)
    # If standard error is a file, the last state of the bar stays in it. By default rich would
    # send other output to the bar's console while the bar is shown.
    with Progress(
        *progress_columns(console, text_of),
        console=console,
        transient=console.is_terminal,
        redirect_stdout=False,
    ) as bar:
        task = bar.add_task(title, total=total)
        with registered(bar):
            yield lambda done: bar.advance(task, done)


class _Pace:
    """Items per second since the end of the first second.

    The first second is left out because cached results are counted in it, and the first items
    arrive together.

    >>> pace = _Pace()
    >>> [pace.speed(done, seconds) for done, seconds in [(900, 0.1), (900, 1.0), (920, 5.0)]]
    [None, None, 5.0]
    """

    def __init__(self) -> None:
        self._first: tuple[float, float] | None = None

    def speed(self, done: float, elapsed: float) -> float | None:
        """Return the items per second, or None if it is too early to estimate them."""
        if elapsed < 1:
            return None
        if self._first is None:
            self._first = done, elapsed
        since = elapsed - self._first[1]
        more = done - self._first[0]
        return more / since if since >= 1 and more > 0 else None


def progress_columns(
    console: Console,
    text_of: Callable[[Task], str],
    fraction_of: Callable[[Task], float] | None = None,
) -> tuple[ProgressColumn, ...]:
    """Return the columns of a progress bar: a name, the bar, and a text.

    `fraction_of` returns the completed fraction of a task, by default that of its items. In a
    narrow terminal the name is shortened, but not the text.
    """
    from rich.cells import cell_len
    from rich.progress import ProgressColumn
    from rich.progress_bar import ProgressBar
    from rich.text import Text

    def bar_width() -> int:
        return max(4, min(40, console.width // 6))

    class Name(ProgressColumn):
        def render(self, task: Task) -> Text:
            width = console.width - bar_width() - cell_len(text_of(task)) - 3
            name = Text(task.description, no_wrap=True)
            name.truncate(max(width, 1), overflow="ellipsis")
            return name

    class Bar(ProgressColumn):
        def render(self, task: Task) -> ProgressBar:
            total = task.total if fraction_of is None else 1.0
            return ProgressBar(
                total=total,
                completed=task.completed if fraction_of is None else fraction_of(task),
                width=bar_width(),
                pulse=total is None,
                animation_time=task.get_time(),
            )

    class Numbers(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(text_of(task), no_wrap=True)

    return Name(), Bar(), Numbers()


def _progress_text(
    done: float,
    total: float | None,
    speed: float | None,
    elapsed: float | None,
    left: float | None,
) -> str:
    """Format the number of items done, the items per second, and the seconds elapsed and left.

    >>> _progress_text(1200, 5000, 310.4, 3.9, 12.2)
    '1,200 of 5,000, 310 a second, 0:03, 0:12 left'
    >>> _progress_text(3, 5, 0.04, 75, 50), _progress_text(0, None, None, 75, None)
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
        parts.append(format_duration(elapsed))
    if left is not None and total is not None and done < total:
        parts.append(f"{format_duration(left)} left")
    return ", ".join(parts)


def format_duration(seconds: float) -> str:
    """Format a duration as hours, minutes and seconds.

    >>> format_duration(75.9), format_duration(3675)
    ('1:15', '1:01:15')
    """
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
