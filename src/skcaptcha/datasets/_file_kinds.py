"""What a file is by its name, and which folder is meant by somebody who names a file."""

from pathlib import Path

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp"})

_TABLES = {".csv", ".tsv"}
_TEXTS = {".txt", ".json"}
_ARCHIVES = {".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar"}
_KINDS = {
    **dict.fromkeys(IMAGE_SUFFIXES, "an image"),
    **dict.fromkeys(_TABLES, "a table"),
    **dict.fromkeys(_TEXTS, "a text file"),
    **dict.fromkeys(_ARCHIVES, "an archive"),
    **dict.fromkeys((".joblib", ".skops", ".pkl", ".pickle"), "a model"),
    **dict.fromkeys((".yaml", ".yml"), "a recipe"),
}


def kind_of(file: Path) -> str | None:
    """Say what a file is by its suffix.

    Parameters
    ----------
    file : Path

    Returns
    -------
    kind : str or None
        With its article; None: the suffix does not tell.

    Examples
    --------
    >>> from pathlib import Path
    >>> from skcaptcha.datasets._file_kinds import kind_of
    >>> kind_of(Path("captchas.zip"))
    'an archive'
    """
    return _KINDS.get(file.suffix.lower())


def may_be_recipe(file: Path) -> bool:
    """Tell whether a file is worth being read as a recipe.

    Parameters
    ----------
    file : Path

    Returns
    -------
    may_be : bool
        Also of a text file with another suffix than that of YAML, unless there are images beside
        it, whose labels it may hold.
    """
    suffix = file.suffix.lower()
    if suffix in _TEXTS:
        return not _holds_images(file.parent)
    return _KINDS.get(suffix, "a recipe") == "a recipe"


def folder_meant(file: Path) -> str:
    """Say what to give in place of a file that stands where a folder of images is wanted.

    Parameters
    ----------
    file : Path
        It is there.

    Returns
    -------
    sentence : str
    """
    suffix = file.suffix.lower()
    kind = kind_of(file) or "a file"
    if suffix in _ARCHIVES:
        unpacked = file.with_name(file.name.removesuffix(file.suffix).removesuffix(".tar"))
        if unpacked.is_dir():
            return f"it is {kind}; give the folder that was unpacked from it: {unpacked}"
        return f"it is {kind}; unpack it, and give the folder of its images"
    if suffix in IMAGE_SUFFIXES:
        return f"it is {kind}; give the folder that it is in: {file.parent}"
    if suffix in _TABLES | _TEXTS and _holds_images(file.parent):
        return f"it is {kind}; give the folder of the images beside it: {file.parent}"
    return f"it is {kind}; give a folder of images"


def _holds_images(folder: Path) -> bool:
    return any(path.suffix.lower() in IMAGE_SUFFIXES for path in folder.iterdir())
