"""What the functions of this package take as a model: a pipeline, or a search that found one."""

from __future__ import annotations

from typing import Any, TypeAlias

from sklearn.exceptions import NotFittedError
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline

Model: TypeAlias = Pipeline | BaseSearchCV
"""A Pipeline, or a fitted search over one: GridSearchCV, RandomizedSearchCV, SharedGridSearchCV."""


def pipeline_of(model: Any) -> Pipeline:
    """Give the pipeline itself; of a fitted search, its best estimator.

    Parameters
    ----------
    model : Pipeline or search
        A search must be fitted; a pipeline is given back as it is.

    Returns
    -------
    pipeline : Pipeline

    Raises
    ------
    NotFittedError
        If a search is not fitted, or was fitted with ``refit=False``.
    TypeError
        If the model is something else.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> from sklearn.pipeline import make_pipeline
    >>> from skcaptcha._fitted_model import pipeline_of
    >>> pipeline_of(make_pipeline(PCA()))
    Pipeline(steps=[('pca', PCA())])
    """
    if isinstance(model, Pipeline):
        return model
    kind = type(model).__name__
    if not isinstance(model, BaseSearchCV):
        raise TypeError(f"model must be a Pipeline, or a fitted search over one; found {kind}")
    if hasattr(model, "best_estimator_"):
        return pipeline_of(model.best_estimator_)
    if hasattr(model, "cv_results_"):
        raise NotFittedError(
            f"this {kind} was fitted with refit=False and holds no model; fit it with refit=True"
        )
    raise NotFittedError(f"this {kind} is not fitted; call its fit(X, y) first")
