"""Kinds of files by their suffix, and suggestions for users who pass a file, not a folder."""

import os
from pathlib import Path

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp"})

_TABLES = {".csv", ".tsv"}
_TEXTS = {".txt", ".json", ".jsonl"}
_ARCHIVES = {".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar"}
_KINDS = {
    **dict.fromkeys(IMAGE_SUFFIXES, "an image"),
    **dict.fromkeys(_TABLES, "a table"),
    **dict.fromkeys(_TEXTS, "a text file"),
    **dict.fromkeys(_ARCHIVES, "an archive"),
    **dict.fromkeys((".joblib", ".skops", ".pkl", ".pickle"), "a model"),
    **dict.fromkeys((".yaml", ".yml"), "a recipe"),
}


def is_image(name: str) -> bool:
    """Return whether a file is an image, by the suffix of its name."""
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES


def kind_of(file: Path) -> str | None:
    """Return the kind of a file by its suffix, such as "an image", or None if it is unknown."""
    return _KINDS.get(file.suffix.lower())


def may_be_recipe(file: Path) -> bool:
    """Return whether a file may be a recipe.

    Text files with other suffixes may be recipes unless there are images next to them, whose labels
    they may contain.
    """
    suffix = file.suffix.lower()
    if suffix in _TEXTS:
        return not contains_images(file.parent)
    return _KINDS.get(suffix, "a recipe") == "a recipe"


def suggest_folder(file: Path) -> str:
    """Return a sentence that suggests which folder to pass instead of an existing file."""
    suffix = file.suffix.lower()
    kind = kind_of(file) or "a file"
    if suffix in _ARCHIVES:
        unpacked = file.with_name(file.name.removesuffix(file.suffix).removesuffix(".tar"))
        if unpacked.is_dir():
            return f"it is {kind}; pass the folder unpacked from it: {unpacked}"
        return f"it is {kind}; unpack it, and pass the folder of its images"
    if suffix in IMAGE_SUFFIXES:
        return f"it is {kind}; pass its folder: {file.parent}"
    if suffix in _TABLES | _TEXTS and contains_images(file.parent):
        return f"it is {kind}; pass the folder of the images next to it: {file.parent}"
    return f"it is {kind}; pass a folder of images"


def contains_images(folder: Path) -> bool:
    """Return whether a folder exists, can be listed, and contains images (by their suffix)."""
    try:
        return any(path.suffix.lower() in IMAGE_SUFFIXES for path in folder.iterdir())
    except OSError:
        return False
