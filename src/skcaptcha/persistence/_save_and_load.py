"""Saving and loading fitted pipelines, with what they were fitted from."""

from __future__ import annotations

import csv
import io
import json
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import joblib
import numpy as np
import sklearn
from sklearn.exceptions import InconsistentVersionWarning, NotFittedError
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skcaptcha._files.atomic import Write, write_all_atomically, write_atomically
from skcaptcha._files.regular_file import UnreadableError, check_text_size, read_regular_file
from skcaptcha._process.versions import VERSIONS
from skcaptcha.base import Model, pipeline_of
from skcaptcha.exceptions import ModelError, ModelVersionWarning, UntrustedModelError
from skcaptcha.persistence import _known_models
from skcaptcha.persistence._manifest import describe_model, describe_training
from skcaptcha.persistence._model_file import (
    FORMAT_VERSION,
    ManifestTooLongError,
    ModelFile,
    add_to_joblib,
    add_to_skops,
    joblib_payload,
    read_model_file,
    skops_payload,
)
from skcaptcha.persistence._skops_format import (
    TRUSTED_TYPES,
    check_before_fit,
    dump_skops,
    load_skops,
)

__all__ = [
    "FORMATS",
    "TRUSTED_TYPES",
    "check_before_fit",
    "describe_training",
    "load",
    "load_manifest",
    "save",
    "write_atomically",
]

FORMATS = ("joblib", "skops")
"""What a model can be saved as."""


def save(
    model: Model,
    path: str | os.PathLike[str],
    *,
    format: str = "joblib",  # noqa: A002 - what anybody would call it
    manifest: Mapping[str, Any] | None = None,
    results: Mapping[str, Any] | None = None,
    recipe: str | None = None,
) -> None:
    """Save a fitted pipeline, and beside it what it was fitted from and how the others did.

    Parameters
    ----------
    model : Pipeline, or fitted search over one
        Of a search, its ``best_estimator_`` is saved. `load` gives it back.
    path : path-like
        The model's file, by custom with the suffix ``.joblib`` or ``.skops``.
    format : {"joblib", "skops"}, default="joblib"
        ``"joblib"``: ``joblib.load(path)`` gives the model too, but loading it can run code, so
        that others will have to trust you. ``"skops"``: loading it runs no code; takes no trees,
        no networks of PyTorch and no estimators of your own, and needs the extra ``skops``.
    manifest : mapping, optional
        What to remember of the model, such as what `describe_training` gives. It is written into
        the file, where it can be read without loading the model, and to the same path with the
        suffix ``.json``, both times with the date, the versions of the libraries, the SHA-256 of
        the model itself, and what the model knows of its characters and their number.
    results : mapping of str to arrays of equal length, optional
        The table ``cv_results_`` of a search; written to the same path with the suffix ``.csv``,
        best candidates first.
    recipe : str, optional
        What fits the same pipeline again; written to the same path with the suffix ``.yaml``.

    Raises
    ------
    ModelError
        If the path has one of these suffixes itself, or the model cannot be saved in this format.
    NotFittedError
        If the model is not fitted.
    OutputError
        If there is no room or no permission to write the files.

    Warns
    -----
    UserWarning
        If it cannot be recorded that this user made the model.

    Notes
    -----
    If one of the files cannot be written, the old ones stay. The model takes its place last: if it
    is new, all that belongs to it is. In a file of joblib, a manifest has room for 64 KB,
    compressed; longer ones lose their longest entries there, and say which.

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
        raise ModelError(f"{path}: format: found {format!r}; allowed: {', '.join(FORMATS)}")
    if path.suffix in (".json", ".csv") or (recipe is not None and path.suffix == ".yaml"):
        raise ModelError(
            f"{path}: {path.suffix} is the suffix of what is written beside a model; "
            f"name the model *.{format}"
        )
    if format == "skops":
        archive = dump_skops(model)
        payload = skops_payload(archive)
    else:
        payload = _joblib_payload(model)
    about = {
        "saved": datetime.now(UTC).isoformat(timespec="seconds"),
        **describe_model(model),
        **(manifest or {}),
        "format_version": FORMAT_VERSION,
        "versions": VERSIONS,
        "payload_sha256": sha256(payload).hexdigest(),
    }
    if format == "skops":
        content = add_to_skops(archive, _json(about))
    else:
        content = _with_manifest(payload, about)
        _remember(path, about["payload_sha256"])
    files: dict[Path, Write] = {
        path.with_suffix(".json"): lambda file: file.write(_json(about)),
    }
    if results is not None:
        files[path.with_suffix(".csv")] = lambda file: _write_table(results, file)
    if recipe is not None:
        files[path.with_suffix(".yaml")] = lambda file: file.write(_bytes(recipe))
    files[path] = lambda file: file.write(content)
    write_all_atomically(files)


def load(path: str | os.PathLike[str], trust: bool = False) -> Pipeline:
    """Load a fitted pipeline, once its file has been checked.

    Parameters
    ----------
    path : path-like
    trust : bool, default=False
        Whether to load a model that this user has not made, although that may run what code is in
        it: only if you know who made it. Files of skops run none and need no trust.

    Returns
    -------
    model : Pipeline

    Raises
    ------
    ModelError
        If there is no such file, if it is truncated, damaged or of a newer format, or if it holds
        no fitted pipeline.
    UntrustedModelError
        If loading it may run code, and this user has not made it.

    Warns
    -----
    ModelVersionWarning
        If it was fitted with another version of scikit-learn.
    """
    return read_model(path, trust=trust).model


@dataclass(frozen=True)
class LoadedModel:
    """A model, and what belongs to it, from one reading of its file.

    Attributes
    ----------
    model : Pipeline
        Fitted.
    manifest : dict
        As `load_manifest` gives it.
    sha256 : str
        Of what the model was loaded from, in hexadecimal.
    """

    model: Pipeline
    manifest: dict[str, Any]
    sha256: str


def read_model(path: str | os.PathLike[str], trust: bool = False) -> LoadedModel:
    """Load a fitted pipeline and what its file says of it; see `load`.

    Parameters
    ----------
    path : path-like
    trust : bool, default=False

    Returns
    -------
    loaded : LoadedModel
    """
    path = Path(path)
    file = read_model_file(path)
    if not file.is_skops and not trust and not _known_models.is_known(file.sha256):
        raise UntrustedModelError(
            f"{path}: loading it may run any code that is in it, and {_why_unknown(file)}: if you "
            "know who made it, use --trust (in Python: trust=True); fit --format skops makes "
            "models that load without running code"
        )
    model = _unpacked(file)
    if isinstance(model, BaseSearchCV):
        model = pipeline_of(model)
    if not isinstance(model, Pipeline) or not hasattr(model[-1], "read"):
        raise ModelError(
            f"{path}: holds {type(model).__name__}, not a pipeline that ends in a reader"
        )
    try:
        check_is_fitted(model)
    except NotFittedError:
        raise ModelError(f"{path}: holds a pipeline that is not fitted") from None
    return LoadedModel(model, _manifest_of(file), file.sha256)


def load_manifest(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Load what was remembered of a model, without loading the model.

    Parameters
    ----------
    path : path-like
        The model's file.

    Returns
    -------
    manifest : dict
        What the file of the same name with the suffix ``.json`` says if the model, of the first
        format, has none in it; empty if there is none beside it either.

    Raises
    ------
    ModelError
        If the model's file is damaged, or the file beside the model is no JSON object.
    """
    path = Path(path)
    return _manifest_of(read_model_file(path)) if path.is_file() else _beside(path)


