"""Every remedy suggested by a command's error message works."""

import shutil
from pathlib import Path
from typing import Any

import pytest

# Failing command, expected remedy and corrected command.
COMMANDS = [
    (
        "predict in --resume --model model.joblib",
        "add --csv FILE or --parquet FILE",
        "predict in --resume --csv new.csv --model model.joblib",
    ),
    (
        "predict in --csv old.csv --model model.joblib",
        "resume it (--resume, resume=True), or delete the file to start over",
        "predict in --csv old.csv --resume --model model.joblib",
    ),
    (
        "show model.joblib --out steps.png",
        "nothing to draw; pass one or more images after the model",
        "show model.joblib in/00001.png --out steps.png",
    ),
    (
        "show model.joblib in/00001.png --all",
        "--all cannot be combined with images; leave out one of them",
        "show model.joblib --all",
    ),
    (
        "show model.joblib in/00001.png --all",
        "--all cannot be combined with images; leave out one of them",
        "show model.joblib in/00001.png",
    ),
    (
        "predict in --model nowhere.joblib --json in/label.json",
        "use another name, such as in/results.json",
        "predict in --model model.joblib --json in/results.json",
    ),
    (
        "score in --model model.joblib --subset 40..50",
        "exceeds the 30 captchas of in; the maximum position is 30",
        "score in --model model.joblib --subset 30..30",
    ),
    (
        "score in --model model.joblib --jobs -1000",
        "use -1 for one process per core",
        "score in --model model.joblib --jobs -1 --subset 1..2",
    ),
    (
        "score in/00001.png --model model.joblib",
        "pass its folder: in",
        "score in --model model.joblib",
    ),
    (
        "generate lines in",
        "pass an empty or a new folder",
        "generate lines new -n 1",
    ),
]


@pytest.mark.parametrize(("asked", "advice", "then"), COMMANDS)
def test_commands(
    run: Any,
    model: Path,
    captchas: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: str,
    advice: str,
    then: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(captchas, "in")
    if "label.json" in asked:  # label.json is ignored if labels.csv exists
        Path("in", "labels.csv").unlink()
    shutil.copy(model, "model.joblib")
    Path("old.csv.part").write_text("filename,text,confidence\n0.png,AB,0.5\n")
    outcome = run(*asked.split())
    assert outcome.code == 2
    assert advice in outcome.sentence()
    followed = run(*then.split())
    assert followed.code == 0, followed.err
