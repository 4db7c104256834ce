"""Fixtures that more than one room's tests use."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# How long an example takes depends on what else the machine does.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# No sandbox within that of a container, and nothing that it does of its own accord.
BROWSER_ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip

# Where the operating systems keep what belongs to a user, as platformdirs is told.
HOMES = ("XDG_DATA_HOME", "WIN_PD_OVERRIDE_LOCAL_APPDATA")


def pytest_configure(config: pytest.Config) -> None:
    """Keep what tests save out of the user's own list of models; processes inherit it."""
    if hasattr(config, "workerinput"):
        return
    home = tempfile.TemporaryDirectory(prefix="skcaptcha-tests-", ignore_cleanup_errors=True)
    config.add_cleanup(home.cleanup)
    os.environ.update(dict.fromkeys(HOMES, home.name))
    if config.getoption("numprocesses", None):
        # Processes that test side by side would each have their BLAS take all cores.
        os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True, scope="session")
def ctrl_c_is_heard() -> Iterator[None]:
    """Heed Ctrl-C even as a script's background job, which ignores it, as do its commands."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real labeled captchas, which is not part of the repository."""
    folder = os.environ.get("SKCAPTCHA_DATA")
    if not folder:
        pytest.skip("set SKCAPTCHA_DATA to a folder of real captchas")
    return Path(folder)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Return a headless Chromium."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = os.environ.get("SKCAPTCHA_BROWSER") or next(
        filter(None, map(shutil.which, BROWSERS)), None
    )
    if not path:
        pytest.skip("no Chromium here: install it, or name it in SKCAPTCHA_BROWSER")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=BROWSER_ARGUMENTS)
        yield browser
        browser.close()
