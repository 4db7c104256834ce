"""The command ``label``."""

# ruff: noqa: PLC0415 - heavy imports are late, so that --help is fast

from __future__ import annotations

import os
import shlex
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from skcaptcha.cli._console import note, say
from skcaptcha.cli._options import FoldCase, within

if TYPE_CHECKING:
    from skcaptcha.label import LabelingSession

EXAMPLE = "skcaptcha label captchas"

Port = Annotated[
    int,
    typer.Option(
        metavar="N", callback=within(0, 65535), help="Port of the page; 0 uses any free port."
    ),
]
Browser = Annotated[
    bool,
    typer.Option(
        "--browser/--no-browser",
        help="Whether to open the page in a browser.",
        show_default="--browser",
    ),
]


def label(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of captchas.")],
    *,
    fold_case: FoldCase = False,
    port: Port = 0,
    browser: Browser = True,
) -> None:
    """Label the captchas of a folder in the browser.

    Each label is saved in DIR/labels.csv before the next image appears. From 20 labels on, a model
    suggests labels, and the most informative images come first. Only this machine can open the
    page. Press Ctrl-C to stop; run the same command again to continue.
    """
    from skcaptcha.label import LabelingSession

    with LabelingSession(folder, fold_case=fold_case) as session:
        if _may_be_named_by_labels(folder):
            say(
                f"warning: {folder}: has no labels.csv or labels.txt; if the images are named by "
                "their labels, press Ctrl-C now: once an image is labeled, the labels in "
                "labels.csv replace all names"
            )
        for sentence in session.describe_unusual_labels():
            say(f"warning: {folder}: {sentence}")
        label_in_browser(session, port=port, browser=browser)


def _may_be_named_by_labels(folder: Path) -> bool:
    from skcaptcha.datasets import load_captchas
    from skcaptcha.datasets._label_files import has_label_file
    from skcaptcha.exceptions import DatasetError, LabelWarning

    if has_label_file(folder):
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LabelWarning)
            load_captchas(folder)
    except DatasetError:  # they are numbers, for example
        return False
    return True


def label_in_browser(
    session: LabelingSession, *, port: int, browser: bool, done: str = "labeled"
) -> NoReturn:
    """Serve the page of a session until Ctrl-C, which is raised with a summary.

    `done` is what the user does to the images there.
    """
    from skcaptcha.label import LabelingPage

    try:
        with LabelingPage(session, port=port) as page:
            opened = browser and _open(page.url)
            where = "the page opens in your browser" if opened else "open this address in a browser"
            note(f"{where}; press Ctrl-C here to stop")
            print(page.url, flush=True)
            page.wait()
    except KeyboardInterrupt:
        progress = session.progress()
        following = "nothing was changed"
        if progress.n_labeled:
            following = f"next: skcaptcha fit {shlex.quote(str(session.folder))}"
        elif progress.n_unreadable:
            following = f"{progress.n_unreadable} marked as unreadable"
        raise KeyboardInterrupt(
            f"{progress.n_labeled} of {progress.n_images} images are {done}; {following}"
        ) from None


def _open(url: str) -> bool:
    import webbrowser

    graphical = sys.platform in {"win32", "darwin"} or any(
        map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
    )
    # A browser inside the terminal would catch Ctrl-C, and does not run JavaScript.
    try:
        return graphical and webbrowser.open(url)
    except webbrowser.Error:
        return False
