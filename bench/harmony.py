"""What harmonies in voices are judged by: chords, and the faults that the rules of four-part writing name.

Functions of MIDI pitches (n, voices, steps), the top voice first, -1 where one is silent; see `pitches`.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from liminal.modalities.windows import FIRST, LOWEST, REST

from .music import OCTAVE, sounding

SILENT = -1
TRIADS = ((0, 4, 7), (0, 3, 7), (0, 3, 6), (0, 4, 8))  # major, minor, diminished, augmented
SEVENTHS = ((0, 4, 7, 10), (0, 3, 7, 10), (0, 4, 7, 11), (0, 3, 6, 10), (0, 3, 6, 9))
PERFECT = (0, 7)  # octaves, fifths


def pitches(items: np.ndarray) -> np.ndarray:
    """MIDI pitches (..., voices, steps) of melodies' symbols."""
    found = sounding(items).astype(int)
    return np.where(found >= FIRST, found - FIRST + LOWEST, np.where(found == REST, SILENT, found))


def _mask(classes: tuple[int, ...], root: int = 0) -> int:
    """Pitch classes as the bits of a number."""
    return sum(1 << (root + c) % OCTAVE for c in classes)


def _tables() -> tuple[np.ndarray, np.ndarray]:
    """For each of the 4,096 sets of pitch classes, whether it is a chord, and the tones of those that hold
    it."""
    whole, tones = np.zeros(1 << OCTAVE, bool), np.zeros(1 << OCTAVE, int)
    sets = np.arange(1, 1 << OCTAVE)
    for kinds in (TRIADS, SEVENTHS):
        chords = [(kind, root) for kind in kinds for root in range(OCTAVE)]
        for kind, root in chords:
            whole[[_mask(kind, root), _mask((*kind[:2], *kind[3:]), root)]] = True
        free = sets[tones[sets] == 0]  # sevenths for what lies in no triad
        found = np.zeros(len(free), int)
        for kind, root in chords:
            held = _mask(kind, root)
            found |= np.where(free & ~held, 0, held)
        tones[free] = found
    return whole, tones


WHOLE, TONES = _tables()


def sets(rows: np.ndarray) -> np.ndarray:
    """The sets of pitch classes that sound, as bits, (n, steps)."""
    return np.bitwise_or.reduce(np.where(rows == SILENT, 0, 1 << (rows % OCTAVE)), axis=1)


def chordal(rows: np.ndarray, beat: int) -> float:
    """The share of beats at which a triad (major, minor, diminished, augmented) or seventh chord (dominant,
    minor, major, half and fully diminished) sounds: all of its tones, or all but the fifth, and no other.
    """
    return float(WHOLE[sets(rows[..., ::beat])].mean())


def agreeing(rows: np.ndarray, beat: int) -> float:
    """The share of beats at which the top note is a tone of a triad that holds all that the other voices
    have; of a seventh chord, where no triad does; beats at which none of both does count as missed.
    """
    at = rows[..., ::beat]
    return float((sets(at[:, :1]) & TONES[sets(at[:, 1:])] != 0).mean())


def parallels(rows: np.ndarray) -> np.ndarray:
    """How many fifths, octaves and unisons follow each other in two voices that move the same way, (n,)."""
    found = np.zeros(len(rows), int)
    for i, j in combinations(range(rows.shape[1]), 2):
        both = (rows[:, i] != SILENT) & (rows[:, j] != SILENT)
        apart = (rows[:, i] - rows[:, j]) % OCTAVE
        alike = both[:, 1:] & both[:, :-1] & (apart[:, 1:] == apart[:, :-1]) & np.isin(apart[:, 1:], PERFECT)
        found += (alike & (np.diff(rows[:, i]) * np.diff(rows[:, j]) > 0)).sum(1)
    return found


def crossings(rows: np.ndarray, beat: int) -> np.ndarray:
    """At how many beats a voice sounds below the next one, (n,)."""
    at = rows[..., ::beat]
    upper, lower = at[:, :-1], at[:, 1:]
    return ((upper < lower) & (upper != SILENT)).sum((1, 2))


def leaps(rows: np.ndarray) -> np.ndarray:
    """How often an inner voice moves by more than an octave, (n,)."""
    inner = rows[:, 1:-1]
    both = (inner[..., 1:] != SILENT) & (inner[..., :-1] != SILENT)
    return (both & (np.abs(np.diff(inner)) > OCTAVE)).sum((1, 2))
