"""The steps of a pipeline, including those of nested pipelines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sklearn.pipeline import Pipeline


def leaf_steps(model: Pipeline, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield name and estimator of each step; steps of a nested pipeline are named "outer.inner"."""
    for name, step in model.steps:
        if isinstance(step, Pipeline):
            yield from leaf_steps(step, f"{path}{name}.")
        else:
            yield f"{path}{name}", step
