"""Names of columns: which one names the image, and which one is its label."""

from __future__ import annotations

from collections.abc import Collection, Sequence

# Without case, spaces and punctuation.
_FILENAME = frozenset({
    "filename", "file", "name", "path", "filepath", "image", "imagename", "imagefile",
    "imagefilename", "imagepath", "imageid", "img", "imgname", "imgfile", "imgfilename",
    "imgpath", "imgid", "picture", "photo", "ocr", "datei", "dateiname", "bild",
})  # fmt: skip
_LABEL = frozenset({
    "label", "labels", "text", "texts", "word", "words", "captcha", "captchatext", "string",
    "answer", "solution", "code", "value", "transcription", "transcript", "groundtruth", "gt",
    "target", "caption", "characters",
})  # fmt: skip


def find_columns(header: Sequence[str]) -> tuple[int, int] | None:
    """Return the positions of the columns of the name and of the label, or None.

    The columns ``filename`` and ``label`` come first; the last one counts, as in `csv.DictReader`.
    Otherwise, exactly one column may have a usual name for it.

    >>> find_columns(["Image Name", "width", "text"])
    (0, 2)
    >>> find_columns(["image", "text", "answer"]) is None
    True
    """
    filename = _position(header, "filename", _FILENAME)
    label = _position(header, "label", _LABEL)
    return None if filename is None or label is None else (filename, label)


def _position(header: Sequence[str], usual: str, others: Collection[str]) -> int | None:
    if usual in header:
        return len(header) - 1 - header[::-1].index(usual)
    found = [i for i, name in enumerate(header) if _plain(name) in others]
    return found[0] if len(found) == 1 else None


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))
