"""The ``label`` command, from its start to Ctrl-C."""

import os
import signal
import sys
import time

import pytest

from labeling_clients import Client
from skcaptcha.cli import main
from skcaptcha.datasets import load_captchas


def test_ctrl_c_prints_the_next_step(start, unlabeled):
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


def test_browser_opens_the_address(start, unlabeled, tmp_path):
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
def test_unusable_folders_are_refused_in_one_sentence(tmp_path, monkeypatch, capsys, arguments):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["skcaptcha", "label", "--no-browser", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    assert said.out == ""


@pytest.mark.slow
def test_only_one_command_can_label_a_folder(start, unlabeled):
    folder, _ = unlabeled(2)
    first = start(folder)
    second = start(folder)
    assert first.url.startswith("http://127.0.0.1:")
    assert second.url == ""
    _, said = second.communicate(timeout=60)
    assert second.returncode == 2
    assert str(folder) in said


def test_command_works_without_a_writable_home(start, unlabeled, monkeypatch):
    folder, _ = unlabeled(1)
    monkeypatch.setenv("XDG_DATA_HOME", os.devnull)
    assert start(folder).url.startswith("http://127.0.0.1:")


@pytest.mark.slow
def test_file_names_as_labels_print_a_note(start, unlabeled):
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


def test_labels_may_be_stored_in_one_case(start, unlabeled):
    folder, _ = unlabeled(4)
    (folder / "labels.csv").write_text("filename,label\n00001.png,XUD2\n")
    client = Client(start(folder, "--fold-case"))
    task = client.do("open")["task"]
    assert client.do("label", id=task["id"], text="hots")["saved"] == "HOTS"
    captchas = load_captchas(folder)
    assert dict(zip(captchas.filenames, captchas.target.tolist(), strict=True)) == {
        "00001.png": "XUD2",
        task["filename"]: "HOTS",
    }
