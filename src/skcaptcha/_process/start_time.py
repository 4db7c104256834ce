"""When the command was started: the user waits for its imports as well."""

from __future__ import annotations

import time


class _Command:
    """The command that this process runs, if it was started to run one."""

    began: float | None = None


def note_start() -> None:
    """Note that this process was started to run a command; call it before the slow imports.

    Until then, the process has done little else than to compute, so that its processor time tells
    for how long it has been running.
    """
    _Command.began = time.perf_counter() - time.process_time()


def began() -> float:
    """Give the moment at which the command was started.

    Returns
    -------
    began : float
        By `time.perf_counter`; now, if Python code runs the command in a process of its own.

    Examples
    --------
    >>> import time
    >>> from skcaptcha._process.start_time import began
    >>> began() <= time.perf_counter()
    True
    """
    return time.perf_counter() if _Command.began is None else _Command.began
