"""Melodies, and harmonies of up to four voices: windows of whole bars, from MIDI, ABC and JSON files.

A stored item is uint8 (voices, steps), the symbols of `windows`: what was before goes on, silence begins, or
a pitch begins. x is the same as int64, y the probability of each symbol, (90, voices, steps). An item has no
tempo and no loudness; it sounds at 120 quarter notes a minute.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .. import files
from ..errors import LiminalError, unknown
from . import Modality, Option, Read, Record, Score, Source, pitches
from .chorales import LOOK, is_chorales
from .tunes import Tune, chord, commonest, compound, content, estimated, same, tunes
from .windows import FIRST, HOLD, REST, SYMBOLS, Window, settled, silent, windows

if TYPE_CHECKING:
    import torch
    from PIL import Image as PIL
    from torch import Tensor

    from .likelihoods import Categorical

MOST = {"bars": 16, "grid": 24, "voices": 4}
TEMPO = 120  # quarter notes a minute
TICKS = 120  # of a step, in files that are written
DOWN, UP = 5, 6  # semitones that a melody is moved by in training, at most
NOISE = 0.03  # share of symbols that are another item's, for networks that shall read decoded melodies
TOLD = 10  # notes that a caption names


class Melody(Modality):
    """Melodies of some whole bars in one meter.

    Args:
        bars: of an item, 1 to 16.
        grid: steps a beat (a quarter note), 1 to 24: 4 for sixteenths, 3 for triplets, 12 for both.
        voices: 1 to 4, the top one first.
        meter: upper and lower number, such as (4, 4).

    Reading: tunes in another meter are left out; 2/2 counts as 4/4. Windows follow each other from the first
    whole bar, without the upbeat; a note held into a window begins anew in it. Known of each are `tune`,
    `tonic` and `mode` (as the file tells them, else by the profiles of Krumhansl and Schmuckler), `tempo`
    where it is told, `bar`, the number of its first bar, and `chord`, that which sounds in the first half of
    it by the file's chord symbols or its other tracks.

    Raises:
        LiminalError: an argument is out of range, or a bar is no whole number of steps.
    """

    name = "melody"
    noun, plural = "melody", "melodies"
    reads = frozenset({".mid", ".midi", ".abc", ".json"})
    writes = films = (".mid", ".wav")
    gathers = (".mid",)
    literal = "melody"
    options = (
        Option("bars", int, "N", "Bars of a melody, 1 to 16; default: 2."),
        Option("grid", int, "N", "Steps a quarter note: 4 (default), 3 for triplets, 12 for both."),
        Option("voices", int, "N", "Voices of a harmony, 1 to 4; default: 1."),
        Option("meter", str, "N/N", "Of the tunes that are read; default: the commonest."),
    )
    scores = {  # noqa: RUF012
        "wrong": Score("", "lower", "share of the steps that are not restored"),
        "f1": Score("", "higher", "F1 of the notes: those that begin at their step with their pitch"),
        "nats": Score("nats", "lower", "how surprised the decoder is by each true step; 0 is certain"),
    }
    steps: ClassVar[dict[str, tuple[str, str]]] = {
        "density": ("more notes", "fewer notes"),
        "interval": ("larger leaps", "smaller steps"),
        "range": ("wider", "narrower"),
        "syncopation": ("more syncopated", "more on the beat"),
        "in_key": ("more in one key", "more chromatic"),
        "contour": ("rising", "falling"),
        "repetition": ("more repetition", "less repetition"),
        "held": ("longer notes", "shorter notes"),
        "rest": ("more silence", "less silence"),
    }
    network = "sequence"
    item_dtype: ClassVar[np.dtype] = np.dtype(np.uint8)

    def __init__(self, bars: int = 2, grid: int = 4, voices: int = 1, meter: Sequence[int] = (4, 4)) -> None:
        for name, value in (("bars", bars), ("grid", grid), ("voices", voices)):
            if not 1 <= value <= MOST[name]:
                raise LiminalError(f"{name} {value}: wanted 1 to {MOST[name]}")
        upper, lower = (int(part) for part in meter)
        if not 1 <= upper <= 32 or lower not in (1, 2, 4, 8, 16, 32):
            raise LiminalError(f"meter {upper}/{lower}: wanted one such as 4/4, 3/4 or 6/8")
        if 4 * grid * upper % lower:
            raise LiminalError(
                f"meter {upper}/{lower} on a grid of {grid} steps a quarter note: a bar is not whole in "
                "steps; wanted another --grid, such as 4 or 12"
            )
        self.bars, self.grid, self.voices, self.meter = bars, grid, voices, (upper, lower)
        self.bar = 4 * grid * upper // lower  # steps
        self.item_shape = (voices, bars * self.bar)

    def __repr__(self) -> str:
        return f"Melody({self.bars}, {self.grid}, {self.voices}, {self.meter})"

    @classmethod
    def infer(
        cls,
        sources: Sequence[Source],
        *,
        bars: int = 2,
        grid: int = 4,
        voices: int = 1,
        meter: str | Sequence[int] | None = None,
        **options: Any,
    ) -> Melody:
        """The modality of these tunes.

        Args:
            sources: MIDI, ABC or JSON files.
            bars, grid, voices: as the class takes them.
            meter: ``"6/8"`` or a pair; None takes the one that most of the tunes are in.

        Raises:
            LiminalError: there is no tune in the files, or an option is unknown or out of range.
        """
        if options:
            raise unknown("option of melodies", min(options), [option.name for option in cls.options])
        if isinstance(meter, str):
            told = re.fullmatch(r"(\d{1,2})/(\d{1,2})", meter.strip())
            if told is None:
                raise LiminalError(f"meter {meter!r}: wanted one such as 4/4, 3/4 or 6/8")
            meter = (int(told[1]), int(told[2]))
        return cls(bars, grid, voices, meter or commonest(sources))

    @classmethod
    def holds(cls, file: Path) -> bool:
        if file.suffix.lower() != ".json":
            return True
        try:
            with open(file, "rb") as opened:
                return is_chorales(opened.read(LOOK))
        except OSError:
            return False

    def config(self) -> dict[str, Any]:
        return {"bars": self.bars, "grid": self.grid, "voices": self.voices, "meter": list(self.meter)}

    @property
    def told(self) -> tuple[str, ...]:
        bars = f"{self.bars} bar{'s' if self.bars > 1 else ''}"
        voices = f", {self.voices} voices" if self.voices > 1 else ""
        return (
            f"melodies of {bars} in {self.meter[0]}/{self.meter[1]}, {self.bar} steps a bar{voices}; tunes "
            "in other meters are left out (--meter takes another)",
        )

    # -- files

    def records(self, source: Source, name: str) -> Iterator[Record]:
        return _numbered(self._records(content(source, name), name))

    def _records(self, data: bytes, name: str) -> Iterator[Record]:
        for tune in tunes(data, name):
            if isinstance(tune, str):
                yield Record(None, (tune,))
                continue
            own = [meter for _, meter in tune.meters] or [self.meter]
            like = next((meter for meter in own if same(meter, self.meter)), None)
            if like is None:
                yield Record(
                    None, (f"it is in {own[0][0]}/{own[0][1]}; wanted {self.meter[0]}/{self.meter[1]}",)
                )
                continue
            found = list(windows(tune, like, self.bars, self.bar, self.voices))
            if not found:
                yield Record(None, ("it is shorter than a bar",))
            said = tune.remarks
            if not tune.meters:
                said = (*said, f"read in {like[0]}/{like[1]}, as no meter is told")
            if len({tempo for _, tempo in tune.tempos}) > 1:
                said = (*said, "read without the changes of tempo")
            for window in found:
                if silent(window.symbols):
                    yield Record(None, ("it is silent",))
                    continue
                known = self._known(tune, window)
                yield Record(window.symbols, (*said, *window.remarks), None, known, f"{name}#{tune.number}")

    def _known(self, tune: Tune, window: Window) -> dict[str, Any]:
        every = np.concatenate([part.notes for part in tune.parts])
        tonic, mode = _at(tune.keys, window.start) or estimated(every)
        known: dict[str, Any] = {"tonic": tonic, "mode": mode, "bar": float(window.bar)}
        if tune.title:
            known["tune"] = tune.title
        if tune.split:
            known["split"] = tune.split
        if tempo := _at(tune.tempos, window.start):
            known["tempo"] = round(tempo, 2)
        others = tune.harmony if len(tune.harmony) else every if len(tune.parts) > 1 else every[:0]
        half = tune.quarter * self.bar / self.grid / 2
        if len(others) and (name := chord(others, window.start, window.start + half)):
            known["chord"] = name
        return known

    def parse(self, arguments: dict[str, str] | str) -> np.ndarray:
        """``melody('C4 - E4 . G4')``: a step each, a pitch that begins, ``-`` what was before goes on, ``.``
        silence.

        ``|`` says nothing, ``/`` begins the next voice; what is not written is silence.
        """
        if not isinstance(arguments, str):
            raise LiminalError("melody: wanted steps in quotes, such as melody('C4 - E4 - G4 - - -')")
        rows = arguments.split("/")
        if len(rows) > self.voices:
            raise LiminalError(f"melody: it has {len(rows)} voices; wanted {self.voices} at most")
        item = np.full(self.item_shape, REST, np.uint8)
        for row, text in zip(item, rows, strict=False):
            words = text.replace("|", " ").split()
            if len(words) > len(row):
                raise LiminalError(f"melody: it has {len(words)} steps; wanted {len(row)} at most")
            row[: len(words)] = [pitches.symbol(word) for word in words]
        if silent(item):
            raise LiminalError("melody: it is silent; wanted a pitch such as C4")
        return settled(item)

    def write(self, item: np.ndarray, path: Path) -> None:
        self._write(self._checked(item[None])[0], path)

    def write_many(self, items: np.ndarray, path: Path) -> None:
        """Melodies one after the other, which come back as those windows."""
        if path.suffix.lower() not in self.gathers:
            super().write_many(items, path)
        self.film(items, path, 1)

    def film(self, items: np.ndarray, path: Path, fps: float) -> None:
        """A path as music: its items one after the other, each in its own time; `fps` counts for pictures
        only."""
        self._write(np.concatenate([*self._checked(items)], axis=1), path)

    def sound(self, items: np.ndarray) -> tuple[np.ndarray, int]:
        from .scores import sound

        return sound(np.concatenate([*self._checked(items)], axis=1), 60 / TEMPO / self.grid)

    def _write(self, rows: np.ndarray, path: Path) -> None:
        from .scores import midi, wav

        ending = path.suffix.lower()
        if ending not in self.writes:
            raise LiminalError(
                f"cannot write a melody to {path}: wanted an ending of {', '.join(self.writes)}"
            )
        if ending == ".wav":
            wav(rows, 60 / TEMPO / self.grid, path)
        else:
            files.atomic_bytes(path, midi(rows, self.meter, self.grid, TICKS, TEMPO))

    def _checked(self, items: np.ndarray) -> np.ndarray:
        if tuple(items.shape[1:]) != self.item_shape:
            raise LiminalError(
                f"melodies: wanted items of shape (n, {self.voices}, {self.item_shape[1]}), got {items.shape}"
            )
        return items

    def pack(self, item: np.ndarray) -> bytes:
        """Each symbol a byte, and 88 + n for n holds in a row; of more than 64 bytes, deflated if shorter."""
        data = re.sub(rb"\x00{2,167}", lambda m: bytes([88 + len(m[0])]), item.tobytes())
        small = zlib.compress(data, 9) if len(data) > 64 else data
        return b"\x01" + small if len(small) < len(data) else b"\x00" + data

    def unpack(self, data: bytes) -> np.ndarray:
        size = int(np.prod(self.item_shape))
        try:
            known = zlib.decompress(data[1:]) if data[:1] == b"\x01" else data[1:]
        except zlib.error:
            known = b""
        found = b"".join(bytes([b]) if b < SYMBOLS else bytes(b - 88) for b in known)
        if len(found) != size:
            raise LiminalError(
                f"melody in the catalogue: wanted {size} steps, got {len(found)}; copy the space again"
            )
        return np.frombuffer(found, np.uint8).reshape(self.item_shape).copy()

    def bits(self, items: np.ndarray) -> float:
        """A step is one of 90 symbols."""
        return float(np.log2(SYMBOLS) * np.prod(self.item_shape))

    # -- tensors

    @cached_property
    def likelihood(self) -> Categorical:
        from .likelihoods import Categorical

        return Categorical(self.item_shape, SYMBOLS)

    def tensor(self, items: np.ndarray) -> Tensor:
        import torch

        return torch.from_numpy(self._checked(np.asarray(items)).astype(np.int64))

    def items(self, y: Tensor) -> np.ndarray:
        if tuple(y.shape[1:]) != self.soft_shape:
            raise LiminalError(
                f"melodies: wanted tensors of shape (n, {', '.join(map(str, self.soft_shape))}), got "
                f"{tuple(y.shape)}"
            )
        y = y.detach().cpu()
        if bool(y.isnan().any()):
            raise LiminalError("melodies: the tensor holds NaN; wanted probabilities")
        found = y.argmax(1).numpy().astype(np.uint8)
        found[..., 0] = 1 + y[:, HOLD + 1 :, :, 0].argmax(1).numpy()  # before the first step there is nothing
        return settled(found)

    def harden(self, y: Tensor) -> Tensor:
        return self.soft(self.items(y)).to(y)

    @property
    def parts(self) -> dict[str, str]:
        counts = {"voice": self.voices, "bar": self.bars}
        return {
            f"{word}:{i + 1}": f"{word} {i + 1}; {word}s:1-2 are two"
            for word, count in counts.items()
            for i in range(min(count, 4) if count > 1 else 0)
        } | {
            "rhythm": "where notes begin, last and pause",
            "over:Am F C G": "notes of these chords on the beats, a chord a bar",
        }

    def part(self, items: np.ndarray, name: str) -> tuple[np.ndarray, Tensor]:
        """See `passages.open_symbols`."""
        import torch

        from .passages import open_symbols

        beats = self.meter[0] // 3 if compound(self.meter) else self.meter[0]
        items, gone = open_symbols(self._checked(items), name, self.bars, self.bar, max(1, self.bar // beats))
        return items, torch.from_numpy(gone)

    @property
    def measure(self) -> tuple[str, float]:
        return "bars", float(self.bars)

    def varied(self, x: Tensor, draw: torch.Generator) -> Tensor:
        """Each melody moved by -5 to 6 semitones, as far as the range of a piano lets it."""
        import torch

        by = torch.randint(-DOWN, UP + 1, (len(x), 1, 1), generator=draw)
        begun = x >= FIRST
        low = torch.where(begun, x, SYMBOLS).amin((1, 2), keepdim=True)
        high = torch.where(begun, x, FIRST).amax((1, 2), keepdim=True)
        by = by.to(x.device).clamp(max=SYMBOLS - 1 - high).maximum(FIRST - low)
        return torch.where(begun, x + by, x)

    # -- eyes

    def errors(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """The share of wrong steps, the F1 of notes by step and pitch, and nats a step."""
        told = self.likelihood.errors(x, y)
        x, found = x.to(y.device), y.argmax(1)
        both = ((x == found) & (x >= FIRST)).flatten(1).sum(1).double()
        count = ((x >= FIRST).flatten(1).sum(1) + (found >= FIRST).flatten(1).sum(1)).double()
        f1 = (2 * both / count.clamp_min(1)).masked_fill(count == 0, 1.0)
        return {"wrong": told["wrong"], "f1": f1, "nats": told["nats"]}

    def augment(self, y: Tensor, draw: torch.Generator) -> Tensor:
        """A few steps as another melody of the batch has them."""
        import torch

        other = y[torch.randperm(len(y), generator=draw).to(y.device)]
        taken = torch.rand(len(y), 1, *self.shape, generator=draw).to(y.device) < NOISE
        return torch.where(taken, other, y)

    @cached_property
    def features(self) -> Callable[[Tensor], Tensor]:
        """Where notes begin, and which pitch classes sound, how high, in each beat."""
        from .hearing import heard

        return lambda y: heard(y, self.item_shape[1] // self.grid)

    @cached_property
    def readings(self) -> Read:
        from . import hearing

        return lambda y: hearing.readings(y, self.meter, self.bar, self.bars)

    def trivial(self, items: np.ndarray, n: int, seed: int) -> tuple[str, np.ndarray]:
        """A Markov chain of the first order with a table for each place: a step follows one that stood before
        it."""
        draw, items = np.random.default_rng(seed), np.asarray(items)
        made = np.empty((n, *self.item_shape), np.uint8)
        for v in range(self.voices):
            made[:, v, 0] = draw.choice(items[:, v, 0], n)
            for t in range(1, self.item_shape[1]):
                for symbol in np.unique(made[:, v, t - 1]):
                    at = made[:, v, t - 1] == symbol
                    follows = items[items[:, v, t - 1] == symbol, v, t]
                    made[at, v, t] = draw.choice(follows, int(at.sum()))
        return "Markov chain of steps", settled(made)

    # -- hands

    @property
    def side(self) -> int:
        return max(256, 2 * self.item_shape[1])

    def preview(self, item: np.ndarray, size: int) -> PIL.Image:
        """A piano roll; of several voices each in its colour."""
        from .roll import draw

        return draw(self._checked(item[None])[0], self.bars, max(1, self.bar // self.grid), size)

    def caption(self, item: np.ndarray) -> str:
        """The first notes of the top voice."""
        names = [pitches.pitch_name(int(symbol)) for symbol in item[0] if symbol >= FIRST]
        return " ".join(names[:TOLD]) + (" ..." if len(names) > TOLD else "")


def _at(told: Sequence[tuple[int, Any]], tick: float) -> Any:
    """What holds at a tick; None before the first."""
    return next((value for at, value in reversed(told) if at <= tick + 1), None)


def _numbered(records: Iterator[Record]) -> Iterator[Record]:
    """Records with their numbers, where there are several."""
    before, count = None, 0
    for record in records:
        if before is not None:
            yield before._replace(entry=count)
            count += 1
        before = record
    if before is not None:
        yield before._replace(entry=count if count else None)
