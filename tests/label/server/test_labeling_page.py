"""The server listens only on localhost and has a new token after each start."""

import socket
import sys

import pytest

from labeling_clients import Client
from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.label import LabelingPage


def test_server_listens_on_localhost_only(session):
    with LabelingPage(session) as served:
        assert Client(served).do("open")["task"]
        port = Client(served).port
        # A server that listens on all addresses would be reachable at any of them.
        with socket.socket() as other, pytest.raises(OSError, match="refused"):
            other.connect(("127.0.0.2", port))
    with socket.socket() as other, pytest.raises(OSError, match="refused"):
        other.connect(("127.0.0.1", port))


def test_address_is_invalid_after_the_server_stops(session):
    with LabelingPage(session) as page:
        first = page.url
    with LabelingPage(session) as page:
        assert page.url.split("=")[1] != first.split("=")[1]
        assert len(page.url.split("=")[1]) >= 43


def test_missing_extra_raises_with_install_command(session, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(SkcaptchaError, match=r"pip install 'skcaptcha\[web\]'"):
        LabelingPage(session)
