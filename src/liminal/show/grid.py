"""Pictures of many items: grids and strips with labels, and the writing of still pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .. import files
from ..errors import LiminalError

WHITE, INK = (255, 255, 255), (68, 68, 68)
LABEL = 13  # pixels, the height of the type below a tile
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}

Picture = Image.Image | np.ndarray


def picture(image: Picture) -> Image.Image:
    """An RGB picture of a PIL image or of a uint8 array (h, w), (h, w, 1), (h, w, 3) or (h, w, 4); what is
    see-through lies on white.

    Raises:
        LiminalError: an array of another type or shape.
    """
    if isinstance(image, np.ndarray):
        if (
            image.dtype != np.uint8
            or image.ndim not in (2, 3)
            or (image.ndim == 3 and image.shape[2] not in (1, 3, 4))
            or 0 in image.shape
        ):
            raise LiminalError(
                f"picture: wanted uint8 (h, w), (h, w, 1), (h, w, 3) or (h, w, 4), got {image.dtype} "
                f"{image.shape}"
            )
        image = Image.fromarray(
            np.ascontiguousarray(image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image)
        )
    if image.has_transparency_data:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, WHITE)
        return Image.alpha_composite(ground, image).convert("RGB")
    return image.convert("RGB")


def enlarge(image: Image.Image, least: int) -> Image.Image:
    """The picture made larger by the smallest whole factor that brings its longer side to `least` pixels or
    more; pixels stay squares.
    """
    factor = max(1, math.ceil(least / max(image.size)))
    return (
        image
        if factor == 1
        else image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    )


def grid(
    previews: Sequence[Picture], columns: int | None = None, gap: int = 4, labels: Sequence[str] | None = None
) -> Image.Image:
    """Pictures in rows on white, each in the middle of a tile as large as the largest of them.

    Args:
        previews: in reading order.
        columns: None: as square as it gets.
        gap: pixels between tiles and around them.
        labels: one text a picture, written below it; shortened where it is wider than the tile. Rows without
            any text take no space for it.

    Raises:
        LiminalError: no pictures, columns below 1, or not one label a picture.
    """
    if not len(previews):
        raise LiminalError("grid: no pictures to show; wanted 1 or more")
    if labels is not None and len(labels) != len(previews):
        raise LiminalError(f"grid: {len(previews)} pictures but {len(labels)} labels")
    if columns is not None and columns < 1:
        raise LiminalError(f"grid: columns {columns}; wanted 1 or more")
    pictures = [picture(p) for p in previews]
    columns = min(columns or math.ceil(math.sqrt(len(pictures))), len(pictures))
    rows = math.ceil(len(pictures) / columns)
    width, height = max(p.width for p in pictures), max(p.height for p in pictures)
    texts = list(labels) if labels is not None else [""] * len(pictures)
    below = [LABEL + 8 if any(texts[r * columns : (r + 1) * columns]) else 0 for r in range(rows)]
    sheet = Image.new("RGB", (columns * (width + gap) + gap, rows * (height + gap) + gap + sum(below)), WHITE)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(LABEL)
    top = gap
    for row in range(rows):
        for column in range(columns):
            i = row * columns + column
            if i == len(pictures):
                break
            left = gap + column * (width + gap)
            sheet.paste(
                pictures[i],
                (left + (width - pictures[i].width) // 2, top + (height - pictures[i].height) // 2),
            )
            if texts[i]:
                text = shorten(texts[i], width, font)
                draw.text((left + width / 2, top + height + 3), text, fill=INK, font=font, anchor="ma")
        top += height + gap + below[row]
    return sheet


def blank(width: int, height: int) -> Image.Image:
    """An empty tile."""
    return Image.new("RGB", (width, height), WHITE)


def strip(previews: Sequence[Picture], gap: int = 4, labels: Sequence[str] | None = None) -> Image.Image:
    """As `grid`, all in one row."""
    return grid(previews, max(1, len(previews)), gap, labels)


def shorten(text: str, width: float, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """The text, cut with an ellipsis where it is wider than `width` pixels."""
    text = " ".join(text.split())
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


def whole(texts: Sequence[str], width: float) -> list[str]:
    """Texts of parts (``alcohol 14.2, hue 0.57``) with as many of these as `width` pixels have room for; no
    texts at all where most have none for their first part, since a column of halves says nothing.
    """
    font = ImageFont.load_default(LABEL)
    found = [_whole(text, width, font) for text in texts]
    cut = sum(font.getlength(text) > width for text in found)
    return [""] * len(found) if 2 * cut > len(found) else found


def _whole(text: str, width: float, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    text = " ".join(text.split())
    while font.getlength(text) > width and ", " in text:
        text = text.rpartition(", ")[0]
    return text


def save(image: Image.Image, path: str | Path) -> None:
    """Write a picture as png, jpg or webp by the ending, whole or not at all.

    Raises:
        LiminalError: another ending, or the file cannot be written.
    """
    form = FORMATS.get(Path(path).suffix.lower())
    if form is None:
        raise LiminalError(
            f"save {path}: a picture can be written as {', '.join(FORMATS)}; got "
            f"{Path(path).suffix or 'no ending'}"
        )
    with files.atomic(path) as part:
        image.save(part, form, **({"quality": 92} if form != "PNG" else {}))
