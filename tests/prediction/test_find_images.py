"""Folders, patterns and lists of paths give the expected images in a fixed order."""

import glob
import os
import random
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from skcaptcha.exceptions import DatasetError
from skcaptcha.prediction import find_images

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


def test_folders_are_listed_in_natural_order(tree):
    expected = ["2.png", "10.png", "b/1.JPG", "b/c/[x].png", "b/c/y.webp", "b9/z.png", "b10/z.png"]
    assert list(find_images(["."])) == expected
    assert list(find_images([str(tree)])) == [f"{tree}/{name}" for name in expected]


def test_a_url_is_not_a_pattern():
    """When it is decoded, the error explains that URLs are not downloaded."""
    urls = ["https://example.org/captcha.png?n=[1]", "data:image/png;base64,iVBORw0KGgo="]
    assert list(find_images(urls)) == urls


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


def test_paths_are_returned_as_given(tree):
    paths = find_images([str(tree)])
    assert next(paths) == f"{tree}/2.png"
    (tree / "b10" / "a.png").touch()
    assert f"{tree}/b10/a.png" in list(paths)


def test_folders_that_cannot_be_listed_do_not_affect_others(tree):
    """The path is too long, because permissions do not apply to a superuser."""
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
