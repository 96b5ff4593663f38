"""A sheet of groups: a row for each, its name and size left, pictures of its items right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from .grid import INK, WHITE, Picture, picture, shorten

DARK, FAINT, BAR = (30, 30, 30), (130, 130, 130), "#3B6EA8"
WIDE, MARGIN, TILE, LEAST = (
    330,
    24,
    64,
    640,
)  # pixels of the names, around all, of a picture's side, of the whole at least
HEAD, LOW, BELOW, GAP = (
    84,
    46,
    30,
    6,
)  # for the title, of a row without pictures, for what is left out, between pictures


@dataclass(frozen=True)
class Row:
    """One group: its name, what is told of it in small type, the length of its bar in (0, 1] of the longest,
    and its pictures.
    """

    name: str
    told: str
    bar: float
    pictures: Sequence[Picture] = ()


def sheet(rows: Sequence[Row], title: str, subtitle: str, omitted: int = 0) -> Image.Image:
    """Names left, pictures right; below each name a bar.

    Args:
        rows: one or more, from the top.
        title: in large type.
        subtitle: in small grey type below it.
        omitted: how many more groups there are; said below the rows.
    """
    shown = [[picture(p) for p in row.pictures] for row in rows]
    side = max([TILE, *(max(p.size) for pictures in shown for p in pictures)])
    across = max(len(pictures) for pictures in shown) * (side + GAP)
    high, below = (side if across else LOW) + 14, BELOW if omitted else 0
    size = max(2 * MARGIN + WIDE + across, LEAST), HEAD + high * len(rows) + MARGIN + below
    image = Image.new("RGB", size, WHITE)
    draw = ImageDraw.Draw(image)
    large, font, small = (ImageFont.load_default(size) for size in (24, 17, 13))
    draw.text((MARGIN, 18), shorten(title, image.width - 2 * MARGIN, large), DARK, large)
    draw.text((MARGIN, 52), shorten(subtitle, image.width - 2 * MARGIN, small), FAINT, small)
    for i, (row, pictures) in enumerate(zip(rows, shown, strict=True)):
        top = HEAD + i * high
        draw.text((MARGIN, top), shorten(row.name, WIDE - 20, font), INK, font)
        draw.text((MARGIN, top + 23), row.told, FAINT, small)
        draw.rectangle((MARGIN, top + 43, MARGIN + max(2, round((WIDE - 30) * row.bar)), top + 47), fill=BAR)
        for j, one in enumerate(pictures):
            left = MARGIN + WIDE + j * (side + GAP)
            image.paste(one, (left + (side - one.width) // 2, top + (side - one.height) // 2))
    if omitted:
        draw.text((MARGIN, image.height - MARGIN - 10), f"and {omitted} smaller ones", FAINT, small)
    return image
