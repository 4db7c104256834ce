"""What a model from a stranger may hold: values, and nothing that opens files or can be called.

scikit-learn's classes are harmless as such, but do as their parameters say: a Pipeline unpickles
what lies in the folder that its ``memory`` names, a FunctionTransformer calls its ``func``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from reprlib import repr  # noqa: A004 - of what a file holds, which may be long
from typing import Any

import numpy as np
import scipy.sparse

_VALUES = (
    type(None),
    str,
    bytes,
    bytearray,
    int,
    float,
    complex,
    slice,
    np.generic,
    np.dtype,
    np.random.RandomState,
    np.random.Generator,
    scipy.sparse.spmatrix,
    scipy.sparse.sparray,
)
# Classes can be called, but these, which stand for types of data, only make data.
_TYPES_OF_DATA = (np.generic, int, float, complex, str, bytes, bool, list, tuple, set, dict)
_MOST_JOBS = 256
# joblib calculates what other strings say.
_PRE_DISPATCH = re.compile(r"all|(\d{1,4}\*)?n_jobs")


def unsafe_value(model: Any) -> str:
    """Look in all parameters and attributes of a model for what could open files or be called.

    Parameters
    ----------
    model : object
        Of types that are trusted.

    Returns
    -------
    found : str
        Where the first one is, and what; "" if there is none.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import FunctionTransformer
    >>> from skcaptcha.persistence._held_values import unsafe_value
    >>> unsafe_value(make_pipeline(FunctionTransformer(), memory="cache"))
    "memory='cache', a folder that fitted steps would be loaded from"
    >>> unsafe_value(make_pipeline(FunctionTransformer(print)))
    'steps[0][1].func, which can be called'
    >>> unsafe_value(make_pipeline(FunctionTransformer()))
    ''
    """
    waiting = [("", model)]
    seen = {id(model)}
    while waiting:
        place, value = waiting.pop()
        if reason := _unsafe(value):
            return f"{place}{reason}"
        for step, inside in _inside(value):
            deeper = f"{place}{step}".removeprefix(".")
            if reason := _unsafe_parameter(step.removeprefix("."), inside):
                return f"{deeper}{reason}"
            if id(inside) not in seen:
                seen.add(id(inside))
                waiting.append((deeper, inside))
    return ""


def _unsafe(value: Any) -> str:
    if isinstance(value, type):
        return "" if issubclass(value, _TYPES_OF_DATA) else ", which can be called"
    # What of this package can be called reads segments.
    if callable(value) and not type(value).__module__.startswith("skcaptcha."):
        return ", which can be called"
    if hasattr(value, "__fspath__"):
        return f"={repr(value)}, a path"
    return ""


def _unsafe_parameter(name: str, value: Any) -> str:
    """Judge the values that are harmless by themselves, but not as what they are used for."""
    match name:
        case "memory" if value is not None:
            return f"={repr(value)}, a folder that fitted steps would be loaded from"
        case "input" if isinstance(value, str) and value in ("file", "filename"):
            return f"={repr(value)}, which opens the files that its input names"
        case "n_jobs" if value is not None and not _is_number_of_jobs(value):
            return f"={repr(value)}; at most {_MOST_JOBS} processes are started"
        case "pre_dispatch" if isinstance(value, str) and not _PRE_DISPATCH.fullmatch(value):
            return f"={repr(value)}, which would be calculated"
        case "default_factory" if value is not None:
            return ", which can be called"
    return ""


def _is_number_of_jobs(value: Any) -> bool:
    return isinstance(value, int | np.integer) and abs(int(value)) <= _MOST_JOBS


def _inside(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield what a value holds, each with what leads there from it."""
    if isinstance(value, (type, *_VALUES)):
        return
    if isinstance(value, dict):
        for key, inside in value.items():
            yield f"[{repr(key)}]", inside
            if not isinstance(key, _VALUES):
                yield f".keys({repr(key)})", key
    elif isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            for i, inside in enumerate(value.ravel().tolist()):
                yield f"[{i}]", inside
    elif isinstance(value, list | tuple | set | frozenset):
        for i, inside in enumerate(value):
            yield f"[{i}]", inside
    for name, inside in getattr(value, "__dict__", {}).items():
        yield f".{name}", inside
    if hasattr(value, "default_factory"):
        yield ".default_factory", value.default_factory
