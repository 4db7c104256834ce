"""The file of a model: a pickle or a skops archive, and a manifest to read without loading it.

A joblib model is an ordinary pickle followed by a zip archive with the member ``manifest.json``.
`joblib.load` reads up to the end of the pickle; ``unzip`` finds the archive from the end of the
file. A skops model is a zip archive anyway, so the manifest is added to it. The comment of the
archive is the checksum of everything before it. The part before the manifest is the payload.
"""

from __future__ import annotations

import json
import pickle
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

from skcaptcha import __version__
from skcaptcha._files.regular_file import UnreadableError, read_regular_file
from skcaptcha.exceptions import ModelError

FORMAT_VERSION = 1

_MANIFEST = "manifest.json"
_SKOPS_SCHEMA = "schema.json"
_ZIP_MAGIC = b"PK"
_ZLIB_MAGIC = b"\x78"
# Files that joblib can load begin like a pickle, zlib, gzip, bz2, xz, lzma or lz4.
_JOBLIB_MAGICS = (b"\x80", _ZLIB_MAGIC, b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"]\0", b"\x04\x22M\x18")
# Pickles that `pickle_compressed` made contain this near their beginning.
_PICKLE_OF_OURS = b"_pickle\x94\x8c\x05loads"
_CHECKSUM_SIZE = 4
_MAX_MANIFEST_BYTES = 2**26
_MAX_BYTES = 2**31
_BYTES_AT_ONCE = 2**24
_VERSION = re.compile(r"[\w.+-]{1,40}", re.ASCII)


@dataclass(frozen=True)
class ModelFile:
    """The content of a model's file; the bytes that were checked are the bytes that are loaded.

    ``payload`` is the part before the manifest, or everything without one. ``manifest`` is None if
    joblib or skops alone wrote the file. Loading a skops file runs no code.
    """

    path: Path
    content: bytes
    payload: bytes
    manifest: dict[str, Any] | None
    is_skops: bool

    @cached_property
    def sha256(self) -> str:
        """Of the payload, in hexadecimal."""
        return sha256(self.payload).hexdigest()

    def version(self, library: str) -> str | None:
        """Return the version of a library from the manifest, if it looks like one."""
        versions = (self.manifest or {}).get("versions")
        found = versions.get(library) if isinstance(versions, dict) else None
        return found if isinstance(found, str) and _VERSION.fullmatch(found) else None


class _Call:
    """Pickles as a call of a function."""

    def __init__(self, function: Callable[..., Any], argument: Any) -> None:
        self.call = function, (argument,)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any]]:
        return self.call


def pickle_compressed(model: Any) -> bytes:
    """Return a pickle that decompresses itself.

    Plain pickles of nearest neighbors are up to twenty times as large. A compressed file of joblib
    cannot have an archive appended: `joblib.load` never returns from bytes after a zlib stream,
    and reading xz takes ten times as long as zlib.
    """
    content = zlib.compress(pickle.dumps(model), 3)
    return pickle.dumps(_Call(pickle.loads, _Call(zlib.decompress, content)))


def payload_of(archive: bytes) -> bytes:
    """Return the part of a skops file that stays the same when a manifest is added."""
    with ZipFile(BytesIO(archive)) as file:
        return archive[: file.start_dir]


def add_manifest(content: bytes, manifest: bytes) -> bytes:
    """Add a manifest, which is JSON, to a pickle or to a skops file."""
    file = BytesIO(content)
    with ZipFile(file, "a", ZIP_DEFLATED) as archive:
        archive.writestr(_MANIFEST, manifest)
        archive.comment = bytes(_CHECKSUM_SIZE)
    added = file.getvalue()[:-_CHECKSUM_SIZE]
    return added + _checksum(added)


def _checksum(content: bytes) -> bytes:
    return zlib.crc32(content).to_bytes(_CHECKSUM_SIZE, "little")


