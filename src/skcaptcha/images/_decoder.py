"""The step of a pipeline that decodes images."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, StrOptions

from skcaptcha.base import Documented, StepTags
from skcaptcha.exceptions import ImageError
from skcaptcha.images._decode import (
    MAX_BYTES,
    MAX_PIXELS,
    Decoding,
    Source,
    check_batch,
    decode_source,
    name_of,
)
from skcaptcha.images._frames import MERGES
from skcaptcha.images._limits import UnusableError
from skcaptcha.images._single_color import warn_if_blank
from skcaptcha.novelty import MIN_IMAGES, NoveltyDetector


class ImageDecoder(  # type: ignore[call-arg]
    Documented, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    """Decode images: the first step of every pipeline.

    `transform` works without `fit`. `fit` learns to detect images that are unlike the training set
    (see `skcaptcha.read_captchas`). See :func:`decode` for the sources that are accepted.

    Parameters
    ----------
    gray : bool, default=False
        Whether to convert color images to gray, for recipes that do not use color.
    max_bytes : int, default=16777216
        Maximum file size in bytes.
    max_pixels : int, default=1048576
        Maximum number of pixels of an image, or of all merged frames of an animation together.
    frames : int in 1..256, default=1
        Number of frames of an animation to merge, from the first one on: a GIF, WebP or PNG file
        with several frames. Shorter animations are merged completely; other images, among them PIL
        images and arrays, are decoded as usual. Use it for schemes that show each character in
        some frames only.
    merge : {"minimum", "maximum", "mean", "sharpest"}, default="minimum"
        How frames are merged if ``frames`` is greater than 1:

        - ``"minimum"``: the darkest value of each pixel and channel, which collects dark ink;
        - ``"maximum"``: the brightest one, which collects bright ink;
        - ``"mean"``: the mean, which weakens noise that moves;
        - ``"sharpest"``: the frame whose Laplacian has the greatest variance [1]_, for characters
          that fade in and out together.

    Attributes
    ----------
    novelty_ : NoveltyDetector or None
        Detector of images that are unlike the training images; None if there were fewer than 20.

    See Also
    --------
    decode : Decode one image.
    ImageBatch : Images that are decoded once and passed to several estimators.

    References
    ----------
    .. [1] J. L. Pech-Pacheco, G. Cristobal, J. Chamorro-Martinez and J. Fernandez-Valdivia, "Diatom
           autofocusing in brightfield microscopy: a comparative study", International Conference
           on Pattern Recognition (2000), 3, 314-317.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.images import ImageDecoder
    >>> gray, color = np.zeros((30, 120)), np.zeros((20, 90, 3))
    >>> [image.shape for image in ImageDecoder().fit_transform([gray, color])]
    [(30, 120), (20, 90, 3)]

    An animation of a dot that moves over three pixels:

    >>> from io import BytesIO
    >>> from PIL import Image
    >>> first, *others = [Image.fromarray(np.uint8([row])) for row in 255 * (1 - np.eye(3))]
    >>> file = BytesIO()
    >>> first.save(file, "PNG", save_all=True, append_images=others)
    >>> content = file.getvalue()
    >>> ImageDecoder().fit_transform([content])[0]
    array([[  0, 255, 255]], dtype=uint8)
    >>> ImageDecoder(frames=3).fit_transform([content])[0]
    array([[0, 0, 0]], dtype=uint8)
    """

    # Models that were saved before these parameters existed have the defaults of the class.
    frames = 1
    merge = "minimum"

    _parameter_constraints: dict = {
        "gray": ["boolean"],
        "max_bytes": [Interval(Integral, 1, None, closed="left")],
        "max_pixels": [Interval(Integral, 1, None, closed="left")],
        "frames": [Interval(Integral, 1, 256, closed="both")],
        "merge": [StrOptions(set(MERGES))],
    }

    def __init__(
        self,
        *,
        gray: bool = False,
        max_bytes: int = MAX_BYTES,
        max_pixels: int = MAX_PIXELS,
        frames: int = 1,
        merge: str = "minimum",
    ) -> None:
        self.gray = gray
        self.max_bytes = max_bytes
        self.max_pixels = max_pixels
        self.frames = frames
        self.merge = merge

    def fit(self, X: Sequence[Source] | np.ndarray, y: Any = None) -> Self:
        """Check the parameters, and fit the detector of unusual images.

        Parameters
        ----------
        X : sequence of n sources, or ndarray of shape (n, h, w), (n, h, w, 3) or (n, h, w, 4)
            The images.
        y : None
            Ignored.

        Returns
        -------
        self : ImageDecoder
            The fitted decoder.

        Raises
        ------
        ImageError
            As `transform` does.

        Warns
        -----
        ImageWarning
            If more than half of ten or more images show a single color.
        """
        self.fit_transform(X)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X: Sequence[Source] | np.ndarray, y: Any = None) -> list[np.ndarray]:
        """Fit the decoder and decode each image once.

        Parameters
        ----------
        X : sequence of n sources, or ndarray of shape (n, h, w), (n, h, w, 3) or (n, h, w, 4)
            The images.
        y : None
            Ignored.

        Returns
        -------
        images : list of n ndarrays of uint8, each of shape (h, w) or (h, w, 3)
            The result of `transform`.

        Raises
        ------
        ImageError
            As `transform` does.

        Warns
        -----
        ImageWarning
            If more than half of ten or more images show a single color.
        """
        images = self.transform(X)
        warn_if_blank(images, stacklevel=3)
        enough = len(images) >= MIN_IMAGES
        self.novelty_ = NoveltyDetector().fit(images) if enough else None
        return images

    def transform(self, X: Sequence[Source] | np.ndarray) -> list[np.ndarray]:
        """Decode every image of a batch.

        Parameters
        ----------
        X : sequence of n sources, or ndarray of shape (n, h, w), (n, h, w, 3) or (n, h, w, 4)
            The images.

        Returns
        -------
        images : list of n ndarrays of uint8, each of shape (h, w) or (h, w, 3)
            The images in the same order. They share the memory of the uint8 arrays in `X`, and of
            an `ImageBatch`.

        Raises
        ------
        ImageError
            If `X` is not a sequence of images, or an image cannot be used. The error names the
            file's path, or the position in `X` (``"image 3"``, counted from 0).
        """
        check_batch(X)
        how = Decoding(self.gray, self.max_bytes, self.max_pixels, self.frames, self.merge)
        images: list[np.ndarray] = []
        try:
            for source in X:
                images.append(decode_source(source, how))
        except UnusableError as error:
            index = f"image {len(images)}"
            raise ImageError(name_of(source, index) or index, str(error)) from error.__cause__
        return images

    def __sklearn_tags__(self) -> Tags:
        tags = StepTags.extend(
            super().__sklearn_tags__(), learns_from="nothing", modifies_input=False
        )
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        return tags
