"""Files of the labeling page."""

from pathlib import Path

import skcaptcha.label

PAGE = Path(skcaptcha.label.__file__).parent / "server/page"


def test_page_files_are_self_contained():
    files = [*PAGE.iterdir()]
    assert {"index.html", "page.css", "page.js"} <= {file.name for file in files}
    for file in files:
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http" not in text.replace("http from", "")
        assert "//cdn" not in text


def test_colors_have_enough_contrast():
    """WCAG 2 requires a contrast of 4.5 to 1 for text."""
    style = (PAGE / "page.css").read_text()
    light, dark = style.split("prefers-color-scheme: dark", 1)
    for part in (light, dark.split("}", 1)[0]):
        colors = dict(
            line.strip(" ;").split(": ")
            for line in part.splitlines()
            if line.strip().startswith("--")
        )
        texts = [(name, ground) for name in ("ink", "faint", "sure", "unsure", "doubtful")
                 for ground in ("ground", "raised")]  # fmt: skip
        for text, ground in [*texts, ("on-accent", "accent"), ("ink", "alert-ground")]:
            assert _contrast(colors[f"--{text}"], colors[f"--{ground}"]) >= 4.5, (text, ground)


def _contrast(one: str, other: str) -> float:
    darker, lighter = sorted(map(_luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    channels = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
