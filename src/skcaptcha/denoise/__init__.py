"""Image to image: everything that brings out the ink."""

from skcaptcha.denoise._base import BaseDenoiser, BatchDenoiser
from skcaptcha.denoise._binarise import Binarise
from skcaptcha.denoise._components import RemoveSmallComponents
from skcaptcha.denoise._crop import CropToInk
from skcaptcha.denoise._grey import Grey
from skcaptcha.denoise._lines import RemoveThinLines
from skcaptcha.denoise._opening import Opening
from skcaptcha.denoise._polarity import Polarity
from skcaptcha.denoise._rescale import Rescale
from skcaptcha.denoise._router import ImageRouter
from skcaptcha.denoise._smooth import Smooth

__all__ = [
    "BaseDenoiser",
    "BatchDenoiser",
    "Binarise",
    "CropToInk",
    "Grey",
    "ImageRouter",
    "Opening",
    "Polarity",
    "RemoveSmallComponents",
    "RemoveThinLines",
    "Rescale",
    "Smooth",
]
