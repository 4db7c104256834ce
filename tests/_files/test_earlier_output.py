"""Files that the user may have written by hand are not replaced."""

import pytest

from skcaptcha._files.earlier_output import check_earlier_output
from skcaptcha.exceptions import OverwriteError


@pytest.mark.parametrize("content", [None, b"", b"# Ours\nmore"])
def test_a_missing_empty_or_earlier_file_may_be_replaced(tmp_path, content):
    file = tmp_path / "m.yaml"
    if content is not None:
        file.write_bytes(content)
    check_earlier_output(file, "# Ours", tmp_path / "m.joblib")


def test_other_files_are_refused_and_kept(tmp_path):
    file = tmp_path / "m.yaml"
    file.write_bytes(b"steps:\n")
    with pytest.raises(OverwriteError, match=r"m\.yaml: not from an earlier run"):
        check_earlier_output(file, "# Ours", tmp_path / "m.joblib")
    assert file.read_bytes() == b"steps:\n"
