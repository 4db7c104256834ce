"""A file of results of a long search, so that an interrupted search can be resumed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import joblib

from skcaptcha._files.json_text import to_json
from skcaptcha._process.versions import RESULTS_DEPEND_ON
from skcaptcha.exceptions import CheckpointError
from skcaptcha.images import ImageBatch

# Five times the size for ten thousand candidates in ten folds.
_MAX_BYTES = 2**28
_BEGINNING = b'{"parts": {'


class Journal:
    """A file of JSON records, one on each line, which are in the file as soon as they are written.

    A context manager. ``parts`` is everything that the records depend on, by the name that error
    messages use. Records already in the file are in ``records``; an incomplete last line is
    removed. Raises CheckpointError if the file belongs to another search or is not a journal, or if
    a part cannot be pickled.
    """

    def __init__(self, path: str | os.PathLike[str], parts: Mapping[str, Any]) -> None:
        self.path = Path(path)
        self.records: list[dict[str, Any]] = []
        head = {
            "parts": {name: self._hash(name, part) for name, part in parts.items()},
            "versions": RESULTS_DEPEND_ON,
        }
        if self.path.exists() and not self.path.is_file():
            raise CheckpointError(f"{self.path}: not a regular file; pass a file path")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = open(self.path, "a+b", buffering=0)  # noqa: SIM115 - closed in __exit__
        try:
            n_bytes = os.fstat(self._file.fileno()).st_size
            if n_bytes > _MAX_BYTES:
                raise self._refusal(f"has {n_bytes:,} bytes; the maximum is {_MAX_BYTES:,}")
            self._file.seek(0)
            content = self._file.read()
            complete = content[: content.rfind(b"\n") + 1]
            self._file.truncate(len(complete))
            if complete:
                found, *self.records = self._parse(complete)
                self._check(found, head)
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
        """Write records; their numbers are read again with the same bits."""
        lines = b"".join(to_json(record) + b"\n" for record in records)
        try:
            while lines:
                lines = lines[self._file.write(lines) :]
        except OSError as error:
            raise CheckpointError(
                f"{self.path}: cannot be written ({error.strerror}); free some space and resume"
            ) from None

    def _hash(self, name: str, part: Any) -> str:
        try:
            return str(joblib.hash(part))
        except Exception as error:
            raise CheckpointError(
                f"{self.path}: cannot record the {name} of this search, which cannot be pickled "
                f"({error}); replace a lambda or local class with a named function or class of a "
                "module, or use checkpoint=None"
            ) from None

    def _parse(self, content: bytes) -> list[dict[str, Any]]:
        records = []
        for number, line in enumerate(content.splitlines(), start=1):
            try:
                record = json.loads(line)
            except ValueError:
                record = None
            if not isinstance(record, dict):
                raise self._refusal(f"line {number} is not a record of a search")
            records.append(record)
        return records

    def _check(self, found: Mapping[str, Any], head: Mapping[str, Any]) -> None:
        if set(found) != set(head):
            raise self._refusal("not the journal of a search")
        differences = [
            f"different {name}"
            for name, part in head["parts"].items()
            if found["parts"].get(name) != part
        ]
        differences += [
            f"{name} {found['versions'].get(name)} instead of {version}"
            for name, version in head["versions"].items()
            if found["versions"].get(name) != version
        ]
        if differences:
            raise self._refusal(f"belongs to a search with {', '.join(differences)}")

    def _refusal(self, problem: str) -> CheckpointError:
        return CheckpointError(f"{self.path}: {problem}; delete the file to start over")


def is_journal(path: Path) -> bool:
    """Check whether a file is a journal or the beginning of one."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return _BEGINNING.startswith(file.read(len(_BEGINNING)))


def digest_of_captchas(X: Any) -> str:
    """Return a hash of captchas by their pixels, of files by their content."""
    if isinstance(X, ImageBatch):
        return X.digest
    if isinstance(X, Sequence):
        X = [joblib.hash(_content(sample)) for sample in X]
    return str(joblib.hash(X))


def _content(sample: Any) -> Any:
    if not isinstance(sample, str | os.PathLike):
        return sample
    # Only regular files are read: reading a pipe might never end.
    path = Path(sample)
    return path.read_bytes() if path.is_file() else os.fsencode(path)
