"""Rows of readings as a Parquet file, which is written at once when a table is complete."""

# ruff: noqa: PLC0415 - pyarrow is an optional dependency

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from skcaptcha._files.atomic import write_atomically
from skcaptcha.exceptions import SkcaptchaError

if TYPE_CHECKING:
    import pyarrow

_ROWS_PER_GROUP = 2**14


def check_installed() -> None:
    """Raise a SkcaptchaError if pyarrow is not installed."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise SkcaptchaError(
            "Parquet needs pyarrow, which is not installed; pip install 'skcaptcha[parquet]'"
        ) from None


def write_rows(file: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write the rows of a CSV file; the first row is the header."""
    import pyarrow
    import pyarrow.parquet

    schema = _schema(columns)
    rows = islice(rows, 1, None)

    def write(stream: IO[bytes]) -> None:
        with pyarrow.parquet.ParquetWriter(stream, schema) as writer:
            while group := list(islice(rows, _ROWS_PER_GROUP)):
                arrays = [
                    pyarrow.array(
                        [float(v) if field.type == "double" else _valid_text(v) for v in values]
                    )
                    for field, values in zip(schema, zip(*group, strict=True), strict=True)
                ]
                writer.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))

    write_atomically(file, write)


def read_rows(file: Path) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows of a Parquet file in groups."""
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(file) as stored:
        for batch in stored.iter_batches(_ROWS_PER_GROUP):
            yield list(zip(*(column.to_pylist() for column in batch.columns), strict=True))


def check_columns(file: Path, columns: Sequence[str]) -> None:
    """Check that a Parquet file has these columns."""
    import pyarrow.parquet

    try:
        found = pyarrow.parquet.read_schema(file)
    except Exception as error:  # pyarrow raises many types
        raise SkcaptchaError(f"{file}: cannot be resumed: {error}") from error
    if found != _schema(columns):
        raise SkcaptchaError(f"{file}: cannot be resumed: its columns are not {', '.join(columns)}")


def _schema(columns: Sequence[str]) -> pyarrow.Schema:
    import pyarrow

    types = {"confidence": pyarrow.float64()}
    return pyarrow.schema([(name, types.get(name, pyarrow.string())) for name in columns])


def _valid_text(text: str) -> str:
    """Escape bytes that are not UTF-8, which file names may contain."""
    return text.encode(errors="backslashreplace").decode()
