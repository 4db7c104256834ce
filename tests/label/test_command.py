"""The command label, from its start to Ctrl-C."""

import os
import signal
import subprocess
import sys
import time

import pytest

from skcaptcha.datasets import load_captchas


def test_ctrl_c_ends_it_with_what_to_do_next(start, unlabeled):
    folder, truth = unlabeled(3)
    (folder / "labels.csv").write_text(f"filename,label\n00001.png,{truth['00001.png']}\n")
    server = start(folder)
    server.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, said = server.communicate(timeout=60)
    assert time.monotonic() - began < 5
    assert server.returncode == 130
    *_, last = said.splitlines()
    assert last == f"1 of 3 images are labeled; next: skcaptcha fit {folder}"
    assert load_captchas(folder).filenames == ["00001.png"]


def test_a_browser_is_given_the_address(start, unlabeled, tmp_path):
    folder, _ = unlabeled(1)
    told = tmp_path / "told"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {told}.part\nmv {told}.part {told}\n')
    browser.chmod(0o755)
    server = start(folder, browser=browser)
    deadline = time.monotonic() + 30
    while not told.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert told.read_text() == server.url


@pytest.mark.parametrize("arguments", [["nowhere"], ["."], [".", "--port", "70000"]])
def test_what_cannot_be_labeled_is_said_in_one_sentence(tmp_path, arguments):
    done = subprocess.run(
        [sys.executable, "-m", "skcaptcha", "label", "--no-browser", *arguments],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_folder_is_labeled_by_one_command_at_a_time(start, unlabeled):
    folder, _ = unlabeled(2)
    first = start(folder)
    second = start(folder)
    assert first.url.startswith("http://127.0.0.1:")
    assert second.url == ""
    _, said = second.communicate(timeout=60)
    assert second.returncode == 2
    assert str(folder) in said


def test_the_command_needs_no_home_to_write_to(start, unlabeled, monkeypatch):
    folder, _ = unlabeled(1)
    monkeypatch.setenv("XDG_DATA_HOME", os.devnull)
    assert start(folder).url.startswith("http://127.0.0.1:")


@pytest.mark.slow
def test_names_of_images_are_said_not_to_count(start, unlabeled):
    folder, truth = unlabeled(2)
    unlike = "has no labels.csv or labels.txt"
    for labels, warned in (
        ("", True),
        (f"filename,label\n00001.png,{truth['00001.png']}\n", False),
    ):
        if labels:
            (folder / "labels.csv").write_text(labels)
        server = start(folder)
        server.send_signal(signal.SIGINT)
        _, said = server.communicate(timeout=60)
        assert (unlike in said) == warned
