"""A real browser, and the labelling page in a process of its own."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from skcaptcha.datasets import make_line_captchas, write_captchas

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# No sandbox within that of a container, and nothing that it does of its own accord.
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="module")
def browser():
    """Give Chromium, without a window."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = os.environ.get("SKCAPTCHA_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)
    if not path:
        pytest.skip("no Chromium here: install it, or name it in SKCAPTCHA_BROWSER")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def unlabelled(tmp_path: Path) -> Callable[[int], tuple[Path, dict[str, str]]]:
    """Give what makes a folder of so many unlabelled images, with what they say."""

    def make(n: int) -> tuple[Path, dict[str, str]]:
        folder = tmp_path / "captchas"
        images, labels = make_line_captchas(n, random_state=0)
        write_captchas(folder, images, labels)
        (folder / "labels.csv").unlink()
        return folder, {f"{k + 1:05}.png": str(label) for k, label in enumerate(labels)}

    return make


class Server(subprocess.Popen[str]):
    """The command label, as a user runs it."""

    def __init__(self, folder: Path, *arguments: str, browser: Path | None = None) -> None:
        command = [sys.executable, "-m", "skcaptcha", "label", str(folder)]
        if not browser:
            command.append("--no-browser")
        # Ctrl-C is heard even if this runs as a script's background job, which ignores it.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            super().__init__(
                [*command, *arguments],
                env=os.environ | {"BROWSER": str(browser or "")},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        finally:
            signal.signal(signal.SIGINT, before)
        assert self.stdout is not None
        self.url = self.stdout.readline().strip()


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    """Give what starts the command; it is killed at the end if it has not ended."""
    servers: list[Server] = []

    def start(folder: Path, *arguments: str, browser: Path | None = None) -> Server:
        servers.append(Server(folder, *arguments, browser=browser))
        return servers[-1]

    yield start
    for server in servers:
        server.kill()
        server.communicate()
