"""Fixtures that more than one room's tests use."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes depends on what else the machine does.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real labelled captchas, which is not part of the repository."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SKCAPTCHA_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no real captchas at {folder}; set SKCAPTCHA_DATA to their folder")
    return folder
