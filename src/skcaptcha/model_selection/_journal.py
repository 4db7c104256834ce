"""Results of a long search, kept as they come, so that it can go on where it was stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

import joblib

from skcaptcha._process.versions import RESULTS_DEPEND_ON
from skcaptcha.exceptions import JournalError
from skcaptcha.images import ImageBatch

# Ten thousand candidates in ten folds take a fifth of it.
_MOST_BYTES = 2**28
_BEGINNING = b'{"parts": {'


class Journal:
    """A file of JSON records, one a line, each of which is in it as soon as it is written.

    A context manager.

    Parameters
    ----------
    path : path-like
        The file. What it holds already is kept, but for a last line that was cut off.
    parts : mapping of str to object
        All that the records depend on, by what a sentence calls it.

    Attributes
    ----------
    records : list of dict
        Those that were there already.

    Raises
    ------
    JournalError
        If the file belongs to another search or is no journal, or if a part cannot be pickled.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skcaptcha.model_selection._journal import Journal
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.search"
    ...     with Journal(path, {"labels": ["AB"]}) as journal:
    ...         journal.append([{"score": 0.1}])
    ...     with Journal(path, {"labels": ["AB"]}) as journal:
    ...         print(journal.records)
    ...     Journal(path, {"labels": ["CD"]})
    Traceback (most recent call last):
        ...
    skcaptcha.exceptions.JournalError: ...a.search: is of a search with other labels; delete...
    """

    def __init__(self, path: str | os.PathLike[str], parts: Mapping[str, Any]) -> None:
        self.path = Path(path)
        self.records: list[dict[str, Any]] = []
        head = {
            "parts": {name: self._hash(name, part) for name, part in parts.items()},
            "versions": RESULTS_DEPEND_ON,
        }
        if self.path.exists() and not self.path.is_file():
            raise JournalError(f"{self.path}: it is no file; give the name of one to write")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = open(self.path, "a+b", buffering=0)  # noqa: SIM115 - closed at the exit
        try:
            content = self._content()
            complete = content[: content.rfind(b"\n") + 1]
            self._file.truncate(len(complete))
            if complete:
                was, *self.records = self._parsed(complete)
                self._check(was, head)
            else:
                self.append([head])
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def append(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Write records.

        Parameters
        ----------
        records : iterable of dict
            Numbers come back as the same bits, numpy's as Python's.
        """
        lines = "".join(f"{json.dumps(record, default=_plain)}\n" for record in records).encode()
        try:
            while lines:
                lines = lines[self._file.write(lines) :]
        except OSError as error:
            raise JournalError(
                f"{self.path}: cannot be written ({error.strerror}); make room and resume"
            ) from None

    def _hash(self, name: str, part: Any) -> str:
        try:
            return str(joblib.hash(part))
        except Exception as error:
            raise JournalError(
                f"{self.path}: cannot record the {name} of this search, which cannot be pickled "
                f"({error}); replace a lambda or local class by a named function or class of a "
                "module, or use checkpoint=None"
            ) from None

    def _content(self) -> bytes:
        n_bytes = os.fstat(self._file.fileno()).st_size
        if n_bytes > _MOST_BYTES:
            raise JournalError(
                f"{self.path}: has {n_bytes:,} bytes, and no journal of a search more than "
                f"{_MOST_BYTES:,}; delete it to begin anew"
            )
        self._file.seek(0)
        return self._file.read()

    def _parsed(self, content: bytes) -> list[dict[str, Any]]:
        records = []
        for number, line in enumerate(content.splitlines(), start=1):
            try:
                record = json.loads(line)
            except ValueError:
                record = None
            if not isinstance(record, dict):
                raise JournalError(
                    f"{self.path}: line {number} is no record of a search; delete the file to "
                    "begin anew"
                )
            records.append(record)
        return records

    def _check(self, was: Mapping[str, Any], head: Mapping[str, Any]) -> None:
        if set(was) != set(head):
            raise JournalError(f"{self.path}: is no journal of a search; delete it to begin anew")
        differences = [
            f"other {name}"
            for name, part in head["parts"].items()
            if was["parts"].get(name) != part
        ]
        differences += [
            f"{name} {was['versions'].get(name)} instead of {version}"
            for name, version in head["versions"].items()
            if was["versions"].get(name) != version
        ]
        if differences:
            raise JournalError(
                f"{self.path}: is of a search with {', '.join(differences)}; delete it to begin "
                "anew"
            )


def is_journal(path: Path) -> bool:
    """Tell whether a file is a journal, or the beginning of one.

    Parameters
    ----------
    path : Path

    Returns
    -------
    is_one : bool

    Examples
    --------
    >>> from pathlib import Path
    >>> from skcaptcha.model_selection._journal import is_journal
    >>> is_journal(Path("README.md"))
    False
    """
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return _BEGINNING.startswith(file.read(len(_BEGINNING)))


def digest_of_captchas(X: Any) -> str:
    """Tell captchas apart by their pixels if they are decoded, and files by their content.

    Parameters
    ----------
    X : sequence of n captchas
        Or anything else that a pipeline takes.

    Returns
    -------
    digest : str

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.model_selection._journal import digest_of_captchas
    >>> black = np.zeros((2, 3), np.uint8)
    >>> digest_of_captchas([black, b"a"]) == digest_of_captchas([black.copy(), b"a"])
    True
    >>> digest_of_captchas([black, b"a"]) == digest_of_captchas([black, b"b"])
    False
    """
    if isinstance(X, ImageBatch):
        return X.digest
    if not isinstance(X, Sequence):
        return str(joblib.hash(X))
    digest = sha256()
    for sample in X:
        digest.update(_digest(sample))
    return digest.hexdigest()


def _digest(sample: Any) -> bytes:
    if isinstance(sample, str | os.PathLike):
        # What is no file fails, today and tomorrow; a pipe might never end.
        path = Path(sample)
        sample = path.read_bytes() if path.is_file() else os.fsencode(path)
    if isinstance(sample, bytes):
        return sha256(sample).digest()
    return str(joblib.hash(sample)).encode()


def _plain(value: Any) -> Any:
    return value.tolist()
