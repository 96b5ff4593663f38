"""Tunes from MIDI, ABC and JSON files: notes by track, meters, keys and tempos, in ticks.

MIDI is parsed by symusic. An ABC file may hold many tunes, each from its ``X:`` line to the next; each is
turned into MIDI by the converter abc2midi that symusic brings along, run as a process of its own, whose
complaints are told with the line of the file. Directives (``%%`` and ``I:``) are not obeyed: some read other
files. The converter plays the first note of each bar louder, which tells where bars begin, and chord symbols
on tracks of their own, which tells the harmony. JSON is read by `chorales`.
"""

from __future__ import annotations

import itertools
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import LiminalError
from . import Source, chorales

MOST_NOTES = 100_000  # of a tune
MOST_QUARTERS = 50_000  # of a tune's length
SMALL = re.compile("chord|to be tied|field in header|in middle of line")  # faults of ABC that spoil no note
MOST_TEXT = 1_000_000  # characters of an ABC tune
SECONDS = 20  # that a tune may take to convert
STRONG = 105  # how loud abc2midi plays the first note of a bar
HARMONY = 120  # the program that chord symbols are given
TONICS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
MODES = {
    **{"": "major", "maj": "major", "ion": "major", "m": "minor", "min": "minor", "aeo": "minor"},
    **{"dor": "dorian", "phr": "phrygian", "lyd": "lydian", "mix": "mixolydian", "loc": "locrian"},
}
LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
START = re.compile(r"^X:.*$", re.MULTILINE)
METER = re.compile(r"^M:\s*(C\|?|\d+/\d+)", re.MULTILINE)
KEY = re.compile(r"^K:\s*([A-G])([#b]?)\s*([A-Za-z]*)", re.MULTILINE)
# how well each degree of the scale fits a key (Krumhansl and Kessler 1982, as Krumhansl 1990 uses it)
PROFILES = {
    "major": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "minor": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}

Meter = tuple[int, int]
VOICE = "voice "  # and its number from 1, the top one first: the name of a track that is a voice


class Part(NamedTuple):
    """The notes of one track: its name, and int64 (m, 3), start and end in ticks and MIDI pitch, by start."""

    name: str
    notes: np.ndarray


class Tune(NamedTuple):
    """A tune as it was read.

    Attributes:
        title: empty where there is none.
        number: of the tune in its file, from 0.
        quarter: ticks of a quarter note.
        parts: tracks with notes that are no drums.
        harmony: (m, 3) the notes that chord symbols stand for; of a MIDI file none.
        meters: where each begins, and its upper and lower number.
        keys: where each begins, its tonic and its mode.
        tempos: where each begins, and quarter notes a minute.
        bars: ticks where bars begin, as far as the file tells it beside its meters.
        end: the tick at which all is over, silence after the last note included where the file tells it.
        remarks: on how it was read, as of a `Record`.
        split: which part of the data its file says it is in, such as ``test``; empty where it says nothing.
    """

    title: str
    number: int
    quarter: int
    parts: tuple[Part, ...]
    harmony: np.ndarray
    meters: tuple[tuple[int, Meter], ...]
    keys: tuple[tuple[int, tuple[str, str]], ...]
    tempos: tuple[tuple[int, float], ...]
    bars: np.ndarray
    end: int
    remarks: tuple[str, ...] = ()
    split: str = ""


def same(a: Meter, b: Meter) -> bool:
    """Whether two meters have bars of one length that are counted alike, such as 4/4 and 2/2."""
    return Fraction(*a) == Fraction(*b) and compound(a) == compound(b)


def compound(meter: Meter) -> bool:
    """Whether beats fall into three, as in 6/8."""
    return meter[1] >= 8 and meter[0] > 3 and meter[0] % 3 == 0


def content(source: Source, name: str) -> bytes:
    """The bytes of a file.

    Raises:
        LiminalError: it cannot be read.
    """
    try:
        if isinstance(source, Path):
            return source.read_bytes()
        source.seek(0)
        return source.read()
    except OSError as error:
        raise LiminalError(f"{name}: cannot be read ({error.strerror or error})") from error


def is_midi(data: bytes) -> bool:
    return data.startswith(b"MThd")


