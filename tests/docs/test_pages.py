"""Run every code block of the README and the docs, page by page, as a user would."""

import doctest
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sklearn.pipeline import Pipeline

import skcaptcha
from docs.pages import (
    ROOT,
    Block,
    blocks_of,
    commands_of,
    expected_output,
    folders_created_by,
    pages,
)
from skcaptcha.cli import main
from skcaptcha.datasets import make_line_captchas, write_captchas
from skcaptcha.denoise import Grayscale, HeightScaler, PolarityNormalizer
from skcaptcha.features import OrientedGradients
from skcaptcha.images import ImageDecoder
from skcaptcha.read import SequenceReader
from skcaptcha.segment import SlidingWindow

_OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def _parameters():
    for page in pages():
        marks = [pytest.mark.slow] if "<!-- slow -->" in page.read_text() else []
        yield pytest.param(page, id=page.relative_to(ROOT).as_posix(), marks=marks)


@pytest.fixture(scope="session")
def given(tmp_path_factory):
    """A folder with the captchas and models from two tutorials, which other pages need."""
    folder = tmp_path_factory.mktemp("given")
    X, y = make_line_captchas(120, random_state=0)
    write_captchas(folder / "captchas", list(X[:100]), y[:100].tolist())
    for name in ("lines-test", "touching-test"):
        write_captchas(folder / name, list(X[100:]), y[100:].tolist())
    recipe = skcaptcha.load_recipe(ROOT / "configs" / "grid.yaml", ["final={}"])
    model = recipe.pipeline().fit(X[:100], y[:100])
    (folder / "artifacts").mkdir()
    skcaptcha.save(model, folder / "artifacts" / "model.joblib")
    gray, ink, size = ("gray", Grayscale()), ("ink", PolarityNormalizer()), ("size", HeightScaler())
    steps = [("images", ImageDecoder()), ("denoise", Pipeline([gray, ink, size]))]
    steps += [("segment", SlidingWindow()), ("features", OrientedGradients())]
    sequence = Pipeline([*steps, ("read", SequenceReader(random_state=0))]).fit(X[:100], y[:100])
    skcaptcha.save(sequence, folder / "artifacts" / "sequence.joblib")
    return folder


@pytest.mark.parametrize("page", list(_parameters()))
def test_code_of_page_runs(page, given, tmp_path, monkeypatch, capsys):
    # Each page runs in a fresh clone, without files written by other pages.
    for folder in ("configs", "src"):
        _copy(ROOT / folder, tmp_path / folder)
    if "<!-- given: captchas and a model -->" in page.read_text():
        shutil.copytree(given, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("DOCS_TESTS", str(Path(__file__).parent))
    monkeypatch.setenv("COLUMNS", "100")
    namespace: dict[str, object] = {"__name__": page.stem}
    printed = None
    for block in blocks_of(page.read_text()):
        where = f"{page.relative_to(ROOT)}, line {block.line}"
        if block.reason:
            printed = None
        elif block.file:
            Path(block.file).parent.mkdir(parents=True, exist_ok=True)
            Path(block.file).write_text(block.code)
        elif block.language == "sh":
            parts = commands_of(block.command or block.code)
            printed = "".join(_run(part, where, monkeypatch, capsys) for part in parts)
        elif block.language == "text" and printed is not None:
            assert expected_output(block.code).search(printed), f"{where}: printed\n{printed}"
        elif block.language == "python":
            _run_python(block, page, namespace)
        elif block.language == "pycon":
            _run_doctest(block, page, namespace)


def _copy(folder: Path, to: Path) -> None:
    shutil.copytree(folder, to, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))


def _run(part: str | list[str], where: str, monkeypatch, capsys) -> str:
    if isinstance(part, str):
        return _run_shell(part, where)
    # Run in this process, where scikit-learn is already imported.
    monkeypatch.setattr(sys, "argv", part)
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main()
    printed = "".join(capsys.readouterr())
    assert not ended.value.code, f"{where}: exit code {ended.value.code}\n{printed}"
    return printed


