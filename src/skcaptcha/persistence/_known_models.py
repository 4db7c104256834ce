"""The models that this user made: a folder with an empty file for each, named by its SHA-256."""

from __future__ import annotations

from pathlib import Path

from skcaptcha._files.user_data_folder import user_data_folder


def remember(sha256: str) -> None:
    """Record that this user made the model with this hash of its payload; may raise OSError."""
    _folder().mkdir(parents=True, exist_ok=True)
    (_folder() / sha256).touch()


def is_known(sha256: str) -> bool:
    """Check whether this user made the model with this hash of its payload."""
    try:
        return (_folder() / sha256).is_file()
    except OSError:  # this user has no home folder
        return False


def _folder() -> Path:
    return user_data_folder() / "models"