def is_json(data: bytes) -> bool:
    return data[:64].lstrip()[:1] in (b"{", b"[")


def meters(data: bytes, name: str) -> list[Meter]:
    """The meter that each tune of a file begins in, without converting any; nothing where none can be read.

    Args:
        data: MIDI, ABC or JSON.
        name: what errors call it.

    Raises:
        LiminalError: it is JSON, and none of chorales.
    """
    if is_midi(data):
        try:
            return [_longest(_score(data))]
        except LiminalError:
            return []
    if is_json(data):
        return [chorales.METER] * chorales.count(data, name)
    _, tunes = _split(data)
    found = [METER.search(text) for _, text in tunes]
    return [_meter(m[1]) if m else (4, 4) for m in found]


def commonest(sources: Iterable[Source]) -> Meter:
    """The meter that most tunes in these files begin in.

    Raises:
        LiminalError: there is no tune in them.
    """
    counts: Counter[Meter] = Counter()
    faults = []
    for i, source in enumerate(sources):
        try:
            name = str(source) if isinstance(source, Path) else f"file {i}"
            counts.update(meters(content(source, name), name))
        except LiminalError as error:
            faults.append(error)  # of several files the one who reads them says so
    if not counts and len(faults) == 1:
        raise faults[0]
    if not counts:
        raise LiminalError(
            "melodies: there is no tune in these files; wanted MIDI, JSON of chorales, or ABC, where a line "
            "X: begins each tune"
        )
    totals = {own: sum(n for other, n in counts.items() if same(own, other)) for own in counts}
    return max(counts, key=lambda meter: (totals[meter], counts[meter]))


def tunes(data: bytes, name: str) -> Iterator[Tune | str]:
    """The tunes in a file's bytes, in order; of one that cannot be used, why.

    Args:
        data: MIDI, ABC or JSON.
        name: what errors call it.

    Raises:
        LiminalError: it is none of them, or it is damaged.
    """
    if is_midi(data):
        try:
            yield _score(data)
        except LiminalError as error:
            yield str(error)
        return
    if is_json(data):
        for number, (split, piece) in enumerate(chorales.pieces(data, name)):
            yield piece if isinstance(piece, str) else _chorale(piece, split, number)
        return
    head, found = _split(data)
    if not found:
        raise LiminalError(
            f"{name}: neither MIDI (it begins with MThd) nor ABC (a line that begins with X: begins a tune)"
            if data.strip()
            else f"{name}: it is empty"
        )
    for number, (line, text) in enumerate(found):
        try:
            yield _abc(text, head, line, number)
        except LiminalError as error:
            yield str(error)


def _chorale(piece: np.ndarray, split: str, number: int) -> Tune | str:
    """The tune that pitches (steps, voices) are; a voice that is silent throughout has no part."""
    if len(piece) > MOST_QUARTERS * chorales.QUARTER:
        return f"it has {len(piece):,} steps; wanted at most {MOST_QUARTERS * chorales.QUARTER:,}"
    rows = [chorales.notes(row) for row in piece.T]
    parts = tuple(Part(f"{VOICE}{v + 1}", notes) for v, notes in enumerate(rows) if len(notes))
    return (
        Tune(
            title="",
            number=number,
            quarter=chorales.QUARTER,
            parts=parts,
            harmony=np.empty((0, 3), np.int64),
            meters=((0, chorales.METER),),
            keys=(),
            tempos=(),
            bars=np.empty(0, np.int64),
            end=len(piece),
            split=split,
        )
        if parts
        else "it is silent"
    )


