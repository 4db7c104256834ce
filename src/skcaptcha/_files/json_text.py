"""JSON for files and for standard output."""

from __future__ import annotations

import json
from typing import Any


def to_json(value: Any, *, indent: int | None = None) -> bytes:
    """Return a value as JSON.

    NumPy's numbers and arrays become plain ones with the same bits; other objects, such as paths,
    become their text.

    Parameters
    ----------
    value : object
    indent : int, optional
        Number of spaces for each level; None: on one line.

    Returns
    -------
    text : bytes
        Valid UTF-8: parts of file names that are not are escaped.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha._files.json_text import to_json
    >>> to_json({"scores": np.array([0.5, 1]), "n": np.int64(2)})
    b'{"scores": [0.5, 1.0], "n": 2}'
    """
    text = json.dumps(value, indent=indent, ensure_ascii=False, default=_plain)
    return text.encode(errors="backslashreplace")


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else str(value)
