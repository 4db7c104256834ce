"""The service answers as `predict` does, for many clients at once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import skcaptcha
from serving_clients import Client, save_model
from skcaptcha.persistence import read_model
from skcaptcha.serve import Limits, PredictionServer
from waiting import wait_until


def test_answers_are_those_of_read_captchas(client, model_file, images):
    model = skcaptcha.load(model_file)
    [expected] = skcaptcha.read_captchas(model, images[:1])
    answer = client.predict(images[0])
    assert answer.status == 200
    assert answer.json()["model"] == "lines"
    assert answer.json()["sha256"] == read_model(model_file).sha256
    [result] = answer.results
    assert result == {
        "filename": None,
        "text": expected.text,
        "answer": None,
        "confidence": expected.confidence,
        "boxes": expected.boxes.tolist(),
        "probabilities": expected.probabilities.tolist(),
        "runners_up": [list(other) for other in expected.runners_up],
        "out_of_distribution": False,
    }


def test_a_model_is_chosen_by_name(client, images):
    assert client.predict(images[0], query="?model=again").json()["model"] == "again"
    answer = client.predict(images[0], query="?model=a%0Ab")
    assert answer.status == 404
    assert answer.error == "There is no model 'a\\nb' here; the models are: lines, again."


def test_the_models_are_described(client, model_file):
    first, second = client.get("/models").json()["models"]
    assert (first["name"], first["default"]) == ("lines", True)
    assert (second["name"], second["default"]) == ("again", False)
    assert first["sha256"] == read_model(model_file).sha256
    assert set("ABC123") < set(first["characters"])
    assert str(model_file) not in str(first)


@pytest.mark.parametrize(
    ("method", "path", "status", "sentence"),
    [
        ("GET", "/no%0Awhere", 404, "There is no '/no\\nwhere' here; /openapi.json describes"),
        ("GET", "/predict", 405, "GET is not possible here; use POST."),
        ("DELETE", "/models", 405, "DELETE is not possible here; use "),
        ("GET", "/../pyproject.toml", 404, "There is no "),
        ("POST", "/predict/", 404, "There is no '/predict/' here"),
    ],
)
def test_other_requests_get_a_sentence(client, method, path, status, sentence):
    answer = client.ask(method, path)
    assert answer.status == status
    assert answer.error.startswith(sentence)


def test_the_page_loads_only_its_own_files(client):
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert b"http" not in page.content
    assert client.get("/page.css").headers["content-type"] == "text/css; charset=utf-8"
    assert client.get("/page.js").headers["content-type"] == "text/javascript; charset=utf-8"


def test_the_page_shows_what_is_read(browser, server, images, labels, tmp_path):
    (tmp_path / "0.png").write_bytes(images[0])
    (tmp_path / "1.png").write_bytes(b"damaged")
    (tmp_path / "2.png").write_bytes(images[1])
    page = browser.new_page(viewport={"width": 360, "height": 700})
    page.goto(server.url)
    page.select_option("#model", "again")
    for n in (3, 6):  # the same files can be chosen again
        page.set_input_files("#files", sorted(tmp_path.iterdir()))
        page.locator("#results tr").nth(n - 1).wait_for()
    texts = page.locator("#results td.text")
    assert texts.all_inner_texts() == [labels[0], "", labels[1]] * 2
    assert "it is not a PNG" in page.inner_text("#results tr:nth-child(2)")
    # Texts are not broken into several lines, also on phones.
    assert texts.first.bounding_box()["height"] < 45
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.close()


def test_many_clients_at_once_get_their_own_answers(client, images, labels):
    def ask(i: int) -> list[str]:
        k = i % len(images)
        return client.predict_form([("a", images[k]), ("b", images[k - 1])]).texts

    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(ask, range(60)))
    expected = [[labels[i % len(labels)], labels[i % len(labels) - 1]] for i in range(60)]
    assert found == expected


class SlowModel:
    """Replaces the reading of a service, until it is allowed to continue."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.goes_on = threading.Event(), threading.Event()
        module = skcaptcha.serve._served_model
        read = module.read_images

        def wait(model, images):
            if not isinstance(images[0], np.ndarray):  # the noise of the start
                self.begun.set()
                assert self.goes_on.wait(30)
            return read(model, images)

        monkeypatch.setattr(module, "read_images", wait)


def test_a_full_queue_answers_503_with_the_time_to_retry(model_file, images, labels, monkeypatch):
    slow = SlowModel(monkeypatch)
    limits = Limits(max_queued=2, max_images=2)
    with (
        PredictionServer({"lines": model_file}, limits=limits) as server,
        ThreadPoolExecutor(2) as pool,
    ):
        client = Client(server.url)
        first = pool.submit(client.predict, images[0])
        assert slow.begun.wait(30)
        second = pool.submit(client.predict_form, [("a", images[1]), ("b", images[2])])
        wait_until(
            lambda: b'skcaptcha_waiting_images{model="lines"} 3' in client.get("/metrics").content
        )
        refused = client.predict(images[3])
        assert refused.status == 503
        assert refused.headers["retry-after"] == "1"
        assert refused.error == "2 images are waiting already; send the request again in 1 s."
        assert client.get("/healthz").status == 200
        slow.goes_on.set()
        assert first.result().texts + second.result().texts == labels[:3]
        assert client.predict(images[3]).texts == [labels[3]]


def test_a_reading_that_takes_too_long_answers_504(model_file, images, labels, monkeypatch):
    slow = SlowModel(monkeypatch)
    limits = Limits(timeout=0.3)
    with PredictionServer({"lines": model_file}, limits=limits) as server:
        client = Client(server.url)
        late = client.predict(images[0])
        assert late.status == 504
        assert late.error.startswith("The images were not read within 0.3 seconds; send fewer")
        slow.goes_on.set()
        wait_until(lambda: client.predict(images[0]).status == 200)


def test_a_model_that_fails_answers_500(model_file, images, labels, monkeypatch):
    module = skcaptcha.serve._served_model
    read = module.read_images
    with PredictionServer({"lines": model_file}) as server:
        client = Client(server.url)

        def fail(model, batch):
            if images[0] in batch:
                raise ZeroDivisionError
            return read(model, batch)

        monkeypatch.setattr(module, "read_images", fail)
        answer = client.predict(images[0])
        assert answer.status == 500
        [result] = answer.results
        assert result["error"] == "the model failed on this image (ZeroDivisionError)"
        both = client.predict_form([("a", images[0]), ("b", images[1])])
        assert both.status == 200
        assert both.results[1]["text"] == labels[1]


def test_a_changed_file_is_loaded_while_requests_are_answered(model_file, tmp_path, images):
    path = tmp_path / "m.joblib"
    path.write_bytes(model_file.read_bytes())
    with PredictionServer({"m": path}, reload=True) as server:
        client = Client(server.url)
        before = client.predict(images[0]).json()["sha256"]
        path.write_bytes(b"damaged")
        wait_until(lambda: path.stat().st_size == 7)
        assert client.predict(images[0]).json()["sha256"] == before
        save_model(path, 30)
        after = read_model(path).sha256
        statuses = []

        def is_new() -> bool:
            answer = client.predict(images[0])
            statuses.append(answer.status)
            return answer.json()["sha256"] == after

        wait_until(is_new)
        assert set(statuses) == {200}
        assert before != after
        assert client.get("/models").json()["models"][0]["sha256"] == after
        assert b'skcaptcha_reloads_total{model="m"} 1.0' in client.get("/metrics").content
