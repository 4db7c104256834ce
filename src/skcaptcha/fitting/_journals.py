"""The files that keep the results of a search next to the model until the model is written."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skcaptcha.exceptions import (
    CheckpointError,
    FitWarning,
    ModelError,
    OutputError,
    SkcaptchaError,
)
from skcaptcha.model_selection._journal import is_journal


@contextmanager
def journals(model_file: Path, *, resume: bool) -> Iterator[tuple[Path | None, Path | None]]:
    """Yield the files for a search and for a second one, which excludes what the first cannot use.

    Without `resume`, earlier files are deleted. At the end they are deleted, and also after an
    error that would occur again; after an interruption they stay. Both are None if the model goes
    to a pipe or a device.
    """
    if model_file.exists() and not model_file.is_file():
        yield None, None
        return
    first = model_file.with_name(f"{model_file.name}.search")
    second = model_file.with_name(f"{model_file.name}.search-2")
    files = (first, second)
    for file in files:
        if file.exists() and not is_journal(file):
            raise CheckpointError(
                f"{file}: not the progress of a search, and the fit would write its progress "
                "there; rename it, or choose another model file"
            )
    if not resume:
        _delete(*files)
    elif not first.exists():
        warnings.warn(f"{first}: no such file; nothing to resume", FitWarning, stacklevel=4)
    try:
        yield first, second
    except (CheckpointError, ModelError, OutputError):
        raise
    except SkcaptchaError:
        _delete(*files)
        raise
    _delete(*files)


def _delete(*files: Path) -> None:
    for file in files:
        file.unlink(missing_ok=True)
