"""What predict reads from its standard input."""

import json
import os
import sys

import pytest


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
@pytest.mark.parametrize(
    ("null", "written", "names"),
    [
        (False, b"a b.png\r\n\n c.png\nd.png", ["a b.png", " c.png", "d.png"]),
        (True, b"a\nb.png\0\0 \0\xff.png", ["a\nb.png", " ", os.fsdecode(b"\xff.png")]),
    ],
)
def test_lists_on_the_standard_input(start, model, null, written, names):
    command = start("predict", "-", "--model", model, "--json", "-", *["-0"] * null)
    command.stdin.buffer.write(written)
    outcome = command.outcome()
    assert outcome.code == 1
    failed = [failure["filename"] for failure in json.loads(outcome.out)["failed"]]
    assert [name.encode(errors="surrogateescape") for name in failed] == [
        name.encode(errors="surrogateescape") for name in names
    ]
