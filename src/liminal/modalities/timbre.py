r"""What can be read from sounds without labels: closed forms that need nobody's training.

All work on y (n, 1, bands, frames), the levels of `phase` in [0, 1], and have gradients. With the band powers
p_b(t) = 10^(8 (y - 1)) - 10^-8, the frames' powers e(t) = sum_b p_b(t), 1 for a sine of full scale, and the
weights w(t) = e(t) / sum e:

==========  ================================================================================  ===========
reading     what it is                                                                        unit
==========  ================================================================================  ===========
loudness    10 log10 of sum_t w e: the power where it sounds                                  dB, 0 a sine
                                                                                              of full scale
pitch       the candidate that fits best over all frames, weighted by the root of their       semitones,
            power: see `Pitch`                                                                69 is A4
centroid    sum_b f_b p_b / sum_b p_b over all frames, f_b the bands' centres                 Hz
noisiness   geometric over arithmetic mean over the bands of p_b / (width of the band), mean  0 to 1
            over the frames weighted by w: 0 for tones, near 1 for white noise
attack      time from 1/10 to 9/10 of the highest root of e, along its running maximum        s
length      time in which 10 log10 e is within 40 dB of its highest                           s
==========  ================================================================================  ===========

A frame hears four hops, so an attack of no time at all is read as one to two hops.

Sources: Peeters 2004, A large set of audio features for sound description; Camacho and Harris 2008, A
sawtooth waveform inspired pitch estimator (the kernels of `Pitch`).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .phase import SPAN, centres, hop_of, weights

TINY = 1e-8  # the power of the lowest level
LOW, HIGH = 50.0, 2000.0  # Hz of the pitches that are tried
FINE = 8  # of them a semitone
SHARP = 400.0  # how much more the best of them counts
RISE = (0.1, 0.9)
DECAY = 40.0  # dB
NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def powers(y: Tensor) -> Tensor:
    """Levels (n, 1, bands, frames) as powers p (n, bands, frames), 0 where they are 0."""
    return (torch.exp(np.log(10) * SPAN / 10 * (y[:, 0].float().clamp(0, 1) - 1)) - TINY).clamp_min(0)


class Pitch:
    """How well pitches fit spectrograms of some bands.

    The kernel of a pitch f is, in each band, sum_h h^-1/2 (s(h f) - s((h - 1/2) f) / 2 - s((h + 1/2) f) / 2),
    s(g) the root of the power that a sine of g Hz has in the band, h from 1 on as far as the bands reach;
    over its norm. A frame's fit is the scalar product with the roots of its powers over their norm.
    """

    def __init__(self, rate: int, bands: int) -> None:
        top = min(HIGH, 0.9 * rate / 2)
        low = max(LOW, 2 * centres(rate, bands)[0])
        count = int(12 * FINE * np.log2(top / low)) + 1
        self.semitones = 69 + 12 * np.log2(low / 440) + np.arange(count) / FINE
        pitches = 440 * 2 ** ((self.semitones - 69) / 12)
        kernels = np.zeros((count, bands))
        for i, f in enumerate(pitches):
            h = np.arange(1, int(rate / 2 / f) + 1)
            at = np.concatenate([h * f, (h - 0.5) * f, (h + 0.5) * f])
            size = np.concatenate([h**-0.5, -0.5 * h**-0.5, -0.5 * h**-0.5])
            kernels[i] = size @ _roots(at, rate, bands)
            kernels[i] /= np.linalg.norm(kernels[i])
        self.kernels = torch.from_numpy(kernels.astype(np.float32))

    def __call__(self, p: Tensor) -> tuple[Tensor, Tensor]:
        """Band powers (n, bands, frames) -> semitones (n,), and the fit of the best, -1 to 1."""
        root = (p + TINY * TINY).sqrt()
        norm = root.square().sum(1, keepdim=True).sqrt()
        fit = torch.einsum("fb,nbt->nft", self.kernels.to(p), root / norm.clamp_min(1e-6))
        weight = norm[:, 0] / norm[:, 0].sum(1, keepdim=True).clamp_min(1e-6)
        whole = (fit * weight[:, None]).sum(2)
        share = (SHARP * whole).softmax(1)
        at = torch.from_numpy(self.semitones.astype(np.float32)).to(p)
        return share @ at, whole.amax(1)


def _roots(f: np.ndarray, rate: int, bands: int) -> np.ndarray:
    """The root of the power that sines of f (m,) Hz have in each band: (m, bands)."""
    w = weights(rate, bands)
    bins = w.shape[1]
    x = f[:, None] * (2 * (bins - 1)) / rate - np.arange(bins)
    near = np.abs(np.abs(x) - 1) < 1e-6
    lobe = np.where(near, 0.5, np.sinc(x) / np.where(near, 1, 1 - x**2))
    return np.sqrt(lobe**2 / 1.5 @ w.T)


def readings(y: Tensor, rate: int, pitch: Pitch) -> dict[str, Tensor]:
    """The readings of the table above, (n,) each.

    Args:
        y: (n, 1, bands, frames), levels.
        rate: samples a second.
        pitch: for this rate and these bands.
    """
    p = powers(y)
    middle = centres(rate, p.shape[1])
    e = p.sum(1)
    every = e.sum(1).clamp_min(TINY)
    w = e / every[:, None]
    step = hop_of(rate) / rate
    f = torch.from_numpy(middle.astype(np.float32)).to(p)
    density = p / torch.from_numpy(weights(rate, p.shape[1]).sum(1)).to(p)[:, None]
    density = density + 1e-4 * density.mean(1, keepdim=True) + TINY * TINY
    flat = density.log().mean(1).exp() / density.mean(1)
    level = 10 * (e + TINY).log10()
    near = (level - level.amax(1, keepdim=True) + DECAY).clamp(0, 1) * (e > 0)
    return {
        "loudness": 10 * ((w * e).sum(1) + TINY).log10(),
        "pitch": pitch(p)[0],
        "centroid": (f @ p).sum(1) / every,
        "noisiness": (w * flat).sum(1),
        "attack": step * _rise(e),
        "length": step * near.sum(1),
    }


def _rise(e: Tensor) -> Tensor:
    """Frames from 1/10 to 9/10 of the highest root of powers e (n, frames), straight lines between frames."""
    root = ((e + TINY * TINY).sqrt() - TINY).cummax(1).values
    root = torch.cat([torch.zeros_like(root[:, :1]), root], 1)
    root = root / root[:, -1:].clamp_min(TINY)
    gain = root.diff(dim=1)
    below = lambda q: ((q - root[:, :-1]) / gain.clamp_min(1e-6)).clamp(0, 1).sum(1)
    return below(RISE[1]) - below(RISE[0])


def heard(y: Tensor) -> Tensor:
    """Levels (n, 1, bands, frames) -> (n, m): what an ear keeps of a sound, fixed and the same for every
    model.

    The first 16 x 12 coefficients of their cosine transform over mel bands and over time: the shape of the
    spectrum, and how it moves (Davis and Mermelstein 1980, cepstral coefficients).
    """
    a, b = (_cosines(side, most).to(y) for side, most in zip(y.shape[2:], (16, 12), strict=True))
    return (a @ y[:, 0].float() @ b.T).flatten(1)


def _cosines(side: int, most: int) -> Tensor:
    """The first rows of the orthonormal cosine transform: (most, side)."""
    k = np.arange(min(most, side))[:, None]
    rows = np.cos(np.pi * k * (np.arange(side) + 0.5) / side) * np.sqrt(np.where(k, 2, 1) / side)
    return torch.from_numpy(rows.astype(np.float32))


def moved(x: Tensor, draw: torch.Generator, gain: float, frames: int) -> Tensor:
    """Levels (n, 1, bands, frames), each as much louder or softer, and later or earlier, as is drawn for it.

    Args:
        x: not changed in place; silence stays what it is.
        draw: on the CPU.
        gain: at most, in dB.
        frames: at most; what comes in is silence.
    """
    shape = (len(x), 1, 1, 1)
    louder = gain / SPAN * (2 * torch.rand(shape, generator=draw).to(x) - 1)
    x = torch.where(x > 0, (x + louder).clamp(0, 1), x)
    by = torch.randint(-frames, frames + 1, (len(x), 1), generator=draw).to(x.device)
    at = torch.arange(x.shape[3], device=x.device) - by  # (n, frames)
    inside = ((at >= 0) & (at < x.shape[3]))[:, None, None]
    place = at.clamp(0, x.shape[3] - 1)[:, None, None].expand_as(x)
    return x.gather(3, place) * inside


def together(a: Tensor, b: Tensor) -> Tensor:
    """Levels (n, 1, bands, frames) of the means of two sounds whose phases have nothing to do with each
    other: their powers add up.
    """
    p = (powers(a) + powers(b)) / 4
    return (1 + 10 / SPAN * (p + TINY).log10()).clamp(0, 1)[:, None]


def told(semitones: float) -> str:
    """``A4`` of 69."""
    near = round(semitones)
    return f"{NAMES[near % 12]}{near // 12 - 1}"
