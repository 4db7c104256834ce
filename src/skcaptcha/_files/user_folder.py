"""The folder that the operating system keeps for this user's data of skcaptcha."""

from __future__ import annotations

from pathlib import Path


def user_folder() -> Path:
    """Name the folder of this user's data.

    Returns
    -------
    folder : Path
        Absolute: never inside the folder in which the command runs, which may be anybody's. It
        need not exist.

    Raises
    ------
    FileNotFoundError
        If this user has no home folder.

    Examples
    --------
    >>> from skcaptcha._files.user_folder import user_folder
    >>> user_folder().is_absolute()
    True
    """
    # Few commands need it.
    from platformdirs import user_data_path  # noqa: PLC0415

    try:
        folder = user_data_path("skcaptcha", appauthor=False)
    except RuntimeError:  # of newer versions; older ones give a relative path
        folder = None
    if folder is None or not folder.is_absolute():
        raise FileNotFoundError(
            "this user has no home folder; set HOME, or XDG_DATA_HOME, to an absolute path"
        )
    return folder
