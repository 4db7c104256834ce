"""The package alone reads, fits and scores; what needs an extra says which one."""

import os
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import skcaptcha

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links to folders need privileges there")

PROJECT = Path(__file__).parents[2] / "pyproject.toml"
GENERATE = "error: to generate captchas, install the extra generate: pip install 'skcaptcha[gen"
REPORT = "error: to make reports and pictures, install the extra report: pip install 'skcaptcha[rep"


def required() -> dict[str, Distribution]:
    """Return the distributions that ``pip install skcaptcha`` brings, without any extra."""
    found: dict[str, Distribution] = {}
    waiting = tomllib.loads(PROJECT.read_text("utf-8"))["project"]["dependencies"]
    while waiting:
        needed = Requirement(waiting.pop())
        name = canonicalize_name(needed.name)
        if name not in found and (needed.marker is None or needed.marker.evaluate({"extra": ""})):
            found[name] = distribution(name)
            waiting += found[name].requires or ()
    return found


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with links to the packages that ``pip install skcaptcha`` brings."""
    folder = tmp_path_factory.mktemp("packages")
    (folder / "skcaptcha").symlink_to(Path(skcaptcha.__file__).parent)
    for one in required().values():
        for name in {file.parts[0] for file in one.files or ()} - {"..", "__pycache__"}:
            source = Path(str(one.locate_file(name)))
            if name == "cv2":  # it follows links to look for its library
                shutil.copytree(source, folder / name)
            else:
                (folder / name).symlink_to(source)
    return folder


def run(packages: Path, cwd: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run Python with these packages, and no others."""
    return subprocess.run(
        [sys.executable, "-S", *map(str, arguments)],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_extras_bring_what_reading_does_not_need() -> None:
    brought = required().keys()
    assert {"numpy", "opencv-python-headless", "scikit-learn"} <= brought
    extras = {"captcha", "jinja2", "markupsafe", "matplotlib", "onnx", "pandas", "scikit-image"}
    assert not extras & brought


def test_predict(
    packages: Path, model: Path, captchas: Path, texts: list[str], tmp_path: Path
) -> None:
    done = run(packages, tmp_path, "-m", "skcaptcha", "predict", captchas, "--model", model)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split("\t")[1] for line in done.stdout.splitlines()] == texts


@pytest.mark.slow
def test_fit_and_score(packages: Path, workshop: Path, captchas: Path, tmp_path: Path) -> None:
    recipe = workshop / "recipe.yaml"
    arguments = ("fit", recipe, "--data", captchas, "--out", "m.joblib", "--jobs", 1)
    fitted = run(packages, tmp_path, "-m", "skcaptcha", *arguments)
    assert fitted.returncode == 0
    sentence = "the model is written, but not its report m.html: to make reports and pictures, "
    assert f"warning: {sentence}install the extra report: pip install" in fitted.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"m.joblib", "m.json", "m.csv"}
    scored = run(packages, tmp_path, "-m", "skcaptcha", "score", captchas, "--model", "m.joblib")
    assert scored.returncode == 0
    assert "string accuracy" in scored.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("demo",), GENERATE),
        (("generate", "image", "out"), GENERATE),
        (("generate", "lines", "out"), GENERATE),
        (("fit", "grid"), GENERATE),
        (("audit", "CAPTCHAS"), REPORT),
        (("score", "CAPTCHAS", "--model", "MODEL", "--report", "a.html"), REPORT),
        (("show", "MODEL", "CAPTCHAS/00001.png", "--out", "a.png"), REPORT),
    ],
)
def test_an_error_names_the_missing_extra(
    packages: Path,
    model: Path,
    captchas: Path,
    tmp_path: Path,
    arguments: tuple[str, ...],
    sentence: str,
) -> None:
    paths = [a.replace("CAPTCHAS", str(captchas)).replace("MODEL", str(model)) for a in arguments]
    done = run(packages, tmp_path, "-m", "skcaptcha", *paths)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(sentence)
    assert not any(tmp_path.iterdir())


@pytest.mark.slow
def test_pictures_in_the_terminal_need_no_extra(
    packages: Path, model: Path, captchas: Path, tmp_path: Path
) -> None:
    done = run(packages, tmp_path, "-m", "skcaptcha", "show", model, captchas / "00001.png")
    assert done.returncode == 0
    assert done.stdout.startswith("00001.png: ")
