"""Metrics count what happens, in the format of Prometheus."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from serving_clients import Client
from skcaptcha.serve import PredictionServer


def values(client: Client) -> dict[str, float]:
    """Return the value of each metric with its labels."""
    answer = client.get("/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    found = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        assert family.documentation
        for sample in family.samples:
            labels = "".join(f" {label}={sample.labels[label]}" for label in sorted(sample.labels))
            found[sample.name + labels] = sample.value
    return found


@pytest.fixture
def fresh(model_file):
    with PredictionServer({"lines": model_file}) as server:
        yield Client(server.url)


def test_requests_images_and_batches_are_counted(fresh, images):
    noise = images[0][:60]
    fresh.predict(images[0])
    fresh.predict_form([("a.png", images[1]), ("b.png", noise), ("c.png", images[2])])
    fresh.predict(noise)
    fresh.get("/healthz")
    for number in range(3):
        fresh.get(f"/nowhere/{number}")
    found = values(fresh)
    assert found["skcaptcha_requests_total path=/predict status=200"] == 2
    assert found["skcaptcha_requests_total path=/predict status=422"] == 1
    assert found["skcaptcha_requests_total path=/healthz status=200"] == 1
    assert found["skcaptcha_requests_total path=other status=404"] == 3
    assert found["skcaptcha_request_seconds_count path=/predict"] == 3
    assert 0 < found["skcaptcha_request_seconds_sum path=/predict"] < 60
    assert found["skcaptcha_images_total model=lines outcome=read"] == 3
    assert found["skcaptcha_images_total model=lines outcome=unusable"] == 2
    assert found["skcaptcha_batch_images_sum model=lines"] == 5
    assert found["skcaptcha_batch_images_count model=lines"] == 3
    assert 0 < found["skcaptcha_batch_seconds_sum model=lines"] < 60
    assert found["skcaptcha_waiting_images model=lines"] == 0


def test_images_unlike_the_training_images_are_counted(fresh, images):
    import cv2
    import numpy as np

    noise = np.random.default_rng(0).integers(0, 256, (30, 120), dtype=np.uint8)
    fresh.predict_form([("a", images[0]), ("b", cv2.imencode(".png", noise)[1].tobytes())])
    assert values(fresh)["skcaptcha_out_of_distribution_images_total model=lines"] == 1


def test_services_of_one_process_do_not_share_metrics(fresh, client):
    client.get("/healthz")
    assert "skcaptcha_requests_total path=/healthz status=200" not in values(fresh)
