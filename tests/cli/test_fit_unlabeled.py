"""``fit DIR --unlabeled`` with images that cannot help, and after it was killed."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from skcaptcha.datasets import (
    load_captchas,
    make_image_captchas,
    make_line_captchas,
    write_captchas,
)
from skcaptcha.images import decode
from waiting import wait_until


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty labeled captchas with characters that touch."""
    folder = tmp_path_factory.mktemp("unlabeled") / "captchas"
    write_captchas(folder, *make_image_captchas(40, n_characters=3, charset="ABCD", random_state=0))
    return folder


def without_label(folder: Path, images: list[np.ndarray]) -> Path:
    write_captchas(folder, images, ["-"] * len(images))
    (folder / "labels.csv").unlink()
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["text", "other scheme", "copies"])
def test_images_that_cannot_help_do_no_harm(run, folder, tmp_path, kind):
    more, model = tmp_path / "more", tmp_path / "m.joblib"
    if kind == "text":
        more.mkdir()
        for i in range(20):
            (more / f"{i}.png").write_text("no image")
    elif kind == "copies":
        without_label(more, [decode(path) for path in load_captchas(folder).data])
    else:
        without_label(more, list(make_line_captchas(20, random_state=0)[0]))
    outcome = run(
        "fit", folder, "--unlabeled", more, "--out", model, "--budget", 15, "--jobs", 1,
        "--json", "-",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    report = json.loads(outcome.out)
    assert not report.get("n_pseudo_labeled")
    if kind == "text":
        assert "20 of 20 images without a label cannot be read" in outcome.err
        assert "n_unlabeled" not in report
    else:
        assert "of which none taught" in outcome.err
    assert json.loads(model.with_suffix(".json").read_text())["n_train"] == 40


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_killed_and_resumed(start, run, folder, tmp_path):
    more = without_label(
        tmp_path / "more",
        list(make_image_captchas(40, n_characters=3, charset="ABCD", random_state=1)[0]),
    )
    model = tmp_path / "out" / "m.joblib"
    command = ("fit", folder, "--unlabeled", more, "--out", model, "--budget", 20, "--jobs", 1)
    journal = model.with_name("m.joblib.search")
    stopped = start(*command)
    wait_until(lambda: journal.exists() and journal.read_bytes().count(b"\n") > 2)
    stopped.kill()
    stopped.outcome()
    assert journal.exists()
    assert not model.exists()
    outcome = run(*command, "--resume")
    assert outcome.code == 0, outcome.err
    assert json.loads(model.with_suffix(".json").read_text())["n_unlabeled"] == 40
    assert {path.suffix for path in model.parent.iterdir()} == {
        ".joblib", ".json", ".csv", ".yaml", ".html"
    }  # fmt: skip
