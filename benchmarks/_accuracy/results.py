"""The table of results: one row for each fit."""

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
    """One fit, and the accuracy of its model; all fractions are in 0..1.

    Attributes
    ----------
    scheme : str
    n : int
        Number of training captchas.
    n_all : int
        Number of available training captchas.
    seed : int or None
        Random seed of the sample; None if all captchas were used.
    method : str
        Command that fitted the model.
    failed : str
        Reason why the fit failed; empty if it did not.
    n_dev : int or None
        Number of captchas that the model was scored on.
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
        """Unique key of the task."""
        return self.scheme, self.n, self.seed


_COLUMNS = list(Result.model_fields)


def load_results(file: Path) -> dict[Key, Result]:
    """Load the rows of a CSV file; none if the file does not exist."""
    if not file.exists():
        return {}
    results = {}
    with file.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        if reader.fieldnames != _COLUMNS:
            raise SkcaptchaError(
                f"{file}: its columns are not those of this benchmark; use --fresh to start "
                "over, or another folder"
            )
        for row in reader:
            try:
                result = Result.model_validate({k: v for k, v in row.items() if v})
            except ValidationError as error:
                column = error.errors()[0]["loc"][0]
                raise SkcaptchaError(
                    f"{file}: line {reader.line_num}: {column}: found {row.get(str(column))!r}; "
                    "delete the line, or use --fresh to start over"
                ) from None
            results[result.key] = result
    return results


def save_results(results: Iterable[Result], file: Path) -> None:
    """Write all rows atomically."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, _COLUMNS)
    writer.writeheader()
    writer.writerows(result.model_dump() for result in results)
    write_atomically(file, lambda stream: stream.write(text.getvalue().encode()))
