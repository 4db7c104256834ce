"""The port and key that a killed server leaves for the next one."""

import socket

import pytest

from labeling_clients import Client
from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.label import LabelingPage


def test_saved_address_is_private(session, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    with LabelingPage(session) as page:
        (kept,) = (tmp_path / "home").rglob("*.json")
        assert Client(page).token not in kept.read_text()
        assert kept.parent.stat().st_mode & 0o077 == 0
    assert not kept.exists()


def test_port_in_use_raises(session):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SkcaptchaError, match=f"port {port} cannot be used"):
            LabelingPage(session, port=port)


def test_port_of_a_killed_server_may_be_in_use(session):
    killed = LabelingPage(session).__enter__()
    killed._server.should_exit = True
    killed._ended.wait(10)
    port = Client(killed).port
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with LabelingPage(session) as page:
            assert f":{port}/" not in page.url
            assert Client(page).token != Client(killed).token
