"""Image to segments: where each character, or candidate for one, is."""

from skcaptcha.segment._base import BaseSegmenter, Cut
from skcaptcha.segment._components import ConnectedComponents
from skcaptcha.segment._equal import EqualSplit
from skcaptcha.segment._fixed import FixedBoxes
from skcaptcha.segment._oversegmentation import Oversegmentation
from skcaptcha.segment._valleys import ProjectionValleys, ValleyCuts, cut_valleys
from skcaptcha.segment._window import SlidingWindow

__all__ = [
    "BaseSegmenter",
    "ConnectedComponents",
    "Cut",
    "EqualSplit",
    "FixedBoxes",
    "Oversegmentation",
    "ProjectionValleys",
    "SlidingWindow",
    "ValleyCuts",
    "cut_valleys",
]
