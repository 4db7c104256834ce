"""Base classes, tags and checks that all estimators share.

The estimators follow scikit-learn's contract, except for these deviations:

- **Samples are captchas, not rows of a table.** A decoder accepts paths, encoded bytes and arrays;
  denoisers, segmenters and some readers accept sequences of images, which may differ in size;
  features and other readers accept :class:`~skcaptcha.Segments`, a batch with a varying number of
  segments for each captcha. So ``n_features_in_`` and ``feature_names_in_`` are never set.
- **Labels are strings**, one for each captcha. Almost every label is unique, so a reader is not
  tagged as a classifier: folds are not stratified, and there is no ``predict_proba``. Use
  :func:`~skcaptcha.read_captchas` for probabilities.
- **A step that learns nothing need not be fitted**: its tag ``requires_fit`` is False, and its
  ``transform`` checks the parameters.
- **The features keep what a reader needs for training**: ``fit_transform`` returns segments with
  their images and the fitted step, ``transform`` returns them without.
- **``set_output`` and ``get_feature_names_out`` are not available**, because images and segments
  have no columns that could be named. A global ``transform_output="pandas"`` does not change what
  the steps return; steps of scikit-learn inside a reader's estimator support both.
- **Metadata routing**: no step requests metadata such as ``sample_weight``, except that readers
  accept ``pseudo_labeled`` in ``fit``. A search passes ``groups`` to its splitter, as
  scikit-learn's searches do.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cache
from importlib.metadata import PackageNotFoundError, metadata
from operator import attrgetter
from typing import Any, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.exceptions import NotFittedError
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils import Tags, TargetTags, get_tags
from sklearn.utils.validation import check_is_fitted

from skcaptcha.exceptions import ImageError, ReadingError

_PAGE = "reference/generated/{estimator_module}.{estimator_name}.html"

# A pipeline collects the tags of its steps for every prediction, so copying them must be fast.
_values_of = attrgetter(*(field.name for field in fields(Tags)))

# More would not stay in the processor's cache from one pass to the next.
_VALUES_AT_ONCE = 2**18

# Classes of steps with valid values of their parameters: checking them takes longer than denoising
# one image.
_VALID: set[tuple[Any, ...]] = set()


class Documented:
    """Mixin that links the diagram of a pipeline to the estimator's page in our documentation.

    It comes before scikit-learn's base classes, which would link to scikit-learn's documentation.

    Examples
    --------
    >>> from skcaptcha.denoise import Grayscale
    >>> Grayscale()._get_doc_link().rpartition("/")[2]
    'skcaptcha.denoise.Grayscale.html'
    """

    _doc_link_module = "skcaptcha"

    @property
    def _doc_link_template(self) -> str:
        # An empty address is not a link.
        return f"{address}{_PAGE}" if (address := _address()) else ""


@cache
def _address() -> str:
    """Return the address of the documentation that the package's metadata contains."""
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
        Input that fitting depends on, besides the parameters. With ``"sizes"``, fitting depends on
        nothing else if all captchas have images, or segments, of the same sizes.
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
        if not isinstance(tags, cls):
            return cls(*_values_of(tags), **values)
        for name, value in values.items():  # tags are created for each call
            setattr(tags, name, value)
        return tags


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


class BaseStep(  # type: ignore[call-arg]
    Documented, TransformerMixin, BaseEstimator, ABC, auto_wrap_output_keys=None
):
    """Base class of denoisers, segmenters and features.

    Its subclasses `BaseDenoiser`, `BaseSegmenter` and `BaseFeatures` each leave one method to
    write; all checks are in the public methods. A step that learns from the training samples
    overrides `_learn` as well, and is then tagged as requiring ``fit``.
    """

    _parameter_constraints: dict[str, Any] = {}

    # A step may contain others, whose parameters are checked as well.
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Sequence[str] | None = None) -> Self:
        """Check the parameters and the samples, and learn from them if this step learns.

        Parameters
        ----------
        X : sequence of n images, or Segments of n captchas
            Whatever `transform` accepts.
        y : sequence of n str, optional
            Labels.

        Returns
        -------
        self
        """
        self._check_samples(X)
        self._learn(X, y)
        return self

    def _learn(self, X: Any, y: Sequence[str] | None) -> None:
        """Learn from the training samples: by default nothing."""

    @abstractmethod
    def _check_samples(self, X: Any) -> None:
        """Check that X has the type that the step transforms."""

    def _learns(self) -> bool:
        return type(self)._learn is not BaseStep._learn

    def _check_ready(self) -> None:
        """Check that the step is fitted or, if it learns nothing, that its parameters are valid."""
        if self._learns():
            for name in vars(self):
                if name[-1] == "_":
                    return
            # It collects the tags of the class first, which takes longer.
            check_is_fitted(self)
            return
        values = [getattr(self, name) for name in _parameter_names(type(self))]
        key = (type(self), *((type(value), value) for value in values))
        try:
            if key in _VALID:
                return
        except TypeError:  # a list or an array
            self._validate_params()
            return
        self._validate_params()
        _VALID.add(key)

    def __sklearn_tags__(self) -> Tags:
        tags = StepTags.extend(
            super().__sklearn_tags__(),
            learns_from="samples" if self._learns() else "nothing",
            modifies_input=False,
        )
        tags.requires_fit = self._learns()
        tags.input_tags.two_d_array = False
        return tags


