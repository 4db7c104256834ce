"""How much the commands print: ``--quiet`` and ``--verbose``, before or after the command."""

from __future__ import annotations

import inspect
import logging
import sys
import time
import typing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Annotated, Any

import typer

from skcaptcha._display.printable import printable

Quiet = Annotated[
    bool,
    typer.Option("--quiet", help="Print results, warnings and errors, but no progress or summary."),
]
Verbose = Annotated[
    bool, typer.Option("--verbose", help="Log each step with its time on standard error.")
]

_FORMAT = "%(asctime)s %(name)s: %(message)s"
_logger = logging.getLogger("skcaptcha")


class _ToStderr(logging.Handler):
    """Handler that prints to the current standard error, so that progress bars stay below."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr, flush=True)


class _Verbosity:
    """State of the process, like the streams that it concerns."""

    quiet = False
    handler: logging.Handler | None = None


def is_quiet() -> bool:
    """Return whether ``--quiet`` was given."""
    return _Verbosity.quiet


def set_verbosity(*, quiet: bool, verbose: bool) -> None:
    """Set how much is printed from now on; the options cannot be combined."""
    if quiet and verbose:
        raise typer.BadParameter("--quiet and --verbose cannot be combined; use one of them")
    _Verbosity.quiet = quiet
    if _Verbosity.handler is not None:
        _logger.removeHandler(_Verbosity.handler)
        _logger.setLevel(logging.NOTSET)
        _Verbosity.handler = None
    if verbose:
        _Verbosity.handler = _ToStderr()
        _Verbosity.handler.addFilter(lambda record: record.levelno < logging.WARNING)
        _Verbosity.handler.setFormatter(logging.Formatter(_FORMAT, "%H:%M:%S"))
        _logger.addHandler(_Verbosity.handler)
        _logger.setLevel(logging.DEBUG)


@contextmanager
def show_log_messages() -> Iterator[None]:
    """Print the warnings of the package's log, and the errors of single inputs as they are."""

    class Formatter(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            prefix = "warning: " if record.levelno == logging.WARNING else ""
            return prefix + printable(record.getMessage())

    handler = _ToStderr(logging.WARNING)
    handler.setFormatter(Formatter())
    _logger.addHandler(handler)
    try:
        yield
    finally:
        _logger.removeHandler(handler)


def with_verbosity(command: Callable[..., None]) -> Callable[..., None]:
    """Add ``--quiet`` and ``--verbose`` to a command, whose annotations typer reads."""

    @wraps(command)
    def wrapper(*args: Any, quiet: bool, verbose: bool, **options: Any) -> None:
        before = _Verbosity.quiet, _Verbosity.handler is not None
        set_verbosity(quiet=quiet or before[0], verbose=verbose or before[1])
        begin = time.perf_counter()
        try:
            command(*args, **options)
        finally:
            _logger.info("%.2f s%s", time.perf_counter() - begin, _peak_memory())

    hints = typing.get_type_hints(command, include_extras=True)
    kinds = {"quiet": Quiet, "verbose": Verbose}
    own = inspect.signature(command).parameters.values()
    parameters = [p.replace(annotation=hints[p.name]) for p in own]
    parameters += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=kind)
        for name, kind in kinds.items()
    ]
    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {p.name: p.annotation for p in parameters}
    return wrapper


def _peak_memory() -> str:
    """Return the peak memory of this process as text; "" if the system does not measure it."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return ""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return f", peak memory {peak / (2**20 if sys.platform == 'darwin' else 2**10):,.0f} MB"
