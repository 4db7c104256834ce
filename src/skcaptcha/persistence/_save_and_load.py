"""Save and load fitted pipelines with a manifest of their training."""

from __future__ import annotations

import csv
import io
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import sklearn
from sklearn.exceptions import InconsistentVersionWarning, NotFittedError
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skcaptcha._files.atomic import Content, write_all_atomically
from skcaptcha._files.json_text import to_json
from skcaptcha._process.versions import VERSIONS
from skcaptcha.base import Model, pipeline_of
from skcaptcha.exceptions import ModelError, ModelVersionWarning, UntrustedModelError
from skcaptcha.persistence import _known_models
from skcaptcha.persistence._manifest import describe_model
from skcaptcha.persistence._model_file import (
    FORMAT_VERSION,
    ModelFile,
    add_manifest,
    payload_of,
    pickle_compressed,
    read_model_file,
)
from skcaptcha.persistence._skops_format import dump_skops, load_skops

FORMATS = ("joblib", "skops")
"""File formats of a model."""


def save(
    model: Model,
    path: str | os.PathLike[str],
    *,
    format: str = "joblib",  # noqa: A002 - the name that everybody expects
    manifest: Mapping[str, Any] | None = None,
    results: Mapping[str, Any] | None = None,
    recipe: str | None = None,
) -> None:
    """Save a fitted pipeline with a manifest, and next to it the results of its search.

    Parameters
    ----------
    model : Pipeline, or fitted search over one
        Model to save; for a search, its ``best_estimator_``. `load` returns this pipeline.
    path : path-like
        Model file, usually with the suffix ``.joblib`` or ``.skops``.
    format : {"joblib", "skops"}, default="joblib"
        File format. ``"joblib"``: ``joblib.load(path)`` also returns the model, but loading it can
        run code, so other users have to trust you. ``"skops"``: loading it runs no code; needs the
        extra ``skops``, and supports neither trees, nor PyTorch networks, nor your own estimators.
    manifest : mapping, optional
        Information to keep with the model, such as the result of `describe_training`. It is stored
        in the model file, where it can be read without loading the model, and in a file with the
        same name and the suffix ``.json``. The date, the versions of the libraries, the SHA-256 of
        the model itself, its characters, and the lengths of its training labels are added.
    results : mapping of str to arrays of equal length, optional
        ``cv_results_`` of a search; written to a file with the same name and the suffix ``.csv``,
        best candidates first.
    recipe : str, optional
        Recipe that fits the same pipeline again; written to a file with the same name and the
        suffix ``.yaml``.

    Raises
    ------
    ModelError
        If the path has one of these suffixes itself, or the model cannot be saved in this format.
    NotFittedError
        If the model is not fitted.
    OutputError
        If there is no space or no permission to write the files.

    Warns
    -----
    UserWarning
        If skcaptcha cannot record that this user made the model.

    Notes
    -----
    If one of the files cannot be written, all old files stay unchanged. The model file is replaced
    last, so that the files next to a new model always belong to it.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> import skcaptcha
    >>> from skcaptcha.features import RawPixels
    >>> from skcaptcha.persistence import describe_training, load_manifest
    >>> from skcaptcha.read import CharacterReader
    >>> from skcaptcha.segment import EqualSplit
    >>> X = np.random.default_rng(0).integers(0, 256, (4, 10, 20), dtype=np.uint8)
    >>> y = ["AB", "BA", "AA", "BB"]
    >>> model = make_pipeline(EqualSplit(n_characters=2), RawPixels(), CharacterReader()).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = f"{folder}/model.joblib"
    ...     skcaptcha.save(model, path, manifest=describe_training(X, y))
    ...     manifest = load_manifest(path)
    ...     texts = skcaptcha.load(path).predict(X)
    >>> manifest["characters"], manifest["lengths"], manifest["image_sizes"]
    ('AB', {'2': 4}, {'20 x 10': 4})
    """
    path, model = Path(path), pipeline_of(model)
    try:
        check_is_fitted(model)
    except NotFittedError:
        raise NotFittedError(
            f"{path}: the pipeline is not fitted; call its fit(X, y) first"
        ) from None
    if format not in FORMATS:
        raise ModelError(f"{path}: unknown format {format!r}; use one of: {', '.join(FORMATS)}")
    if path.suffix in (".json", ".csv") or (recipe is not None and path.suffix == ".yaml"):
        raise ModelError(
            f"{path}: files with the suffix {path.suffix} are written next to a model; "
            f"name the model *.{format}"
        )
    content = dump_skops(model) if format == "skops" else pickle_compressed(model)
    payload = payload_of(content) if format == "skops" else content
    about = {
        "saved": datetime.now(UTC).isoformat(timespec="seconds"),
        **describe_model(model),
        **(manifest or {}),
        "format_version": FORMAT_VERSION,
        "versions": VERSIONS,
        "payload_sha256": sha256(payload).hexdigest(),
    }
    files: dict[Path, Content] = {path.with_suffix(".json"): to_json(about, indent=2)}
    if results is not None:
        files[path.with_suffix(".csv")] = _encode(_table(results))
    if recipe is not None:
        files[path.with_suffix(".yaml")] = _encode(recipe)
    files[path] = add_manifest(content, to_json(about, indent=2))
    if format == "joblib":
        _remember(path, about["payload_sha256"])
    write_all_atomically(files)


