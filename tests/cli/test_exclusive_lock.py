"""A command is refused if another command is writing the same file."""

import os
import shutil
import subprocess
import sys

import pytest

from skcaptcha._files.exclusive_lock import exclusive_lock
from skcaptcha.exceptions import SkcaptchaError

pytest.importorskip("fcntl")

HOLD = """
import sys
from pathlib import Path
from skcaptcha._files.exclusive_lock import exclusive_lock
with exclusive_lock(Path(sys.argv[1])):
    print("holds it", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def held(tmp_path):
    """A model that another process is writing, and that process."""
    path = tmp_path / "m.joblib"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"holds it\n"
        yield path, process
        process.kill()


def test_a_second_fit_is_refused_and_changes_no_files(run, workshop, captchas, held):
    path, _ = held
    journal = path.with_name("m.joblib.search")
    journal.write_bytes(b'{"parts": {')  # written by the first fit
    before = sorted(os.listdir(path.parent))
    for what in (workshop / "recipe.yaml", captchas):
        outcome = run("fit", what, "--jobs", 1, "--out", path)
        assert outcome.code == 2
        assert f"{path}: another process is writing to it" in outcome.sentence()
    assert sorted(os.listdir(path.parent)) == before
    assert journal.read_bytes() == b'{"parts": {'


def test_a_link_to_the_model_is_also_locked(held, tmp_path):
    path, _ = held
    (tmp_path / "other").mkdir()
    link = tmp_path / "other" / "link.joblib"
    link.symlink_to(path)
    with pytest.raises(SkcaptchaError, match="another process"), exclusive_lock(link):
        pass


def test_a_killed_process_releases_the_lock(held):
    path, process = held
    process.kill()
    process.wait()
    with exclusive_lock(path):
        pass
    assert os.listdir(path.parent) == []


def test_fit_leaves_no_lock(run, workshop, tmp_path):
    shutil.copy(workshop / "recipe.yaml", tmp_path)
    outcome = run("fit", tmp_path / "recipe.yaml", "--jobs", 1, "--out", tmp_path / "m.joblib")
    assert outcome.code == 0, outcome.err
    assert not [name for name in os.listdir(tmp_path) if "lock" in name]
