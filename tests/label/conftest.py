"""A folder to label, requests to its page, and the command in its own process."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labeling_clients import Client, Guessing, Server, Tab
from labeling_sessions import label_first, make_folder
from skcaptcha.datasets import make_line_captchas, write_captchas
from skcaptcha.label import LabelingPage, LabelingSession


@pytest.fixture
def unlabeled(tmp_path: Path) -> Callable[[int], tuple[Path, dict[str, str]]]:
    """Return a function that creates a folder of n unlabeled images and their labels."""

    def make(n: int) -> tuple[Path, dict[str, str]]:
        folder = tmp_path / "captchas"
        images, labels = make_line_captchas(n, random_state=0)
        write_captchas(folder, images, labels)
        (folder / "labels.csv").unlink()
        return folder, {f"{k + 1:05}.png": str(label) for k, label in enumerate(labels)}

    return make


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    """Return a function that starts the command, which is killed at the end if necessary."""
    servers: list[Server] = []

    def start(folder: Path, *arguments: str, browser: Path | None = None) -> Server:
        servers.append(Server(folder, *arguments, browser=browser))
        return servers[-1]

    yield start
    for server in servers:
        server.kill()
        server.communicate()


@pytest.fixture
def folder_and_truth(unlabeled) -> tuple[Path, dict[str, str]]:
    return unlabeled(12)


@pytest.fixture
def folder(folder_and_truth) -> Path:
    """Folder of twelve unlabeled images."""
    return folder_and_truth[0]


@pytest.fixture
def truth(folder_and_truth) -> dict[str, str]:
    """Labels of the images of the folder."""
    return folder_and_truth[1]


@pytest.fixture(scope="module")
def labeled(tmp_path_factory) -> tuple[Path, list[str], dict[str, str]]:
    """Return a folder of 190 images of which 130 are labeled, the other images, and all labels."""
    folder = tmp_path_factory.mktemp("labeled")
    truth = make_folder(folder, 190)
    return folder, label_first(folder, truth, 130), truth


@pytest.fixture
def session(folder: Path) -> Iterator[LabelingSession]:
    with LabelingSession(folder, train=False) as session:
        yield session


@pytest.fixture
def page(session: LabelingSession) -> Iterator[LabelingPage]:
    with LabelingPage(session) as page:
        yield page


@pytest.fixture
def client(page: LabelingPage) -> Client:
    return Client(page)


@pytest.fixture
def context(browser):
    context = browser.new_context(viewport={"width": 1100, "height": 800})
    context.set_default_timeout(30_000)
    yield context
    context.close()


@pytest.fixture
def guessing(folder: Path, truth: dict[str, str]) -> Iterator[LabelingPage]:
    """Serve the page of a session with known guesses."""
    with Guessing(folder, truth) as session, LabelingPage(session) as served:
        yield served


@pytest.fixture
def tab(guessing: LabelingPage, context) -> Iterator[Tab]:
    tab = Tab(context, guessing.url)
    yield tab
    assert tab.problems == []
