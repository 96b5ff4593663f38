"""Names of pitches and chords, as people write them."""

from __future__ import annotations

import re

from ..errors import LiminalError
from .windows import FIRST, HOLD, LOWEST, REST, SYMBOLS

NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
PITCH = re.compile(r"([A-Ga-g])([#b♯♭]?)(-?\d)")
LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
CHORD = re.compile(r"([A-G])([#b♯♭]?)([^/\s]*)(?:/[A-G][#b♯♭]?)?")
QUALITIES = {
    "": (0, 4, 7),
    "maj": (0, 4, 7),
    "m": (0, 3, 7),
    "min": (0, 3, 7),
    "dim": (0, 3, 6),
    "aug": (0, 4, 8),
    "5": (0, 7),
    "6": (0, 4, 7, 9),
    "m6": (0, 3, 7, 9),
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "maj7": (0, 4, 7, 11),
    "dim7": (0, 3, 6, 9),
    "m7b5": (0, 3, 6, 10),
    "sus2": (0, 2, 7),
    "sus4": (0, 5, 7),
    "add9": (0, 2, 4, 7),
    "9": (0, 2, 4, 7, 10),
}


def pitch_name(symbol: int) -> str:
    """``C4`` of the symbol of a pitch; C4 is the middle C."""
    pitch = symbol - FIRST + LOWEST
    return f"{NAMES[pitch % 12]}{pitch // 12 - 1}"


def symbol(word: str) -> int:
    """The symbol of a step as it is typed: a pitch such as ``Bb3``, ``-`` or ``.``

    Raises:
        LiminalError: it is none.
    """
    if word in ("-", "."):
        return HOLD if word == "-" else REST
    told = PITCH.fullmatch(word)
    if told is None:
        raise LiminalError(f"melody: {word!r} is no step; wanted a pitch such as C4, F#4 or Bb3, - or .")
    sharp = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}[told[2]]
    found = 12 * (int(told[3]) + 1) + LETTERS[told[1].upper()] + sharp - LOWEST + FIRST
    if not FIRST <= found < SYMBOLS:
        raise LiminalError(f"melody: {word} is beyond the range of a piano; wanted A0 to C8")
    return found


def chord(name: str) -> tuple[int, ...]:
    """Pitch classes of a chord such as ``Am``, ``F#7`` or ``Bbmaj7``, the root first; C is 0.

    Raises:
        LiminalError: it is none.
    """
    match = CHORD.fullmatch(name)
    quality = "" if match is None else match[3].replace("-", "m").replace("M7", "maj7")
    if match is None or quality not in QUALITIES:
        raise LiminalError(
            f"chord {name!r}: wanted a root with one of {', '.join(q for q in QUALITIES if q)} or nothing "
            "behind it, such as Am or F#7"
        )
    root = LETTERS[match[1]] + {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}[match[2]]
    return tuple((root + step) % 12 for step in QUALITIES[quality])