def read_model_file(path: Path) -> ModelFile:
    """Read a model's file and check it, without loading the model.

    Raises ModelError if it is missing, truncated, damaged, of a newer format, or no model's file.
    """
    content = _read(path)
    try:
        file = _parse(path, content)
    except ModelError:
        raise
    except Exception as error:
        # Malicious archives make zipfile, its decompressors and json raise nearly anything.
        raise _damaged(path, error) from error
    if file.manifest is None:
        return file
    version = file.manifest.get("format_version")
    if not isinstance(version, int) or version < FORMAT_VERSION:
        raise _damaged(path, "its manifest has no format version")
    if version > FORMAT_VERSION:
        theirs = file.version("skcaptcha") or "of a later version"
        raise ModelError(
            f"{path}: has a newer format, written by skcaptcha {theirs}; this is {__version__}: "
            "update it (pip install --upgrade skcaptcha)"
        )
    if file.manifest.get("payload_sha256") != file.sha256:
        raise _damaged(path, "the SHA-256 of its content differs from its manifest")
    return file


def _read(path: Path) -> bytes:
    if not path.exists():
        remedy = "fit one first, as in: skcaptcha fit DIR, with your folder of labeled captchas"
        for suffix in (".joblib", ".skops"):
            if (other := path.with_suffix(suffix)).is_file():
                remedy = f"use {other}, which exists"
        raise ModelError(f"{path}: no such model; {remedy}")

    def check_size(n_bytes: int) -> None:
        if n_bytes > _MAX_BYTES:
            raise UnreadableError(f"it has {n_bytes} bytes; a model has at most {_MAX_BYTES}")

    try:
        return read_regular_file(path, check_size)
    except UnreadableError as error:
        raise ModelError(f"{path}: not a model that can be loaded: {error}") from error


def _parse(path: Path, content: bytes) -> ModelFile:
    try:
        archive = ZipFile(BytesIO(content))
    except BadZipFile:
        if content.startswith(_ZIP_MAGIC):
            raise
        _check_joblib_file(path, content)
        return ModelFile(path, content, content, None, is_skops=False)
    with archive:
        names = archive.namelist()
        is_skops = _SKOPS_SCHEMA in names
        if _MANIFEST not in names:
            if is_skops and not archive.comment:
                return ModelFile(path, content, content, None, is_skops)
            raise ModelError(f"{path}: not a model that can be loaded, but another archive")
        member = archive.getinfo(_MANIFEST)
        if member.file_size > _MAX_MANIFEST_BYTES:
            raise ValueError("its manifest is too large")
        manifest = json.loads(archive.read(member))
    if not isinstance(manifest, dict):
        raise ValueError("its manifest is not a JSON object")
    if content[-_CHECKSUM_SIZE:] != _checksum(content[:-_CHECKSUM_SIZE]):
        raise EOFError("its end is missing, changed, or followed by other bytes")
    return ModelFile(path, content, content[: member.header_offset], manifest, is_skops)


def _check_joblib_file(path: Path, content: bytes) -> None:
    """Check the beginning of a file that joblib alone wrote, and a zlib stream to its end.

    `joblib.load` never returns from bytes after a zlib stream.
    """
    if not content.startswith(_JOBLIB_MAGICS):
        raise ModelError(
            f"{path}: not a model that can be loaded; fit one, as in: skcaptcha fit DIR, "
            "with your folder of labeled captchas"
        )
    if _PICKLE_OF_OURS in content[:64]:
        raise EOFError("its manifest is missing")
    if not content.startswith(_ZLIB_MAGIC):
        return
    stream = zlib.decompressobj()
    while not stream.eof:
        # Part by part: the file is not trusted yet, and may hold any number of bytes.
        part = stream.decompress(content, _BYTES_AT_ONCE)
        content = stream.unconsumed_tail
        if not part and not stream.eof:
            raise EOFError("it ends too early")
    if stream.unused_data:
        raise EOFError("other bytes follow its end")


def _damaged(path: Path, why: object) -> ModelError:
    return ModelError(
        f"{path}: not a model that can be loaded: truncated or damaged ({why}); copy it again, or "
        "fit the model again"
    )
