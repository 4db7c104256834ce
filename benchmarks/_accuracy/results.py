"""The table of results: one row for each fit that was made and scored."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

from pydantic import BaseModel, ValidationError

from skcaptcha._files.atomic import write_atomically
from skcaptcha.exceptions import SkcaptchaError

Key: TypeAlias = tuple[str, int, int | None]


class Result(BaseModel):
    """One fit, and how well its model reads; all shares lie in 0..1.

    Attributes
    ----------
    scheme : str
    n : int
        Captchas that it was fitted to.
    n_all : int
        Captchas that there are to fit to.
    seed : int or None
        What they were chosen by; None if all were taken.
    method : str
        How the model was made.
    failed : str
        Why there are no figures; empty if there are.
    n_dev : int or None
        Captchas that it was scored on, as are the figures that follow.
    """

    scheme: str
    n: int
    n_all: int
    seed: int | None = None
    method: str
    failed: str = ""
    n_dev: int | None = None
    string_accuracy: float | None = None
    low: float | None = None
    high: float | None = None
    ignoring_case: float | None = None
    ignoring_case_low: float | None = None
    ignoring_case_high: float | None = None
    character_accuracy: float | None = None
    images_per_second: float | None = None
    fit_seconds: float | None = None
    recipe: str = ""
    cv_string_accuracy: float | None = None

    @property
    def key(self) -> Key:
        """What tells a task from all others."""
        return self.scheme, self.n, self.seed


_COLUMNS = list(Result.model_fields)


def load_results(file: Path) -> dict[Key, Result]:
    """Load the rows of a CSV file; there are none if there is no file."""
    if not file.exists():
        return {}
    results = {}
    with file.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        if reader.fieldnames != _COLUMNS:
            raise SkcaptchaError(
                f"{file}: its columns are not those of this benchmark; give --fresh to start "
                "over, or another folder"
            )
        for row in reader:
            try:
                result = Result.model_validate({k: v for k, v in row.items() if v})
            except ValidationError as error:
                column = error.errors()[0]["loc"][0]
                raise SkcaptchaError(
                    f"{file}: line {reader.line_num}: {column}: found {row.get(str(column))!r}; "
                    "delete the line, or give --fresh to start over"
                ) from None
            results[result.key] = result
    return results


def save_results(results: Iterable[Result], file: Path) -> None:
    """Write all rows, or, if that is cut short, none."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, _COLUMNS)
    writer.writeheader()
    writer.writerows(result.model_dump() for result in results)
    write_atomically(file, lambda stream: stream.write(text.getvalue().encode()))
