r"""Sounds of half a second, drawn by code: every one is told by seven factors, and tells them.

With time t in s and a pitch f = 440 2^((pitch - 69) / 12) Hz that swings by `vibrato` semitones six times a
second:

- ``pitch``: 48 to 72 semitones, C3 to C5;
- ``brightness``: the k-th harmonic is k^-s as strong as the first, s = 3 (dark, 0) to 0.5 (bright, 1);
- ``odd``: how much of the even harmonics is missing, 0 (a saw) to 1 (a clarinet);
- ``attack``: 0.005 to 0.15 s, in which it rises in a straight line;
- ``decay``: 4 to 30 dB that it falls a tenth of a second, after that;
- ``noise``: how much of it there is, -30 to 0 dB from the tone; it falls with the frequency as harmonics of
  250 Hz do;
- ``vibrato``: 0 to 1 semitone.

The factors are drawn independently and evenly, attack in its logarithm. The loudest moment is -6 dB of full
scale in power for all, so that no factor tells another one's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa

from ..errors import LiminalError
from ..modalities.audio import Audio
from ..modalities.phase import spectrogram
from . import Dataset
from .drawn import Numbered, Progress, cached, provenance

VERSION = 1  # of the drawing: raise it when it changes
RATE, SECONDS, BANDS = 8000, 0.512, 64
FACTORS = {
    "pitch": (48.0, 72.0),
    "brightness": (0.0, 1.0),
    "odd": (0.0, 1.0),
    "attack": (0.005, 0.15),
    "decay": (4.0, 30.0),
    "noise": (-30.0, 0.0),
    "vibrato": (0.0, 1.0),
}
SWINGS = 6.0  # of the vibrato, in Hz
PEAK = 0.5
BATCH = 64


def draw(factors: Mapping[str, float], seed: int = 0) -> np.ndarray:
    """The samples of one sound: float32 (4096,) at 8 kHz.

    Args:
        factors: by name, in the units above.
        seed: of the noise and of where harmonics begin.
    """
    random = np.random.default_rng([VERSION, seed])
    time = np.arange(round(RATE * SECONDS)) / RATE
    steep = 3 - 2.5 * factors["brightness"]
    bend = factors["vibrato"] * np.sin(2 * np.pi * SWINGS * time)
    turns = np.cumsum(440 * 2 ** ((factors["pitch"] - 69 + bend) / 12)) / RATE
    highest = 440 * 2 ** ((factors["pitch"] - 69 + factors["vibrato"]) / 12)
    k = np.arange(1, int(0.48 * RATE / highest) + 1)
    size = k**-steep * np.where(k % 2, 1, 1 - factors["odd"])
    tone = size @ np.sin(2 * np.pi * (k[:, None] * turns + random.random((len(k), 1))))
    tone /= np.sqrt(np.square(size).sum() / 2)
    much = 10 ** (factors["noise"] / 10)
    whole = (tone + np.sqrt(much) * _noise(len(time), steep, random)) / np.sqrt(1 + much)
    after = np.maximum(time - factors["attack"], 0)
    shape = np.minimum(time / factors["attack"], 1) * 10 ** (-factors["decay"] * after / 0.1 / 20)
    return (PEAK / np.sqrt(2) * shape * whole).astype(np.float32)


def _noise(count: int, steep: float, random: np.random.Generator) -> np.ndarray:
    """Noise of power 1 whose spectrum falls with the frequency as harmonics of 250 Hz do."""
    f = np.fft.rfftfreq(count, 1 / RATE)
    falling = np.maximum(f / 250, 1) ** -steep
    noise = np.fft.irfft(np.fft.rfft(random.normal(size=count)) * falling, count)
    return noise / np.sqrt(np.square(noise).mean())


def sounds(n: int = 4000, seed: int = 0, progress: Progress | None = None) -> Dataset:
    """The dataset: sounds with their true factors as attributes.

    Args:
        n: how many, 1 or more.
        seed: the same seed gives the same sounds.
        progress: called with (sounds done, n).

    Raises:
        LiminalError: n or seed is out of range.
    """
    if n < 1 or seed < 0:
        raise LiminalError(f"sounds: n {n}, seed {seed}: wanted 1 sound or more and a seed of 0 or more")
    random = np.random.default_rng([VERSION, seed])
    known = {name: random.uniform(low, high, n) for name, (low, high) in FACTORS.items()}
    low, high = np.log(FACTORS["attack"])
    known["attack"] = np.exp(low + (high - low) * (known["attack"] - 0.005) / 0.145)
    modality = Audio(RATE, SECONDS, BANDS)

    def pieces() -> Iterator[np.ndarray]:
        for i in range(0, n, BATCH):
            made = []
            for j in range(i, min(i + BATCH, n)):
                samples = draw({name: float(values[j]) for name, values in known.items()}, 1000 * seed + j)
                made.append(np.concatenate([*spectrogram([samples], RATE, BANDS)], 1))
            yield np.stack(made)

    about = provenance(__name__, VERSION, n=n, seed=seed)
    items = cached("sounds", about, (n, *modality.item_shape), pieces, progress)
    attributes = pa.table({name: pa.array(values) for name, values in known.items()})
    return Dataset("sounds", modality, items, Numbered("sounds", n), attributes, provenance=about)