def load(path: str | os.PathLike[str], trust: bool = False) -> Pipeline:
    """Load a fitted pipeline after checking its file.

    Parameters
    ----------
    path : path-like
        Model file.
    trust : bool, default=False
        Whether to load a model that another user made, although loading it may run code. Use it
        only if you know who made the model. skops files run no code and need no trust.

    Returns
    -------
    model : Pipeline

    Raises
    ------
    ModelError
        If the file is missing, truncated, damaged, of a newer format, or does not contain a fitted
        pipeline.
    UntrustedModelError
        If loading the model may run code, and this user has not made it.

    Warns
    -----
    ModelVersionWarning
        If the model was fitted with another version of scikit-learn.
    """
    return read_model(path, trust=trust).model


@dataclass(frozen=True)
class LoadedModel:
    """A model and its manifest, read from one file at once.

    Attributes
    ----------
    model : Pipeline
        The fitted pipeline.
    manifest : dict
        See `load_manifest`.
    sha256 : str
        Hash of the bytes that the model was loaded from, in hexadecimal.
    """

    model: Pipeline
    manifest: dict[str, Any]
    sha256: str


def read_model(path: str | os.PathLike[str], trust: bool = False) -> LoadedModel:
    """Load a fitted pipeline and its manifest; see `load` for the checks and errors.

    Parameters
    ----------
    path : path-like
        Model file.
    trust : bool, default=False
        Whether to load a model that another user made, although loading it may run code.

    Returns
    -------
    loaded : LoadedModel
    """
    path = Path(path)
    file = read_model_file(path)
    if not file.is_skops and not trust and not _known_models.is_known(file.sha256):
        why = (
            "it has no manifest, so this version of skcaptcha did not save it"
            if file.manifest is None
            else "there is no record that you made it"
        )
        raise UntrustedModelError(
            f"{path}: loading it may run any code in the file, and {why}; if you know who made it, "
            "use --trust (in Python: trust=True); fit --format skops makes models that load "
            "without running code"
        )
    model = _loaded(file)
    if isinstance(model, BaseSearchCV):
        model = pipeline_of(model)
    if not isinstance(model, Pipeline) or not hasattr(model[-1], "read"):
        raise ModelError(
            f"{path}: contains {type(model).__name__}, not a pipeline that ends in a reader"
        )
    try:
        check_is_fitted(model)
    except NotFittedError:
        raise ModelError(f"{path}: contains a pipeline that is not fitted") from None
    return LoadedModel(model, file.manifest or {}, file.sha256)


def load_manifest(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Load the manifest of a model without loading the model.

    Parameters
    ----------
    path : path-like
        Model file.

    Returns
    -------
    manifest : dict
        Empty if `save` has not written the file.

    Raises
    ------
    ModelError
        If the file is missing, truncated, damaged, of a newer format, or not a model file.
    """
    return read_model_file(Path(path)).manifest or {}


def _remember(path: Path, payload_sha256: str) -> None:
    try:
        _known_models.remember(payload_sha256)
    except OSError as error:
        warnings.warn(
            f"{path}: the model is saved, but skcaptcha cannot record that you made it ({error}); "
            "load it with --trust (in Python: trust=True)",
            stacklevel=3,
        )


def _loaded(file: ModelFile) -> Any:
    """Load a file that was checked; warn once if it was fitted with another scikit-learn."""
    fitted_with = file.version("scikit-learn")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            if file.is_skops:
                model = load_skops(file.content, file.path)
            else:
                model = joblib.load(io.BytesIO(file.payload))
    except ModelError:
        raise
    except Exception as error:
        # Unpickling arbitrary bytes can raise nearly anything.
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        if fitted_with not in (None, sklearn.__version__):
            reason += f"; it was fitted with scikit-learn {fitted_with}, this is "
            reason += f"{sklearn.__version__}"
        raise ModelError(f"{file.path}: not a model that can be loaded ({reason})") from error
    for warning in caught:
        if isinstance(warning.message, InconsistentVersionWarning):
            fitted_with = fitted_with or warning.message.original_sklearn_version
        else:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
    if fitted_with not in (None, sklearn.__version__):
        warnings.warn(
            f"{file.path}: fitted with scikit-learn {fitted_with}, this is {sklearn.__version__}, "
            "so its readings may differ; check it (skcaptcha score) or fit it again",
            ModelVersionWarning,
            stacklevel=4,
        )
    return model


def _table(results: Mapping[str, Any]) -> str:
    """Return the results as CSV, best candidates first."""
    order = np.argsort(results["rank_test_score"], kind="stable")
    names = sorted(
        (name for name in results if name != "params"),
        key=lambda name: (name != "rank_test_score", not name.startswith("param_")),
    )
    text = io.StringIO(newline="")
    csv.writer(text).writerows([names, *([results[name][i] for name in names] for i in order)])
    return text.getvalue()


def _encode(text: str) -> bytes:
    """Encode text; file names that are not valid UTF-8 become their own bytes again."""
    return text.encode(errors="surrogateescape")
