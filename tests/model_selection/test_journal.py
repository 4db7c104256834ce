"""The file of results; tests/model_selection/test_checkpoint.py tests its errors."""

import math

from skcaptcha.model_selection._journal import Journal, digest_of_captchas


def test_records_round_trip_exactly(tmp_path):
    path, parts = tmp_path / "new" / "a.search", {"labels": ["A", "B"]}
    records = [{"score": 0.1 + 0.2, "text": "\u00e9"}, {"score": math.nan}, {"score": -math.inf}]
    with Journal(path, parts) as journal:
        assert journal.records == []
        journal.append(records[:1])
        journal.append(records[1:])
    path.write_bytes(path.read_bytes() + b'{"score": 0.')
    with Journal(path, parts) as journal:
        assert repr(journal.records) == repr(records)
        journal.append([{"last": 1}])
    with Journal(path, parts) as journal:
        assert journal.records[3:] == [{"last": 1}]


def test_the_digest_of_files_depends_on_their_content(tmp_path):
    one, other = tmp_path / "a.png", tmp_path / "b.png"
    one.write_bytes(b"1")
    other.write_bytes(b"1")
    same = digest_of_captchas([one, tmp_path / "none"])
    assert digest_of_captchas([str(other), tmp_path / "none"]) == same
    other.write_bytes(b"2")
    assert digest_of_captchas([other, tmp_path / "none"]) != same
    assert digest_of_captchas([tmp_path / "none", one]) != same
