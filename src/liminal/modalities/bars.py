"""A row as a small picture: one bar a column, so that rows can be told apart at a glance."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .columns import NUMBERS, Column

LINE = 15  # pixels of a bar that has its name and value beside it, at least
TALLEST = 26
FEWEST = 200  # pixels of width for names and values to have room
NAME, VALUE = 0.45, 0.28  # shares of the width
REACH = 2.5  # standard deviations that half a bar stands for
PAPER, TRACK, MARK, EDGE = (255, 255, 255), (232, 235, 239), (255, 241, 199), (214, 132, 0)
MARKED = (244, 222, 160)  # the track of a changed cell
INK, SOFT = (40, 44, 52), (110, 116, 126)
ABOVE, BELOW, SYMBOL = (44, 110, 187), (196, 92, 62), (58, 138, 104)


def card(
    columns: Sequence[Column], item: np.ndarray, size: int, compare: np.ndarray | None = None
) -> Image.Image:
    """Bars from top to bottom: numbers from their median to the right (above) or left (below), symbols as a
    block at their place among all; an empty track is a missing cell. Cells that differ from `compare` lie on
    amber, the old place as a line.

    Args:
        columns: of the table.
        item: a stored row (k,).
        size: pixels of the longer side.
        compare: a stored row, or None.
    """
    k = len(columns)
    named = size >= FEWEST and k * LINE <= 2 * size
    beside = 2 if named and k * LINE > size else 1  # stacks of bars that stand beside one another
    deep = math.ceil(k / beside)
    if not named:
        beside = max(1, math.ceil(2 * k / size))  # a bar is at least two pixels high
        deep = math.ceil(k / beside)
    line = min(TALLEST, size // deep) if named else size / deep
    height = round(line * deep)
    picture = Image.new("RGB", (size, height), PAPER)
    draw = ImageDraw.Draw(picture)
    width = size / beside
    for i, column in enumerate(columns):
        left, top = (i // deep) * width, round((i % deep) * line)
        bottom = max(round((i % deep + 1) * line) - (1 if line >= 2 else 0), top + 1)
        old = None if compare is None else float(compare[i])
        changed = old is not None and not _same(column, float(item[i]), old)
        box: tuple[float, float, float, float] = (left, top, left + width, bottom)
        if changed:
            draw.rectangle((left, top, left + width - 1, bottom - 1), fill=MARK)
        if named:
            box = _words(draw, column, float(item[i]), box)
        _bar(draw, column, float(item[i]), box, old if changed else None, changed)
    return picture


def _same(column: Column, a: float, b: float) -> bool:
    return (math.isnan(a) and math.isnan(b)) or column.show(a) == column.show(b)


def _words(
    draw: ImageDraw.ImageDraw, column: Column, cell: float, box: tuple[float, float, float, float]
) -> tuple[float, float, float, float]:
    """The name on the left, the value on the right; the box that is left for the bar between them."""
    left, top, right, bottom = box
    width = right - left
    font = ImageFont.load_default(11 if width >= FEWEST else 10)
    middle = (top + bottom) / 2
    draw.text((left + 4, middle), _cut(draw, column.name, NAME * width - 6, font), INK, font, anchor="lm")
    room = VALUE * width - 6
    value = column.show(cell) or "missing"
    if column.kind == "number" and draw.textlength(value, font) > room:
        value = f"{cell:.2g}"
    draw.text(
        (right - 4, middle),
        _cut(draw, value, room, font),
        INK if column.show(cell) else SOFT,
        font,
        anchor="rm",
    )
    inset = max(2, (bottom - top - 9) / 2)
    return left + NAME * width, top + inset, right - VALUE * width, bottom - inset


def _cut(
    draw: ImageDraw.ImageDraw, text: str, width: float, font: ImageFont.FreeTypeFont | ImageFont.ImageFont
) -> str:
    """A text that fits, its end replaced by dots."""
    text = " ".join(text.split())
    if draw.textlength(text, font) <= width:
        return text
    while text and draw.textlength(text + "…", font) > width:
        text = text[:-1]
    return text + "…"


def _bar(
    draw: ImageDraw.ImageDraw,
    column: Column,
    cell: float,
    box: tuple[float, float, float, float],
    old: float | None,
    changed: bool,
) -> None:
    left, top, right, bottom = box
    draw.rectangle((left, top, right - 1, bottom - 1), fill=MARKED if changed else TRACK)
    if not math.isnan(cell):
        start, end = _span(column, cell)
        colour = SYMBOL if column.kind not in NUMBERS else BELOW if start < 0.5 else ABOVE
        a, b = left + start * (right - left), left + end * (right - left)
        draw.rectangle((a, top, max(b - 1, a), bottom - 1), fill=colour)
    if old is not None and not math.isnan(old):
        start, end = _span(column, old)
        at = (start + end) / 2 if column.kind not in NUMBERS else start if start < 0.5 else end
        at = min(max(left + at * (right - left), left), right - 1)
        draw.line((at, top, at, bottom - 1), EDGE, 1 if right - left < FEWEST else 2)


def _span(column: Column, cell: float) -> tuple[float, float]:
    """Where a bar begins and ends, as shares of its track."""
    if column.kind in NUMBERS:
        code = float(np.interp(cell, column.knots, column.at))
        end = 0.5 + 0.5 * min(max(code / REACH, -1.0), 1.0)
        return min(0.5, end), max(0.5, end, 0.5 + (0.02 if end == 0.5 else 0.0))
    count = len(column.words)
    return int(cell) / count, (int(cell) + 1) / count


def markup(columns: Sequence[Column], item: np.ndarray) -> str:
    """A row as a table of HTML, a line each column."""
    cells = [
        (html.escape(c.name), html.escape(c.show(v) or "–"))
        for c, v in zip(columns, item.tolist(), strict=True)
    ]
    rows = "".join(f"<tr><th>{name}</th><td>{cell}</td></tr>" for name, cell in cells)
    return f"<table class='row'>{rows}</table>"
