"""``audit`` writes its report in three formats, or writes nothing."""

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from skcaptcha.datasets import make_line_captchas, write_captchas


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty labeled captchas and a file that is not an image."""
    folder = tmp_path_factory.mktemp("captchas")
    for i, (image, label) in enumerate(
        zip(*make_line_captchas(30, charset="ABC", random_state=0), strict=True)
    ):
        cv2.imwrite(str(folder / f"{label}_{i}.png"), image[..., ::-1])
    (folder / "AAAA_broken.png").write_text("no image")
    return folder


@pytest.mark.slow
def test_audit_writes_one_report_in_three_formats(folder, tmp_path, run):
    out, more = tmp_path / "new" / "report.html", tmp_path / "more"
    write_captchas(more, *make_line_captchas(12, charset="ABC", random_state=1))
    (more / "broken.png").write_text("no image")
    done = run(
        "audit", folder, "--unlabeled", folder, "--unlabelled", more, "--out", out,
        "--budget", 8, "--jobs", 1, "--json", "-",
    )  # fmt: skip
    assert done.code == 1
    assert "AAAA_broken.png" in done.err
    assert "1 of 13 images without a label cannot be read" in done.err
    assert "with unlabeled images" in done.err
    figures = json.loads(done.out)
    assert json.loads(out.with_suffix(".json").read_text()) == {
        key: value for key, value in figures.items() if key != "files"
    }
    assert (figures["n"], figures["n_unlabeled"]) == (30, 12)
    assert [
        *(point["n_labels"] for point in figures["unlabeled_curve"]),
        *figures["unlabeled_skipped"],
    ] == [20]
    assert [failed["filename"] for failed in figures["failed"]] == ["AAAA_broken.png"]
    low, high = figures["string_accuracy_interval"]
    assert low <= figures["string_accuracy"] <= high
    for file in (out, out.with_suffix(".md")):
        assert "Limits of text captchas" in file.read_text()
    assert (
        len(re.findall('class="picture"[^>]*aria-label="captcha [ABC]{4}"', out.read_text())) == 5
    )
    assert "string accuracy" in done.err


@pytest.mark.parametrize("out", ["report.pdf", "report"])
def test_audit_requires_a_path_for_html(folder, tmp_path, run, out):
    done = run("audit", folder, "--out", tmp_path / out)
    assert done.code == 2
    assert "report.html" in done.sentence()
    assert not list(tmp_path.iterdir())


def test_audit_refuses_to_write_two_results_to_one_file(folder, tmp_path, run):
    done = run("audit", folder, "--out", tmp_path / "a.html", "--json", tmp_path / "a.json")
    assert done.code == 2
    assert "two results would be written to this file" in done.sentence()


def test_audit_needs_images_in_folders_of_unlabeled_ones(folder, tmp_path, run):
    done = run("audit", folder, "--unlabeled", tmp_path, "--out", tmp_path / "audit.html")
    assert done.code == 2
    assert str(tmp_path) in done.sentence()
    assert not list(tmp_path.iterdir())


def test_audit_refuses_numbers_as_labels(tmp_path, run):
    for i in range(10, 22):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((20, 60), i, np.uint8))
    done = run("audit", tmp_path, "--out", tmp_path / "audit.html")
    assert done.code == 2
    assert "not labels" in done.sentence()


def test_audit_has_help_with_an_example(run):
    outcome = run("audit", "--help")
    assert outcome.code == 0
    assert "Example: skcaptcha audit" in outcome.out
