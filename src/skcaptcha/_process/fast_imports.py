"""Imports that a command waits for, made shorter."""

# ruff: noqa: PLC0415 - what --help does not need is imported late, so that it answers at once

from __future__ import annotations

import sys
from typing import Any


def import_sklearn() -> None:
    """Import scikit-learn without pandas, unless that is there already.

    scikit-learn imports pandas along with itself wherever pandas is installed, and uses it only for
    data frames, for which it imports it again. To leave that out saves a quarter of the time.
    """
    if "sklearn" in sys.modules or "pandas" in sys.modules:
        return
    modules: dict[str, Any] = sys.modules
    modules["pandas"] = None  # has the import fail as if there were none
    try:
        import sklearn.utils.fixes  # noqa: F401 - it is this module that imports pandas
    finally:
        del modules["pandas"]
