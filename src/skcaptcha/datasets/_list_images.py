"""The images of a folder, in natural order."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from skcaptcha.datasets._file_kinds import IMAGE_SUFFIXES, suggest_folder
from skcaptcha.exceptions import DatasetError


def list_images(folder: Path) -> list[str]:
    """Return the names of the images of a folder; raise DatasetError if there are none."""
    names = images_directly_in(folder)
    if not names:
        raise no_images(folder)
    return names


def images_directly_in(folder: Path) -> list[str]:
    """Return the names of the images of a folder, perhaps none.

    Raise DatasetError if it is not a folder that can be listed.
    """
    if not folder.exists():
        raise DatasetError(f"{folder}: no such folder; check its path")
    if not folder.is_dir():
        raise DatasetError(f"{folder}: {suggest_folder(folder)}")
    try:
        names = _images_in(folder)
    except OSError as error:
        raise DatasetError(f"{folder}: cannot be listed ({error.strerror})") from error
    return sorted(names, key=natural_sort_key)


def images_in_subfolders(folder: Path) -> list[str]:
    """Return the names of the images in the subfolders, such as ``5UFQ/1.png``, perhaps none."""
    return [
        f"{subfolder.name}/{name}"
        for subfolder, names in _subfolders(folder).items()
        for name in sorted(names, key=natural_sort_key)
    ]


def no_images(folder: Path) -> DatasetError:
    """Return the error that a folder contains no images, and which of its subfolders do."""
    with_images = _subfolders(folder)
    if not with_images:
        suffixes = ", ".join(sorted(suffix[1:] for suffix in IMAGE_SUFFIXES))
        return DatasetError(f"{folder}: contains no images; expected files ending in {suffixes}")
    first = next(iter(with_images))
    which = f"its subfolder {first.name} contains"
    remedy = f"pass that one: {first}"
    if len(with_images) > 1:
        which = f"its {len(with_images)} subfolders contain"
        remedy = (
            f"pass one of them, such as {first}, move all images into one, or write a labels.csv "
            f"with the columns filename and label in {folder}"
        )
    elif any((folder / name).is_file() for name in ("labels.csv", "labels.txt")):
        remedy += ", and move the label file there as well"
    n = sum(map(len, with_images.values()))
    return DatasetError(f"{folder}: contains no images itself, but {which} {n}; {remedy}")


def natural_sort_key(name: str) -> bytes:
    """Return a sort key by which ``2.png`` comes before ``10.png``."""
    key = b""
    for k, part in enumerate(re.split(r"([0-9]+)", name)):
        # Parts with an odd index are numbers: the longer one, without leading zeros, is larger.
        if k % 2:
            digits = part.lstrip("0").encode()
            key += b"\1" + len(digits).to_bytes(4, "big") + digits
        else:
            key += part.encode(errors="surrogatepass") + b"\0"
    # The name itself puts 01.png and 1.png in order.
    return key + b"\0" + name.encode(errors="surrogatepass")


def _subfolders(folder: Path) -> dict[Path, list[str]]:
    """Return the visible subfolders that contain images, with the names of these."""
    inside = {}
    for path in sorted(folder.iterdir(), key=lambda path: natural_sort_key(path.name)):
        if not path.name.startswith(".") and path.is_dir():
            with suppress(OSError):
                inside[path] = _images_in(path)
    return {path: names for path, names in inside.items() if names}


def _images_in(folder: Path) -> list[str]:
    # Broken links and the like cause an error when they are decoded.
    return [
        path.name
        for path in folder.iterdir()
        if path.suffix.lower() in IMAGE_SUFFIXES
        and not path.name.startswith(".")
        and not path.is_dir()
    ]
