"""Saving captchas, or the characters cut from them, as files."""

import csv
import os
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePath

import numpy as np
from PIL import Image

from skcaptcha.datasets._progress import advance_progress
from skcaptcha.exceptions import DatasetError


def write_captchas(folder: str | Path, images: Sequence[np.ndarray], labels: Sequence[str]) -> None:
    """Save captchas as a labeled folder: ``00001.png``, ``00002.png``..., and ``labels.csv``.

    Either all files are written or none. A new folder appears when it is complete.

    Parameters
    ----------
    folder : str or Path
        Folder to write to; created if it is missing.
    images : array-like of shape (n, h, w) or (n, h, w, 3), or list of images, dtype uint8
        Gray or RGB images.
    labels : sequence of n str
        Their strings.

    Raises
    ------
    DatasetError
        If the folder is a file or is not empty, or if images or labels are invalid.

    See Also
    --------
    load_captchas : Load the folder.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from skcaptcha.datasets import make_line_captchas, write_captchas
    >>> with TemporaryDirectory() as folder:
    ...     write_captchas(folder, *make_line_captchas(2, random_state=0))
    ...     sorted(path.name for path in Path(folder).iterdir())
    ['00001.png', '00002.png', 'labels.csv']
    """
    if len(images) != len(labels):
        raise DatasetError(
            f"there are {len(images)} images and {len(labels)} labels; pass one label per image"
        )
    for i, label in enumerate(labels):
        if not isinstance(label, str) or not label:
            raise DatasetError(f"label {i} must be a non-empty string; found {label!r}")
    with _atomic_folder(Path(folder)) as drafts:
        names = [f"{i:05}.png" for i in range(1, len(images) + 1)]
        for i, (name, image) in enumerate(zip(names, images, strict=True)):
            _write_png(drafts / name, image, f"image {i}")
            advance_progress()
        with (drafts / "labels.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("filename", "label"), *zip(names, labels, strict=True)])


def write_characters(
    folder: str | Path,
    crops: Sequence[np.ndarray],
    characters: Sequence[str],
    names: Sequence[str],
) -> None:
    """Save the image of each character in a folder for each class of characters.

    If the second character of captcha ``x.png`` is a 7, it becomes ``7/x_2.png``, so that file
    names are unique. The folder of a letter or digit has its name; that of any other character has
    the name of its code point (``U+002F``). If both cases of a letter occur, the folder of the
    lower-case letter is named ``a_lower``, because many file systems ignore case.

    Either all files are written or none. A new folder appears when it is complete.

    Parameters
    ----------
    folder : str or Path
        Folder to write to; created if it is missing.
    crops : array-like of shape (m, h, w), or list of images, dtype uint8
        One image per character.
    characters : sequence of m str
        Class of each image.
    names : sequence of m str
        File name of each character's captcha, with or without suffix and folder. Characters of one
        captcha must be in order.

    Raises
    ------
    DatasetError
        If the folder is a file or is not empty, or if crops, characters or names are invalid.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from skcaptcha.datasets import write_characters
    >>> crops = np.zeros((3, 21, 20), np.uint8)
    >>> with TemporaryDirectory() as folder:
    ...     write_characters(folder, crops, ["4", "4", "/"], ["x.png"] * 3)
    ...     sorted(path.relative_to(folder).as_posix() for path in Path(folder).glob("*/*"))
    ['4/x_1.png', '4/x_2.png', 'U+002F/x_3.png']
    """
    if not len(crops) == len(characters) == len(names):
        raise DatasetError(
            f"there are {len(crops)} crops, {len(characters)} characters and {len(names)} names; "
            "pass one of each for every character"
        )
    if not all(characters):
        raise DatasetError("one of the characters is an empty string; remove it and its crop")
    folders = _folder_names(characters)
    positions: Counter[str] = Counter()
    with _atomic_folder(Path(folder)) as drafts:
        for name in set(folders.values()):
            (drafts / name).mkdir()
        for i, (crop, character, name) in enumerate(zip(crops, characters, names, strict=True)):
            stem = PurePath(name).stem
            # Names that a file system may consider equal share a counter.
            key = unicodedata.normalize("NFC", stem).casefold()
            positions[key] += 1
            _write_png(
                drafts / folders[character] / f"{stem}_{positions[key]}.png", crop, f"crop {i}"
            )


@contextmanager
def _atomic_folder(folder: Path) -> Iterator[Path]:
    """Yield a hidden folder to write to, which replaces `folder` if there was no error.

    If the folder exists, the files are moved into it: it may be another process's current folder.
    """
    if folder.exists() and not folder.is_dir():
        raise DatasetError(f"{folder}: is a file; pass a folder to write to")
    new = not folder.exists()
    home = folder.parent if new else folder
    home.mkdir(parents=True, exist_ok=True)
    if not new and any(not path.name.startswith(".") for path in folder.iterdir()):
        raise DatasetError(f"{folder}: is not empty; pass an empty or a new folder to write to")
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=home) as drafts:
        inside = Path(drafts) / "all"
        inside.mkdir()
        yield inside
        if new:
            os.rename(inside, folder)
            return
        # labels.csv comes last: with it the folder is complete.
        for path in sorted(inside.iterdir()):
            os.replace(path, folder / path.name)


def _write_png(path: Path, image: np.ndarray, name: str) -> None:
    image = np.asarray(image)
    gray_or_rgb = image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)
    if image.dtype != np.uint8 or not gray_or_rgb or not image.size:
        raise DatasetError(
            f"{name}: expected uint8 of shape (h, w) or (h, w, 3); "
            f"found {image.dtype} of shape {image.shape}"
        )
    Image.fromarray(image).save(path)


def _folder_names(characters: Sequence[str]) -> dict[str, str]:
    """Return a folder name for each character; they are unique even if case is ignored."""
    chosen: dict[str, str] = {}
    taken: set[str] = set()
    # Upper-case letters come first, and get the plain name.
    for character in sorted(set(characters)):
        code_points = "_".join(f"U+{ord(part):04X}" for part in character)
        # File systems may change names that are not normalized.
        plain = character.isalnum() and unicodedata.normalize("NFKC", character) == character
        candidates = [character, f"{character}_lower"] if plain else []
        chosen[character] = next(
            name for name in (*candidates, code_points) if name.casefold() not in taken
        )
        taken.add(chosen[character].casefold())
    return chosen
