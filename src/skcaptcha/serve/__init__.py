"""Reading captchas over HTTP: a service for programs in any language."""

from skcaptcha.serve._limits import Limits
from skcaptcha.serve._prediction_server import PredictionServer

__all__ = ["Limits", "PredictionServer"]
