"""Errors that are kept when the work goes on."""

from __future__ import annotations

from typing import TypeVar

_Error = TypeVar("_Error", bound=BaseException)


def kept(error: _Error) -> _Error:
    """Let go of what an error holds beside its message: the images that its traceback leads to.

    Parameters
    ----------
    error : exception
        Caught; changed.

    Returns
    -------
    error : exception
        The same, without traceback, cause and context.

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
    error.__cause__ = error.__context__ = error.__traceback__ = None
    return error
