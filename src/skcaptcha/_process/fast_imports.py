"""Imports that a command waits for, made faster."""

# ruff: noqa: PLC0415 - what --help does not need is imported late, so that it answers at once

from __future__ import annotations

import sys
from typing import Any


def import_sklearn() -> None:
    """Import scikit-learn without pandas, unless pandas is imported already.

    scikit-learn imports pandas whenever it is installed, but uses it only for data frames, for
    which it imports it again. Skipping that import saves a quarter of the time.
    """
    if "sklearn" in sys.modules or "pandas" in sys.modules:
        return
    modules: dict[str, Any] = sys.modules
    modules["pandas"] = None  # makes the import fail as if pandas were not installed
    try:
        import sklearn.utils.fixes  # noqa: F401 - the module that imports pandas
    finally:
        del modules["pandas"]
