"""Images that are named by their labels."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from skcaptcha.datasets._match_filenames import name_as_text
from skcaptcha.exceptions import DatasetError

# Endings that distinguish images with equal labels, and those that copying adds to a file name.
_ENDING = re.compile(r"\s*[-_]|\s*\([0-9]+\)$|\s+copy(\s+[0-9]+)?$")


def label_of_name(name: str) -> str:
    """Return the label that the name of an image contains.

    >>> label_of_name("5UFQ_2.png"), label_of_name("x.y (3).png")
    ('5UFQ', 'x.y')
    """
    return _ENDING.split(os.path.splitext(name_as_text(name))[0], maxsplit=1)[0]


def labels_of_names(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """Return the label of each image; raise DatasetError if a name contains none."""
    labels = {name: label_of_name(name) for name in names}
    for name, label in labels.items():
        if not label:
            raise DatasetError(
                f"{folder / name}: its name contains no label; name it by its label, such as "
                "5UFQ.png or 5UFQ_2.png, or write a labels.csv"
            )
    return labels
