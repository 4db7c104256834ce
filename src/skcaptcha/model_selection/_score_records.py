"""Scores of a grid search as records of a journal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skcaptcha import exceptions
from skcaptcha.model_selection._shared_steps import Score


def record_of(score: Score) -> dict[str, Any]:
    """Return the record of a score."""
    error = score.outcome["fit_error"]
    if error is not None:
        plain = all(isinstance(arg, str | int | None) for arg in error.args)
        error = {
            "type": type(error).__name__,
            "message": str(error),
            "args": error.args if plain else [str(error)],
        }
    return {
        "candidate": score.candidate,
        "split": score.split,
        "outcome": score.outcome | {"fit_error": error},
    }


def score_of(record: Mapping[str, Any]) -> Score:
    """Return the score of a record; errors of this package keep their class, others its name."""
    error = record["outcome"]["fit_error"]
    if error is not None:
        ours: type[Exception] | None = getattr(exceptions, error["type"], None)
        other: type[Exception] = type(error["type"], (Exception,), {})
        error = ours(*error["args"]) if ours else other(error["message"])
    outcome = {**record["outcome"], "fit_error": error}
    return Score(record["candidate"], record["split"], outcome)
