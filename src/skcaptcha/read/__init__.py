"""Vectors to strings: the final estimators."""

from skcaptcha.read._character_reader import CharacterReader
from skcaptcha.read._convolutional_classifier import ConvolutionalClassifier
from skcaptcha.read._reading import Reading, read_captchas
from skcaptcha.read._sequence_reader import SequenceReader

__all__ = [
    "CharacterReader",
    "ConvolutionalClassifier",
    "Reading",
    "SequenceReader",
    "read_captchas",
]
