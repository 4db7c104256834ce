"""The file labeling.jsonl: a log of everything done in a folder that is being labeled."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from skcaptcha._files.exclusive_lock import try_lock
from skcaptcha._files.json_text import to_json
from skcaptcha._files.regular_file import UnreadableError, check_text_size
from skcaptcha.exceptions import DatasetError

NAME = "labeling.jsonl"


class ActionLog:
    """A file with one JSON record per line; each record is on disk before `append` returns.

    While it is open, the file is locked, so that only one process labels a folder. The operating
    system releases the lock when the process ends, even if it is killed.

    Attributes
    ----------
    path : Path
        Path of the file.
    records : list of dict
        All records. An incomplete last line, as a power failure leaves it, is dropped and
        overwritten.

    Raises
    ------
    DatasetError
        If another process has the file open, or if it cannot be written or is not such a log.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        try:
            self._file = open(  # noqa: SIM115 - closed by close()
                self.path, "a+b", buffering=0, opener=_open_no_link
            )
        except OSError as error:
            raise DatasetError(
                f"{self.path}: cannot be written ({error.strerror}); labels are kept next to the "
                "images, so make the folder writable or copy it"
            ) from error
        try:
            if not try_lock(self._file):
                raise DatasetError(
                    f"{folder}: another process is labeling this folder; continue there, or end it "
                    "first"
                )
            check_text_size(os.fstat(self._file.fileno()).st_size)
            self._file.seek(0)
            content = self._file.read()
            self._end = content.rfind(b"\n") + 1
            self.records = self._parsed(content[: self._end])
        except UnreadableError as error:
            self._file.close()
            raise DatasetError(f"{self.path}: {error}") from error
        except BaseException:
            self._file.close()
            raise

    def append(self, record: Mapping[str, Any]) -> None:
        """Write a record; if this raises DatasetError, the file is unchanged."""
        line = to_json(record) + b"\n"
        try:
            # Remove an incomplete line that a full disk or a power failure left at the end.
            self._file.truncate(self._end)
            written = self._file.write(line)
            while written < len(line):
                written += self._file.write(line[written:])
            os.fsync(self._file.fileno())
        except OSError as error:
            with suppress(OSError):
                self._file.truncate(self._end)
            raise DatasetError(
                f"{self.path}: cannot be written ({error.strerror}); free some space and try again"
            ) from error
        self._end += len(line)
        self.records.append(dict(record))

    def close(self) -> None:
        """Close the file and release its lock."""
        self._file.close()

    def _parsed(self, content: bytes) -> list[dict[str, Any]]:
        records = []
        for number, line in enumerate(content.splitlines(), start=1):
            try:
                record = json.loads(line)
            except ValueError:
                record = None
            if not isinstance(record, dict) or not isinstance(record.get("did"), str):
                raise self.error(number)
            records.append(record)
        return records

    def error(self, number: int) -> DatasetError:
        """Return the error to raise if a line, counted from 1, is not a valid record."""
        return DatasetError(
            f"{self.path}: line {number} is not a labeling record; move the file away (the labels "
            "are in labels.csv)"
        )


def _open_no_link(path: str, flags: int) -> int:
    # A folder from someone else may contain a link to one of the user's own files.
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)
