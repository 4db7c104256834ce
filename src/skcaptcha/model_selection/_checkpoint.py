"""The outcomes of a grid search, kept in a journal as they come."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, Self

from skcaptcha import exceptions
from skcaptcha.model_selection._journal import Journal

Outcome = dict[str, Any]


class Checkpoint:
    """What is known of candidates in splits; a context manager.

    Parameters
    ----------
    path : path-like or None
        The journal's file; None: nothing is kept.
    parts : mapping of str to object
        See `Journal`.

    Attributes
    ----------
    known : dict of (int, int) to dict
        The outcomes that were there already, by candidate and split.
    """

    def __init__(self, path: str | os.PathLike[str] | None, parts: Mapping[str, Any]) -> None:
        self._journal = None if path is None else Journal(path, parts)
        records = self._journal.records if self._journal else []
        self.known: dict[tuple[int, int], Outcome] = {
            (record["candidate"], record["split"]): {
                **record["outcome"],
                "fit_error": _error(record["outcome"]["fit_error"]),
            }
            for record in records
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._journal:
            self._journal.__exit__(*error)

    def keep(self, outcomes: Iterable[tuple[int, int, Outcome]]) -> None:
        """Write outcomes of candidates in splits.

        Parameters
        ----------
        outcomes : iterable of (int, int, dict)
        """
        if self._journal:
            self._journal.append(
                {
                    "candidate": candidate,
                    "split": split,
                    "outcome": outcome | {"fit_error": _described(outcome["fit_error"])},
                }
                for candidate, split, outcome in outcomes
            )


def _described(error: Exception | None) -> dict[str, Any] | None:
    if error is None:
        return None
    plain = all(isinstance(arg, str | int | None) for arg in error.args)
    return {
        "type": type(error).__name__,
        "message": str(error),
        "args": error.args if plain else [str(error)],
    }


def _error(described: Mapping[str, Any] | None) -> Exception | None:
    """Give an error of the same name and message; one of this package is of the same class."""
    if described is None:
        return None
    ours = getattr(exceptions, described["type"], None)
    if ours is not None:
        error: Exception = ours(*described["args"])
        return error
    kind: type[Exception] = type(described["type"], (Exception,), {})
    return kind(described["message"])
