"""Spectrograms as pictures: low below, time to the right, the louder the darker, on paper."""

from __future__ import annotations

import numpy as np
from PIL import Image

# from silence to `FULL` in even steps, ever darker; between them, straight lines in RGB
COLOURS = np.array(
    [
        (255, 255, 255),
        (226, 238, 245),
        (165, 204, 229),
        (92, 155, 208),
        (44, 110, 187),
        (62, 58, 140),
        (52, 20, 82),
        (24, 6, 32),
    ]
)
FULL = 0.85  # of the levels, -12 dB; what is louder has the last colour


def draw(item: np.ndarray, size: int) -> Image.Image:
    """The picture of an item, RGB, a square of `size` pixels.

    Args:
        item: uint8 (bands, frames), see `phase`.
        size: pixels of a side.
    """
    grey = Image.fromarray(np.ascontiguousarray(item[::-1])).resize((size, size), Image.Resampling.BICUBIC)
    level = np.clip(np.asarray(grey) / (255 * FULL), 0, 1) * (len(COLOURS) - 1)
    low = np.minimum(level.astype(int), len(COLOURS) - 2)
    part = (level - low)[..., None]
    return Image.fromarray(np.round(COLOURS[low] * (1 - part) + COLOURS[low + 1] * part).astype(np.uint8))
