"""Other readers, in processes of their own, told when to read and asked how long it took."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from skcaptcha.exceptions import SkcaptchaError

_SCRIPTS = Path(__file__).parent / "peers"


class Peer:
    """A reader in a process of its own; a context manager.

    Parameters
    ----------
    python : str
        Interpreter of the environment that it is installed in.
    script : str
        Its script in the folder ``peers``.
    images : sequence of Path
    work : Path
        Folder for the list of them.
    *arguments
        For the script.
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
        """Have it read all images, and give the seconds that took it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{self.list}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SkcaptchaError(f"{' '.join(self.command)}: ended without an answer")
        return float(answer)
