"""Addresses that cannot be used get a sentence."""

import socket
from contextlib import closing

import pytest

from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.serve._address import is_local, listen, url_of


@pytest.mark.parametrize(
    ("host", "url", "local"),
    [
        ("127.0.0.1", "http://127.0.0.1:", True),
        ("localhost", "http://", True),
        ("0.0.0.0", "http://127.0.0.1:", False),
    ],
)
def test_the_url_leads_to_the_socket(host, url, local):
    with closing(listen(host, 0)) as listener:
        port = listener.getsockname()[1]
        assert url_of(listener).startswith(url)
        assert url_of(listener).endswith(f":{port}")
        assert is_local(listener) is local
        socket.create_connection(("127.0.0.1" if url != "http://" else host, port)).close()


@pytest.mark.parametrize(("host", "url"), [("::1", "http://[::1]:"), ("::", "http://[::1]:")])
def test_addresses_of_version_6_are_in_brackets(host, url):
    try:
        listener = listen(host, 0)
    except SkcaptchaError:
        pytest.skip("this machine has no IPv6")
    with closing(listener):
        assert url_of(listener).startswith(url)


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        ("no-such-host.invalid", "host 'no-such-host.invalid' is unknown here"),
        ("192.0.2.1", "of 192.0.2.1 cannot be used"),
        ("a" * 70, "is unknown here"),
    ],
)
def test_unusable_hosts_are_refused(host, sentence):
    with pytest.raises(SkcaptchaError) as refused:
        listen(host, 0)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("port", [-1, 70_000])
def test_wrong_ports_are_refused(port):
    with pytest.raises(SkcaptchaError, match=f"^port: it must be between 0 and 65535, not {port}$"):
        listen("127.0.0.1", port)


def test_a_port_in_use_is_refused():
    with closing(listen("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(SkcaptchaError, match=f"^port {port} of 127.0.0.1 cannot be used"):
            listen("127.0.0.1", port)