def _split(data: bytes) -> tuple[list[str], list[tuple[int, str]]]:
    """The fields that an ABC file gives to all its tunes; the line that each tune begins on, and its text."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    starts = [m.start() for m in START.finditer(text)]
    head = re.findall(r"^[LMQ]:.*$", text[: starts[0]], re.MULTILINE) if starts else []
    pieces = [text[a:b] for a, b in itertools.pairwise([*starts, len(text)])]
    return head, [(1 + text.count("\n", 0, a), piece) for a, piece in zip(starts, pieces, strict=True)]


def _meter(text: str) -> Meter:
    if text.startswith("C"):
        return (2, 2) if "|" in text else (4, 4)
    upper, lower = (int(part) for part in text.split("/"))
    return (upper, lower) if upper and lower else (4, 4)


def _abc(text: str, head: list[str], line: int, number: int) -> Tune:
    """One tune of an ABC file.

    Raises:
        LiminalError: it cannot be converted, or has no notes.
    """
    if len(text) > MOST_TEXT:
        raise LiminalError(f"the tune on line {line} has {len(text):,} characters; wanted {MOST_TEXT:,}")
    text = re.sub(r"^(%%|I:).*$", "%", re.sub(r"\[I:[^\]\n]*\]", "", text), flags=re.MULTILINE)
    added = [*head, f"%%MIDI chordprog {HARMONY}", f"%%MIDI bassprog {HARMONY}"]
    first, _, rest = text.partition("\n")
    data, faults = _converted("\n".join([first, *added, rest]) + "\n")
    grave = [(at, why) for at, why in faults if not data or not SMALL.search(why)]
    if grave:
        at, why = grave[0]
        at = line + (at - 1 - len(added) if at > 1 + len(added) else 0)
        raise LiminalError(f"ABC line {at}: {why}")
    tune = _score(data, converted=True)
    title = re.search(r"^T:\s*(.*?)\s*$", text, re.MULTILINE)
    key = KEY.search(text)
    mode = MODES.get(key[3].lower()[:3], MODES.get(key[3].lower()[:1])) if key else None
    keys = tune.keys
    if key and mode:
        sharp = {"#": 1, "b": -1, "": 0}[key[2]]
        keys = ((0, (TONICS[(LETTERS[key[1]] + sharp) % 12], mode)), *keys[1:])
    tempos = tune.tempos if re.search(r"^Q:|\[Q:", text, re.MULTILINE) else ()
    said = ("read in spite of small faults in the ABC",) if faults else ()
    return tune._replace(
        title=title[1] if title else "", number=number, keys=keys, tempos=tempos, remarks=said
    )


def _converted(text: str) -> tuple[bytes, list[tuple[int, str]]]:
    """An ABC tune as MIDI, empty where nothing came of it, and the line and the text of each error."""
    import symusic

    program = next((Path(symusic.__file__).parent / "bin").glob("abc2midi*"))
    with tempfile.TemporaryDirectory(prefix="liminal-abc-") as folder:
        (Path(folder) / "tune.abc").write_text(text, encoding="utf-8")
        command = [str(program), "tune.abc", "-o", "tune.mid", "-NGRA", "-quiet"]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return b"", [(1, f"the converter abc2midi was not done after {SECONDS} s")]
        said = (done.stdout + done.stderr).decode("utf-8", "replace")
        found = re.findall(r"^Error in line-char (\d+)-\d+ : (.*)$", said, re.MULTILINE)
        faults = [(int(at), why.strip()) for at, why in found]
        made = Path(folder) / "tune.mid"
        if not made.exists():
            last = said.strip().splitlines()[-1:] or [f"it ended with {done.returncode}"]
            faults.append((1, f"the converter abc2midi made nothing of it ({last[0]})"))
        return made.read_bytes() if made.exists() else b"", faults


def _score(data: bytes, converted: bool = False) -> Tune:
    """The tune in a MIDI file, or in what abc2midi made, where more can be told.

    Raises:
        LiminalError: it is damaged, too long, or has no notes.
    """
    import symusic

    try:
        score: Any = symusic.Score.from_midi(data)
    except (RuntimeError, ValueError) as error:
        why = str(error).splitlines()[0].removeprefix("MiniMidi: ").removesuffix(": iostream error")
        raise LiminalError(f"it is damaged or no MIDI file ({why})") from error
    sounding = [track for track in score.tracks if len(track.notes)]
    if not sounding:
        raise LiminalError("it has no notes")
    if all(track.is_drum for track in sounding):
        raise LiminalError("it has only drums")
    count = sum(len(track.notes) for track in sounding)
    quarter = max(1, int(score.ticks_per_quarter))
    end = max(*(int(track.end()) for track in sounding), *(int(m.time) for m in score.markers), 0)
    if count > MOST_NOTES or end / quarter > MOST_QUARTERS:
        raise LiminalError(
            f"it has {count:,} notes in {end / quarter:,.0f} quarter notes of time; wanted at most "
            f"{MOST_NOTES:,} in {MOST_QUARTERS:,}"
        )
    parts = [(track, _notes(track)) for track in sounding if not track.is_drum]
    chords = [converted and track.program == HARMONY for track, _ in parts]
    if all(chords):
        raise LiminalError("it has no notes but those of its chords")
    played = [Part(track.name, notes) for (track, notes), own in zip(parts, chords, strict=True) if not own]
    others = [notes for (_, notes), own in zip(parts, chords, strict=True) if own]
    loud = parts[0][0].notes.numpy()
    return Tune(
        title="",
        number=0,
        quarter=quarter,
        parts=tuple(played),
        harmony=np.concatenate(others) if others else np.empty((0, 3), np.int64),
        meters=_told(score.time_signatures, quarter),
        keys=tuple((int(k.time), _signature(int(k.key), int(k.tonality))) for k in score.key_signatures),
        tempos=tuple((int(t.time), float(t.qpm)) for t in score.tempos),
        bars=loud["time"][(loud["velocity"] == STRONG) & converted].astype(np.int64),
        end=end,
    )


def _told(signatures: Any, quarter: int) -> tuple[tuple[int, Meter], ...]:
    """Where each meter begins; without those that another one replaces at once, or that change nothing."""
    found: list[tuple[int, Meter]] = []
    for told in signatures:
        at, meter = int(told.time), (int(told.numerator), int(told.denominator))
        if min(meter) < 1:
            continue
        if found and at - found[-1][0] < quarter / 8:
            at = found.pop()[0]
        if not found or found[-1][1] != meter:
            found.append((at, meter))
    return tuple(found)


def _notes(track: Any) -> np.ndarray:
    told = track.notes.numpy()
    notes = np.stack([told["time"], told["time"] + told["duration"], told["pitch"]], 1).astype(np.int64)
    return notes[np.lexsort((-notes[:, 2], notes[:, 0]))]


def _signature(sharps: int, minor: int) -> tuple[str, str]:
    """The key of a signature of so many sharps (flats below 0)."""
    return TONICS[(7 * sharps + (9 if minor else 0)) % 12], "minor" if minor else "major"


def _longest(tune: Tune) -> Meter:
    """The meter that most of a tune is in; 4/4 where none is told."""
    told = tune.meters or ((0, (4, 4)),)
    ends = [at for at, _ in told[1:]] + [tune.end]
    return max((end - at, meter) for (at, meter), end in zip(told, ends, strict=True))[1]


def estimated(notes: np.ndarray) -> tuple[str, str]:
    """The key that notes (m, 3) are most likely in: the one whose profile correlates best with how long each
    pitch class sounds.

    Source: Krumhansl 1990, Cognitive foundations of musical pitch (Krumhansl and Schmuckler's algorithm).
    """
    heard = np.bincount(notes[:, 2] % 12, (notes[:, 1] - notes[:, 0]).clip(1), 12)
    fits = {
        (tonic, mode): float(np.corrcoef(np.roll(profile, i), heard)[0, 1]) if heard.std() else 0.0
        for mode, profile in PROFILES.items()
        for i, tonic in enumerate(TONICS)
    }
    return max(fits, key=lambda key: fits[key])


def chord(notes: np.ndarray, start: float, stop: float) -> str | None:
    """The major or minor triad that fits the notes (m, 3) sounding between two ticks, as ``D`` or ``Em``.

    None where fewer than three pitch classes sound.
    """
    time = (notes[:, 1].clip(None, stop) - notes[:, 0].clip(start)).clip(0)
    heard = np.bincount(notes[:, 2] % 12, time, 12)
    if (heard > 0).sum() < 3:
        return None
    fits = {
        tonic + kind: float(heard[[i, (i + third) % 12, (i + 7) % 12]].sum())
        for i, tonic in enumerate(TONICS)
        for kind, third in (("", 4), ("m", 3))
    }
    return max(fits, key=lambda name: fits[name])
