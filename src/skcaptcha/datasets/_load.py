"""Loading folders of captchas with their labels."""

import re
import warnings
from pathlib import Path

import numpy as np

from skcaptcha._letter_case import usual_case
from skcaptcha.datasets._captchas import Captchas, with_folded_case
from skcaptcha.datasets._find_labels import find_labels
from skcaptcha.datasets._list_images import list_images
from skcaptcha.datasets._unusual_labels import describe_unusual_labels
from skcaptcha.exceptions import DatasetError, LabelWarning

_RANGE = re.compile(r"\s*([0-9]{1,18})\s*\.\.\s*([0-9]{1,18})\s*")


def load_captchas(
    folder: str | Path,
    *,
    subset: str | None = None,
    labeled: bool | None = True,
    labels: str | Path | None = None,
    fold_case: bool = False,
) -> Captchas:
    """List the captchas of a folder, with their labels.

    Images are the files with the suffix png, jpg, jpeg, gif, bmp or webp, in upper or lower case;
    hidden files are ignored. They are sorted in natural order: ``2.png`` before ``10.png``. No
    image is opened. Labels are read from the first of these that exists:

    1. ``labels.csv``, UTF-8, with the columns ``filename`` and ``label``. Images that it does not
       name are unlabeled. Values may also be separated by semicolons, tabs or bars, and the columns
       may have other usual names, such as ``image`` and ``text``.
    2. ``labels.txt``, UTF-8, whose line N is the label of the image named N, with any suffix
       (``7.png`` and ``007.jpg`` are both named 7). Other images are unlabeled.
    3. A file of another program, if there is exactly one: lines of a name, a tab and a label
       (``gt.txt``, ``labels.tsv``); JSON or JSON lines with labels by name, or objects with both;
       COCO with one box per character; the JSON export of Label Studio; or a ``.gt.txt`` file
       beside each image. Names in it may begin with folders that do not exist here.
    4. The names of the images, without suffix. A ``-`` or ``_`` and the text after it only
       distinguish equal labels (``5UFQ_2.png`` is labeled ``5UFQ``), and so do the endings that
       copying adds (``5UFQ (2).png``, ``5UFQ(2).png``, ``5UFQ copy.png``).

    If the folder itself contains no images, those of its subfolders are listed, as
    ``images/1.png``. Their labels are in a file as above in the folder, or are the names of the
    subfolders, unless these say what images are for, as ``train`` and ``test`` do, have label files
    of their own, or contain images that are named by labels.

    Labels are kept exactly, with spaces and case, except that their letters are composed (Unicode
    form NFC), as keyboards type them. File names in labels.csv may have either form.

    Parameters
    ----------
    folder : str or Path
        Folder of images.
    subset : str or None, default=None
        Range of positions to keep, such as ``"1..4500"``: from 1, both ends included, in the order
        described above.
    labeled : bool or None, default=True
        Whether to read labels and leave out unlabeled images. If False, all images directly in the
        folder are listed. If None, labels are read, and unlabeled images have the label ``""``.
    labels : path-like, default=None
        File to read labels from, if several could be meant or it is elsewhere: CSV, TSV, text, JSON
        or JSON lines. None finds the labels as described above.
    fold_case : bool, default=False
        Whether to fold the letters of all labels to one case: that of most letters in the labels
        of the folder, upper case if both are equally frequent. A character without a single
        counterpart in that case, such as ß, stays in its other case, so that labels keep their
        lengths. The files are not changed. A model that `~skcaptcha.fitting.fit_captchas` fits to
        folded labels ignores case when it is evaluated.

    Returns
    -------
    captchas : Captchas
        A `sklearn.utils.Bunch` with the attributes

        data : list of str
            Path of each image.
        target : ndarray of shape (n_captchas,), dtype str
            Label of each image; not if `labeled` is False.
        filenames : list of str
            Name of each image within the folder.
        fold_case : bool
            True; only if `fold_case`.

    Raises
    ------
    DatasetError
        If the folder is missing, or contains no images or no labels; if its label file is invalid,
        or the first line of labels.txt is a header; if several files of other programs could hold
        the labels, or one that is not read, such as annotations.xml; if the names would be the
        labels, but at least three of them are or begin with numbers, timestamps, words such as
        captcha_1 or hashes; if `subset` is not a range, or exceeds the captchas.

    Warns
    -----
    LabelWarning
        If the text after a dash may belong to the label, as in ``555-0019.png``; if the names are
        numbers that may not be labels; if a few labels are unlike the others, such as two in lower
        case among a hundred in upper case; if a label contains invisible characters, or letters
        that are written from right to left: the first character of a label is the leftmost one of
        its image.

    See Also
    --------
    split_captchas : Split captchas into a training set and a test set.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from skcaptcha.datasets import load_captchas, make_line_captchas, write_captchas
    >>> images, labels = make_line_captchas(5, random_state=0)
    >>> with TemporaryDirectory() as folder:
    ...     write_captchas(folder, images, labels)
    ...     captchas = load_captchas(folder, subset="2..4")
    >>> captchas.filenames
    ['00002.png', '00003.png', '00004.png']
    >>> bool((captchas.target == labels[1:4]).all())
    True
    """
    folder = Path(folder)
    if labeled is not False:
        found = find_labels(folder, None if labels is None else Path(labels))
        names = [name for name in found.names if labeled is None or name in found.labels]
    else:
        names = list_images(folder)
    if subset is not None:
        names = names[slice(*parse_range(subset, len(names), where=str(folder)))]
    bunch = Captchas(data=[str(folder / name) for name in names], filenames=names)
    if labeled is not False:
        bunch.target = np.array([found.labels.get(name, "") for name in names])
        if fold_case:
            # A subset is folded like the whole folder.
            bunch = with_folded_case(bunch, usual_case(found.labels.values()))
        known = [label for label in bunch.target.tolist() if label]
        for sentence in (*found.doubts, *describe_unusual_labels(known)):
            warnings.warn(f"{folder}: {sentence}", LabelWarning, stacklevel=2)
    return bunch


def parse_range(text: str, n: int, *, where: str) -> tuple[int, int]:
    """Parse a range such as ``"1..4500"`` (from 1, both ends included) of n captchas.

    Return the equivalent start and stop of a Python slice. Raise DatasetError if it is not a range,
    is empty, or exceeds n; `where` is the source of the captchas, for the message.
    """
    match = _RANGE.fullmatch(text)
    if not match:
        raise DatasetError(f"{text!r} is not a range; write it as 1..{max(n, 1)}")
    first, last = int(match[1]), int(match[2])
    if not 1 <= first <= last:
        raise DatasetError(
            f"the range {text} is empty; write the first and last position, counted from 1, "
            f"as in 1..{max(n, 1)}"
        )
    if last > n:
        raise DatasetError(
            f"the range {text} exceeds the {n} captchas of {where}; the maximum position is {n}"
        )
    return first - 1, last
