"""Windows of a tune: whole bars on a grid of steps, one row a voice.

A step's symbol is 0, what was before goes on; 1, silence begins; or 2 to 89, the pitch A0 to C8 (MIDI 21 to
108) begins. A window's first step is never 0, and silence does not begin twice: each music has one form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .tunes import VOICE, Meter, Part, Tune, same

HOLD, REST, FIRST = 0, 1, 2
LOWEST, HIGHEST = 21, 108  # MIDI pitches
SYMBOLS = FIRST + HIGHEST - LOWEST + 1
NEAR = 0.13  # steps off the grid that a note may lie and count as on it


class Window(NamedTuple):
    """Some bars of a tune.

    Attributes:
        symbols: uint8 (voices, steps).
        start: the tick at which they begin.
        bar: the number of the first one among the tune's whole bars, from 1.
        remarks: what was done to them.
    """

    symbols: np.ndarray
    start: float
    bar: int
    remarks: tuple[str, ...]


def settled(symbols: np.ndarray) -> np.ndarray:
    """Symbols (..., steps) in the one form that their music has."""
    found = symbols.copy()
    found[..., 0] = np.where(found[..., 0] == HOLD, REST, found[..., 0])
    last = np.maximum.accumulate(np.where(found != HOLD, np.arange(found.shape[-1]), 0), axis=-1)
    state = np.take_along_axis(found, last, -1)
    silent = np.concatenate([np.zeros_like(state[..., :1], bool), state[..., :-1] == REST], -1)
    found[silent & (found == REST)] = HOLD
    return found


def silent(symbols: np.ndarray) -> bool:
    return not (symbols >= FIRST).any()


def bar_length(tune: Tune, meter: Meter) -> float:
    """Ticks of a bar."""
    return 4 * tune.quarter * meter[0] / meter[1]


def runs(tune: Tune, meter: Meter) -> list[list[float]]:
    """Where the whole bars of a meter begin, those that follow each other without a gap in one list.

    Bars that the file tells to be shorter, such as an upbeat, are none; two that follow each other and make
    one together are one.
    """
    told = tune.meters or ((0, meter),)
    ends = [float(at) for at, _ in told[1:]] + [float(tune.end)]
    found: list[list[float]] = []
    length, slack = bar_length(tune, meter), tune.quarter / 8
    for i, ((at, own), end) in enumerate(zip(told, ends, strict=True)):
        if not same(own, meter):
            continue
        last = i + 1 == len(told)
        bars = list(_bars(float(at if i else 0), end - slack if last else end, length, tune.bars, slack))
        if bars and not last:
            bars[-1] = (bars[-1][0], min(bars[-1][1], end - bars[-1][0]))
        bars = _joined(bars, length, slack)
        follows = False
        for start, long in bars:
            whole = abs(long - length) < slack
            if whole and follows:
                found[-1].append(start)
            elif whole:
                found.append([start])
            follows = whole
    return found


def _bars(
    at: float, end: float, length: float, told: np.ndarray, slack: float
) -> Iterator[tuple[float, float]]:
    """Starts and lengths of bars between two ticks."""
    while at < end - 1:
        early = told[(told > at + slack) & (told < at + length - slack)]
        here = float(early[0]) - 1 if len(early) else at + length
        yield at, here - at
        at = here


def _joined(bars: list[tuple[float, float]], length: float, slack: float) -> list[tuple[float, float]]:
    """The same with two short ones that make a whole one together as one."""
    found: list[tuple[float, float]] = []
    for start, long in bars:
        before = found[-1][1] if found else length
        if before < length - slack and abs(before + long - length) < slack:
            found[-1] = (found[-1][0], length)
        else:
            found.append((start, long))
    return found


def windows(tune: Tune, meter: Meter, bars: int, steps: int, voices: int) -> Iterator[Window]:
    """The windows of a tune, one after the other from its first whole bar.

    Args:
        tune: to be cut.
        meter: of the bars.
        bars: of a window.
        steps: of a bar.
        voices: of a window.
    """
    parts, said = chosen(tune.parts, voices)
    found, length = runs(tune, meter), bar_length(tune, meter)
    if not ours(tune.parts) and sum(map(len, found)) > bars and _upbeat(tune, found[0][0], length):
        found[0] = found[0][1:]
        said = (*said, "read from the first whole bar on, without the upbeat")
    fit = any(len(run) >= bars for run in found)
    number = 1
    for run in found:
        for i in range(0, len(run), bars):
            held = run[i : i + bars]
            if len(held) < bars and (fit or i):
                continue  # the last bars of a longer tune
            padded = (f"padded with rest to {bars} bars",) if len(held) < bars else ()
            stop = held[-1] + length
            rows, remarks = _rows(parts, held[0], stop, length / steps, bars * steps, voices)
            yield Window(rows, held[0], number + i, (*said, *padded, *remarks))
        number += len(run)
        if not fit and found:
            return


def ours(parts: tuple[Part, ...]) -> bool:
    """Whether tracks are voices that Liminal wrote, or numbered alike: nothing is to be guessed then."""
    return len({p.name for p in parts}) == len(parts) and all(
        re.fullmatch(VOICE + r"\d", p.name) for p in parts
    )


def _upbeat(tune: Tune, start: float, length: float) -> bool:
    """Whether nothing sounds in the first half of the bar that begins at a tick."""
    return all(bool((part.notes[:, 0] >= start + length / 2 - 2).all()) for part in tune.parts)


def chosen(parts: tuple[Part, ...], voices: int) -> tuple[tuple[np.ndarray, ...], tuple[str, ...]]:
    """The notes to take: one array a voice, the top one first, or one array for all; and what to say."""
    if ours(parts):
        named, count = {part.name: part.notes for part in parts}, max(int(part.name[-1]) for part in parts)
        top = tuple(named.get(f"{VOICE}{v + 1}", np.empty((0, 3), np.int64)) for v in range(voices))
        over = f"read from the top {'voice' if voices == 1 else f'{voices} voices'} of {count}"
        return top, (over,) if count > voices else ()
    if len(parts) < voices:
        return (np.concatenate([part.notes for part in parts]),), ()
    order = sorted(range(len(parts)), key=lambda i: _single(parts[i].notes), reverse=True)[:voices]
    said: tuple[str, ...] = ()
    if len(parts) > voices:
        which = " and ".join(str(i + 1) for i in sorted(order))
        most = "which has" if voices == 1 else "which have"
        tracks = "track" if voices == 1 else "tracks"
        said = (f"read from {tracks} {which} of {len(parts)}, {most} the most single notes",)
    taken = sorted((parts[i].notes for i in order), key=lambda notes: -float(notes[:, 2].mean()))
    return tuple(taken), said


def _single(notes: np.ndarray) -> tuple[int, float]:
    """How many notes sound alone, and how high they lie."""
    reach = np.maximum.accumulate(notes[:, 1])
    slack = np.maximum((notes[:, 1] - notes[:, 0]) // 4, 1)
    after = np.append(notes[1:, 0] >= reach[:-1] - slack[:-1], True)
    before = np.append(True, after[:-1])
    return int((after & before).sum()), float(notes[:, 2].mean())


def _rows(
    parts: tuple[np.ndarray, ...], start: float, stop: float, step: float, count: int, voices: int
) -> tuple[np.ndarray, tuple[str, ...]]:
    """The symbols of a window, (voices, count), and remarks."""
    remarks: dict[str, None] = {}
    rows = []
    for notes in parts:
        each = voices if len(parts) < voices else 1
        found, said = _texture(notes, start, stop, step, count, each)
        rows.append(found)
        remarks |= dict.fromkeys(said)
    return np.concatenate(rows), tuple(remarks)


def _texture(
    notes: np.ndarray, start: float, stop: float, step: float, count: int, voices: int
) -> tuple[np.ndarray, list[str]]:
    """Notes on the grid, (voices, count): at each step the highest ones, the top one first."""
    notes = notes[(notes[:, 1] > start) & (notes[:, 0] < stop - step / 2)]
    exact = (notes[:, 0] - start) / step
    on = np.floor(exact + 0.5).astype(int)
    off = np.maximum(on + 1, np.floor((np.minimum(notes[:, 1], stop) - start) / step + 0.5).astype(int))
    kept = (off > 0) & (on < count)
    said = []
    if (np.abs(exact - on)[kept & (on >= 0)] > NEAR).any():
        said.append("moved onto the grid")
    pitch = notes[:, 2].copy()
    for way, out in ((12, pitch < LOWEST), (-12, pitch > HIGHEST)):
        over = np.where(out, np.ceil((LOWEST - pitch if way > 0 else pitch - HIGHEST) / 12), 0)
        pitch = pitch + way * over.astype(int)
        if (out & kept).any():
            said.append("moved by octaves into the range of a piano")
    sounding: list[dict[int, int]] = [{} for _ in range(count)]  # pitch: note; the later of two
    for note in np.flatnonzero(kept).tolist():
        for t in range(max(int(on[note]), 0), min(int(off[note]), count)):
            sounding[t][int(pitch[note])] = note
    symbols = np.full((voices, count), HOLD, np.uint8)
    before: list[int | None] = [None] * voices
    lost = False
    for t, here in enumerate(sounding):
        order = [here[p] for p in sorted(here, reverse=True)]
        lost |= len(order) > voices
        for v in range(voices):
            i: int | None = order[v] if v < len(order) else None
            if i is not None and voices == 1 and t > max(int(on[i]), 0) and i != before[v]:
                i = None  # it began below another one
            if i is not None and i != before[v]:
                symbols[v, t] = FIRST + pitch[i] - LOWEST
            elif i is None and (before[v] is not None or t == 0):
                symbols[v, t] = REST
            before[v] = i
    if lost:
        said.append("reduced to their top notes" if voices == 1 else f"reduced to their top {voices} notes")
    return symbols, said
