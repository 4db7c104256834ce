"""The notebooks page runs as a notebook; its cells show pictures and diagrams."""

import base64

import cv2
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from docs.pages import ROOT, blocks_of


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Return the source and the displayed contents, by type, of each cell."""
    folder = tmp_path_factory.mktemp("notebook")
    (folder / "configs").symlink_to(ROOT / "configs")
    page = (ROOT / "docs" / "howto" / "notebooks.md").read_text()
    cells = [
        nbformat.v4.new_code_cell(block.code)
        for block in blocks_of(page)
        if block.language == "python" and not block.reason
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PLATFORM_DIRS", "1")
        patch.setenv("IPYTHONDIR", str(folder / "ipython"))
        client = NotebookClient(
            nbformat.v4.new_notebook(cells=cells),
            timeout=300,
            resources={"metadata": {"path": str(folder)}},
        )
        notebook = client.execute()
    return [
        (cell.source, [output.data for output in cell.outputs if "data" in output])
        for cell in notebook.cells
    ]


def displayed_by(shown, beginning):
    ((_, outputs),) = [(source, out) for source, out in shown if source.startswith(beginning)]
    (data,) = outputs
    return data


@pytest.mark.slow
def test_a_model_shows_its_diagram_with_links(shown):
    html = displayed_by(shown, "model")["text/html"]
    assert "sk-container" in html
    assert "denoise" in html
    assert "skcaptcha.readthedocs.io" in html


@pytest.mark.slow
def test_a_drawing_shows_its_picture(shown):
    png = base64.b64decode(displayed_by(shown, "draw_traces")["image/png"])
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    # Three rows of strips, each with ink.
    assert image.shape[1] > image.shape[0] > 100
    assert all(part.std() > 20 for part in np.array_split(image, 3))


@pytest.mark.slow
def test_a_report_shows_itself(shown):
    html = displayed_by(shown, "report")["text/html"]
    assert html.startswith("<iframe")
    assert "captchas were read correctly" in html
