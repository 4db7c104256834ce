"""Draw the pictures of the README and the site from generated captchas.

``python docs/draw.py`` writes them; the same versions of everything give the same pictures.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from skcaptcha import load_recipe
from skcaptcha.datasets import SCHEMES
from skcaptcha.inspection import trace
from skcaptcha.report import draw_traces

HERE = Path(__file__).parent


def filmstrip(file: Path) -> None:
    """Draw what each step does to three captchas.

    Parameters
    ----------
    file : Path
        A PNG file.
    """
    X, y = SCHEMES["lines"](103, random_state=0)
    model = load_recipe(HERE.parent / "configs" / "grid.yaml").pipeline().fit(X[:100], y[:100])
    traces = [trace(model, image, title="captcha") for image in X[100:]]
    draw_traces(traces).savefig(file, dpi=100, metadata={"Software": None})


def contact_sheet(scheme: str, file: Path, *, across: int = 3, down: int = 2) -> None:
    """Draw captchas of a scheme side by side.

    Parameters
    ----------
    scheme : str
    file : Path
        A PNG file.
    across, down : int
        Number of columns and rows.
    """
    images, _ = SCHEMES[scheme](across * down, random_state=1)
    height, width = images[0].shape[:2]
    gap = 8
    sheet = np.full((down * (height + gap), across * (width + gap), 3), 255, dtype=np.uint8)
    for i, image in enumerate(images):
        top, left = (i // across) * (height + gap), (i % across) * (width + gap)
        sheet[top : top + height, left : left + width] = (
            image if image.ndim == 3 else image[:, :, None]
        )
    Image.fromarray(sheet).save(file)


if __name__ == "__main__":
    filmstrip(HERE / "filmstrip.png")
    for scheme in ("dots", "image"):
        contact_sheet(scheme, HERE / "_static" / f"{scheme}.png")
