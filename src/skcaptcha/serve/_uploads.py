"""The images of a request: one as the body, several as a form, or as text in JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, ValidationError
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message, Receive

from skcaptcha.images._encoded_text import content_of_text, is_url
from skcaptcha.images._limits import UnusableError
from skcaptcha.serve._held_bytes import RequestBytes, TooManyBytesError
from skcaptcha.serve._limits import Limits

JSON = "application/json"
FORM = "multipart/form-data"
# The last one is what curl --data-binary sends unless it is told otherwise.
RAW = ("", "application/octet-stream", "application/x-www-form-urlencoded")

_PLAIN = "identity"
_SECONDS_TO_WAIT = 1


class EncodedImages(BaseModel):
    """Images as text: each is a data URL, or the base64 of an image file."""

    model_config = ConfigDict(strict=True, extra="forbid")

    images: list[str]


@dataclass(frozen=True)
class Upload:
    """Content of an image file; if it cannot be decoded from text, the error says why."""

    content: bytes
    filename: str | None = None
    error: str = ""


async def uploads_of(request: Request, limits: Limits, held: RequestBytes) -> Sequence[Upload]:
    """Return the images of a request, and count its bytes.

    Raise HTTPException if it is too large, arrives too slowly, or has no images.
    """
    encoding = request.headers.get("content-encoding", _PLAIN).strip().lower()
    if encoding != _PLAIN:
        raise HTTPException(
            415,
            f"The content encoding {encoding} is not supported; send the request uncompressed, "
            "without the header Content-Encoding.",
            {"accept-encoding": _PLAIN},
        )
    length = request.headers.get("content-length", "")
    limited = Request(request.scope, _limited(request.receive, limits, held))
    try:
        if length.isdigit():
            if int(length) > limits.max_bytes:
                raise _too_large(limits)
            held.check(int(length))
        async with asyncio.timeout(limits.timeout):
            uploads = await _parse(limited, limits)
    except TooManyBytesError:
        raise HTTPException(
            503,
            f"Other requests hold most of the {limits.max_total_bytes:,} bytes of memory for "
            f"uploads; send the request again in {_SECONDS_TO_WAIT} s.",
            {"retry-after": str(_SECONDS_TO_WAIT)},
        ) from None
    except TimeoutError:
        raise HTTPException(
            408, f"The request did not arrive within {limits.timeout:g} seconds; send it again."
        ) from None
    if not uploads:
        raise HTTPException(400, "The request contains no images; send at least one.")
    if len(uploads) > limits.max_images:
        raise _too_many(str(len(uploads)), limits)
    return uploads


async def _parse(request: Request, limits: Limits) -> Sequence[Upload]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == JSON:
        return _from_json(await request.body())
    if kind == FORM:
        return await _from_form(request, limits)
    if kind in RAW or kind.startswith("image/"):
        return [Upload(await request.body())]
    raise HTTPException(
        415,
        f"The content type {kind} is not supported; send an image as image/png, several as {FORM}, "
        f"or text as {JSON}.",
    )


def _from_json(content: bytes) -> list[Upload]:
    try:
        texts = EncodedImages.model_validate_json(content).images
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "the body"
        raise HTTPException(
            400,
            f'The JSON is invalid ({key}: {first["msg"]}); send {{"images": [...]}} with data URLs '
            "or base64.",
        ) from None
    return [_from_text(text) for text in texts]


async def _from_form(request: Request, limits: Limits) -> list[Upload]:
    # One more, so that the error can tell the number of images.
    n = limits.max_images + 1
    uploads = []
    # Not while it is parsed, because the parser leaves files open if the body is too large.
    body = await request.body()
    _, options = parse_options_header(request.headers["content-type"])
    boundary = options.get(b"boundary")
    if not boundary:
        raise _damaged("its content type does not name the boundary")
    # The parser leaves out an image that ends too early, and all that would follow.
    if b"--" + boundary + b"--" not in body:
        raise _damaged("its last boundary is missing")
    try:
        async with request.form(max_files=n, max_fields=n, max_part_size=len(body)) as form:
            for _, value in form.multi_items():
                if isinstance(value, UploadFile):
                    uploads.append(Upload(await value.read(), value.filename or None))
                else:
                    uploads.append(_from_text(value))
    except FormParserError as error:
        raise _damaged(str(error)) from None
    except HTTPException as error:
        # The parser stops at the first part that is too many.
        if error.detail.startswith("Too many"):
            raise _too_many(f"more than {n}", limits) from None
        raise _damaged(error.detail.rstrip(".")) from None
    return uploads


def _from_text(text: str) -> Upload:
    # A text is never a path here: clients must not read the files of the server.
    try:
        content = content_of_text(text)
    except UnusableError as error:
        is_address = is_url(text) and text[:5].lower() != "data:"
        reason = "URLs are not downloaded; send the image itself, as a data URL or in base64"
        return Upload(b"", error=reason if is_address else str(error))
    if content is None:
        reason = "it is neither a data URL nor the base64 of a PNG, JPEG, GIF, BMP or WebP image"
        return Upload(b"", error=reason)
    return Upload(content)


def _limited(receive: Receive, limits: Limits, held: RequestBytes) -> Receive:
    """Return a function that receives at most `max_bytes` bytes, whatever the header says."""

    async def limited() -> Message:
        message = await receive()
        held.add(len(message.get("body", b"")))
        if held.n > limits.max_bytes:
            raise _too_large(limits)
        return message

    return limited


def _damaged(reason: str) -> HTTPException:
    return HTTPException(400, f"The form is damaged ({reason}); send a complete one, as {FORM}.")


def _too_many(n: str, limits: Limits) -> HTTPException:
    return HTTPException(
        413,
        f"The request has {n} images, more than the maximum of {limits.max_images}; send them in "
        "several requests.",
    )


def _too_large(limits: Limits) -> HTTPException:
    return HTTPException(
        413,
        f"The request is larger than {limits.max_bytes:,} bytes; send the images in several "
        "requests.",
    )
