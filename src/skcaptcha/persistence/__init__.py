"""Save and load fitted pipelines with a manifest of their training, and export networks."""

from skcaptcha.persistence._export_onnx import export_onnx
from skcaptcha.persistence._manifest import describe_training
from skcaptcha.persistence._save_and_load import (
    FORMATS,
    LoadedModel,
    load,
    load_manifest,
    read_model,
    save,
)
from skcaptcha.persistence._skops_format import TRUSTED_TYPES, check_before_fit

__all__ = [
    "FORMATS",
    "TRUSTED_TYPES",
    "LoadedModel",
    "check_before_fit",
    "describe_training",
    "export_onnx",
    "load",
    "load_manifest",
    "read_model",
    "save",
]
