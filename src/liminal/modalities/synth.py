"""A small synthesiser: notes as sound, for loudspeakers of any size.

Each note is a sum of harmonics, the k-th k^-1.6 as loud as the first and the sooner gone the higher it is, up
to 0.4 of the sampling rate, so that nothing folds back; low notes have their weight in harmonics that small
loudspeakers can give. It rises within 8 ms along half a cosine and fades within 60 ms after its end, so that
there are no clicks.
"""

from __future__ import annotations

import wave
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import files

RATE = 22_050  # samples a second
ATTACK, RELEASE = 0.008, 0.06  # seconds
HARMONICS = 12
DARK = 1.6  # how much softer each harmonic is than the one below it
FADE = 0.9  # the first harmonic's rate of decay, in 1/s
LOUD = 0.7  # the peak of one voice
LONGEST = 8.0  # seconds of a note; what is longer has faded by then


class Note(NamedTuple):
    """A note: where it begins and how long it lasts, in seconds, and its MIDI pitch; A4 = 69 = 440 Hz."""

    start: float
    length: float
    pitch: int


def frequency(pitch: float) -> float:
    """Of a MIDI pitch, in Hz, in equal temperament."""
    return 440.0 * 2.0 ** ((pitch - 69) / 12)


def sound(notes: Sequence[Note], seconds: float, voices: int = 1) -> np.ndarray:
    """Notes as samples: float32 (m,), mono, `RATE` a second, within -1 and 1.

    Args:
        notes: in any order; they may overlap.
        seconds: the length, to which the fading of the last note is added.
        voices: how many sound at once; each is that much softer.
    """
    total = int((max(seconds, 0.0) + RELEASE) * RATE) + 1
    out = np.zeros(total, np.float32)
    for note in notes:
        first = round(note.start * RATE)
        tone = _tone(note.pitch, round(min(note.length, LONGEST) * RATE))[: max(total - first, 0)]
        out[first : first + len(tone)] += tone / np.sqrt(voices)
    peak = float(np.abs(out).max(initial=0.0))
    return out * np.float32(0.95 / peak) if peak > 0.95 else out


@lru_cache(maxsize=512)
def _tone(pitch: int, count: int) -> np.ndarray:
    """One note, held for so many samples, and its fading."""
    base = frequency(pitch)
    time = np.arange(count + int(RELEASE * RATE)) / RATE
    tone = np.zeros(len(time))
    total = 0.0
    for k in range(1, HARMONICS + 1):
        if k * base > 0.4 * RATE and k > 1:
            break
        share = k**-DARK
        tone += share * np.exp(-FADE * k**0.7 * time) * np.sin(2 * np.pi * k * base * time)
        total += share
    rise = 0.5 - 0.5 * np.cos(np.pi * np.minimum(time / ATTACK, 1))
    fall = 0.5 + 0.5 * np.cos(np.pi * np.clip((time - count / RATE) / RELEASE, 0, 1))
    return (LOUD / total * tone * rise * fall).astype(np.float32)


def write(samples: np.ndarray, path: Path) -> None:
    """Samples within -1 and 1 as a WAV file of 16 bits, whole or not at all."""
    levels = np.round(np.clip(samples, -1, 1) * 32767).astype("<i2")
    with files.atomic(path) as part, wave.open(str(part), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(levels.tobytes())
