"""Regions of pictures, by name: halves, the middle, boxes."""

from __future__ import annotations

import re

import numpy as np

from ..errors import LiminalError, unknown

PARTS = {
    "left": "the left half",
    "right": "the right half",
    "top": "the upper half",
    "bottom": "the lower half",
    "middle": "the middle, half as wide and high",
    "box:0,0,4,4": "left, top, width and height in pixels",
}


def region(name: str, height: int, width: int) -> np.ndarray:
    """Which pixels lie in a part of a picture: bool (height, width).

    Args:
        name: ``left``, ``right``, ``top``, ``bottom``, ``middle``, or ``box:LEFT,TOP,WIDTH,HEIGHT`` in
            pixels.

    Raises:
        LiminalError: there is no such part, or it lies outside.
    """
    word, _, told = name.strip().partition(":")
    inside = np.zeros((height, width), dtype=bool)
    halves: dict[str, tuple[slice, ...]] = {
        "left": np.s_[:, : width // 2],
        "right": np.s_[:, width // 2 :],
        "top": np.s_[: height // 2, :],
        "bottom": np.s_[height // 2 :, :],
        "middle": np.s_[height // 4 : height - height // 4, width // 4 : width - width // 4],
    }
    if word in halves and not told:
        inside[halves[word]] = True
    elif word == "box":
        numbers = [int(part) for part in re.findall(r"\d+", told)]
        if len(numbers) != 4:
            raise LiminalError(f"{name}: wanted left, top, width and height in pixels, such as box:0,0,4,4")
        left, top, wide, high = numbers
        inside[top : top + high, left : left + wide] = True
        if not inside.any():
            raise LiminalError(f"{name}: it lies outside; pictures of this space are {width} x {height}")
    else:
        raise unknown("part of pictures", name, (*halves, "box:0,0,4,4"))
    return inside
