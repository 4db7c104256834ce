"""``label`` warns before labels can be lost."""

import signal

import pytest

from skcaptcha.datasets import make_line_captchas, write_captchas


@pytest.mark.parametrize("named_by_labels", [False, True])
def test_warning_if_file_names_may_be_labels(start, tmp_path, named_by_labels):
    images, labels = make_line_captchas(3, random_state=0)
    write_captchas(tmp_path, images, labels)
    (tmp_path / "labels.csv").unlink()
    if named_by_labels:
        for image, label in zip(sorted(tmp_path.iterdir()), labels, strict=True):
            image.rename(tmp_path / f"{label}.png")
    command = start("label", tmp_path, "--no-browser", preexec_fn=_hears_ctrl_c)
    try:
        assert command.stdout.readline().startswith("http://127.0.0.1:")
        command.send_signal(signal.SIGINT)
        assert ("named by their labels, press Ctrl-C" in command.outcome().err) == named_by_labels
    finally:
        command.kill()


def _hears_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
