"""One folder for each string, which is the label of the images in it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from skcaptcha.datasets._check_filenames import kind_of_names
from skcaptcha.datasets._match_filenames import name_as_text
from skcaptcha.datasets.label_formats.image_names import label_of_name

# Names that say what images are for, not what they show.
_PURPOSE = re.compile(
    r"(all|batch|captchas?|clean|crops?|data(set)?s?|dev|eval(uation)?|fold|images?|imgs?|"
    r"(un)?label(l?ed)?|new|old|part|photos?|pics?|pictures?|raw|samples?|set|split|test(ing)?|"
    r"train(ing)?|val(id(ation)?)?)[-_ ]?[0-9]*",
    re.IGNORECASE,
)
# The folders of characters that `write_characters` writes.
_CODE_POINTS = re.compile("U\\+[0-9A-F]{4,6}(_U\\+[0-9A-F]{4,6})*")
_LOWER = re.compile("(.)_lower")
# Images with as many different names are named by labels, unless the names are numbers or the like.
_FEWEST, _MOSTLY = 3, 0.9


def labels_of_folders(names: Sequence[str]) -> dict[str, str] | None:
    """Return the label of each image; None if the folders are probably not named by labels.

    Folders of a single character may have the names that `write_characters` gives them.

    >>> labels_of_folders(["5UFQ/1.png", "5UFQ/2.png", "U+002F/1.png"])
    {'5UFQ/1.png': '5UFQ', '5UFQ/2.png': '5UFQ', 'U+002F/1.png': '/'}
    >>> labels_of_folders(["train/1.png", "test/1.png"]) is None
    True
    """
    labels = {name: name_as_text(name.rpartition("/")[0]) for name in names}
    folders = list(dict.fromkeys(labels.values()))
    if len(folders) < 2 or any(map(_PURPOSE.fullmatch, folders)) or kind_of_names(folders):
        return None
    strings = {folder: _label(folder) for folder in folders}
    if max(map(len, strings.values())) > 1 and _are_named_by_others(labels):
        return None
    return {name: strings[folder] for name, folder in labels.items()}


def _are_named_by_others(labels: Mapping[str, str]) -> bool:
    """Return whether images seem to be named by labels other than the names of their folders."""
    others = [
        other
        for name, label in labels.items()
        if (other := label_of_name(name.rpartition("/")[2])) != label
    ]
    different = list(dict.fromkeys(others))
    if len(different) < max(_FEWEST, _MOSTLY * len(labels)) or max(map(len, different)) == 1:
        return False
    return kind_of_names(different) is None


def _label(folder: str) -> str:
    if match := _LOWER.fullmatch(folder):
        return match[1]
    if _CODE_POINTS.fullmatch(folder):
        numbers = [int(part[2:], 16) for part in folder.split("_")]
        if not any(0xD800 <= number < 0xE000 or number > 0x10FFFF for number in numbers):
            return "".join(map(chr, numbers))
    return folder
