"""Captchas made of bars, which are easy to segment and read, and a few recipes for them."""

import numpy as np

from skcaptcha.auto import load_families

ALL = load_families()
# Families without sequence readers.
SEGMENTING = {
    **ALL,
    "grid": [
        {name: values[:2] for name, values in family.items()}
        for family in ALL["grid"]
        if "SequenceReader" not in str(family)
    ],
}
# Fixed boxes only.
FIXED_BOXES = {**SEGMENTING, "grid": SEGMENTING["grid"][:1]}
# Windows without an opening only.
WINDOWS = {**ALL, "grid": [ALL["grid"][-1] | {"denoise__opening__size": [1]}]}


def strings(n: int, characters: str, lengths: list[int], seed: int = 0) -> list[str]:
    """Return n random labels."""
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list(characters), rng.choice(lengths))) for _ in range(n)]


def bars(labels: list[str], *, ink: int = 0, background: int = 255) -> list[np.ndarray]:
    """Draw each character as bars; their number is its position in the alphabet."""
    images = []
    for label in labels:
        image = np.full((20, 16 * len(label) + 4), background, dtype=np.uint8)
        for i, character in enumerate(label):
            left = 16 * i + 4
            image[2:17, left : left + 2] = ink
            for k in range("ABCDE".index(character)):
                image[2 + 4 * k : 4 + 4 * k, left : left + 10] = ink
        images.append(image)
    return images
