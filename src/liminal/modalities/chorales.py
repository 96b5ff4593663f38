"""Harmonies as JSON, the form in which Bach's chorales are handed on for machine learning.

``{"train": [piece, ...], "valid": [...], "test": [...]}``; a piece is a list of steps, sixteenths in 4/4 from
a bar line on, a step a list of MIDI pitches, one a voice, the top one first, or -1 where the voice is silent.
It does not tell held notes from repeated ones.

The form: Boulanger-Lewandowski, Bengio and Vincent 2012, Modeling temporal dependencies in high-dimensional
sequences; with sixteenths and voices apart: Hadjeres, Pachet and Nielsen 2017.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import LiminalError
from ..names import HELD_OUT, TRAIN

BAR = 16  # steps
QUARTER = 4  # steps
METER = (4, 4)
SPLITS = (*TRAIN, *HELD_OUT)
MOST_VOICES = 16
MOST_PITCH = 127
SILENT = -1
HEAD = re.compile(rb'\s*\{\s*"(' + "|".join(SPLITS).encode() + rb')"\s*:\s*\[\s*(\]|\[\s*\[\s*-?\d)')
LOOK = 4096  # bytes that tell whether a file is of this form


def is_chorales(head: bytes) -> bool:
    """Whether a file that begins so is of this form; whether it is whole is not asked."""
    return HEAD.match(head) is not None


def count(data: bytes, name: str) -> int:
    """How many pieces there are; arguments and errors as of `pieces`."""
    return sum(map(len, _parsed(data, name).values()))


def pieces(data: bytes, name: str) -> Iterator[tuple[str, np.ndarray | str]]:
    """The pieces in order: the split that each is in, and its pitches, int64 (steps, voices); of one that
    cannot be used, why.

    Args:
        data: the bytes of a file.
        name: what errors call it.

    Raises:
        LiminalError: it is no JSON, or of another form.
    """
    for split, held in _parsed(data, name).items():
        for i, piece in enumerate(held):
            try:
                yield split, _pitches(piece, f"piece {i} of {split}")
            except LiminalError as error:
                yield split, str(error)


def _parsed(data: bytes, name: str) -> dict[str, list[Any]]:
    try:
        told = json.loads(data)
    except json.JSONDecodeError as error:
        raise LiminalError(f"{name}: no JSON (line {error.lineno}: {error.msg})") from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise LiminalError(f"{name}: no JSON (it is no text, or nested too deep)") from error
    if not isinstance(told, dict) or not told or not all(isinstance(v, list) for v in told.values()):
        raise LiminalError(
            f'{name}: JSON of another form; wanted {{"train": [[[74, 70, 65, 58], ...], ...], "test": ...}}, '
            "steps of MIDI pitches"
        )
    if wrong := next((key for key in told if key.lower() not in SPLITS), None):
        raise LiminalError(f"{name}: it holds {wrong!r}; wanted lists of pieces named {', '.join(SPLITS)}")
    return told


def _pitches(piece: Any, where: str) -> np.ndarray:
    """A piece as int64 (steps, voices), without the steps after its last whole bar.

    Raises:
        LiminalError: it is none.
    """
    if not isinstance(piece, list) or not piece:
        raise LiminalError(f"{where}: wanted a list of steps")
    voices = len(piece[0]) if isinstance(piece[0], list) else 0
    if not 1 <= voices <= MOST_VOICES:
        raise LiminalError(f"{where}, step 0: wanted a list of 1 to {MOST_VOICES} MIDI pitches")
    for t, step in enumerate(piece):
        if not isinstance(step, list) or len(step) != voices:
            raise LiminalError(f"{where}, step {t}: wanted {voices} MIDI pitches, as in the first step")
        for pitch in step:
            if type(pitch) not in (int, float) or pitch != pitch // 1 or not SILENT <= pitch <= MOST_PITCH:
                raise LiminalError(f"{where}, step {t}: {pitch!r}; wanted a MIDI pitch, 0 to 127, or -1")
    whole = len(piece) // BAR * BAR or len(piece)
    return np.array(piece[:whole], np.int64)


def notes(row: np.ndarray) -> np.ndarray:
    """The notes of one voice, pitches (steps,), as (m, 3): first step, the step after the last, pitch."""
    starts = np.flatnonzero(np.diff(row, prepend=SILENT - 1))
    found = np.stack([starts, np.append(starts[1:], len(row)), row[starts]], 1)
    return found[found[:, 2] != SILENT]
