"""A sentence as a small picture: its words on paper, as large as there is room for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from PIL import Image, ImageDraw, ImageFont

Letters = ImageFont.FreeTypeFont | ImageFont.ImageFont
PAPER, INK, MARK = (255, 255, 255), (40, 44, 52), (255, 224, 150)
SMALLEST, LARGEST = 8, 26  # pixels of the letters
SHAPE = 0.6  # height of the picture, for its width
WIDE = ("NotoSansCJK-Regular.ttc", "NotoSans-Regular.ttf", "DejaVuSans.ttf", "Arial Unicode.ttf")


@cache
def font(size: int, plain: bool) -> Letters:
    """Pillow's own letters; for scripts that it lacks, those of the machine, where it has some."""
    for name in () if plain else WIDE:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)


def card(text: str, size: int, marks: Sequence[bool] = ()) -> Image.Image:
    """The text on white, `size` pixels wide, in lines that are broken between words.

    Args:
        marks: which of the words between spaces lie on another ground; none by default.
    """
    width, height = size, max(round(SHAPE * size), 8)
    picture = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(picture)
    pad = max(round(0.05 * size), 1)
    plain = all(ord(letter) < 0x250 for letter in text)
    for points in range(min(LARGEST, max(SMALLEST, size // 6)), SMALLEST - 1, -1):
        letters = font(points, plain)
        rows = lines(draw, text, width - 2 * pad, letters)
        step = round(1.25 * points)
        whole = all(draw.textlength(word, letters) <= width - 2 * pad for word in text.split(" "))
        if (whole and len(rows) * step <= height - pad) or points == SMALLEST:
            break
    room = max((height - pad) // step, 1)
    if len(rows) > room:
        last = rows[room - 1].rstrip()
        while last and draw.textlength(last + "…", letters) > width - 2 * pad:
            last = last[:-1].rstrip()
        rows = [*rows[: room - 1], last + "…"]
    top = (height - len(rows) * step) / 2
    if any(marks):
        for i, left, wide in marked(draw, text, rows, marks, letters):
            x, y = width / 2 + left, top + i * step
            draw.rounded_rectangle((x - 2, y, x + wide + 1, y + step - 2), 2, MARK)
    for i, row in enumerate(rows):
        draw.text((width / 2, top + (i + 0.5) * step), row, INK, letters, anchor="mm")
    return picture


def marked(
    draw: ImageDraw.ImageDraw, text: str, rows: Sequence[str], marks: Sequence[bool], letters: Letters
) -> Iterator[tuple[int, float, float]]:
    """Row, left edge from the middle, and width of each marked word, or of each part of a broken one."""
    waiting = list(zip(text.split(" "), marks, strict=True))
    for i, row in enumerate(rows):
        start, before = -draw.textlength(row, letters) / 2, ""
        for part in row.split(" "):
            if waiting:
                word, mark = waiting.pop(0)
                if len(part) < len(word) and word.startswith(part):
                    waiting.insert(0, (word[len(part) :], mark))
                if mark:
                    yield i, start + draw.textlength(before, letters), draw.textlength(part, letters)
            before += part + " "


def lines(draw: ImageDraw.ImageDraw, text: str, width: float, letters: Letters) -> list[str]:
    """The text in lines that fit; a word that is too long is broken where it must be."""
    rows = [""]
    for word in text.split(" "):
        joined = f"{rows[-1]} {word}".strip()
        if draw.textlength(joined, letters) <= width:
            rows[-1] = joined
            continue
        if rows[-1]:
            rows.append("")
        for letter in word:
            if rows[-1] and draw.textlength(rows[-1] + letter, letters) > width:
                rows.append("")
            rows[-1] += letter
    return [row for row in rows if row] or [""]
