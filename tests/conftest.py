"""Fixtures shared by several test subpackages."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# The time of an example depends on the load of the machine. Each run tries other examples, so that
# half of the usual number is enough; `--hypothesis-profile thorough` tries many.
settings.register_profile("patient", deadline=None, max_examples=50)
settings.register_profile("thorough", deadline=None, max_examples=500)
settings.load_profile("patient")


BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# No sandbox, because CI runs in a container, and no background network activity.
BROWSER_ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip

# Environment variables that set the data folder of platformdirs.
HOMES = ("XDG_DATA_HOME", "WIN_PD_OVERRIDE_LOCAL_APPDATA")


def pytest_configure(config: pytest.Config) -> None:
    """Keep test models out of the user's list of known models, also in subprocesses."""
    if hasattr(config, "workerinput"):
        return
    home = tempfile.TemporaryDirectory(prefix="skcaptcha-tests-", ignore_cleanup_errors=True)
    config.add_cleanup(home.cleanup)
    os.environ.update(dict.fromkeys(HOMES, home.name))
    if config.getoption("numprocesses", None):
        # Otherwise, the BLAS of each test process would use all cores.
        os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Run all tests of a file in the same process, because they share models."""
    from xdist.scheduler import LoadFileScheduling

    return LoadFileScheduling(config, log)


@pytest.fixture(autouse=True, scope="session")
def restore_ctrl_c() -> Iterator[None]:
    """Restore the default SIGINT handler; shells ignore SIGINT in background jobs."""
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
