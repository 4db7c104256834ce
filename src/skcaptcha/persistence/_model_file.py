"""The file of a model: what joblib or skops makes of it, and a manifest to read without loading.

Either is found from the end of the file as a zip archive with the member ``manifest.json``. A skops
file is such an archive anyway. What joblib writes is one zlib stream; the archive stands in the
last of its blocks, which zlib leaves uncompressed, and the checksum that ends the stream is the
archive's comment. So `joblib.load`, which reads a stream to its end, sees a stream (after one that
is followed by anything else, it waits forever), and ``unzip -p`` sees an archive.
"""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Iterator
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
# What joblib can read begins like a pickle, or like one of the compressed files that it knows:
# zlib, gzip, bz2, xz, lzma, lz4.
_JOBLIB_MAGICS = (b"\x80", _ZLIB_MAGIC, b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"]\0", b"\x04\x22M\x18")
# A last block that is not compressed: its length, and all bits of that turned.
_LAST_BLOCK = struct.Struct("<BHH")
_MOST_IN_BLOCK = 2**16 - 1
_CHECKSUM = struct.Struct(">I")
_MOST_BYTES_OF_MANIFEST = 2**26
_MOST_BYTES = 2**31
_BYTES_AT_ONCE = 2**24
_VERSION = re.compile(r"[\w.+-]{1,40}", re.ASCII)


