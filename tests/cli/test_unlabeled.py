"""Images without a label are found in a folder of labeled ones, and in others."""

from pathlib import Path

from skcaptcha.cli._unlabeled import load_unlabeled
from skcaptcha.datasets import load_captchas, make_line_captchas, write_captchas


def test_folders_of_unlabeled_images_count_once(tmp_path):
    folder, more = tmp_path / "captchas", tmp_path / "more"
    images, labels = make_line_captchas(5, random_state=0)
    write_captchas(folder, images[:3], labels[:3])
    write_captchas(more, images[3:], labels[3:])
    table = (folder / "labels.csv").read_text().splitlines()
    (folder / "labels.csv").write_text("\n".join(table[:3]))
    found = load_unlabeled(folder, None, [more, folder, folder / ".." / "more"])
    assert found is not None
    assert [Path(path).name for path in found.data] == [
        table[3].partition(",")[0], *load_captchas(more).filenames
    ]  # fmt: skip
    assert load_unlabeled(more, None, [more]) is None
