"""What all estimators share, and what every function takes for a model or for labels."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import NotFittedError
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils import Tags, TargetTags, get_tags

from skcaptcha.exceptions import ReadingError

_PAGE = "reference/generated/{estimator_module}.{estimator_name}.html"


class Documented:
    """Mixin that has the diagram of a pipeline link to the estimator's page in our documentation.

    It stands before scikit-learn's bases, which would link to scikit-learn's documentation.

    Examples
    --------
    >>> from skcaptcha.denoise import Grayscale
    >>> Grayscale()._get_doc_link().rpartition("/")[2]
    'skcaptcha.denoise.Grayscale.html'
    """

    _doc_link_module = "skcaptcha"

    @property
    def _doc_link_template(self) -> str:
        # An empty address is no link.
        return f"{address}{_PAGE}" if (address := _address()) else ""


@cache
def _address() -> str:
    """Give the documentation's address, as the package's metadata name it."""
    try:
        urls = metadata("skcaptcha").get_all("Project-URL", [])
    except PackageNotFoundError:  # run from its sources
        return ""
    named = dict(url.split(", ", 1) for url in urls)
    return named.get("Documentation", "")


@dataclass(slots=True)
class StepTags(Tags):
    """scikit-learn's tags, and two more that let a search share the work of a pipeline step.

    Attributes
    ----------
    learns_from : {"nothing", "sizes", "samples"}, default="samples"
        What fitting depends on besides the parameters. ``"sizes"``: on nothing if all captchas have
        images, or segments, of the same sizes.
        :class:`~skcaptcha.model_selection.SharedGridSearchCV` fits a step once for all folds if it
        learns the same from each of them.
    modifies_input : bool, default=True
        Whether fitting, transforming or predicting may change the samples in place, so that the
        step needs a copy of its own.

    Examples
    --------
    >>> from sklearn.utils import get_tags
    >>> from skcaptcha.features import HOG
    >>> get_tags(HOG()).learns_from, get_tags(HOG(shape=(20, 16))).learns_from
    ('sizes', 'nothing')
    """

    learns_from: Literal["nothing", "sizes", "samples"] = "samples"
    modifies_input: bool = True

    @classmethod
    def extend(cls, tags: Tags, **values: Any) -> Self:
        """Return the same tags with values for those of this class.

        Parameters
        ----------
        tags : Tags
        **values
            ``learns_from``, ``modifies_input``.

        Returns
        -------
        tags : StepTags
        """
        return cls(**{field.name: getattr(tags, field.name) for field in fields(tags)} | values)


def step_tags(estimator: Any) -> StepTags:
    """Return the tags of an estimator as far as its class vouches for them.

    A class that overrides a public method, and does not define ``__sklearn_tags__`` again, may
    learn from samples or change them although the tags that it inherits deny that. For such a
    class, and for one without these tags, the defaults of `StepTags` are returned.

    Parameters
    ----------
    estimator : estimator

    Returns
    -------
    tags : StepTags

    Examples
    --------
    >>> from skcaptcha.base import step_tags
    >>> from skcaptcha.denoise import Grayscale
    >>> class Shifted(Grayscale):
    ...     def transform(self, X):
    ...         return super().transform(X - X.mean())
    >>> step_tags(Grayscale()).learns_from, step_tags(Shifted()).learns_from
    ('nothing', 'samples')
    """
    unknown = StepTags(estimator_type=None, target_tags=TargetTags(required=False))
    tags = get_tags(estimator) if hasattr(estimator, "__sklearn_tags__") else unknown
    if isinstance(tags, StepTags):
        for kind in type(estimator).__mro__:
            if "__sklearn_tags__" in vars(kind):
                return tags
            if any(callable(part) and name[0] != "_" for name, part in vars(kind).items()):
                break
    return unknown


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
    >>> from skcaptcha.base import pipeline_of
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


def as_texts(y: ArrayLike, name: str = "labels") -> list[str]:
    """Check that all of y are strings.

    Parameters
    ----------
    y : array-like of n str
    name : str, default="labels"
        What the error is to call it.

    Returns
    -------
    texts : list of n str

    Raises
    ------
    ReadingError
        If it is a single string, or one of y is anything else: a number, bytes or None.

    Examples
    --------
    >>> from skcaptcha.base import as_texts
    >>> as_texts(["0412", 412])
    Traceback (most recent call last):
        ...
    skcaptcha.exceptions.ReadingError: labels must hold strings, found 412 (int) at 1
    """
    if isinstance(y, str):
        raise ReadingError(f"{name} is a single string; wrap it in a list")
    # As objects: an array of strings would silently turn 12 into "12", a missing label into "nan".
    texts: list[Any] = np.asarray(y, dtype=object).ravel().tolist()
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            raise ReadingError(
                f"{name} must hold strings, found {text!r} ({type(text).__name__}) at {i}"
            )
    return texts
