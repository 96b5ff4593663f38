"""Melodies as MIDI and as sound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from . import synth
from .roll import notes
from .tunes import VOICE, Meter
from .windows import FIRST, LOWEST

VELOCITY = 90


def midi(rows: np.ndarray, meter: Meter, grid: int, ticks: int, tempo: float) -> bytes:
    """A MIDI file of some voices, a track each, that says where the music ends.

    Args:
        rows: uint8 (voices, steps).
        meter: its upper and lower number.
        grid: steps a quarter note.
        ticks: of a step.
        tempo: quarter notes a minute.
    """
    import symusic

    score: Any = symusic.Score(grid * ticks)
    score.time_signatures.append(symusic.TimeSignature(0, *meter))
    score.tempos.append(symusic.Tempo(0, tempo))
    score.markers.append(symusic.TextMeta(rows.shape[1] * ticks, "end"))
    for v, row in enumerate(rows):
        track: Any = symusic.Track(f"{VOICE}{v + 1}", 0, False)
        for first, last, symbol in notes(row):
            pitch = symbol - FIRST + LOWEST
            track.notes.append(symusic.Note(first * ticks, (last - first) * ticks, pitch, VELOCITY))
        score.tracks.append(track)
    return bytes(score.dumps_midi())


def wav(rows: np.ndarray, step: float, path: Path) -> None:
    """Some voices, uint8 (voices, steps), as a WAV file; a step lasts `step` seconds."""
    synth.write(synth.sound(_played(rows, step), rows.shape[1] * step, len(rows)), path)


def sound(rows: np.ndarray, step: float) -> tuple[np.ndarray, int]:
    """The same as samples, float32 (m,), that last exactly as long as the steps, and their rate: the last
    note fades before the end.
    """
    heard = synth.sound(_played(rows, step), rows.shape[1] * step, len(rows))
    heard = heard[: round(rows.shape[1] * step * synth.RATE)].copy()
    fade = min(round(synth.RELEASE * synth.RATE), len(heard))
    heard[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return heard, synth.RATE


def _played(rows: np.ndarray, step: float) -> list[synth.Note]:
    return [
        synth.Note(first * step, (last - first) * step, symbol - FIRST + LOWEST)
        for row in rows
        for first, last, symbol in notes(row)
    ]
