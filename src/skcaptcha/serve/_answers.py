"""The answers of the service as JSON, and their types for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field
from starlette.responses import Response

from skcaptcha._files.json_text import to_json
from skcaptcha.exceptions import SkcaptchaError, reason_of
from skcaptcha.read import Reading
from skcaptcha.serve._served_model import ModelFailedError, ServedModel

UNUSABLE = 422
_MODEL_FAILED = 500
_OF_MANIFEST = ("saved", "characters", "lengths", "n_train")


class Result(BaseModel):
    """What the model reads in an image."""

    filename: str | None = Field(description="Name of the file in a form; null otherwise.")
    text: str
    answer: str | None = Field(
        description="Result of the arithmetic in the text; null if the model does not answer."
    )
    confidence: float = Field(ge=0, le=1, description="Probability that the whole text is right.")
    boxes: list[tuple[int, int, int, int]] = Field(
        description="x, y, width and height of each character, in pixels of the denoised image."
    )
    probabilities: list[float] = Field(description="Probability of each character.")
    runners_up: list[tuple[str, float]] = Field(
        description="Next most probable texts and their confidences, best first."
    )
    out_of_distribution: bool | None = Field(
        description="Whether the image is unlike the training images; null if the model cannot "
        "detect it."
    )


class Failure(BaseModel):
    """Why an image cannot be read."""

    filename: str | None
    error: str
    status: int = Field(description="422: the image cannot be used. 500: the model failed.")


class Answer(BaseModel):
    """The results of all images of a request, in their order."""

    model: str
    sha256: str = Field(
        description="SHA-256 of the model that read the images: payload_sha256 of its manifest."
    )
    results: list[Result | Failure]


class Problem(BaseModel):
    """Why a request cannot be answered."""

    error: str


class ModelDescription(BaseModel):
    """A model of the service, with parts of its manifest."""

    name: str
    sha256: str
    default: bool = Field(description="Whether it reads the images of requests without a model.")
    saved: str | None
    characters: str | None
    lengths: dict[str, int] | None = Field(description="Number of training labels of each length.")
    n_train: int | None


class Models(BaseModel):
    """The models of the service."""

    models: list[ModelDescription]


class Health(BaseModel):
    """Whether the service accepts requests."""

    status: str


def result_of(filename: str | None, result: Reading | SkcaptchaError) -> dict[str, Any]:
    """Return a reading as a `Result`, or an error as a `Failure`."""
    if isinstance(result, SkcaptchaError):
        status = _MODEL_FAILED if isinstance(result, ModelFailedError) else UNUSABLE
        return failure(filename, reason_of(result), status)
    return {
        "filename": filename,
        "text": result.text,
        "answer": result.answer,
        "confidence": result.confidence,
        "boxes": result.boxes,
        "probabilities": result.probabilities,
        "runners_up": result.runners_up,
        "out_of_distribution": result.out_of_distribution,
    }


def failure(filename: str | None, error: str, status: int = UNUSABLE) -> dict[str, Any]:
    """Return the error of an image as a `Failure`."""
    return {"filename": filename, "error": error, "status": status}


def status_of(results: list[dict[str, Any]]) -> int:
    """Return the status of an answer: 200, or that of the first image if none can be read."""
    statuses = [result.get("status", 200) for result in results]
    return 200 if 200 in statuses else statuses[0]


def describe(model: ServedModel, *, default: bool) -> dict[str, Any]:
    """Return a model as a `ModelDescription`."""
    loaded = model.loaded
    known = {name: loaded.manifest.get(name) for name in _OF_MANIFEST}
    return {"name": model.name, "sha256": loaded.sha256, "default": default, **known}


def json_answer(
    content: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a response with JSON content."""
    return Response(to_json(content), status, headers, "application/json")


def problem(sentence: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response with a `Problem`."""
    return json_answer({"error": sentence}, status, headers)
