"""The ``generate`` command writes a labeled folder."""

from pathlib import Path

from skcaptcha.datasets import load_captchas


def test_generate_writes_a_reproducible_labeled_folder(run, tmp_path):
    for name in ("a", "b"):
        assert run("generate", "dots", tmp_path / name, "-n", 3, "--seed", 4).code == 0
    a, b = load_captchas(tmp_path / "a"), load_captchas(tmp_path / "b")
    assert len(a.data) == 3
    assert a.target.tolist() == b.target.tolist()
    for one, other in zip(a.data, b.data, strict=True):
        assert Path(one).read_bytes() == Path(other).read_bytes()
