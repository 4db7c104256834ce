"""Image to segments: where each character, or candidate for one, is."""

from skcaptcha.segment._base import BaseSegmenter
from skcaptcha.segment._connected_components import ConnectedComponents
from skcaptcha.segment._equal_split import EqualSplit
from skcaptcha.segment._fixed_boxes import FixedBoxes
from skcaptcha.segment._oversegmentation import Oversegmentation
from skcaptcha.segment._projection_valleys import ProjectionValleys, minimum_cost_cuts
from skcaptcha.segment._sliding_window import SlidingWindow

__all__ = [
    "BaseSegmenter",
    "ConnectedComponents",
    "EqualSplit",
    "FixedBoxes",
    "Oversegmentation",
    "ProjectionValleys",
    "SlidingWindow",
    "minimum_cost_cuts",
]
