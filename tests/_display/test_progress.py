"""Progress bars fit any width: they shorten names but keep the clock."""

import os
import pty
import struct
import subprocess
import sys
import termios
from fcntl import ioctl

import pytest

LONG = "looking for training captchas in a folder with quite a long name"
PROGRAM = f"""
import time
from skcaptcha._display.progress import progress
with progress({LONG!r}, 100_000) as advance:
    advance(44_553)
    for _ in range(25):
        time.sleep(0.1)
        advance(15)
"""


def shown_in_terminal(width):
    """Return the output in a terminal with the given number of columns."""
    here, there = pty.openpty()
    ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    environment = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "NO_COLOR"}}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdout=there, stderr=there, stdin=there, env=environment | {"TERM": "xterm"},
    )  # fmt: skip
    os.close(there)
    said = b""
    try:
        while part := os.read(here, 65536):
            said += part
    except OSError:  # the terminal is closed
        pass
    assert process.wait() == 0
    os.close(here)
    return said.decode()


@pytest.mark.parametrize(
    "width", [40, *(pytest.param(width, marks=pytest.mark.slow) for width in (80, 200))]
)
def test_the_clock_is_visible_at_any_width(width):
    said = shown_in_terminal(width)
    assert "of 100,000" in said
    assert "0:00" in said
    assert "0:02" in said
    assert (LONG in said) == (width == 200)
    if width >= 80:
        assert "left" in said
        # The first items are excluded: the first 15 take a tenth of a second.
        speeds = {int(word.split(" a second")[0].split()[-1].replace(",", ""))
                  for word in said.split("of 100,000") if " a second" in word}  # fmt: skip
        assert speeds
        assert max(speeds) < 500
