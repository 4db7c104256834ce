"""The ``demo`` command."""

import pytest


@pytest.mark.slow
def test_demo_can_run_twice(start, tmp_path):
    files = {}
    for run in range(2):
        ended = start("demo", cwd=tmp_path).outcome(timeout=600)
        assert ended.code == 0, ended.err
        steps = [line.split()[2] for line in ended.err.splitlines() if line.startswith("$ ")]
        assert steps == [["generate", "generate", "fit", "score"], ["fit", "score"]][run]
        said = (ended.out + ended.err).splitlines()
        following = [line for line in said if line.startswith("next: ")]
        assert following == [ended.err.splitlines()[-1]]
        assert following[0].startswith("next: skcaptcha show demo/model.joblib ")
        assert [path.name for path in tmp_path.iterdir()] == ["demo"]
        for name, n in (("train", 100), ("unseen", 200)):
            made = sorted((tmp_path / "demo" / name).iterdir())
            assert len(made) == n + 1, "captchas and labels.csv"
            assert files.setdefault(name, made) == made
        assert (tmp_path / "demo" / "model.joblib").is_file()
    command = following[0].removeprefix("next: skcaptcha ").partition(";")[0].split()
    shown = start(*command, cwd=tmp_path).outcome()
    assert shown.code == 0, shown.err
