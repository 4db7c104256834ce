"""Vectors to strings: the final estimators."""

from skcaptcha.read._character_reader import CharacterReader
from skcaptcha.read._reading import Reading, read_captchas

__all__ = ["CharacterReader", "Reading", "read_captchas"]
