"""Readers, the final step of a pipeline: features of segments to strings."""

from skcaptcha.read._base import BaseReader, LabelScores
from skcaptcha.read._character_reader import CharacterReader
from skcaptcha.read._convolutional_classifier import ConvolutionalClassifier
from skcaptcha.read._convolutional_reader import ConvolutionalReader
from skcaptcha.read._evaluate import Evaluate
from skcaptcha.read._reading import Reading, read_captchas
from skcaptcha.read._sequence_reader import SequenceReader

__all__ = [
    "BaseReader",
    "CharacterReader",
    "ConvolutionalClassifier",
    "ConvolutionalReader",
    "Evaluate",
    "LabelScores",
    "Reading",
    "SequenceReader",
    "read_captchas",
]
