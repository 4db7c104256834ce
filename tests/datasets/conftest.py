"""Folders of captchas for tests."""

import pytest


@pytest.fixture(scope="session")
def make_folder(tmp_path_factory):
    """Function that creates a folder with empty files and label files."""

    def make(*names, **texts):
        folder = tmp_path_factory.mktemp("captchas")
        for name in names:
            (folder / name).touch()
        for name, text in texts.items():
            (folder / name.replace("_", ".")).write_text(text, encoding="utf-8", newline="")
        return folder

    return make
