"""Only regular files within the size limit are read, and reading never blocks."""

import os
import sys

import pytest

from skcaptcha._files.regular_file import (
    MAX_TEXT_BYTES,
    UnreadableError,
    check_text_size,
    read_regular_file,
)


def test_the_size_is_checked_before_reading(tmp_path):
    file = tmp_path / "a.txt"
    file.write_bytes(b"12345")
    sizes: list[int] = []
    assert read_regular_file(file, sizes.append) == b"12345"
    assert sizes == [5]
    check_text_size(MAX_TEXT_BYTES)
    with pytest.raises(UnreadableError, match="more than the maximum"):
        check_text_size(MAX_TEXT_BYTES + 1)


def test_folders_and_missing_files_are_refused(tmp_path):
    with pytest.raises(UnreadableError, match="it is a folder"):
        read_regular_file(tmp_path, check_text_size)
    with pytest.raises(UnreadableError, match="no such file"):
        read_regular_file(tmp_path / "a.txt", check_text_size)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_pipes_are_refused_without_blocking(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnreadableError, match="not a regular file"):
        read_regular_file(tmp_path / "pipe", check_text_size)


def test_a_file_that_grows_is_refused(tmp_path):
    file = tmp_path / "a.txt"
    file.write_bytes(b"12345")

    def grow(n_bytes: int) -> None:
        with file.open("ab") as stream:
            stream.write(b"6")

    with pytest.raises(UnreadableError, match="changed while it was read"):
        read_regular_file(file, grow)
