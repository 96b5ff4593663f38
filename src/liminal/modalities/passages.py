"""Parts of melodies: voices, bars, the rhythm, and the notes of chords; which symbols they leave open."""

from __future__ import annotations

import re

import numpy as np

from ..errors import LiminalError, unknown
from .pitches import chord
from .windows import FIRST, HOLD, LOWEST, SYMBOLS


def open_symbols(
    items: np.ndarray, name: str, bars: int, bar: int, beat: int
) -> tuple[np.ndarray, np.ndarray]:
    """What a part of melodies prescribes, and the symbols that it leaves open at each step.

    ``voice:2`` and ``bars:1-2`` keep these voices and bars as they are; ``rhythm`` keeps where notes begin,
    last and pause; ``over:Am F C G`` wants a note of the chord wherever one begins on a beat. Chords take
    turns through all the melodies, one a bar; ``over:Am F | C G`` has two in each bar.

    Args:
        items: uint8 (n, voices, steps).
        name: of the part.
        bars: of an item.
        bar: steps of a bar.
        beat: steps of a beat.

    Returns:
        The items, for ``over`` with the notes on beats moved to the nearest one of the chord, and bool (n,
        90, voices, steps).

    Raises:
        LiminalError: there is no such part.
    """
    word, _, told = name.strip().partition(":")
    gone = np.ones((len(items), SYMBOLS, *items.shape[1:]), dtype=bool)
    if word == "rhythm" and not told:
        gone[:] = (items >= FIRST)[:, None]
        gone[:, :FIRST] = False
    elif word in ("voice", "voices"):
        gone[:, :, _some(name, told, items.shape[1], "voices")] = False
    elif word in ("bar", "bars"):
        kept = _some(name, told, bars, "bars")
        gone[..., np.repeat(np.isin(np.arange(bars), kept), bar)] = False
    elif word == "over":
        return over(items, told, bar, beat)
    else:
        raise unknown("part of melodies", name, ("voice:1", "bar:1", "bars:1-2", "rhythm", "over:Am F C G"))
    return items, gone


def _some(name: str, told: str, count: int, noun: str) -> list[int]:
    """``1,3-4`` as rows from 0.

    Raises:
        LiminalError: it is none, or goes beyond `count`.
    """
    found: list[int] = []
    for piece in told.split(","):
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", piece)
        if match is None:
            raise LiminalError(f"{name}: wanted numbers of {noun}, such as {noun}:1 or {noun}:1-2")
        first, last = int(match[1]), int(match[2] or match[1])
        if not 1 <= first <= last <= count:
            raise LiminalError(f"{name}: wanted {noun} from 1 to {count}")
        found += range(first - 1, last)
    return found


def over(items: np.ndarray, told: str, bar: int, beat: int) -> tuple[np.ndarray, np.ndarray]:
    """See `open_symbols`: melodies with notes of the chords on the beats, and the symbols that fit there."""
    chart = [part.split() for part in told.replace(",", " ").split("|")]
    chart = [[name] for name in chart[0]] if len(chart) == 1 else [part for part in chart if part]
    if not chart or max(map(len, chart)) > bar // beat:
        raise LiminalError(
            f"over:{told}: wanted chords, {bar // beat} a bar at most, such as over:Am F C G, one a bar, or "
            "over:Am F | C G, two a bar"
        )
    classes = [[chord(name) for name in names] for names in chart]
    moved, fits = items.copy(), np.ones((len(items), SYMBOLS, *items.shape[1:]), dtype=bool)
    pitches = np.arange(FIRST, SYMBOLS)
    for i, t in np.ndindex(len(items), items.shape[-1] // beat):
        at = (i * items.shape[-1]) // bar + t * beat // bar
        here = classes[at % len(classes)]
        good = np.isin((pitches - FIRST + LOWEST) % 12, here[t * beat % bar * len(here) // bar])
        fits[i, FIRST:, :, t * beat] = good[:, None]
        near = pitches[good][np.abs(pitches[good][None] - pitches[:, None]).argmin(1)]
        begun = items[i, :, t * beat] >= FIRST
        moved[i, begun, t * beat] = near[items[i, begun, t * beat] - FIRST]
    fits[:, HOLD, :, 0] = False
    return moved, fits
