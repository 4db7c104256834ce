"""The server starts with working models only, and listens where it is told."""

import socket
import sys

import pytest

from serving_clients import Client
from skcaptcha.exceptions import ModelError, SkcaptchaError
from skcaptcha.serve import PredictionServer


def test_it_listens_on_this_machine_only_and_until_its_end(model_file):
    with PredictionServer({"lines": model_file}) as server:
        assert server.is_local
        assert Client(server.url).get("/healthz").json() == {"status": "ok"}
        port = int(server.url.rpartition(":")[2])
        # A server that listens on all addresses would be reachable at any of them.
        with socket.socket() as other, pytest.raises(OSError, match="refused"):
            other.connect(("127.0.0.2", port))
    with socket.socket() as other, pytest.raises(OSError, match="refused"):
        other.connect(("127.0.0.1", port))


def test_a_missing_extra_is_named_with_the_command_that_installs_it(model_file, monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(SkcaptchaError, match=r"prometheus_client.*pip install 'skcaptcha\[web\]'"):
        PredictionServer({"lines": model_file})


@pytest.mark.parametrize(
    ("models", "error", "sentence"),
    [
        ({}, SkcaptchaError, "there are no models to serve"),
        ({"a": "nowhere.joblib"}, ModelError, r"nowhere\.joblib: no such model"),
        ({"a b": "nowhere.joblib"}, SkcaptchaError, "'a b' cannot be the name of a model"),
    ],
)
def test_models_that_cannot_be_served_are_refused(models, error, sentence):
    with pytest.raises(error, match=sentence):
        PredictionServer(models)


@pytest.mark.parametrize("name", ["nowhere", "a file"])
def test_a_folder_for_metrics_that_cannot_be_used_is_named(model_file, tmp_path, monkeypatch, name):
    (tmp_path / "a file").touch()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / name))
    with pytest.raises(SkcaptchaError, match=f"PROMETHEUS_MULTIPROC_DIR names .*{name}.*; create"):
        PredictionServer({"lines": model_file})
