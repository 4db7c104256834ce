"""Damaged, huge and malicious images do not affect others, and memory use stays bounded."""

import csv
import os
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from PIL import Image

from image_samples import (
    COLOR,
    GRAY,
    encode,
    headers_that_declare,
    png,
    png_header,
    png_rows,
    small_files,
)
from skcaptcha import load_recipe
from skcaptcha.cli._console import printable
from skcaptcha.exceptions import ImageError, reason_of
from skcaptcha.images import ImageDecoder
from skcaptcha.prediction import read_images

CONFIGS = Path(__file__).parents[2] / "configs"
FILES = small_files()
END_OF_JPEG = b"\xff\xd9"


@pytest.fixture
def mixed(tmp_path: Path, captchas: Path) -> tuple[Path, list[str], dict[str, str]]:
    """A folder, the names of its captchas, and the bad files with their error messages."""
    good = sorted(captchas.glob("*.png"))[:6]
    folder = tmp_path / "mixed"
    folder.mkdir()
    for path in good:
        (folder / path.name).write_bytes(path.read_bytes())
    bad: dict[str, str] = {}
    png_file, jpeg_file = (encode(Image.open(good[0]), kind) for kind in ("PNG", "JPEG"))
    contents = {
        "half.png": (png_file[: len(png_file) // 2], "damaged or truncated"),
        "half.jpg": (jpeg_file[: len(jpeg_file) // 2] + END_OF_JPEG, "incomplete"),
        "garbage.gif": (b"GIF89a" + bytes(3000), "damaged or truncated"),
        "no\nimage.png": (b"hello", "it is not a PNG"),
        **{
            f"{name}.png": (content, "more than the limit max_pixels")
            for name, content in headers_that_declare(60_000, 60_000).items()
        },
    }
    for name, (content, reason) in contents.items():
        (folder / name).write_bytes(content)
        bad[name] = reason
    (folder / "loop.png").symlink_to("loop.png")
    os.mkfifo(folder / "pipe.png")
    bad |= {"loop.png": "symbolic links", "pipe.png": "not a regular file"}
    return folder, [path.name for path in good], bad


class TestBatches:
    """Unreadable images do not affect the others."""

    def test_the_error_names_the_image(self) -> None:
        for name, content in headers_that_declare(16_000, 16_000).items():
            with pytest.raises(ImageError, match="more than the limit") as caught:
                ImageDecoder().transform([COLOR, FILES["GIF"], content, COLOR])
            assert caught.value.source == "image 2", name

    def test_read_images(self, mixed: Any, model: Path, texts: list[str]) -> None:
        folder, good, bad = mixed
        names = [*good[:3], *bad, *good[3:]]
        images = [str(folder / name) for name in names]
        results = read_images(joblib.load(model), images)
        for name, (_, result) in zip(names, results, strict=True):
            if name in bad:
                assert bad[name] in reason_of(result)
            else:
                assert result.text == texts[good.index(name)]

    def test_predict(self, mixed: Any, model: Path, texts: list[str], run: Any) -> None:
        folder, good, bad = mixed
        table = folder.parent / "read.csv"
        outcome = run("predict", folder, "--model", model, "--csv", table, "--jobs", 1)
        assert outcome.code == 1
        assert "Traceback" not in outcome.err
        with table.open(newline="") as file:
            rows = {Path(row["filename"]).name: row["text"] for row in csv.DictReader(file)}
        assert rows == dict(zip(good, texts, strict=False))
        for name, reason in bad.items():
            (_, said) = outcome.err.split(f"{printable(name)}: ")
            assert reason in said.splitlines()[0]


MEMORY = """
import sys
{setup}
def peak():
    return int(next(l for l in open('/proc/self/status') if l.startswith('VmHWM')).split()[1])
before = peak()
{work}
print((peak() - before) // 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
class TestMemory:
    """Peak memory use stays within 200 MB of the initial use."""

    def added(self, setup: str, work: str, *arguments: object) -> int:
        """Run code in a new process; return the memory it adds, in megabytes."""
        script = MEMORY.format(setup=setup, work=work)
        command = [sys.executable, "-c", script, *map(str, arguments)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return int(done.stdout.splitlines()[-1])

    @pytest.mark.slow
    def test_decode(self, tmp_path: Path) -> None:
        for i, content in enumerate(worst_files()):
            (tmp_path / str(i)).write_bytes(content)
        setup = """
from pathlib import Path
from skcaptcha.images import decode
contents = [str(path) for path in Path(sys.argv[1]).iterdir()]
"""
        work = """
for content in contents:
    try:
        decode(content)
    except ValueError:
        pass
"""
        assert self.added(setup, work, tmp_path) < 200

    @pytest.mark.slow
    def test_predict(self, tmp_path: Path, model: Path, captchas: Path, start: Any) -> None:
        """Read images of the maximum size with steps that process every pixel."""
        noise = np.random.default_rng(0).integers(0, 256, (2**10, 2**10, 3), dtype=np.uint8)
        content = encode(noise, "JPEG", quality=60)
        folder = tmp_path / "large"
        folder.mkdir()
        for i in range(40):
            (folder / f"{i}.jpg").write_bytes(content)
        recipe = load_recipe(CONFIGS / "components.yaml", ["data.n=80", "data.train=60"])
        train, _ = recipe.load_data()
        heavy = tmp_path / "heavy.joblib"
        joblib.dump(recipe.pipeline().fit(train.data, train.target), heavy)
        setup = """
import joblib
from skcaptcha.prediction import read_images
from skcaptcha.datasets import load_captchas
model = joblib.load(sys.argv[1])
assert len(list(read_images(model, load_captchas(sys.argv[3]).data))) == 30
paths = load_captchas(sys.argv[2], labeled=False).data
"""
        work = "assert len(list(read_images(model, paths))) == 40"
        assert self.added(setup, work, heavy, folder, captchas) < 200


def worst_files() -> Iterator[bytes]:
    """The largest allowed images, and files that exceed the limits."""
    yield from FILES.values()
    noise = np.random.default_rng(0).integers(0, 256, (2**10, 2**10, 4), dtype=np.uint8)
    yield encode(noise, "PNG", compress_level=1)
    yield encode(noise[..., :3], "JPEG", quality=20, progressive=True)
    yield encode(Image.fromarray(noise[..., :3]).convert("CMYK"), "JPEG", quality=20)
    yield encode(noise, "BMP")
    yield encode(noise[..., 0], "GIF")
    yield encode(noise[..., :3], "WEBP", lossless=False)
    sixteen_bits = np.random.default_rng(0).integers(0, 256, (2**10, 1 + 8 * 2**10), dtype=np.uint8)
    sixteen_bits[:, 0] = 0
    rows = zlib.compress(sixteen_bits.tobytes(), 1)
    yield png(png_header(2**10, 2**10, 16, 6), (b"IDAT", rows), (b"IEND", b""))
    for size in ((2_000_000, 10), (60_000, 60_000), (16_000, 16_000)):
        yield from headers_that_declare(*size).values()
    text = b"Comment\0\0" + zlib.compress(bytes(10**8))
    pixels = (b"IDAT", zlib.compress(png_rows(GRAY[..., None], 8)))
    yield png(png_header(30, 20, 8, 0), *[(b"zTXt", text)] * 100, pixels, (b"IEND", b""))
    yield b"\x89PNG\r\n\x1a\n" + bytes(2**24 - 8)
    yield bytes(2**24 + 1)
