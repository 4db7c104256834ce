"""The ``serve`` command, from its start to its end by a signal."""

import os
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from serving_clients import Client
from skcaptcha.datasets import load_captchas
from waiting import wait_until


@pytest.fixture
def serve(start, model):
    """Return a function that starts the command and waits for its address."""
    commands = []

    def serve(*arguments, models=(model,), **options):
        command = start("serve", *models, "--port", 0, *arguments, **options)
        commands.append(command)
        return command, Client(command.stdout.readline().strip())

    yield serve
    for command in commands:
        command.kill()
        command.communicate()


def test_it_reads_images_until_sigterm(serve, captchas, texts):
    command, client = serve(env=os.environ | {"SKCAPTCHA_TOKEN": "abc"})
    image = Path(load_captchas(captchas).data[0]).read_bytes()
    assert client.predict(image).status == 401
    assert client.predict(image, authorization="Bearer abc").texts == texts[:1]
    command.send_signal(signal.SIGTERM)
    outcome = command.outcome()
    assert outcome.code == 0
    assert outcome.out == ""
    assert outcome.err.splitlines() == [
        "press Ctrl-C here to stop; the service answers at this address:",
        "the service has stopped; all requests are answered",
    ]


def test_other_machines_may_connect_with_a_warning_until_ctrl_c(serve):
    command, client = serve("--host", "0.0.0.0", "--quiet")
    assert client.get("/healthz").status == 200
    command.send_signal(signal.SIGINT)
    outcome = command.outcome()
    assert outcome.code == 130
    warning, last = outcome.err.splitlines()
    assert warning.startswith("warning: everyone who can reach 0.0.0.0 is answered; add --token")
    assert last == "the service has stopped; all requests are answered"


@contextmanager
def unfinished_request(client, content):
    """Send a request without its last byte, and yield the connection."""
    with client.connect() as connection:
        connection.sendall(
            f"POST /predict HTTP/1.1\r\nhost: {client.host}\r\ncontent-type: image/png\r\n"
            f"content-length: {len(content)}\r\n\r\n".encode()
            + content[:-1]
        )
        # Connections are handled in their order.
        assert client.get("/healthz").status == 200
        yield connection


def refuses(client) -> bool:
    try:
        client.connect().close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_second_sigterm_does_not_end_a_request(serve, captchas, texts, workers):
    """Managers of processes may send it again and again."""
    command, client = serve("--quiet", "--workers", workers)
    image = Path(load_captchas(captchas).data[0]).read_bytes()
    with unfinished_request(client, image) as connection:
        command.send_signal(signal.SIGTERM)
        wait_until(lambda: refuses(client))
        command.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        connection.sendall(image[-1:])
        # Head and body may arrive in parts.
        assert texts[0].encode() in connection.makefile("rb").read()
    assert command.outcome().code == 0


@pytest.mark.slow
def test_a_second_ctrl_c_ends_at_once(serve, captchas):
    command, client = serve("--quiet")
    with unfinished_request(client, b"not an image"):
        command.send_signal(signal.SIGINT)
        wait_until(lambda: refuses(client))
        command.send_signal(signal.SIGINT)
        outcome = command.outcome()
    assert outcome.code == 130
    assert outcome.err == "interrupted\n"


def memory_of(pid: int) -> float:
    """Return the memory of a process in MB."""
    listed = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, check=True)
    return int(listed.stdout) / 1024


@pytest.mark.slow
def test_requests_leave_the_memory_where_it_was(serve, captchas):
    command, client = serve("--quiet")
    images = [Path(path).read_bytes() for path in load_captchas(captchas).data]

    def send(n: int) -> None:
        for i in range(n):
            image = images[i % len(images)]
            client.predict_form([("a.png", image), ("b.png", image[:100]), ("c", b"")])
            client.predict(bytes(50_000))
            client.get(f"/{i}")

    send(100)
    before = memory_of(command.pid)
    send(500)
    assert memory_of(command.pid) < before + 5


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nowhere.joblib",), "error: nowhere.joblib: no such model; fit one first"),
        (("{model}", "{model}"), "error: {model}: there is another model named model, {model}; "),
        (("{model}", "--port", "70000"), "error: invalid value for '--port': it must be between"),
        (("{model}", "--host", "a.invalid"), "error: host 'a.invalid' is unknown here"),
        (("{model}", "--token", "ä"), "error: the token must consist of printable ASCII"),
        (("{model}", "--max-images", "9", "--max-queued", "8"), "error: max_images=9: it must not"),
        (("{captchas}",), "error: {captchas}: not a model that can be loaded"),
        ((), "error: missing argument 'MODEL...'"),
    ],
)
def test_wrong_arguments_get_one_sentence(run, model, captchas, arguments, sentence):
    names = {"model": model, "captchas": captchas}
    outcome = run("serve", *(argument.format(**names) for argument in arguments))
    assert outcome.code == 2
    assert outcome.sentence().startswith(sentence.format(**names))
    assert outcome.out == ""
