"""Sounds: one-shots of some length, or longer ones as windows that follow each other, from files of any rate.

A stored item is the spectrogram of `phase`, uint8 (bands, frames): 0 stands for 80 dB below full scale or
less, 255 for full scale. x and y are the same / 255, float32 (1, bands, frames) in [0, 1]. What is heard of
an item is always what the spectrogram keeps: its phases are found again.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import PIL.Image

from ..errors import LiminalError, unknown
from . import Modality, Option, Read, Record, Score, Source
from .phase import LEVELS, SPAN, centres, hop_of, spectrogram, waveform
from .waves import Samples, joined, opened, write

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from .likelihoods import Gaussian
    from .timbre import Pitch

STEP = 16  # bands and frames are multiples of it
BANDS, FRAMES = (16, 128), (16, 256)
HERTZ = (2000, 96_000)
MOST = 22_050  # Hz that are taken without being asked for
SHORT = 2.0  # seconds that a one-shot lasts at most, where nothing is said
WINDOW = 1.0  # seconds of a window, where most sounds are longer
COVERED = 0.98  # share of the one-shots that an item holds whole
SAMPLE = 2000  # files that are looked at, spread over all
QUIET = 10 ** (-50 / 20)  # of the peak: what is below it before and after a sound is silence
GAIN, SHIFT = 6.0, 2  # dB and frames that sounds are varied by in training
TONAL = 0.25  # how well a pitch must fit to be told (noise .06, steady tones .4 to .7)
AHEAD = 10.0  # seconds of silence beside a one-shot, at most
PART = re.compile(r"(seconds|below|above):(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))?")
OVER = 1.5  # items: a sound that is longer is no one-shot


class Audio(Modality):
    """Sounds of one rate and one length.

    Args:
        hertz: samples a second, 2,000 to 96,000.
        seconds: of an item; it becomes 16, 32, ... 256 frames, whichever first hold it.
        bands: of the spectrogram, 16, 32, ... 128.

    Reading: channels are folded to one (their mean), other rates resampled. A sound that fits, silence of up
    to 10 s beside it left out, is a one-shot: it begins with its onset, or with up to a frame of what comes
    before, and what is missing at the end is silence. One that is up to half as long again is cut. A
    longer one becomes windows, one after the other from its beginning, the last one filled with silence; of
    each, `start` is known, in seconds.

    Raises:
        LiminalError: an argument is out of range.
    """

    name = "audio"
    noun, plural = "sound", "sounds"
    reads = frozenset(
        {".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac", ".mka", ".aif", ".aiff", ".caf"}
    )
    writes = films = gathers = (".wav", ".flac")
    options = (
        Option("hertz", int, "N", "Samples a second of sounds; default: the files', at most 22,050."),
        Option("seconds", float, "S", "Of a sound; default: most one-shots whole, or windows of 1 s."),
        Option("bands", int, "N", "Bands of the spectrogram, 16 to 128; default: 64."),
    )
    scores = {  # noqa: RUF012
        "lsd": Score("dB", "lower", "log-spectral distance: how far levels are off, silence as -80 dB"),
        "mse": Score("", "lower", "mean squared error of the levels, of which 1 is 80 dB"),
    }
    steps: ClassVar[dict[str, tuple[str, str]]] = {
        "loudness": ("louder", "softer"),
        "pitch": ("higher", "lower"),
        "centroid": ("brighter", "darker"),
        "noisiness": ("noisier", "purer"),
        "attack": ("slower attack", "faster attack"),
        "length": ("longer", "shorter"),
    }
    network = "conv"
    item_dtype: ClassVar[np.dtype] = np.dtype(np.uint8)

    def __init__(self, hertz: int = 16_000, seconds: float = WINDOW, bands: int = 64) -> None:
        if not HERTZ[0] <= hertz <= HERTZ[1]:
            raise LiminalError(f"hertz {hertz}: wanted {HERTZ[0]:,} to {HERTZ[1]:,} samples a second")
        if bands % STEP or not BANDS[0] <= bands <= BANDS[1]:
            raise LiminalError(f"bands {bands}: wanted {BANDS[0]}, {BANDS[0] + STEP}, ... {BANDS[1]}")
        self.hertz, self.bands, self.hop = int(hertz), int(bands), hop_of(hertz)
        most = FRAMES[1] * self.hop / hertz
        if not 0 < seconds <= most + 1e-6:
            raise LiminalError(
                f"seconds {seconds:g}: wanted up to {most:.3f} at {hertz:,} Hz; longer sounds become windows"
            )
        self.frames = STEP * max(1, int(np.ceil(seconds * hertz / self.hop / STEP - 1e-6)))
        self.seconds = self.frames * self.hop / hertz
        self.item_shape = (self.bands, self.frames)

    def __repr__(self) -> str:
        return f"Audio({self.hertz}, {self.seconds:g}, {self.bands})"

    @classmethod
    def infer(
        cls,
        sources: Sequence[Source],
        *,
        hertz: int | None = None,
        seconds: float | None = None,
        bands: int = 64,
        **options: Any,
    ) -> Audio:
        """The modality that suits these sounds, from the heads of up to 2,000 of them.

        Args:
            sources: files of sound.
            hertz: None takes the commonest of the files', at most 22,050.
            seconds: None takes what holds 98 % of the files where most last at most 2 s, and at most 2 s;
                else 1 s.
            bands: see the class.

        Raises:
            LiminalError: no file can be read, or an option is unknown or out of range.
        """
        if options:
            raise unknown("option of sounds", min(options), [option.name for option in cls.options])
        if hertz is None or seconds is None:
            rates, lengths = _survey(sources)
            hertz = hertz or max(HERTZ[0], min(MOST, Counter(rates).most_common(1)[0][0]))
            if seconds is None:
                held = float(np.quantile(lengths, COVERED))
                seconds = min(held, SHORT) if np.median(lengths) <= SHORT else WINDOW
                seconds = max(seconds, 1e-3)
        return cls(hertz, seconds, bands)

    def config(self) -> dict[str, Any]:
        return {"hertz": self.hertz, "seconds": self.seconds, "bands": self.bands}

    @property
    def told(self) -> tuple[str, ...]:
        return (
            f"sounds of {self.seconds:.3g} s at {self.hertz:,} Hz in {self.bands} bands and {self.frames} "
            "frames; longer ones become windows (--seconds, --hertz and --bands change it)",
        )

    # -- files

    def records(self, source: Source, name: str) -> Iterator[Record]:
        with opened(source, name) as wave:
            samples = Samples(wave, self.hertz, name)
            blocks, held, count = iter(samples), [], 0
            limit = int(OVER * self.frames * self.hop + AHEAD * self.hertz)
            for block in blocks:
                held.append(block)
                count += len(block)
                if count > limit:
                    break
            whole = joined(held)
            if count <= limit:
                one = self._one(whole)
                if one is not None:
                    item, cut = one
                    if not item.any():
                        yield Record(None, ("it is silent",))
                        return
                    yield Record(item, (*samples.remarks, *cut))
                    return
            yield from self._windows(whole, blocks, samples, name)

    def _one(self, whole: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]] | None:
        """A one-shot, and a remark if it was cut; None where it is longer."""
        room = self.frames * self.hop
        loud = np.flatnonzero(np.abs(whole) > QUIET * np.abs(whole).max(initial=0))
        if not len(loud):
            return np.zeros(self.item_shape, np.uint8), ()
        first = max(int(loud[0]) - self.hop, 0)
        length = int(loud[-1]) + 1 - first
        if length > OVER * room:
            return None
        shot = whole[first:][: room + 4 * self.hop]
        shot = np.pad(shot, (0, room + 4 * self.hop - len(shot)))
        item = np.concatenate([*spectrogram([shot], self.hertz, self.bands)], 1)[:, : self.frames]
        return item, ((f"cut to {self.seconds:.3g} s",) if length > room else ())

    def _windows(
        self, begun: np.ndarray, rest: Iterator[np.ndarray], samples: Samples, name: str
    ) -> Iterator[Record]:
        """The windows of a long sound, of which the first samples were read."""
        held, number = np.zeros((self.bands, 0), np.uint8), 0
        parts = spectrogram(_chained(begun, rest), self.hertz, self.bands)
        for part in _ended(parts, self.frames):
            held = np.concatenate([held, part], 1)
            while held.shape[1] >= self.frames:
                item, held = np.ascontiguousarray(held[:, : self.frames]), held[:, self.frames :]
                start = number * self.seconds
                if item.any():
                    yield Record(item, samples.remarks, number, {"start": round(start, 3)}, name)
                else:
                    yield Record(None, ("it is silent",), number, {}, name)
                number += 1

    def write(self, item: np.ndarray, path: Path) -> None:
        self.film(item[None], path, 1)

    def write_many(self, items: np.ndarray, path: Path) -> None:
        """Sounds one after the other, which come back as windows."""
        if path.suffix.lower() not in self.gathers:
            super().write_many(items, path)
        self.film(items, path, 1)

    def film(self, items: np.ndarray, path: Path, fps: float) -> None:
        """A path as one sound: its items one after the other, each in its own time; `fps` counts for pictures
        only."""
        samples, rate = self.sound(items)
        write(samples, rate, path)

    def sound(self, items: np.ndarray) -> tuple[np.ndarray, int]:
        """Items one after the other as one sound without seams: float32 (n * frames * hop,) in [-1, 1], and
        samples a second."""
        levels = np.concatenate([*self._checked(items)], axis=1)
        return waveform(levels, self.hertz), self.hertz

    def _checked(self, items: np.ndarray) -> np.ndarray:
        if tuple(items.shape[1:]) != self.item_shape or items.dtype != np.uint8:
            raise LiminalError(
                f"sounds: wanted uint8 items of shape (n, {self.bands}, {self.frames}), got {items.dtype} "
                f"{items.shape}"
            )
        return items

    def pack(self, item: np.ndarray) -> bytes:
        """Lossless WebP of the spectrogram as a grey picture."""
        data = io.BytesIO()
        levels = np.ascontiguousarray(self._checked(item[None])[0])
        PIL.Image.fromarray(levels).save(data, "WEBP", lossless=True, exact=True, quality=30, method=2)
        return data.getvalue()

    def unpack(self, data: bytes) -> np.ndarray:
        try:
            with PIL.Image.open(io.BytesIO(data), formats=("WEBP",)) as im:
                item = np.array(im.convert("L"))
        except OSError as error:
            raise LiminalError("sound in the catalogue: it is damaged; copy the space again") from error
        return self._checked(item[None])[0]

    # -- tensors

    @cached_property
    def likelihood(self) -> Gaussian:
        from .likelihoods import Gaussian

        return Gaussian((1, *self.item_shape))

    def tensor(self, items: np.ndarray) -> Tensor:
        import torch

        return torch.from_numpy(self._checked(np.asarray(items))[:, None] / np.float32(LEVELS))

    def items(self, y: Tensor) -> np.ndarray:
        import torch

        if tuple(y.shape[1:]) != self.soft_shape:
            wanted = ", ".join(map(str, self.soft_shape))
            raise LiminalError(f"sounds: wanted tensors of shape (n, {wanted}), got {tuple(y.shape)}")
        y = y.detach().to("cpu", torch.float32)
        if bool(y.isnan().any()):
            raise LiminalError("sounds: the tensor holds NaN; wanted levels in [0, 1]")
        return (y[:, 0].clamp(0, 1) * LEVELS).round().to(torch.uint8).numpy()

    @property
    def parts(self) -> dict[str, str]:
        half = f"{self.seconds / 2:.3g}"
        return {
            f"seconds:0-{half}": "a stretch of time",
            "below:1000": "all that is lower, in Hz",
            "above:1000": "all that is higher, in Hz",
        }

    def part(self, items: np.ndarray, name: str) -> tuple[np.ndarray, Tensor]:
        """Frames or bands by their middles: ``seconds:0-0.3``, ``below:1000``, ``above:1000``."""
        import torch

        told = PART.fullmatch(name.strip())
        if told is None or bool(told[3]) != (told[1] == "seconds"):
            raise unknown("part of sounds", name, self.parts)
        low, high = float(told[2]), float(told[3] or "inf")
        known = np.zeros(self.item_shape, dtype=bool)
        if told[1] == "seconds":
            at = (np.arange(self.frames) + 0.5) * self.hop / self.hertz
            known[:, (at >= low) & (at <= high)] = True
        else:
            middle = centres(self.hertz, self.bands)
            known[middle < low if told[1] == "below" else middle >= low] = True
        if not known.any():
            raise LiminalError(
                f"{name}: it lies outside; sounds of this space last {self.seconds:.3g} s and reach "
                f"{self.hertz // 2:,} Hz"
            )
        return items, torch.from_numpy(~known).expand(len(items), 1, -1, -1)

    @property
    def measure(self) -> tuple[str, float]:
        return "seconds", self.seconds

    # -- eyes

    def errors(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """The log-spectral distance: the root of the mean square over the bands of the difference of levels
        in dB, from -80 dB on, which silence has; mean over the frames. And the mean squared error.
        """
        from .likelihoods import mse

        y = y.clamp(0, 1)
        off = (x.to(y).double() - y.double()).square().mean(2).sqrt()
        return {"lsd": SPAN * off.flatten(1).mean(1), "mse": mse(x.to(y), y)}

    def augment(self, y: Tensor, draw: torch.Generator) -> Tensor:
        """Blur and noise of a strength drawn for each: decoders give soft spectrograms."""
        from .similarity import softened

        return softened(y, draw)

    def varied(self, x: Tensor, draw: torch.Generator) -> Tensor:
        """Each sound up to 6 dB louder or softer, and up to 2 frames later or earlier."""
        from .timbre import moved

        return moved(x, draw, GAIN, SHIFT)

    def mixed(self, a: Tensor, b: Tensor) -> Tensor:
        """The two at once, each at half its amplitude."""
        from .timbre import together

        return together(a, b)

    @cached_property
    def features(self) -> Callable[[Tensor], Tensor]:
        """The shape of the spectrum, and how it moves."""
        from .timbre import heard

        return heard

    @cached_property
    def readings(self) -> Read:
        from . import timbre

        return lambda y: timbre.readings(y, self.hertz, self._pitch)

    @cached_property
    def _pitch(self) -> Pitch:
        from .timbre import Pitch

        return Pitch(self.hertz, self.bands)

    # -- hands

    def preview(self, item: np.ndarray, size: int) -> PIL.Image.Image:
        """The spectrogram: low bands below, time to the right, loud dark."""
        from .sonogram import draw

        return draw(self._checked(item[None])[0], size)

    def caption(self, item: np.ndarray) -> str:
        """``A4, 0.43 s``: its pitch, where it has one, and its length."""
        from .timbre import powers, told

        y = self.soft(item[None])
        semitones, fit = (float(value[0]) for value in self._pitch(powers(y)))
        pitch = f"{told(semitones)}, " if fit > TONAL else ""
        return f"{pitch}{float(self.readings(y)['length'][0]):.2f} s"


def _survey(sources: Sequence[Source]) -> tuple[list[int], list[float]]:
    """Rates, in Hz, and lengths, in s, of those files that can be read.

    Raises:
        LiminalError: none can.
    """
    rates, lengths, first = [], [], None
    for i in np.unique(np.linspace(0, len(sources) - 1, min(len(sources), SAMPLE)).astype(int)):
        try:
            source = sources[int(i)]
            with opened(source, source.name if isinstance(source, Path) else f"file {i}") as wave:
                rates.append(wave.rate)
                lengths.append(wave.seconds)
        except LiminalError as error:
            first = first or error  # who reads it says so
    if not rates:
        raise LiminalError(f"sounds: none of these files can be read; {first or 'there is none'}")
    return rates, lengths


def _chained(begun: np.ndarray, rest: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    yield begun
    yield from rest


def _ended(parts: Iterator[np.ndarray], frames: int) -> Iterator[np.ndarray]:
    """Parts of a spectrogram, silence after them to whole windows."""
    count = 0
    for part in parts:
        count += part.shape[1]
        yield part
        bands = len(part)
    if count % frames:
        yield np.zeros((bands, frames - count % frames), np.uint8)
