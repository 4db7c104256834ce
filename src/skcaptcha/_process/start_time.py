"""Start time of the command: the user waits for its imports as well."""

from __future__ import annotations

import time


class _Command:
    began: float | None = None


def record_start() -> None:
    """Record that this process was started to run a command. Call it before slow imports.

    Until then the process has only computed, so that its processor time is its age.
    """
    _Command.began = time.perf_counter() - time.process_time()


def command_start() -> float:
    """Return when the command was started, by `time.perf_counter`; by default the current time."""
    return time.perf_counter() if _Command.began is None else _Command.began
