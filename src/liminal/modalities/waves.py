"""Files of sound as samples of one channel at one rate, block by block, and back; and what was done on the
way.

Wave, FLAC, Ogg, MP3 and AIFF files are read by libsndfile; MPEG-4, AAC and Matroska, which are told by their
first bytes, by FFmpeg with exactly that reader, so that no file can point to another one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import files
from ..errors import LiminalError
from . import Source

BLOCK = 1 << 16  # samples of all channels that are read at once
FULL = 0.9999  # of full scale: a row of `ROW` samples at it was clipped
ROW = 4
READERS = {  # of FFmpeg, by the first bytes of a file
    re.compile(rb".{4}ftyp", re.DOTALL): "mp4",
    re.compile(rb"\x1a\x45\xdf\xa3"): "matroska",
    re.compile(rb"\xff[\xf0\xf1\xf8\xf9]"): "aac",
}
# how files begin that libsndfile reads; in any other it looks for MP3, and says at length what it finds
KNOWN = re.compile(rb"RIFF|RIFX|RF64|fLaC|OggS|FORM|caff|\.snd|ID3|\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff]")
SUBTYPES = {".wav": "PCM_16", ".flac": "PCM_16"}


class Wave(NamedTuple):
    """What a file of sound says of itself, and its samples.

    Attributes:
        rate: samples a second.
        channels: how many.
        seconds: its length, as its head tells it.
        blocks: float32 (m, channels), each of at most a second or so.
    """

    rate: int
    channels: int
    seconds: float
    blocks: Iterator[np.ndarray]


@contextmanager
def opened(source: Source, name: str) -> Iterator[Wave]:
    """A file of sound, open for reading.

    Raises:
        LiminalError: it is none, or is damaged where it begins.
    """
    import soundfile

    try:
        head = _head(source)
    except OSError as error:
        raise LiminalError(f"{name}: cannot be read ({error.strerror or error})") from error
    reader = next((reader for mark, reader in READERS.items() if mark.match(head)), None)
    if reader is not None:
        with _other(source, name, reader) as wave:
            yield wave
        return
    if not KNOWN.match(head):
        raise LiminalError(f"{name}: it is no sound that can be read; it begins as none does")
    try:
        file = soundfile.SoundFile(source)
    except (soundfile.SoundFileError, TypeError, ValueError) as error:
        raise LiminalError(f"{name}: it is no sound that can be read{_why(error)}") from error
    with file:
        if not 1000 <= file.samplerate <= 1_000_000:
            raise LiminalError(f"{name}: it says {file.samplerate:,} Hz; wanted 1,000 to 1,000,000")
        seconds = file.frames / file.samplerate
        yield Wave(file.samplerate, file.channels, seconds, _blocks(file, name))


def _head(source: Source) -> bytes:
    if isinstance(source, Path):
        with open(source, "rb") as file:
            return file.read(12)
    source.seek(0)
    head = source.read(12)
    source.seek(0)
    return head


def _why(error: Exception) -> str:
    """What libsndfile says, without the name of the file."""
    said = str(getattr(error, "error_string", "")).strip().rstrip(".")
    return f" ({said})" if said else ""


def _blocks(file: Any, name: str) -> Iterator[np.ndarray]:
    import soundfile

    size = max(1, BLOCK // file.channels)
    while True:
        try:
            block = file.read(size, dtype="float32", always_2d=True)
        except soundfile.SoundFileError as error:
            raise LiminalError(f"{name}: it is damaged{_why(error)}") from error
        if not len(block):
            return
        yield block


@contextmanager
def _other(source: Source, name: str, reader: str) -> Iterator[Wave]:
    """A file that FFmpeg reads."""
    import av

    try:
        with av.open(str(source) if isinstance(source, Path) else source, "r", format=reader) as file:
            if not file.streams.audio:
                raise LiminalError(f"{name}: there is no sound in it")
            stream = file.streams.audio[0]
            seconds = float(file.duration or 0) / av.time_base
            yield Wave(stream.rate, stream.channels, seconds, _decoded(file, stream, name))
    except av.error.FFmpegError as error:
        raise LiminalError(f"{name}: it is no sound that can be read ({error.strerror})") from error


def _decoded(file: Any, stream: Any, name: str) -> Iterator[np.ndarray]:
    import av

    to_floats = av.AudioResampler(format="fltp", layout=stream.layout, rate=stream.rate)
    try:
        for frame in file.decode(stream):
            for part in to_floats.resample(frame):
                yield np.ascontiguousarray(part.to_ndarray().T)
    except av.error.FFmpegError as error:
        raise LiminalError(f"{name}: it is damaged ({error.strerror})") from error


class Samples:
    """The samples of a file, folded to one channel and resampled, at constant memory.

    Args:
        wave: an open file.
        rate: samples a second that are wanted.
        name: what errors call the file.

    Attributes:
        clipped: whether a row of samples stood at full scale, as far as was read.
        loud: whether samples lay beyond full scale, as far as was read.
    """

    def __init__(self, wave: Wave, rate: int, name: str) -> None:
        self.wave, self.rate, self.name = wave, rate, name
        self.clipped = self.loud = False

    def __iter__(self) -> Iterator[np.ndarray]:
        import soxr

        own = self.wave.rate
        change = None if own == self.rate else soxr.ResampleStream(own, self.rate, 1, dtype="float32")
        count = 0
        for block in self.wave.blocks:
            if not np.isfinite(block).all():
                at = (count + int(np.argmin(np.isfinite(block).all(1)))) / own
                raise LiminalError(f"{self.name}: it holds NaN or infinity at {at:.3f} s; wanted numbers")
            count += len(block)
            self._look(block)
            mono = block.mean(1) if block.shape[1] > 1 else block[:, 0]
            yield mono if change is None else change.resample_chunk(np.ascontiguousarray(mono))
        if change is not None:
            yield change.resample_chunk(np.zeros(0, np.float32), last=True)

    def _look(self, block: np.ndarray) -> None:
        size = np.abs(block)
        self.loud |= bool((size > 1.001).any())
        if not self.clipped and (size >= FULL).any():
            full = (size >= FULL).cumsum(0)
            self.clipped = bool((full[ROW:] - full[:-ROW] == ROW).any())

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was done, each to complete "some items were ..."."""
        said = []
        if self.wave.channels > 1:
            said.append(f"folded from {self.wave.channels} channels to one")
        if self.wave.rate != self.rate:
            said.append(f"resampled from {self.wave.rate:,} to {self.rate:,} Hz")
        if self.loud:
            said.append("louder than full scale, and cut there")
        elif self.clipped:
            said.append("clipped when they were recorded")
        return tuple(said)


def write(samples: np.ndarray, rate: int, path: Path) -> None:
    """Samples in [-1, 1] as a file of 16 bits that ends in .wav or .flac, whole or not at all."""
    import soundfile

    ending = path.suffix.lower()
    if ending not in SUBTYPES:
        raise LiminalError(f"cannot write a sound to {path}: wanted an ending of {', '.join(SUBTYPES)}")
    with files.atomic(path) as part:
        try:
            soundfile.write(part, np.clip(samples, -1, 1), rate, SUBTYPES[ending])
        except soundfile.SoundFileError as error:
            raise LiminalError(f"could not write {path}{_why(error)}; nothing was changed there") from error


def joined(blocks: Iterable[np.ndarray]) -> np.ndarray:
    """Blocks as one."""
    return np.concatenate([np.zeros(0, np.float32), *blocks])
