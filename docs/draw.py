"""Draw the pictures of the README and the site from generated captchas.

``python docs/draw.py`` writes them in some minutes; the same versions of everything give the same
pictures. Those of a tutorial are drawn by its own code.
"""

import subprocess
import sys
from collections.abc import Sequence
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from skcaptcha import load_recipe
from skcaptcha.datasets import SCHEMES, load_captchas
from skcaptcha.images import ImageDecoder
from skcaptcha.inspection import trace
from skcaptcha.report import draw_traces

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "docs"))

from pages import blocks_of  # noqa: E402 - it is in the folder of the tests

# The folder of images of each tutorial, and the pictures that its commands draw.
TUTORIALS = {
    "meters": ("meter-test", ("before", "after")),
    "plates": ("plates-test", ("steps",)),
    "stamps": ("stamps-test", ("steps",)),
    "amounts": ("amounts-test", ("steps",)),
}
_PICTURE_WIDTH, _N_COLORS = 1240, 256


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


def contact_sheet(
    images: Sequence[np.ndarray], file: Path, *, across: int = 3, down: int = 2
) -> None:
    """Draw captchas of one size side by side.

    Parameters
    ----------
    images : sequence of ndarray of shape (h, w) or (h, w, 3), dtype uint8
        ``across * down`` captchas.
    file : Path
        A PNG file.
    across, down : int
        Number of columns and rows.
    """
    height, width = images[0].shape[:2]
    gap = 8
    sheet = np.full((down * (height + gap), across * (width + gap), 3), 255, dtype=np.uint8)
    for i, image in enumerate(images):
        top, left = (i // across) * (height + gap), (i % across) * (width + gap)
        sheet[top : top + height, left : left + width] = (
            image if image.ndim == 3 else image[:, :, None]
        )
    Image.fromarray(sheet).save(file)


def tutorial(name: str, images: str, pictures: Sequence[str]) -> None:
    """Run a tutorial, and keep its pictures.

    Parameters
    ----------
    name : str
        Name of the page.
    images : str
        Folder of captchas that it makes, whose first ones are drawn.
    pictures : sequence of str
        Names, without suffix, of the PNG files that its commands write.
    """
    namespace: dict[str, object] = {}
    commands = f'skcaptcha() {{ "{sys.executable}" -m skcaptcha "$@"; }}\n'
    with TemporaryDirectory() as folder, chdir(folder):
        for block in blocks_of((HERE / "tutorials" / f"{name}.md").read_text()):
            if block.reason:
                continue
            if block.file:
                Path(block.file).write_text(block.code)
            elif block.language == "python":
                exec(block.code, namespace)
            elif block.language == "sh":
                subprocess.run(["bash", "-euc", commands + block.code], check=True)
        first = ImageDecoder().fit_transform(load_captchas(images).data[:6])
        contact_sheet(first, HERE / "_static" / f"{name}.png")
        for picture in pictures:
            with Image.open(f"{picture}.png") as strip:
                drawn = in_two_tiers(strip.convert("RGB"))
            drawn.quantize(_N_COLORS).save(HERE / "_static" / f"{name}-{picture}.png")


def in_two_tiers(strip: Image.Image) -> Image.Image:
    """Return a picture of many steps as wide as a page: its second half below its first one."""
    blank = np.flatnonzero(np.asarray(strip).min(axis=(0, 2)) == 255)
    middle = int(blank[np.abs(blank - strip.width / 2).argmin()])
    width = max(middle, strip.width - middle)
    tiers = Image.new("RGB", (width, 2 * strip.height), "white")
    tiers.paste(strip.crop((0, 0, middle, strip.height)), (0, 0))
    tiers.paste(strip.crop((middle, 0, strip.width, strip.height)), (0, strip.height))
    height = round(tiers.height * _PICTURE_WIDTH / width)
    return tiers.resize((_PICTURE_WIDTH, height), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    filmstrip(HERE / "filmstrip.png")
    for scheme in ("dots", "image"):
        contact_sheet(SCHEMES[scheme](6, random_state=1)[0], HERE / "_static" / f"{scheme}.png")
    for name, (images, pictures) in TUTORIALS.items():
        tutorial(name, images, pictures)
