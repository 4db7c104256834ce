"""Wait for a condition that another process fulfills."""

import time
from collections.abc import Callable


def wait_until(holds: Callable[[], bool], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.01)
