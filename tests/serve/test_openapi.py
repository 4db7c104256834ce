"""The OpenAPI document is valid, and describes the answers of the service."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from serving_clients import MAX_IMAGES


@pytest.fixture(scope="module")
def document(client) -> dict[str, Any]:
    answer = client.get("/openapi.json")
    assert answer.status == 200
    return answer.json()


def test_the_document_is_valid(document):
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    assert set(document["paths"]) == {"/predict", "/models", "/metrics", "/healthz"}
    several = document["paths"]["/predict"]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert several["schema"]["properties"]["image"]["maxItems"] == MAX_IMAGES
    [parameter] = document["paths"]["/predict"]["post"]["parameters"]
    assert parameter["schema"]["enum"] == ["lines", "again"]


def check(document: dict[str, Any], method: str, path: str, answer: Any) -> None:
    """Check an answer against the schema of its path and status."""
    responses = document["paths"][path][method]["responses"]
    schema = responses[str(answer.status)]["content"]["application/json"]["schema"]
    validator = Draft202012Validator({**schema, "components": document["components"]})
    assert list(validator.iter_errors(answer.json())) == []
    # A schema that accepts anything would not describe the answer.
    assert list(validator.iter_errors({"else": 1}))


def test_answers_are_as_described(document, client, images):
    check(document, "get", "/models", client.get("/models"))
    check(document, "get", "/healthz", client.get("/healthz"))
    statuses = []
    for answer in (
        client.predict_form([("a.png", images[0]), ("b.png", b"no image")]),
        client.predict(b"no image"),
        client.predict(b"{}", "application/json"),
        client.predict(images[0], query="?model=other"),
        client.predict(images[0], "text/plain"),
        client.predict(images[0], host="evil.example"),
        client.predict_form([("a.png", images[0])] * (MAX_IMAGES + 1)),
    ):
        statuses.append(answer.status)
        check(document, "post", "/predict", answer)
    assert statuses == [200, 422, 400, 404, 415, 403, 413]