@cache
def _parameter_names(kind: type[BaseEstimator]) -> tuple[str, ...]:
    return tuple(kind._get_param_names())


def check_images(X: Sequence[NDArray[np.uint8]], *, gray: bool = False) -> None:
    """Check that X is a batch of decoded images.

    Parameters
    ----------
    X : sequence of ndarrays of shape (h, w) or (h, w, 3), dtype uint8
    gray : bool, default=False
        Whether to refuse color images.

    Raises
    ------
    ImageError
        If X is a single image, or an element of it is not such an image.

    Examples
    --------
    >>> from skcaptcha.base import check_images
    >>> check_images(["a.png"], gray=True)
    Traceback (most recent call last):
        ...
    skcaptcha.exceptions.ImageError: image 0: expected a uint8 array of shape (h, w), found str; ...
    """
    if isinstance(X, np.ndarray) and X.ndim < 3:
        raise ImageError(
            "X",
            f"expected a batch of images, found one array of shape {X.shape}; "
            "wrap a single image in a list",
        )
    for i, image in enumerate(X):
        array = isinstance(image, np.ndarray)
        of_bytes = array and image.dtype == np.uint8
        if of_bytes and image.ndim == 2 and image.size:
            continue
        if not of_bytes or (image.ndim != 2 and (gray or image.shape[2:] != (3,))):
            expected = "(h, w)" if gray else "(h, w) or (h, w, 3)"
            found = f"{image.dtype} of shape {image.shape}" if array else type(image).__name__
            remedy = "decode with ImageDecoder"
            if of_bytes and gray and image.shape[2:] == (3,):
                remedy = "put Grayscale before this step"
            raise ImageError(
                f"image {i}", f"expected a uint8 array of shape {expected}, found {found}; {remedy}"
            )
        if image.size == 0:
            raise ImageError(f"image {i}", f"it has no pixels: its shape is {image.shape}")


def stacks_of_one_shape(
    images: Sequence[NDArray[np.uint8]],
) -> Iterator[tuple[list[int], NDArray[np.uint8]]]:
    """Stack images of one shape, as many at a time as the processor's cache holds.

    Parameters
    ----------
    images : sequence of n ndarrays of shape (h, w) or (h, w, 3), dtype uint8

    Yields
    ------
    indices : list of k int
        Indices of the images, in ascending order.
    stack : ndarray of shape (k, h, w) or (k, h, w, 3), dtype uint8
        A copy of these images.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.base import stacks_of_one_shape
    >>> images = [np.zeros(shape, dtype=np.uint8) for shape in [(2, 3), (2, 4), (2, 3)]]
    >>> [(indices, stack.shape) for indices, stack in stacks_of_one_shape(images)]
    [([0, 2], (2, 2, 3)), ([1], (1, 2, 4))]
    """
    if len(images) == 1:  # in a fraction of the time of what follows
        yield [0], images[0][None].copy()
        return
    groups: dict[tuple[int, ...], list[int]] = {}
    for i, image in enumerate(images):
        groups.setdefault(image.shape, []).append(i)
    for shape, group in groups.items():
        at_once = max(1, _VALUES_AT_ONCE // math.prod(shape))
        for first in range(0, len(group), at_once):
            part = group[first : first + at_once]
            # `np.stack` would first make an array of one more axis of each image.
            yield part, np.concatenate([images[i] for i in part]).reshape(len(part), *shape)


Model: TypeAlias = Pipeline | BaseSearchCV
"""A Pipeline, or a fitted search over one: GridSearchCV, RandomizedSearchCV, SharedGridSearchCV."""


def pipeline_of(model: Any) -> Pipeline:
    """Return the pipeline itself, or the best estimator of a fitted search.

    Parameters
    ----------
    model : Pipeline or search
        Pipeline, or fitted search over one.

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


def leaf_steps(model: Pipeline, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield name and estimator of each step, including those of nested pipelines.

    Parameters
    ----------
    model : Pipeline
    path : str, default=""
        Beginning of all names.

    Yields
    ------
    name : str
        Steps of a nested pipeline are named "outer.inner".
    step : estimator

    Examples
    --------
    >>> from sklearn.pipeline import Pipeline
    >>> from skcaptcha.base import leaf_steps
    >>> from skcaptcha.denoise import Grayscale
    >>> list(leaf_steps(Pipeline([("denoise", Pipeline([("gray", Grayscale())]))])))
    [('denoise.gray', Grayscale())]
    """
    for name, step in model.steps:
        if isinstance(step, Pipeline):
            yield from leaf_steps(step, f"{path}{name}.")
        else:
            yield f"{path}{name}", step


def as_texts(y: ArrayLike, name: str = "labels") -> list[str]:
    """Check that all elements of y are strings.

    Parameters
    ----------
    y : array-like of n str
    name : str, default="labels"
        Name of y in the error message.

    Returns
    -------
    texts : list of n str

    Raises
    ------
    ReadingError
        If y is a single string, or an element is anything else: a number, bytes or None.

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
