"""Images of a folder that have no label."""

# ruff: noqa: PLC0415 - what --help does not need is imported late, so that it answers at once

from __future__ import annotations

import shlex
from pathlib import Path

from skcaptcha.cli._console import note


def note_unlabeled(folder: Path) -> None:
    """Say how many images of a labeled folder are left out because they have no label.

    Parameters
    ----------
    folder : Path
    """
    from skcaptcha.datasets._load import count_unlabeled

    n, n_images = count_unlabeled(folder)
    if n:
        verbs = ("has", "is") if n == 1 else ("have", "are")
        note(
            f"{folder}: {n} of its {n_images} images {verbs[0]} no label and {verbs[1]} left out; "
            f"to label more: {shlex.join(['skcaptcha', 'label', str(folder)])}"
        )
