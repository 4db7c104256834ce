"""Which models this user has made: a folder with an empty file for each, named by its hash."""

from __future__ import annotations

from pathlib import Path

from skcaptcha._files.user_data_folder import user_data_folder


def remember(sha256: str) -> None:
    """Remember that this user has made a model.

    Parameters
    ----------
    sha256 : str
        Of the part of its file that is unpickled, in hexadecimal.

    Raises
    ------
    OSError
        If the user's own folder cannot be written, or there is none.
    """
    place = folder()
    place.mkdir(parents=True, exist_ok=True)
    (place / sha256).touch()


def is_known(sha256: str) -> bool:
    """Tell whether this user has made a model.

    Parameters
    ----------
    sha256 : str

    Returns
    -------
    known : bool
    """
    try:
        return (folder() / sha256).is_file()
    except OSError:
        return False


def folder() -> Path:
    """Name the folder, which the operating system keeps for this user's data.

    Returns
    -------
    folder : Path
        It need not exist.

    Raises
    ------
    FileNotFoundError
        If this user has no home folder.
    """
    return user_data_folder() / "models"
