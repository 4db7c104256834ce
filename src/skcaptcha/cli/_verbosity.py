"""How much the commands say: ``--quiet`` and ``--verbose``, before or after the command's name."""

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

Quiet = Annotated[
    bool,
    typer.Option("--quiet", help="No progress and no summary: only results, warnings and errors."),
]
Verbose = Annotated[
    bool, typer.Option("--verbose", help="Say on the standard error what is being done, and when.")
]

_FORMAT = "%(asctime)s %(name)s: %(message)s"
_logger = logging.getLogger("skcaptcha")


class _Said(logging.Handler):
    """Writes to what is the standard error at the time, so that bars stay below."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr, flush=True)


class _Verbosity:
    """What was asked for; one for the whole process, like the streams that it concerns."""

    quiet = False
    handler: logging.Handler | None = None


def is_quiet() -> bool:
    """Tell whether ``--quiet`` was given.

    Returns
    -------
    quiet : bool
    """
    return _Verbosity.quiet


def set_verbosity(*, quiet: bool, verbose: bool) -> None:
    """Say as much from now on as was asked for.

    Parameters
    ----------
    quiet, verbose : bool

    Raises
    ------
    typer.BadParameter
        If both are asked for.
    """
    if quiet and verbose:
        raise typer.BadParameter("--quiet and --verbose exclude each other")
    _Verbosity.quiet = quiet
    if _Verbosity.handler is not None:
        _logger.removeHandler(_Verbosity.handler)
        _logger.setLevel(logging.NOTSET)
        _Verbosity.handler = None
    if verbose:
        _Verbosity.handler = _Said()
        _Verbosity.handler.setFormatter(logging.Formatter(_FORMAT, "%H:%M:%S"))
        _logger.addHandler(_Verbosity.handler)
        _logger.setLevel(logging.DEBUG)


@contextmanager
def warnings_said(name: str) -> Iterator[None]:
    """Show the warnings that a part of the package logs.

    Parameters
    ----------
    name : str
        Of its logger.
    """
    logger, handler = logging.getLogger(name), _Said(logging.WARNING)
    handler.setFormatter(logging.Formatter("warning: %(message)s"))
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def with_verbosity(command: Callable[..., None]) -> Callable[..., None]:
    """Have a command take ``--quiet`` and ``--verbose`` too.

    Parameters
    ----------
    command : callable
        With the annotations that typer reads.

    Returns
    -------
    command : callable
    """

    @wraps(command)
    def talking(*args: Any, quiet: bool, verbose: bool, **options: Any) -> None:
        before = _Verbosity.quiet, _Verbosity.handler is not None
        set_verbosity(quiet=quiet or before[0], verbose=verbose or before[1])
        begin = time.perf_counter()
        try:
            command(*args, **options)
        finally:
            _logger.info("%.2f s%s", time.perf_counter() - begin, _most_memory())

    hints = typing.get_type_hints(command, include_extras=True)
    kinds = {"quiet": Quiet, "verbose": Verbose}
    own = inspect.signature(command).parameters.values()
    parameters = [p.replace(annotation=hints[p.name]) for p in own]
    parameters += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=kind)
        for name, kind in kinds.items()
    ]
    talking.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    talking.__annotations__ = {p.name: p.annotation for p in parameters}
    return talking


def _most_memory() -> str:
    """The most memory that this process had, where the system tells."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return ""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (
        f", {most / (2**20 if sys.platform == 'darwin' else 2**10):,.0f} MB of memory at the most"
    )
