"""Test clients of the labeling page: requests, a browser tab, the command and known guesses."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import warnings
from dataclasses import dataclass, replace
from email.message import Message
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from skcaptcha.datasets import load_captchas
from skcaptcha.exceptions import LabelWarning
from skcaptcha.label import Guess, LabelingPage, LabelingSession, Task


def labels_on_disk(folder: Path) -> dict[str, str]:
    file = folder / "labels.csv"
    if not file.exists() or file.read_text(encoding="utf-8").count("\n") == 1:
        return {}
    with warnings.catch_warnings(action="ignore", category=LabelWarning):
        captchas = load_captchas(folder)
    return dict(zip(captchas.filenames, captchas.target.tolist(), strict=True))


@dataclass
class Answer:
    """Response of a server."""

    status: int
    headers: Message
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()

    def json(self) -> Any:
        return json.loads(self.content)


class Client:
    """Sends the same requests as the page's script."""

    def __init__(self, served: LabelingPage, tab: str = "a tab") -> None:
        self.address, self.token = served.url.split("/?token=")
        self.host = self.address.removeprefix("http://")
        self.port = int(self.host.split(":")[1])
        self.headers = {
            "host": self.host,
            "origin": self.address,
            "authorization": f"Bearer {self.token}",
            "content-type": "application/json",
        }
        self.tab = tab

    def ask(
        self, method: str, path: str, headers: dict[str, str | None], content: bytes | None = None
    ) -> Answer:
        """Send exactly these headers; headers that are None are omitted."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                if value is not None:
                    connection.putheader(name, value)
            if content is not None and "transfer-encoding" not in headers:
                connection.putheader("content-length", str(len(content)))
            connection.endheaders(content)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())

    def get(self, path: str, **headers: str | None) -> Answer:
        return self.ask("GET", path, self.headers | headers)

    def post(
        self, method: str, *, headers: dict[str, str | None] | None = None, **body: Any
    ) -> Answer:
        content = json.dumps({"tab": self.tab, **body}).encode()
        return self.ask("POST", f"/api/{method}", self.headers | (headers or {}), content)

    def do(self, method: str, **body: Any) -> Any:
        answer = self.post(method, **body)
        assert answer.status == 200, answer.text
        return answer.json()


class Server(subprocess.Popen[str]):
    """The ``label`` command, as a user runs it."""

    def __init__(self, folder: Path, *arguments: str, browser: Path | None = None) -> None:
        command = [sys.executable, "-m", "skcaptcha", "label", str(folder)]
        if not browser:
            command.append("--no-browser")
        # Background jobs in scripts ignore Ctrl-C; the command must not.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            super().__init__(
                [*command, *arguments],
                env=os.environ | {"BROWSER": str(browser or "")},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        finally:
            signal.signal(signal.SIGINT, before)
        assert self.stdout is not None
        self.url = self.stdout.readline().strip()


class Tab:
    """A tab with the labeling page, operated by keyboard only."""

    def __init__(self, context: Any, url: str) -> None:
        self.page = context.new_page()
        self.problems: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.problems.append(message.text))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(url)
        self.page.wait_for_selector("#work:not([hidden]), #done:not([hidden])")

    @property
    def name(self) -> str:
        return self.page.locator("#caption").inner_text().split(" · ")[0]

    @property
    def text(self) -> str:
        return self.page.locator("#text").input_value()

    @property
    def selected(self) -> str:
        return self.page.evaluate(
            "() => { const f = document.getElementById('text');"
            " return f.value.slice(f.selectionStart, f.selectionEnd) }"
        )

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def go(self, *keys: str) -> None:
        """Press keys and wait until the last one shows another image or the end."""
        before = self.page.locator("#caption").inner_text()
        self.press(*keys)
        self.page.wait_for_function(
            "before => document.getElementById('caption').textContent !== before"
            " || !document.getElementById('done').hidden",
            arg=before,
        )
        done = self.page.locator("#done").is_visible()
        assert done or self.page.evaluate("document.activeElement.id") == "text"

    def quickest(self, text: str) -> list[str]:
        """Return the shortest sequence of keys for this label."""
        if self.text == text:
            return ["Enter"]
        others = self.page.locator("#others-list b").all_inner_texts()
        if text in others:
            return ["Shift+ArrowDown"] * (others.index(text) + 1) + ["Enter"]
        return [*text, "Enter"]

    def until(self, *, right: bool) -> None:
        """Accept labels until an image has a correct guess, or a wrong one."""
        while ("?" not in self.text) is not right:
            self.page.locator("#text").fill(self.text.replace("?", "X"))
            self.go("Enter")

    def says(self, text: str) -> None:
        self.page.get_by_text(re.compile(text)).first.wait_for(state="visible")


def guess_of(truth: str) -> Guess:
    """Return a guess whose third character is wrong and has the lowest confidence."""
    wrong = truth[:2] + "?" + truth[3:]
    sure = (0.99, 0.7, 0.4, 0.95)
    return Guess(
        wrong, 0.3, tuple(zip(wrong, sure, strict=True)), (("ZZZZ", 0.2), (truth, 0.1)), False
    )


class Guessing(LabelingSession):
    """A session with known guesses, which are correct for images with even numbers."""

    def __init__(self, folder: Path, truth: dict[str, str], **options: Any) -> None:
        super().__init__(folder, train=False, **options)
        self._truth = truth

    def _with_guess(self, task: Task | None) -> Task | None:
        truth = self._truth.get(task.filename) if task else None
        if not truth:
            return task
        guess = guess_of(truth)
        if task.index % 2:
            guess = replace(guess, text=truth, characters=tuple((c, 0.97) for c in truth))
        return replace(task, guess=guess)

    def next(self, tab):
        return self._with_guess(super().next(tab))

    def task(self, filename, tab):
        return self._with_guess(super().task(filename, tab))

    def previous(self, filename, tab):
        return self._with_guess(super().previous(filename, tab))

    def following(self, filename, tab):
        return self._with_guess(super().following(filename, tab))

    def undo(self, tab):
        return self._with_guess(super().undo(tab))
