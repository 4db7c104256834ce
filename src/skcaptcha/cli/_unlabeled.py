"""Images without a label, which the commands that learn from labels also use."""

# ruff: noqa: PLC0415 - heavy imports are late, so that --help is fast

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skcaptcha.datasets import Captchas


def load_unlabeled(folder: Path, labels: Path | None, folders: Sequence[Path]) -> Captchas | None:
    """Return the images of a folder that have no label, and all those of other folders.

    A folder that is given twice, or is the folder itself, adds nothing.
    """
    from skcaptcha.datasets import Captchas, load_captchas

    with warnings.catch_warnings(action="ignore"):
        own = load_captchas(folder, labeled=None, labels=labels)
    missing = [i for i, label in enumerate(own.target.tolist()) if not label]
    paths = [own.data[i] for i in missing]
    seen = {folder.resolve()}
    for other in folders:
        if other.resolve() not in seen:
            seen.add(other.resolve())
            paths += load_captchas(other, labeled=False).data
    return Captchas(data=paths, filenames=paths) if paths else None
