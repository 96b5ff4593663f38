"""A map covered with tiles: what is decoded at places, over the points of the items, which are made paler."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from PIL import Image, ImageDraw

from ..modalities import Modality
from . import grid, scatter

PALE = 0.62  # white over the points below the tiles
GAP = 4  # pixels between tiles at least
FRAME = 2  # pixels of a tile's frame
SMALL = 12  # pixels of a tile's side at least
VOTES = 15  # items near a place that give its frame the colour


class Drawn(Protocol):
    """A map: places (n, 2) of items, what colours them, and its title."""

    @property
    def xy(self) -> np.ndarray: ...
    @property
    def values(self) -> Sequence[object] | None: ...
    @property
    def color(self) -> str: ...
    @property
    def title(self) -> str: ...
    def __len__(self) -> int: ...


def tiled(
    shown: Drawn,
    words: str,
    centres: np.ndarray,
    step: float,
    xy: np.ndarray,
    items: np.ndarray,
    modality: Modality,
) -> Image.Image:
    """The map, paler, with a tile in every cell that was decoded, framed in the colour of the items near it.

    Args:
        shown: the map.
        words: below its title.
        centres: (c, 2) of the cells, in the map's units.
        step: side of a cell.
        xy: (c, 2), the places that were decoded.
        items: (c, *item_shape), what they decode to.
        modality: draws them.
    """
    paint = scatter.colours(shown.values, len(shown))
    image = scatter.scatter(shown.xy, shown.values, shown.color, shown.title, words)
    _, top, right, _ = area = scatter.area(shown.xy, paint)
    points = image.crop((0, top, right + GAP, image.height))
    image.paste(Image.blend(points, Image.new("RGB", points.size, grid.WHITE), PALE), (0, top))
    box = np.stack([shown.xy.min(0), shown.xy.max(0)]).astype(np.float64)
    corners = scatter.places(box, area)
    # pixels for one unit of the map, on both axes
    scale = np.abs(corners[1] - corners[0]).max() / (np.ptp(box, axis=0).max() or 1.0)
    side = max(SMALL, int(step * scale) - GAP) if scale else scatter.THUMB
    for centre, item, colour in zip(centres, items, _frames(shown.xy, xy, paint), strict=True):
        at = corners[0] + (centre - box[0]) * scale * np.array([1, -1])
        _tile(image, modality.preview(item, side), at, side, tuple(colour))
    return image


def _frames(points: np.ndarray, xy: np.ndarray, paint: scatter.Colours) -> list[list[int]]:
    """The colour (c, 3) that the half or more of the items near each place have, else grey; of numbers, the
    middle one.
    """
    from scipy.spatial import cKDTree

    rows = cKDTree(points).query(xy, np.arange(1, min(VOTES, len(points)) + 1))[1]
    found = []
    for near in paint.rgb[rows]:
        colours, counts = np.unique(near, axis=0, return_counts=True)
        if paint.limits:
            colour = near[np.abs(near - np.median(near, axis=0)).sum(1).argmin()]
        else:
            colour = colours[counts.argmax()] if 2 * counts.max() >= len(near) else np.array(scatter.FAINT)
        found.append(colour.tolist())
    return found


def _tile(
    image: Image.Image, picture: Image.Image, centre: np.ndarray, side: int, colour: tuple[int, ...]
) -> None:
    """A picture around a place, `side` pixels with its frame on the longer side."""
    room = side - 2 * FRAME
    scale = room / max(picture.size)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    small = picture.convert("RGB").resize(
        size, Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC
    )
    left, top = round(centre[0] - size[0] / 2), round(centre[1] - size[1] / 2)
    box = (left - FRAME, top - FRAME, left + size[0] + FRAME - 1, top + size[1] + FRAME - 1)
    ImageDraw.Draw(image).rectangle(box, fill=colour)
    image.paste(small, (left, top))
