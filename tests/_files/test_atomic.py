"""Files are written completely or not at all."""

import errno
import os
import pickle
import subprocess
import sys

import pytest

from skcaptcha._files.atomic import write_atomically
from skcaptcha.exceptions import OutputError


def test_a_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    write_atomically(path, lambda file: file.write(b"old"))

    def fail(file):
        file.write(b"half of the n")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, fail)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_links_are_kept(tmp_path):
    (tmp_path / "there").mkdir()
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "there" / "real.txt")
    for content in (b"new", b"newer"):  # the target of the link does not exist at first
        write_atomically(link, lambda file, content=content: file.write(content))
        assert link.is_symlink()
        assert (tmp_path / "there" / "real.txt").read_bytes() == content
    assert os.listdir(tmp_path / "there") == ["real.txt"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_pipes_are_kept_and_receive_the_bytes(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_atomically(pipe, lambda file: file.write(b"all of it"))
    assert os.read(end, 100) == b"all of it"
    os.close(end)
    assert pipe.is_fifo()
    assert os.listdir(tmp_path) == ["pipe"]


def test_errors_of_the_writer_are_not_converted(tmp_path):
    def copy(file):
        file.write((tmp_path / "missing").read_bytes())

    with pytest.raises(FileNotFoundError, match="missing"):
        write_atomically(tmp_path / "a.txt", copy)
    assert os.listdir(tmp_path) == []


WRITE_TOO_MUCH = """
import pickle, resource, sys
from skcaptcha._files.atomic import write_atomically
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    write_atomically(sys.argv[1], lambda file: file.write(bytes(int(sys.argv[2]))))
except OSError as error:
    sys.stdout.buffer.write(pickle.dumps((type(error), str(error), error.__cause__.errno)))
"""


# Content larger than the buffer is written immediately; the rest when the file is closed.
@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no limits of processes")
@pytest.mark.parametrize("n", [10_001, 50_000, 10_000_000])
def test_a_full_disk_keeps_the_old_file(tmp_path, n):
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")
    done = subprocess.run(
        [sys.executable, "-c", WRITE_TOO_MUCH, path, str(n)], capture_output=True, check=True
    )
    kind, said, code = pickle.loads(done.stdout)
    assert kind is OutputError
    assert said.startswith(f"{path}: cannot be written (File too large); free some space")
    assert code == errno.EFBIG
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.txt"]
