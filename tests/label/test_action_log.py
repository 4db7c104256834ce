"""The log of actions."""

import os
import subprocess
import sys

import pytest

from skcaptcha.exceptions import DatasetError
from skcaptcha.label._action_log import ActionLog


def test_records_round_trip(tmp_path):
    records = [
        {"did": "skip", "filename": "ä\n.png"},
        {"did": "label", "n": 0.1, "x": None},
        {"did": "skip", "filename": os.fsdecode(b"\xff.png")},
    ]
    log = ActionLog(tmp_path)
    for record in records:
        log.append(record)
    log.close()
    log = ActionLog(tmp_path)
    assert log.records == records
    log.close()


@pytest.mark.parametrize("torn", [b'{"did"', b'{"did": "skip"}', b"\xff", b"\x00\x00"])
def test_incomplete_line_is_dropped_and_overwritten(tmp_path, torn):
    log = ActionLog(tmp_path)
    log.append({"did": "skip", "filename": "1.png"})
    log.close()
    whole = log.path.read_bytes()
    log.path.write_bytes(whole + torn)
    log = ActionLog(tmp_path)
    assert [record["filename"] for record in log.records] == ["1.png"]
    log.append({"did": "skip", "filename": "2.png"})
    log.close()
    assert log.path.read_bytes() == whole + whole.replace(b"1.png", b"2.png")


def test_invalid_log_raises_and_is_unchanged(tmp_path):
    for content in (b"hello\n", b"[]\n", b'{"a": 1}\n'):
        (tmp_path / "labeling.jsonl").write_bytes(content)
        with pytest.raises(DatasetError, match="line 1 is not a labeling record"):
            ActionLog(tmp_path)
        assert (tmp_path / "labeling.jsonl").read_bytes() == content


def test_second_process_raises_until_the_first_ends(tmp_path):
    program = (
        "import sys, time; from pathlib import Path\n"
        "from skcaptcha.label._action_log import ActionLog\n"
        "log = ActionLog(Path(sys.argv[1])); print('open', flush=True); time.sleep(60)"
    )
    first = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    with first:
        assert first.stdout.readline() == "open\n"
        with pytest.raises(DatasetError, match="another process"):
            ActionLog(tmp_path)
        first.kill()
    ActionLog(tmp_path).close()


def test_link_is_not_followed(tmp_path):
    (tmp_path / "labeling.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DatasetError, match=r"labeling\.jsonl: cannot be written"):
        ActionLog(tmp_path)
    assert not (tmp_path / "elsewhere").exists()


def test_unwritable_folder_raises(tmp_path):
    (tmp_path / "labeling.jsonl").mkdir()
    with pytest.raises(DatasetError, match=r"labeling\.jsonl: cannot be written"):
        ActionLog(tmp_path)
