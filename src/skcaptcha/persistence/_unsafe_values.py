"""Check that an untrusted model contains only values, and nothing that opens files or is callable.

scikit-learn's classes are harmless by themselves, but some of their parameters are not: a Pipeline
unpickles files in the folder ``memory``, a FunctionTransformer calls ``func``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from reprlib import repr  # noqa: A004 - values from a file may be long
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
# These classes are callable, but stand for types of data and only create data.
_TYPES_OF_DATA = (np.generic, int, float, complex, str, bytes, bool, list, tuple, set, dict)
_MAX_JOBS = 256
# joblib evaluates other strings.
_PRE_DISPATCH = re.compile(r"all|(\d{1,4}\*)?n_jobs")


def unsafe_value(model: Any) -> str:
    """Return the first parameter or attribute of a model that is not safe, and why; or ``""``.

    The types in the model are known to be trusted. It is searched recursively.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import FunctionTransformer
    >>> from skcaptcha.persistence._unsafe_values import unsafe_value
    >>> unsafe_value(make_pipeline(FunctionTransformer(), memory="cache"))
    "memory='cache', a folder from which fitted steps would be unpickled"
    >>> unsafe_value(make_pipeline(FunctionTransformer(print)))
    'steps[0][1].func, which is callable'
    >>> unsafe_value(make_pipeline(FunctionTransformer()))
    ''
    """
    waiting = [("", model)]
    seen = {id(model)}
    while waiting:
        path, value = waiting.pop()
        if reason := _unsafe(value):
            return f"{path}{reason}"
        for step, inside in _inside(value):
            deeper = f"{path}{step}".removeprefix(".")
            if reason := _unsafe_parameter(step.removeprefix("."), inside):
                return f"{deeper}{reason}"
            if id(inside) not in seen:
                seen.add(id(inside))
                waiting.append((deeper, inside))
    return ""


def _unsafe(value: Any) -> str:
    if isinstance(value, type):
        return "" if issubclass(value, _TYPES_OF_DATA) else ", which is callable"
    # Callable objects of this package only read segments.
    if callable(value) and not type(value).__module__.startswith("skcaptcha."):
        return ", which is callable"
    if hasattr(value, "__fspath__"):
        return f"={repr(value)}, a path"
    return ""


def _unsafe_parameter(name: str, value: Any) -> str:
    """Check values that are harmless by themselves, but not as values of these parameters."""
    match name:
        case "memory" if value is not None:
            return f"={repr(value)}, a folder from which fitted steps would be unpickled"
        case "input" if isinstance(value, str) and value in ("file", "filename"):
            return f"={repr(value)}, which opens the files named in its input"
        case "n_jobs" if value is not None and not _is_number_of_jobs(value):
            return f"={repr(value)}; the maximum is {_MAX_JOBS}"
        case "pre_dispatch" if isinstance(value, str) and not _PRE_DISPATCH.fullmatch(value):
            return f"={repr(value)}, which would be evaluated"
        case "default_factory" if value is not None:
            return ", which is callable"
    return ""


def _is_number_of_jobs(value: Any) -> bool:
    return isinstance(value, int | np.integer) and abs(int(value)) <= _MAX_JOBS


def _inside(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the elements and attributes of a value, each after the expression that leads to it."""
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
