"""The description of the service in the OpenAPI format, for generators of clients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from skcaptcha import __version__
from skcaptcha.serve._answers import Answer, Health, Models, Problem
from skcaptcha.serve._limits import Limits
from skcaptcha.serve._uploads import FORM, JSON, EncodedImages

_ANSWERS: tuple[type[BaseModel], ...] = (Answer, Models, Health, Problem)
_TOKEN: list[dict[str, list[str]]] = [{}, {"token": []}]


def openapi_document(models: Sequence[str], limits: Limits) -> dict[str, Any]:
    """Return the OpenAPI document of a service.

    Parameters
    ----------
    models : sequence of str
        Names of its models, the default first.
    limits : Limits
        Its limits.

    Returns
    -------
    document : dict
        A document of OpenAPI 3.1, to be written as JSON.
    """
    _, schemas = models_json_schema(
        [
            (EncodedImages, "validation"),
            *((answer, "serialization") for answer in _ANSWERS),
        ],
        ref_template="#/components/schemas/{model}",
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "skcaptcha",
            "version": __version__,
            "description": "Reads text captchas and other noisy short strings.",
        },
        "paths": {
            "/predict": {"post": _predict(models, limits)},
            "/models": {"get": _get("describeModels", "Describe the models.", Models)},
            "/metrics": {"get": _metrics()},
            "/healthz": {"get": _healthz()},
        },
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _predict(models: Sequence[str], limits: Limits) -> dict[str, Any]:
    image = {"type": "string", "format": "binary"}
    several = {"type": "array", "items": image, "maxItems": limits.max_images}
    form = {"type": "object", "properties": {"image": several}}
    too_large = f"More than {limits.max_bytes:,} bytes or {limits.max_images} images."
    return {
        "operationId": "predict",
        "summary": "Read one or many images.",
        "security": _TOKEN,
        "parameters": [
            {
                "name": "model",
                "in": "query",
                "description": f"Name of the model that reads; without it, {models[0]}.",
                "schema": {"type": "string", "enum": list(models)},
            }
        ],
        "requestBody": {
            "required": True,
            "content": {
                "image/*": {"schema": image},
                "application/octet-stream": {"schema": image},
                FORM: {"schema": form},
                JSON: {"schema": _ref(EncodedImages)},
            },
        },
        "responses": {
            "200": _response("The results, if any image was read.", Answer),
            "400": _response("The request is malformed, or has no images.", Problem),
            "401": _response("The token is missing or wrong.", Problem),
            "403": _response("The request comes from another website.", Problem),
            "404": _response("There is no such model.", Problem),
            "408": _response("The request arrived too slowly.", Problem),
            "413": _response(too_large, Problem),
            "415": _response("The content type or encoding is not supported.", Problem),
            "422": _response("None of the images can be used.", Answer),
            "500": _response("The model failed on all images.", Answer, Problem),
            "503": {
                **_response("Too many images or bytes of others are waiting.", Problem),
                "headers": {
                    "Retry-After": {
                        "description": "Seconds after which to send the request again.",
                        "schema": {"type": "integer", "minimum": 1},
                    }
                },
            },
            "504": _response("The images were not read in time.", Problem),
        },
    }


def _get(name: str, summary: str, answer: type[BaseModel]) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "security": _TOKEN,
        "responses": {
            "200": _response(summary, answer),
            "401": _response("The token is missing or wrong.", Problem),
        },
    }


def _metrics() -> dict[str, Any]:
    operation = _get("showMetrics", "Return the metrics for Prometheus.", Problem)
    content: Mapping[str, Any] = {"text/plain": {"schema": {"type": "string"}}}
    operation["responses"]["200"]["content"] = content
    return operation


def _healthz() -> dict[str, Any]:
    return {
        "operationId": "checkHealth",
        "summary": "Tell whether the service accepts requests.",
        "security": [],
        "responses": {
            "200": _response("It does.", Health),
            "503": _response("It is about to end.", Health),
        },
    }


def _response(description: str, *answers: type[BaseModel]) -> dict[str, Any]:
    schemas = [_ref(answer) for answer in answers]
    schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    return {"description": description, "content": {JSON: {"schema": schema}}}


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
