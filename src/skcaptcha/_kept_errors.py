"""Errors that are kept when the work goes on."""

from __future__ import annotations

from typing import TypeVar

_Error = TypeVar("_Error", bound=BaseException)


def kept(error: _Error) -> _Error:
    """Let go of the images that the tracebacks of an error and of its causes lead to.

    Parameters
    ----------
    error : exception
        Caught; changed.

    Returns
    -------
    error : exception
        The same, without traceback and context; its causes, too.

    Examples
    --------
    >>> from skcaptcha._kept_errors import kept
    >>> try:
    ...     int("no number")
    ... except ValueError as caught:
    ...     error = kept(caught)
    >>> print(error, error.__traceback__)
    invalid literal for int() with base 10: 'no number' None
    """
    one: BaseException | None = error
    while one is not None:
        one.__context__ = one.__traceback__ = None
        one = one.__cause__
    return error
