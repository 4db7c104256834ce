"""The outcomes of a grid search, written to a journal while the search runs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, Self

from skcaptcha import exceptions
from skcaptcha.model_selection._journal import Journal

Outcome = dict[str, Any]


class Checkpoint:
    """A context manager that writes the outcomes of candidates in splits to a journal.

    ``known`` maps the candidate and the split of each outcome in the journal to that outcome. With
    None as path, nothing is written.
    """

    def __init__(self, path: str | os.PathLike[str] | None, parts: Mapping[str, Any]) -> None:
        self._journal = None if path is None else Journal(path, parts)
        self.known: dict[tuple[int, int], Outcome] = {
            (record["candidate"], record["split"]): {
                **record["outcome"],
                "fit_error": _to_error(record["outcome"]["fit_error"]),
            }
            for record in (self._journal.records if self._journal else [])
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._journal:
            self._journal.__exit__(*error)

    def write(self, outcomes: Iterable[tuple[int, int, Outcome]]) -> None:
        """Write outcomes, each with the numbers of its candidate and split."""
        if self._journal:
            self._journal.append(
                {
                    "candidate": candidate,
                    "split": split,
                    "outcome": outcome | {"fit_error": _from_error(outcome["fit_error"])},
                }
                for candidate, split, outcome in outcomes
            )


def _from_error(error: Exception | None) -> dict[str, Any] | None:
    if error is None:
        return None
    plain = all(isinstance(arg, str | int | None) for arg in error.args)
    return {
        "type": type(error).__name__,
        "message": str(error),
        "args": error.args if plain else [str(error)],
    }


def _to_error(record: Mapping[str, Any] | None) -> Exception | None:
    """Return an error with the same class name and message, and of our own class if it was."""
    if record is None:
        return None
    ours: type[Exception] | None = getattr(exceptions, record["type"], None)
    if ours is not None:
        return ours(*record["args"])
    kind: type[Exception] = type(record["type"], (Exception,), {})
    return kind(record["message"])
