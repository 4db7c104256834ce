"""Saving and loading fitted pipelines, with what they were fitted from."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

import cv2
import joblib
import numpy as np
import sklearn
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skcaptcha import __version__
from skcaptcha.errors import ModelError

_VERSIONS = {
    "skcaptcha": __version__,
    "scikit-learn": sklearn.__version__,
    "numpy": np.__version__,
    "opencv": cv2.getVersionString(),
    "scikit-image": version("scikit-image"),
}

_Write = Callable[[IO[bytes]], Any]


def write_atomically(path: str | os.PathLike[str], write: _Write) -> None:
    """Write a file as a whole or not at all: whoever looks finds the old content or the new.

    Parameters
    ----------
    path : path-like
        Missing folders are made. A link stays one: the file that it leads to is written. A pipe
        or a device takes the bytes as they come.
    write : callable
        Given a binary file opened for writing.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skcaptcha.model_io import write_atomically
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_atomically(Path(folder) / "a.txt", lambda file: file.write(b"all of it"))
    ...     (Path(folder) / "a.txt").read_text()
    'all of it'
    """
    _write_all({Path(path): write})


def save(
    model: Pipeline,
    path: str | os.PathLike[str],
    *,
    manifest: Mapping[str, Any] | None = None,
    results: Mapping[str, Any] | None = None,
    recipe: str | None = None,
) -> None:
    """Save a fitted pipeline, and beside it what it was fitted from and how the others did.

    Parameters
    ----------
    model : Pipeline
        ``joblib.load(path)`` gives it back.
    path : path-like
        The model's file, by custom with the suffix ``.joblib``.
    manifest : mapping, optional
        What to remember of the model; written with the date and the versions of the libraries to
        the same path with the suffix ``.json``.
    results : mapping of str to arrays of equal length, optional
        The table ``cv_results_`` of a search; written to the same path with the suffix ``.csv``,
        best candidates first.
    recipe : str, optional
        What fits the same pipeline again; written to the same path with the suffix ``.yaml``.

    Raises
    ------
    ModelError
        If the path has one of these suffixes itself.

    Notes
    -----
    If one of the files cannot be written, the old ones stay.
    """
    path = Path(path)
    if path.suffix in (".json", ".csv") or (recipe is not None and path.suffix == ".yaml"):
        raise ModelError(
            f"{path}: {path.suffix} is the suffix of what is written beside a model; "
            "name the model *.joblib"
        )
    about = {
        "saved": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": _VERSIONS,
        **(manifest or {}),
    }
    content = json.dumps(about, indent=2, ensure_ascii=False, default=_plain)
    files: dict[Path, _Write] = {
        path: lambda file: joblib.dump(model, file, compress=3),
        # What has no place in UTF-8, as parts of file names may, is escaped as JSON can.
        path.with_suffix(".json"): lambda file: file.write(
            content.encode(errors="backslashreplace")
        ),
    }
    if results is not None:
        files[path.with_suffix(".csv")] = lambda file: _write_table(results, file)
    if recipe is not None:
        files[path.with_suffix(".yaml")] = lambda file: file.write(_bytes(recipe))
    _write_all(files)


def load(path: str | os.PathLike[str]) -> Pipeline:
    """Load a fitted pipeline.

    A model file can run code when it is loaded: load only files that you trust.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    model : Pipeline

    Raises
    ------
    ModelError
        If there is no such file, or it holds no fitted pipeline.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelError(f"{path}: no such model; fit one first (skcaptcha fit configs/grid.yaml)")
    try:
        model = joblib.load(path)
    except Exception as error:
        # Unpickling arbitrary bytes can raise nearly anything.
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise ModelError(f"{path}: not a model that can be loaded ({reason})") from error
    if not isinstance(model, Pipeline) or not hasattr(model[-1], "read"):
        raise ModelError(
            f"{path}: holds {type(model).__name__}, not a pipeline that ends in a reader"
        )
    try:
        check_is_fitted(model)
    except NotFittedError:
        raise ModelError(f"{path}: holds a pipeline that is not fitted") from None
    return model


def load_manifest(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Load what was remembered of a model.

    Parameters
    ----------
    path : path-like
        The model's file.

    Returns
    -------
    manifest : dict
        Empty if there is none beside the model.

    Raises
    ------
    ModelError
        If the file beside the model is no JSON object.
    """
    beside = Path(path).with_suffix(".json")
    if not beside.is_file():
        return {}
    try:
        manifest = json.loads(beside.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError(f"{beside}: not JSON ({error}); fit the model again") from None
    if not isinstance(manifest, dict):
        raise ModelError(f"{beside}: holds no manifest; fit the model again")
    return manifest


def _write_all(files: Mapping[Path, _Write]) -> None:
    """Write every file before the first one takes its place."""
    with ExitStack() as stack:
        for path, write in files.items():
            file = stack.enter_context(_replacing(path))
            write(file)
            file.flush()


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes its place under the path when all has gone well."""
    if path.exists() and not path.is_file():
        # To put a file in its place would destroy a pipe or a device.
        with path.open("wb") as stream:
            yield stream
        return
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


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


def _plain(value: Any) -> Any:
    """Bring numpy's numbers and arrays, and anything else by its text, into JSON."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)
