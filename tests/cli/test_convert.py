"""``convert`` writes the labels of a folder in another format."""

import json
import shutil

from skcaptcha.datasets import load_captchas


def test_convert(run, captchas, tmp_path):
    folder = shutil.copytree(captchas, tmp_path / "in")
    bunch = load_captchas(folder)
    (folder / "labels.csv").unlink()
    rows = zip(bunch.filenames, bunch.target.tolist(), strict=True)
    (folder / "metadata.jsonl").write_text(
        "\n".join(json.dumps({"file_name": name, "text": text}) for name, text in rows)
    )
    outcome = run("convert", folder, "--to", "csv")
    assert outcome.code == 0
    assert outcome.err.splitlines() == [
        f"{folder}: labels are taken from metadata.jsonl (JSON lines)",
        f"{folder / 'labels.csv'}: 30 labels written",
    ]
    (folder / "metadata.jsonl").unlink()
    assert load_captchas(folder).target.tolist() == bunch.target.tolist()
    again = run("convert", folder, "--to", "csv")
    assert again.code == 2
    assert "exists" in again.sentence()


def test_unlabeled_images_are_counted(run, captchas, tmp_path):
    folder = shutil.copytree(captchas, tmp_path / "in")
    (folder / "labels.csv").write_text("filename,label\n00001.png,5UFQ\n")
    outcome = run("convert", folder, "--to", "gt.txt", "--out", tmp_path / "gt.txt")
    assert "29 of its 30 images have no label" in outcome.err
    assert outcome.err.endswith("gt.txt: 1 label written\n")
    assert (tmp_path / "gt.txt").read_bytes() == b"00001.png\t5UFQ\n"
