"""Settings that the rows of an unfinished table depend on, so that no others are added to them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from skcaptcha._files.atomic import write_atomically
from skcaptcha._files.json_text import to_json
from skcaptcha._files.regular_file import UnreadableError, check_text_size, read_regular_file
from skcaptcha.exceptions import SkcaptchaError

Settings = Mapping[str, str | int | float | None]
"""The model and the options that readings depend on, by name; None is an option that is not set."""


def check_settings(unfinished: Path, settings: Settings) -> None:
    """Check that the rows of an unfinished table were made with the same settings."""
    found = _stored(unfinished, settings)
    differing = [name for name, value in settings.items() if found.get(name, value) != value]
    if differing:
        then = " and ".join(_described(name, found[name]) for name in differing)
        raise SkcaptchaError(
            f"{unfinished}: its rows were read with {then}; resume with the same, or delete the "
            "file to start over"
        )


def store_settings(unfinished: Path, settings: Settings) -> None:
    """Write the settings next to an unfinished table."""
    _stored(unfinished, settings)
    write_atomically(_file(unfinished), to_json(dict(settings), indent=2) + b"\n")


def remove_settings(unfinished: Path) -> None:
    """Remove the settings of a table that is complete."""
    with suppress(FileNotFoundError):
        os.unlink(_file(unfinished))


def _file(unfinished: Path) -> Path:
    return Path(f"{unfinished}.json")


def _stored(unfinished: Path, settings: Settings) -> dict[str, object]:
    """Return the stored settings; raise if the file is not one of ours."""
    file = _file(unfinished)
    if not file.exists():
        return {}
    try:
        found = json.loads(read_regular_file(file, check_text_size))
    except (UnreadableError, ValueError):
        found = None
    if not isinstance(found, dict) or not found.keys() & settings.keys():
        raise SkcaptchaError(
            f"{file}: not the settings of an interrupted run; rename it, because the settings of "
            f"{unfinished} are stored there"
        )
    return found


def _described(name: str, value: object) -> str:
    if not name.startswith("--"):
        return f"another {name}"
    return f"no {name}" if value is None else f"{name} {value}"
