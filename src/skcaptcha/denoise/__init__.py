"""Image to image: bring out the ink and remove the noise."""

from skcaptcha.denoise._base import BaseDenoiser
from skcaptcha.denoise._binarizer import Binarizer
from skcaptcha.denoise._grayscale import Grayscale
from skcaptcha.denoise._height_scaler import HeightScaler
from skcaptcha.denoise._image_router import ImageRouter
from skcaptcha.denoise._ink_cropper import InkCropper
from skcaptcha.denoise._morphological_opening import MorphologicalOpening
from skcaptcha.denoise._polarity_normalizer import PolarityNormalizer
from skcaptcha.denoise._small_component_remover import SmallComponentRemover
from skcaptcha.denoise._smoother import Smoother
from skcaptcha.denoise._text_cropper import TextCropper
from skcaptcha.denoise._text_line_joiner import TextLineJoiner
from skcaptcha.denoise._thin_line_remover import ThinLineRemover

__all__ = [
    "BaseDenoiser",
    "Binarizer",
    "Grayscale",
    "HeightScaler",
    "ImageRouter",
    "InkCropper",
    "MorphologicalOpening",
    "PolarityNormalizer",
    "SmallComponentRemover",
    "Smoother",
    "TextCropper",
    "TextLineJoiner",
    "ThinLineRemover",
]
