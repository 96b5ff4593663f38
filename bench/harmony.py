"""Harmonies found for the top voices of chorales that a space has not seen, and what they are judged by:
chords, and the faults that the rules of four-part writing name.

What judges takes MIDI pitches (n, voices, steps), the top voice first, -1 where one is silent; see `pitches`.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np

from liminal.modalities.windows import FIRST, LOWEST, REST
from liminal.space import Space

from .figures import Figure, Record
from .music import OCTAVE, sounding

BARS = 4  # of each piece, from its first whole one on
PIECES = 40
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


def chordal(rows: np.ndarray, beat: int) -> np.ndarray:
    """The share of beats (n,) at which a triad (major, minor, diminished, augmented) or seventh chord
    (dominant, minor, major, half and fully diminished) sounds: all of its tones, or all but the fifth, and no
    other.
    """
    return WHOLE[sets(rows[..., ::beat])].mean(1)


def agreeing(rows: np.ndarray, beat: int) -> np.ndarray:
    """The share of beats (n,) at which the top note is a tone of a triad that holds all that the other voices
    have; of a seventh chord, where no triad does; beats at which none of both does count as missed.
    """
    at = rows[..., ::beat]
    return (sets(at[:, :1]) & TONES[sets(at[:, 1:])] != 0).mean(1)


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


def joined(items: np.ndarray, count: int) -> np.ndarray:
    """The pitches of items (n, voices, steps), `count` after each other in one row: (n / count, voices,
    count * steps)."""
    rows = pitches(items)
    return np.concatenate(np.split(rows.reshape(-1, count, *rows.shape[1:]), count, 1), -1)[:, 0]


def passages(space: Space, file: Path, split: str, seed: int) -> tuple[np.ndarray, int]:
    """The items (n, voices, steps) that the first four bars of some pieces make, and how many each makes."""
    kind, count = space.modality, max(1, BARS // space.modality.bars)
    pieces: dict[str, list[np.ndarray]] = {}
    for r in kind.records(file, file.name):
        if r.item is not None and r.group and r.known.get("split") == split:
            pieces.setdefault(r.group, []).append(r.item)
    long = [np.stack(own[:count]) for own in pieces.values() if len(own) >= count]
    chosen = np.random.default_rng(seed).permutation(len(long))[:PIECES]
    return np.concatenate([long[i] for i in np.sort(chosen)]), count


def harmonised(record: Record, space: Space, file: Path, seed: int) -> None:
    """Top voices of the test chorales, bar for bar with other voices: chords and faults."""
    kind = space.modality
    real, count = passages(space, file, "test", seed)
    found = space.complete(real, "voice:1", 2, seed=seed)
    train = space.items(space.catalogue.latents(split="train")[0].tolist())
    any_one = real.copy()
    any_one[:, 1:] = train[np.random.default_rng(seed).integers(len(train), size=len(real)), 1:]
    ways = {
        "ours": found.items[0],
        "the nearest real": found.beside,
        "Bach": real,
        "Bach restored": space.decode(space.encoded(real)),
        "any real": any_one,
        "our second answer": found.items[1],
    }
    rows = {name: joined(items, count) for name, items in ways.items()}
    beat, bars = kind.grid, count * kind.bars

    def told(called: str, judge: Callable[[np.ndarray], np.ndarray], better: str, note: str = "") -> None:
        seen = {name: judge(row) for name, row in rows.items()}
        ours, beside = seen.pop("ours"), {name: float(each.mean()) for name, each in seen.items()}
        error = float(ours.std(ddof=1) / len(ours) ** 0.5)
        bar = beside["the nearest real"]
        record.add(Figure(called, float(ours.mean()), "", bar, better, beside, error, note))  # type: ignore[arg-type]

    within = lambda row: sum(parallels(part) for part in np.split(row, count, -1)) / bars
    told("harmonised: chords on the beats", lambda row: chordal(row, beat), "higher")
    told("harmonised: top note in the others' chord", lambda row: agreeing(row, beat), "higher")
    told("harmonised: parallels a bar, bars alone", within, "lower", "fifths, octaves and unisons")
    told("harmonised: parallels a bar, also over bar lines", lambda row: parallels(row) / bars, "lower")
    told("harmonised: crossings a bar", lambda row: crossings(row, beat) / bars, "lower", "at beats")
    told("harmonised: leaps over an octave a bar", lambda row: leaps(row) / bars, "lower", "inner voices")
    known = {row.tobytes() for row in train}
    copies = [np.mean([row.tobytes() in known for row in ways[name]]) for name in ("ours", "Bach")]
    record.note(
        f"harmonised: the top voices of {len(real)} melodies, {bars} bars of {len(real) // count} test "
        "chorales each; searches start from training items only, and the nearest real one is one of these, "
        f"in any key; {found.baseline.mean():.3f} of the tune is its own; exact copies of training items in "
        f"their key: ours {copies[0]:.3f}, Bach's own {copies[1]:.3f}"
    )
