"""Piano rolls: pitch up, time to the right, a colour for each voice."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from .windows import FIRST, HOLD

GROUND, BLACK, BEAT, BAR = (255, 255, 255), (246, 247, 249), (236, 239, 243), (196, 203, 212)
COLOURS = ((44, 110, 187), (214, 132, 0), (58, 138, 104), (150, 80, 160))
OCTAVE = 12  # pitches that are shown at least
KEYS = (1, 3, 6, 8, 10)  # black ones
ROOM = 128  # pixels from which on beats and black keys are shown


def notes(row: np.ndarray) -> list[tuple[int, int, int]]:
    """The notes of one voice, uint8 (steps,): first step, the step after the last, and symbol."""
    found: list[tuple[int, int, int]] = []
    begun: tuple[int, int] | None = None
    for t, symbol in enumerate([*row.tolist(), 1]):
        if symbol == HOLD:
            continue
        if begun:
            found.append((begun[0], t, begun[1]))
        begun = (t, symbol) if symbol >= FIRST else None
    return found


def span(item: np.ndarray) -> tuple[int, int]:
    """The lowest and the highest symbol shown: one beyond those that sound, and an octave at least."""
    begun = item[item >= FIRST].astype(int)
    low, high = (int(begun.min()), int(begun.max())) if len(begun) else (41, 41)
    more = max(OCTAVE - (high - low + 1), 0)
    return low - more // 2 - 1, high + (more + 1) // 2 + 1


def draw(item: np.ndarray, bars: int, beats: int, size: int) -> Image.Image:
    """The roll of an item, RGB, a square of `size` pixels.

    Args:
        item: uint8 (voices, steps).
        bars: lines at their beginnings.
        beats: of a bar; lines where there is room.
        size: pixels of a side.
    """
    low, high = span(item)
    rows, steps = high - low + 1, item.shape[1]
    x = lambda t: t * size // steps
    y = lambda symbol: (high - symbol) * size // rows
    picture = Image.new("RGB", (size, size), GROUND)
    pen = ImageDraw.Draw(picture)
    if size >= ROOM:
        for symbol in range(low, high + 1):
            if (symbol - FIRST + 9) % 12 in KEYS:
                pen.rectangle((0, y(symbol), size - 1, y(symbol - 1) - 1), BLACK)
        for i in range(bars * beats):
            at = i * size // (bars * beats)
            pen.line((at, 0, at, size - 1), BEAT)
    for i in range(1, bars):
        at = i * size // bars
        pen.line((at, 0, at, size - 1), BAR)
    for v in reversed(range(len(item))):
        for first, last, symbol in notes(item[v]):
            right = max(x(last) - 2, x(first))
            bottom = max(y(symbol - 1) - 1, y(symbol))
            pen.rectangle((x(first), y(symbol), right, bottom), COLOURS[v % len(COLOURS)])
    return picture
