"""Trees, patterns and lists of paths mean the images that a user would expect, in one order."""

import glob
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from skcaptcha.datasets._load import natural_sort_key
from skcaptcha.exceptions import DatasetError
from skcaptcha.prediction import _names_on_disk, find_images
from skcaptcha.prediction._names_on_disk import sort_names

NAMES = (
    "10.png", "2.png", "labels.csv", ".hidden.png", "b/1.JPG", "b/c/[x].png", "b/c/y.webp",
    "b10/z.png", "b9/z.png", ".h/z.png",
)  # fmt: skip


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in random.Random(0).sample(NAMES, len(NAMES)):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "b" / "up").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_tree_comes_in_natural_order(tree):
    expected = ["2.png", "10.png", "b/1.JPG", "b/c/[x].png", "b/c/y.webp", "b9/z.png", "b10/z.png"]
    assert list(find_images(["."])) == expected
    assert list(find_images([str(tree)])) == [f"{tree}/{name}" for name in expected]


def test_a_url_is_not_a_pattern():
    """Decoding it says that nothing is downloaded."""
    urls = ["https://example.org/captcha.png?n=[1]", "data:image/png;base64,iVBORw0KGgo="]
    assert list(find_images(urls)) == urls


# Few kinds of characters make many equal parts and numbers.
FILE_NAMES = st.text(st.sampled_from("019ab.\n\udcffé"), min_size=1, max_size=6) | st.text(
    st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=300
)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
@given(names=st.lists(FILE_NAMES, max_size=60), n_in_memory=st.integers(0, 70))
def test_names_sorted_on_disk_are_names_sorted(names, n_in_memory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_names_on_disk, "_NAMES_IN_MEMORY", n_in_memory)
        assert list(sort_names(names)) == sorted(names, key=natural_sort_key)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_files_of_a_folder():
    code = (
        "import resource, sys\n"
        "from skcaptcha.prediction._names_on_disk import sort_names\n"
        "n = int(sys.argv[1])\n"
        "names = sort_names(f'{i}.png' for i in reversed(range(n)))\n"
        "assert sum(name == f'{i}.png' for i, name in enumerate(names)) == n\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    peaks = []
    for n in ("60000", "300000"):
        command = [sys.executable, "-c", code, n]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout) * (1 / 1024 if sys.platform == "darwin" else 1))
    # All names with their sort keys would take 48 MiB.
    assert peaks[1] - peaks[0] < 10 * 1024


PART = st.sampled_from(["*", "**", "?", "b", "b*", "[b]", "c", "*.png", "z.*", ".*", "1.JPG", "*9"])


@given(parts=st.lists(PART, min_size=1, max_size=4))
def test_patterns_match_what_glob_matches(tmp_path_factory, parts):
    root = tmp_path_factory.getbasetemp() / "tree-for-patterns"
    for name in NAMES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    pattern = "/".join([str(root), *parts])
    expected = {
        os.path.normpath(path)
        for path in glob.glob(pattern, recursive=True)
        if os.path.isfile(path)
    }
    assume(any(character in "*?[" for character in "".join(parts)))
    if not expected:
        with pytest.raises(DatasetError, match="no file matches this pattern"):
            find_images([pattern])
        return
    found = list(find_images([pattern]))
    assert len(found) == len(set(found))
    assert set(found) == expected


def test_a_name_that_looks_like_a_pattern_is_a_name(tree):
    assert list(find_images(["b/c/[x].png"])) == ["b/c/[x].png"]


def test_names_are_found_as_they_are_asked_for(tree):
    paths = find_images([str(tree)])
    assert next(paths) == f"{tree}/2.png"
    (tree / "b10" / "a.png").touch()
    assert f"{tree}/b10/a.png" in list(paths)


def test_a_folder_that_cannot_be_listed_is_named_and_the_rest_read(tree):
    """Permissions would not stop a superuser; a path of too many characters stops everybody."""
    name = "x" * 250
    folder = os.open(tree, os.O_RDONLY)
    for _ in range(17):
        os.mkdir(name, dir_fd=folder)
        inside = os.open(name, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inside
    os.close(folder)
    failures = []
    found = list(find_images(["."], on_error=lambda *failure: failures.append(failure)))
    assert found[-1] == "b10/z.png"
    [(path, reason)] = failures
    assert path.startswith(f"{name}/{name}")
    assert reason == "it cannot be listed (File name too long)"
    with pytest.raises(DatasetError, match="it cannot be listed"):
        list(find_images("."))
