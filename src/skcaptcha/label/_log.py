"""What was done in a folder that is being labeled, in the order in which it was done."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from skcaptcha._files.regular_file import UnreadableError, check_size_of_text
from skcaptcha.exceptions import DatasetError

NAME = "labeling.jsonl"


class ActionLog:
    """A file of JSON records, one a line, to which each is written before the call returns.

    As long as it is open it is locked: one process at a time labels a folder. The system takes the
    lock away when the process ends, however it ends.

    Parameters
    ----------
    folder : Path

    Attributes
    ----------
    path : Path
        The file ``labeling.jsonl``.
    records : list of dict
        All of it. A last line that was cut off when the power went is left out, and overwritten.

    Raises
    ------
    DatasetError
        If another process has it open, or it is no such file, or cannot be written.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from skcaptcha.label._log import ActionLog
    >>> with TemporaryDirectory() as folder:
    ...     log = ActionLog(Path(folder))
    ...     log.append({"did": "skip", "filename": "1.png"})
    ...     log.close()
    ...     log = ActionLog(Path(folder))
    ...     log.records
    ...     log.close()
    [{'did': 'skip', 'filename': '1.png'}]
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        try:
            self._file = open(  # noqa: SIM115 - closed by close()
                self.path, "a+b", buffering=0, opener=_open_no_link
            )
        except OSError as error:
            raise DatasetError(
                f"{self.path}: cannot be written ({error.strerror}); labels are kept beside the "
                "images, so make the folder writable or copy it"
            ) from error
        try:
            self._lock()
            check_size_of_text(os.fstat(self._file.fileno()).st_size)
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
        """Write a record.

        Parameters
        ----------
        record : mapping
            Of what JSON can hold.

        Raises
        ------
        DatasetError
            If it cannot be written; it then is not in the file either.
        """
        # What has no place in UTF-8, as parts of file names may, is escaped as JSON can.
        line = json.dumps(record, ensure_ascii=False).encode(errors="backslashreplace") + b"\n"
        try:
            # What was cut off by a full disk or a power cut before must not lead into this line.
            self._file.truncate(self._end)
            written = self._file.write(line)
            while written < len(line):
                written += self._file.write(line[written:])
            os.fsync(self._file.fileno())
        except OSError as error:
            with suppress(OSError):
                self._file.truncate(self._end)
            raise DatasetError(
                f"{self.path}: cannot be written ({error.strerror}); make room and try again"
            ) from error
        self._end += len(line)
        self.records.append(dict(record))

    def close(self) -> None:
        """Close the file and let others label the folder."""
        self._file.close()

    def _lock(self) -> None:
        with suppress(ImportError):
            import fcntl  # noqa: PLC0415 - Windows has none

            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DatasetError(
                    f"{self.path.parent}: is being labeled by another process; go on there, or "
                    "end it first"
                ) from None
            except OSError:
                pass  # not all file systems can

    def _parsed(self, content: bytes) -> list[dict[str, Any]]:
        records = []
        for number, line in enumerate(content.splitlines(), start=1):
            try:
                record = json.loads(line)
            except ValueError:
                record = None
            if not isinstance(record, dict) or not isinstance(record.get("did"), str):
                raise DatasetError(
                    f"{self.path}: line {number} is no record of labeling; move the file away "
                    "(the labels are in labels.csv)"
                )
            records.append(record)
        return records


def _open_no_link(path: str, flags: int) -> int:
    # Who gets a folder from somebody else must not append to a file of his own elsewhere.
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)