def _manifest_of(file: ModelFile) -> dict[str, Any]:
    if file.manifest is None:
        return _beside(file.path)
    absent = file.manifest.get("only_beside_the_model")
    if not isinstance(absent, list):
        return file.manifest
    try:
        beside = _beside(file.path)
    except (ModelError, OSError):
        return file.manifest
    if beside.get("payload_sha256") != file.sha256:  # it is of another model
        return file.manifest
    return file.manifest | {name: beside[name] for name in absent if name in beside}


def _beside(path: Path) -> dict[str, Any]:
    beside = path.with_suffix(".json")
    if not beside.is_file():
        return {}
    try:
        manifest = json.loads(read_regular_file(beside, check_text_size))
    except UnreadableError as error:
        raise ModelError(f"{beside}: {error}") from error
    except ValueError as error:
        raise ModelError(f"{beside}: not JSON ({error}); fit the model again") from None
    if not isinstance(manifest, dict):
        raise ModelError(f"{beside}: holds no manifest; fit the model again")
    return manifest


def _joblib_payload(model: Pipeline) -> bytes:
    pickle = io.BytesIO()
    joblib.dump(model, pickle)
    return joblib_payload(pickle.getbuffer())


def _with_manifest(payload: bytes, about: Mapping[str, Any]) -> bytes:
    """Add the manifest; if it has no room, without its longest entries."""
    about = dict(about)
    while True:
        try:
            return add_to_joblib(payload, _json(about))
        except ManifestTooLongError:
            longest = max(about, key=lambda name: len(_json(about[name])))
            del about[longest]
            about["only_beside_the_model"] = [*about.get("only_beside_the_model", []), longest]


def _remember(path: Path, payload_sha256: str) -> None:
    try:
        _known_models.remember(payload_sha256)
    except OSError as error:
        warnings.warn(
            f"{path}: the model is written, but skcaptcha cannot record that it is your own "
            f"({error}), so loading it will need --trust (in Python: trust=True)",
            stacklevel=3,
        )


def _why_unknown(file: ModelFile) -> str:
    if file.manifest is None:
        return "it has no manifest, as if it was not saved by this version of skcaptcha"
    return "it is not known to be made by you"


def _unpacked(file: ModelFile) -> Any:
    """Load what was checked, and say of all estimators at once that they are of another version."""
    fitted_with = file.version("scikit-learn")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            if file.is_skops:
                model = load_skops(file.content, file.path)
            else:
                model = joblib.load(io.BytesIO(file.pickle()))
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
            f"{file.path}: fitted with scikit-learn {fitted_with}, and this is "
            f"{sklearn.__version__}, with which it may read otherwise: check it (skcaptcha score) "
            "or fit it again",
            ModelVersionWarning,
            stacklevel=4,
        )
    return model


def _write_table(results: Mapping[str, Any], file: IO[bytes]) -> None:
    order = np.argsort(results["rank_test_score"], kind="stable")
    names = sorted(
        (name for name in results if name != "params"),
        key=lambda name: (name != "rank_test_score", not name.startswith("param_")),
    )
    lines = [names, *([results[name][i] for name in names] for i in order)]
    text = io.StringIO(newline="")
    csv.writer(text).writerows(lines)
    file.write(_bytes(text.getvalue()))


def _bytes(text: str) -> bytes:
    """Encode text; file names in it need not be valid UTF-8, and come back as the same bytes."""
    return text.encode(errors="surrogateescape")


def _json(content: Any) -> bytes:
    text = json.dumps(content, indent=2, ensure_ascii=False, default=_plain)
    # What has no place in UTF-8, as parts of file names may, is escaped as JSON can.
    return text.encode(errors="backslashreplace")


def _plain(value: Any) -> Any:
    """Bring numpy's numbers and arrays, and anything else by its text, into JSON."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)
