"""Progress of drawing and writing captchas, whose functions have no parameter for it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_advance: ContextVar[Callable[[int], None]] = ContextVar("advance", default=lambda n: None)


@contextmanager
def report_progress(advance: Callable[[int], None]) -> Iterator[None]:
    """Call a function with the number of captchas drawn or written since its last call."""
    token = _advance.set(advance)
    try:
        yield
    finally:
        _advance.reset(token)


def advance_progress() -> None:
    """Report that one more captcha is drawn or written."""
    _advance.get()(1)
