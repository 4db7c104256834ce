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
    folder = os.environ.get("SKCAPTCHA_DATA")
    if not folder:
        pytest.skip("set SKCAPTCHA_DATA to a folder of real captchas")
    return Path(folder)
