"""The operating system's folder for this user's data of skcaptcha."""

from __future__ import annotations

from pathlib import Path


def user_data_folder() -> Path:
    """Return the absolute path of this user's data folder, which need not exist.

    It is never relative to the current folder, which others may control. Raise FileNotFoundError
    if the user has no home folder.
    """
    # Few commands need it.
    from platformdirs import user_data_path  # noqa: PLC0415

    try:
        folder = user_data_path("skcaptcha", appauthor=False)
    except RuntimeError:  # raised by newer versions; older ones return a relative path
        folder = None
    if folder is None or not folder.is_absolute():
        raise FileNotFoundError(
            "this user has no home folder; set HOME or XDG_DATA_HOME to an absolute path"
        )
    return folder
