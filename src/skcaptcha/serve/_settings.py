"""What each process of a service needs to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from skcaptcha.serve._limits import Limits
from skcaptcha.serve._served_model import ServedModel


@dataclass(frozen=True)
class Settings:
    """Parameters of a `PredictionServer`, which describes them."""

    models: Mapping[str, str]
    token: str | None
    trust: bool
    reload: bool
    limits: Limits

    def load_models(self) -> list[ServedModel]:
        """Load and check all models."""
        return [ServedModel(name, path, trust=self.trust) for name, path in self.models.items()]