def _run_shell(script: str, where: str) -> str:
    # The package under test, wherever it is installed.
    functions = f'skcaptcha() {{ "{sys.executable}" -m skcaptcha "$@"; }}\n'
    functions += f'python() {{ "{sys.executable}" "$@"; }}\n'
    path = os.pathsep.join(p for p in ("src", os.environ.get("PYTHONPATH")) if p)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", functions + script],
        check=False,
        env=os.environ | {"PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, f"{where}: exit code {done.returncode}\n{done.stdout}"
    return done.stdout


def _run_python(block: Block, page: Path, namespace: dict[str, object]) -> None:
    code = "\n" * (block.line - 1) + block.code  # tracebacks show the line number of the page
    exec(compile(code, str(page), "exec", dont_inherit=True), namespace)


def _run_doctest(block: Block, page: Path, namespace: dict[str, object]) -> None:
    test = doctest.DocTestParser().get_doctest(
        block.code, namespace, page.name, str(page), block.line
    )
    test.globs = namespace
    runner = doctest.DebugRunner(optionflags=_OPTIONS)
    try:
        runner.run(test, clear_globs=False)
    except doctest.DocTestFailure as failure:
        pytest.fail(
            f"{page.name}: {failure.example.source}expected {failure.example.want}got {failure.got}"
        )
    except doctest.UnexpectedException as error:
        raise error.exc_info[1] from None


def test_kinds_of_blocks_are_recognized():
    text = (
        "# Title\n\n```sh\nls\n```\n\n```text\na 1\n```\n\n<!-- not run: it waits -->\n```sh\ncat\n"
        "```\n\n<!-- runs as: true -->\n\n```sh\nfalse\n```\n```yaml\n# mine.yaml\na: 1\n```\n"
    )
    blocks = blocks_of(text)
    assert [block.language for block in blocks] == ["sh", "text", "sh", "sh", "yaml"]
    assert [block.line for block in blocks] == [4, 8, 13, 19, 22]
    assert [block.reason for block in blocks] == [None, None, "it waits", None, None]
    assert [block.command for block in blocks] == [None, None, None, "true", None]
    assert [block.file for block in blocks] == [None, None, None, None, "mine.yaml"]


def test_commands_are_separated_from_shell_lines():
    script = "skcaptcha show a.joblib 'b c.png'  # why\nls | head\ncat a\nskcaptcha predict - < a\n"
    assert commands_of(script) == [
        ["skcaptcha", "show", "a.joblib", "b c.png"],
        "ls | head\ncat a\nskcaptcha predict - < a",
    ]


def test_shown_output_is_compared_except_for_numbers():
    pattern = expected_output("accuracy  98.5 %\n...\nwritten to a.csv")
    assert pattern.search("accuracy 7 %   \nand so on\n  written to a.csv\n")
    assert not pattern.search("accuracy 7 %\nwritten to b.csv\n")


def test_pages_create_folders_with_different_names():
    """All pages can be run one after another in one folder."""
    made = [
        (folder, page.relative_to(ROOT).as_posix())
        for page in pages()
        for folder in sorted(folders_created_by(page.read_text()))
    ]
    assert {"captchas", "lines-test", "dots-train", "case-captchas"} <= {name for name, _ in made}
    by_folder = dict(made)
    assert [pair for pair in made if by_folder[pair[0]] != pair[1]] == []


def test_the_tutorials_create_the_files_that_other_pages_need(given):
    tutorials = ROOT / "docs" / "tutorials"
    made = {
        folder
        for name in ("lines.md", "touching.md")
        for folder in folders_created_by((tutorials / name).read_text())
    }
    assert {path.name for path in given.iterdir()} - {"artifacts"} <= made


def test_pages_with_code_list_their_requirements_first():
    without = [
        page.name
        for page in pages()
        if page.parent.name in ("tutorials", "howto") and "**You need** " not in head_of(page)
    ]
    assert not without


def head_of(page: Path) -> str:
    return page.read_text().partition("\n```")[0]


def test_the_front_page_names_the_version():
    assert f"skcaptcha {skcaptcha.__version__} needs Python" in (ROOT / "docs/index.md").read_text()


def test_every_block_that_does_not_run_has_a_reason():
    without = [
        f"{page.name}: {block.line}"
        for page in pages()
        for block in blocks_of(page.read_text())
        if "not run" in block.note and len(block.reason or "") < 10
    ]
    assert not without
