"""The JavaScript program of the page on other languages reads what the model reads."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import skcaptcha
from docs.pages import ROOT, blocks_of
from skcaptcha.datasets import load_captchas, make_line_captchas, write_captchas

PAGE = ROOT / "docs" / "howto" / "other-languages.md"
PACKAGES = "require('onnxruntime-node'); require('pngjs')"


def node(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["node", *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_javascript_reads_the_same_texts(tmp_path: Path) -> None:
    if node("-e", PACKAGES).returncode:
        pytest.skip("npm install onnxruntime-node pngjs, in a folder of NODE_PATH")
    (program,) = (
        block.code for block in blocks_of(PAGE.read_text("utf-8")) if block.language == "js"
    )
    (tmp_path / "read.js").write_text(program, "utf-8")
    X, y = make_line_captchas(100, random_state=0)
    write_captchas(tmp_path / "new", list(X[40:]), y[40:].tolist())
    model = skcaptcha.load_recipe("grid", ["final={}"]).pipeline().fit(X[:40], y[:40])
    about = skcaptcha.export_onnx(model, tmp_path / "m.onnx")
    (tmp_path / "m.json").write_text(json.dumps(about), "utf-8")
    files = load_captchas(tmp_path / "new").data
    done = node(tmp_path / "read.js", tmp_path / "m.onnx", tmp_path / "m.json", *files)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == model.predict(files).tolist()
