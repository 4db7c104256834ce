"""Endless text files are refused in one sentence before they are read."""

import io
import sys
import tracemalloc

import pytest

from skcaptcha import load_recipe
from skcaptcha.datasets import load_captchas, make_line_captchas, write_captchas
from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.label._label_table import LabelTable
from skcaptcha.model_selection._journal import Journal
from skcaptcha.prediction import find_images
from skcaptcha.prediction._table import open_table
from skcaptcha.prediction._table_settings import check_settings

GIGABYTES = 3 * 10**9


def hollow(path, begin=b""):
    """A sparse file, which is large but uses no disk space."""
    with path.open("wb") as file:
        file.write(begin)
        file.truncate(GIGABYTES)
    return path


@pytest.fixture
def folder(tmp_path):
    write_captchas(tmp_path / "captchas", *make_line_captchas(2, random_state=0))
    return tmp_path / "captchas"


def refuses(read, path):
    tracemalloc.start()
    try:
        with pytest.raises(SkcaptchaError) as caught:
            read()
        assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    finally:
        tracemalloc.stop()
    sentence = str(caught.value)
    assert str(path) in sentence
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize("read", [load_captchas, LabelTable], ids=["read", "labeled"])
def test_labels_csv(folder, read):
    path = hollow(folder / "labels.csv", b"filename,label\r\n")
    assert "3,000,000,000 bytes" in refuses(lambda: read(folder), path)


def test_labels_txt(folder):
    (folder / "labels.csv").unlink()
    path = hollow(folder / "labels.txt")
    assert "more than the maximum of 67,108,864" in refuses(lambda: load_captchas(folder), path)


def test_a_recipe(tmp_path):
    path = hollow(tmp_path / "a.yaml", b"data: {folder: a}\n")
    refuses(lambda: load_recipe(path), path)


def test_the_journal_of_a_search(tmp_path):
    path = hollow(tmp_path / "m.search", b'{"parts": {')
    refuses(lambda: Journal(path, {}), path)


def test_the_settings_of_an_unfinished_table(tmp_path):
    path = hollow(tmp_path / "a.csv.part.json", b"{")
    refuses(lambda: check_settings(tmp_path / "a.csv.part", {}), path)


@pytest.mark.parametrize("begin", [b"filename,text\r\n", b"filename,text\r\na.png,AB\r\n"])
def test_a_table_that_is_resumed(tmp_path, begin):
    path = hollow(tmp_path / "a.csv.part", begin)

    def resume():
        with open_table(tmp_path / "a.csv", ("filename", "text"), resume=True):
            pass

    assert "a line of more than 1,048,576 bytes" in refuses(resume, path)
    assert path.stat().st_size == GIGABYTES


class Endless(io.RawIOBase):
    """Returns zeros endlessly."""

    def readable(self):
        return True

    def readinto(self, buffer):
        buffer[:] = bytes(len(buffer))
        return len(buffer)


def test_a_list_of_paths(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Endless())))
    with pytest.raises(SkcaptchaError, match=r"^-: the list of paths has .* without a line feed"):
        next(find_images("-"))


def test_a_list_of_paths_that_arrives_in_pieces(monkeypatch):
    names = [f"{'a' * n}.png" for n in (1, 70_000, 200_000, 2)]
    content = "\n".join(names).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(content))))
    assert list(find_images("-")) == names
