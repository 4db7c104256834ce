"""Other OCR programs, each in its own process, which report how long they take to read."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from skcaptcha.exceptions import SkcaptchaError

_SCRIPTS = Path(__file__).parent / "peers"


class Peer:
    """A process that reads images with another OCR program; a context manager.

    ``python`` is the interpreter of the environment where the program is installed, ``script`` the
    name of its script in the folder ``peers``, and ``work`` a folder for the list of images.
    """

    def __init__(
        self, python: str, script: str, images: Sequence[Path], work: Path, *arguments: Path
    ) -> None:
        self.list = work / f"{script}.txt"
        self.list.write_text("".join(f"{path}\n" for path in images))
        self.n = len(images)
        self.command = [python, str(_SCRIPTS / f"{script}.py"), *map(str, arguments)]

    def __enter__(self) -> Self:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(self.command, stdin=pipe, stdout=pipe, text=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.process.communicate()

    def seconds(self) -> float:
        """Read all images, and return the seconds that it takes."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{self.list}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SkcaptchaError(f"{' '.join(self.command)}: ended without an answer")
        return float(answer)