@dataclass(frozen=True)
class ModelFile:
    """What a model's file holds, read at once, so that what is checked is what is loaded.

    Attributes
    ----------
    path : Path
    content : bytes
        The whole file.
    payload : bytes
        What is before the manifest; all, without one.
    manifest : dict or None
        None if the file has none: it is of the first format, or joblib alone has written it.
    is_skops : bool
        Whether skops has written it, and loading it runs no code; else joblib has.
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

    def pickle(self) -> bytes:
        """Give what joblib has to load: of a file with a manifest, what the payload holds.

        Returns
        -------
        pickle : bytes

        Raises
        ------
        ModelError
            If the file is damaged.
        """
        if self.manifest is None:
            return self.content
        stream = zlib.decompressobj()
        try:
            pickle = stream.decompress(self.payload)
            # Of the rest nothing is used, but the checksum at its end is checked.
            stream.decompress(self.content[len(self.payload) :])
        except zlib.error as error:
            raise _damaged(self.path, error) from error
        if not stream.eof or stream.unused_data:
            raise _damaged(self.path, "its end is missing")
        return pickle

    def version(self, library: str) -> str | None:
        """Give the version of a library that the manifest names, if it looks like one."""
        versions = (self.manifest or {}).get("versions")
        found = versions.get(library) if isinstance(versions, dict) else None
        return found if isinstance(found, str) and _VERSION.fullmatch(found) else None


class ManifestTooLongError(ValueError):
    """A manifest is longer than what zlib leaves uncompressed in one block: 64 KB, zipped."""


def joblib_payload(pickle: bytes | memoryview) -> bytes:
    """Make of what joblib has written the beginning of a zlib stream that can be added to.

    Parameters
    ----------
    pickle : bytes
        Not compressed.

    Returns
    -------
    payload : bytes
    """
    stream = zlib.compressobj(3)
    return stream.compress(pickle) + stream.flush(zlib.Z_FULL_FLUSH)


def skops_payload(archive: bytes) -> bytes:
    """Give of what skops has written the part that stays as it is when a manifest is added.

    Parameters
    ----------
    archive : bytes
        A whole file of skops.

    Returns
    -------
    payload : bytes
    """
    _, begin = _with_member(archive, b"")
    return archive[:begin]


def add_to_joblib(payload: bytes, manifest: bytes) -> bytes:
    """Add a manifest to what joblib has written.

    Parameters
    ----------
    payload : bytes
        As `joblib_payload` gives it.
    manifest : bytes
        JSON.

    Returns
    -------
    content : bytes
        Of the model's file.

    Raises
    ------
    ManifestTooLongError
        If there is no room for it.
    """
    space = bytes(_LAST_BLOCK.size)
    content, begin = _with_member(payload + space, manifest, comment=bytes(_CHECKSUM.size))
    block = content[begin : -_CHECKSUM.size]
    if len(block) > _MOST_IN_BLOCK:
        raise ManifestTooLongError(f"{len(block)} bytes; {_MOST_IN_BLOCK} are the most")
    header = _LAST_BLOCK.pack(1, len(block), len(block) ^ _MOST_IN_BLOCK)
    checksum = zlib.adler32(block, zlib.adler32(zlib.decompressobj().decompress(payload)))
    return b"".join([payload, header, block, _CHECKSUM.pack(checksum)])


def add_to_skops(archive: bytes, manifest: bytes) -> bytes:
    """Add a manifest to what skops has written.

    Parameters
    ----------
    archive : bytes
        A whole file of skops.
    manifest : bytes
        JSON.

    Returns
    -------
    content : bytes
        Of the model's file.
    """
    return _with_member(archive, manifest)[0]


def read_model_file(path: Path) -> ModelFile:
    """Read a model's file and check it, without loading the model.

    Parameters
    ----------
    path : Path

    Returns
    -------
    file : ModelFile

    Raises
    ------
    ModelError
        If there is none, or it is truncated, damaged, of a newer format, or no model's file.
    """
    content = _read(path)
    try:
        file = _split(path, content)
    except ModelError:
        raise
    except Exception as error:
        # Hostile archives make zipfile, its decompressors and json raise nearly anything.
        raise _damaged(path, error) from error
    if file.manifest is None:
        return file
    version = file.manifest.get("format_version")
    if not isinstance(version, int) or version < FORMAT_VERSION:
        raise _damaged(path, "its manifest names no format")
    if version > FORMAT_VERSION:
        theirs = file.version("skcaptcha") or "of a later version"
        raise ModelError(
            f"{path}: of a newer format, written by skcaptcha {theirs}; this is {__version__}: "
            "update it (pip install --upgrade skcaptcha)"
        )
    if file.manifest.get("payload_sha256") != file.sha256:
        raise _damaged(path, "its content has another SHA-256 than its manifest says")
    return file


def _read(path: Path) -> bytes:
    if not path.exists():
        remedy = "fit one first, as in: skcaptcha fit DIR, with your folder of labeled captchas"
        for suffix in (".joblib", ".skops"):
            if (other := path.with_suffix(suffix)).is_file():
                remedy = f"there is {other}: give its name with --model"
        raise ModelError(f"{path}: no such model; {remedy}")

    def check_size(n_bytes: int) -> None:
        if n_bytes > _MOST_BYTES:
            raise UnreadableError(f"its {n_bytes} bytes are more than any model has")

    try:
        return read_regular_file(path, check_size)
    except UnreadableError as error:
        raise ModelError(f"{path}: not a model that can be loaded: {error}") from error


def _split(path: Path, content: bytes) -> ModelFile:
    try:
        archive = ZipFile(BytesIO(content))
    except BadZipFile:
        if content.startswith(_ZIP_MAGIC):
            raise
        return _without_manifest(path, content)
    with archive:
        is_skops = _SKOPS_SCHEMA in archive.namelist()
        if _MANIFEST not in archive.namelist():
            if is_skops:
                return ModelFile(path, content, content, None, is_skops)
            raise ModelError(f"{path}: not a model that can be loaded, but some other archive")
        member = archive.getinfo(_MANIFEST)
        if member.file_size > _MOST_BYTES_OF_MANIFEST:
            raise ValueError("its manifest is too large")
        manifest = json.loads(archive.read(member))
    if not isinstance(manifest, dict):
        raise ValueError("its manifest is no mapping")
    end = member.header_offset - (0 if is_skops else _LAST_BLOCK.size)
    if not is_skops:
        _, length, _ = _LAST_BLOCK.unpack_from(content, end)
        if len(content) != end + _LAST_BLOCK.size + length + _CHECKSUM.size:
            raise EOFError("its end is missing, or something stands behind it")
    return ModelFile(path, content, content[:end], manifest, is_skops)


def _without_manifest(path: Path, content: bytes) -> ModelFile:
    if not content.startswith(_JOBLIB_MAGICS):
        raise ModelError(
            f"{path}: not a model that can be loaded; fit one, as in: skcaptcha fit DIR, "
            "with your folder of labeled captchas"
        )
    if content.startswith(_ZLIB_MAGIC):
        for _ in _inflate(content):  # part by part: nobody knows how much it is
            pass
    return ModelFile(path, content, content, None, is_skops=False)


def _inflate(content: bytes) -> Iterator[bytes]:
    """Decompress a zlib stream, which must be whole, with nothing behind it."""
    stream = zlib.decompressobj()
    while not stream.eof:
        part = stream.decompress(content, _BYTES_AT_ONCE)
        content = stream.unconsumed_tail
        if not part and not stream.eof:
            raise EOFError("it ends too early")
        yield part
    if stream.unused_data:
        raise EOFError("something stands behind its end")


def _with_member(content: bytes, manifest: bytes, comment: bytes = b"") -> tuple[bytes, int]:
    """Add the manifest to an archive, or an archive to anything else; say where it begins."""
    file = BytesIO(content)
    with ZipFile(file, "a", ZIP_DEFLATED) as archive:
        archive.writestr(_MANIFEST, manifest)
        archive.comment = comment
    return file.getvalue(), archive.getinfo(_MANIFEST).header_offset


def _damaged(path: Path, why: object) -> ModelError:
    return ModelError(
        f"{path}: not a model that can be loaded: truncated or damaged ({why}); copy it again, or "
        "fit the model again"
    )
