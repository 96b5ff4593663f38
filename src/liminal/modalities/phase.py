r"""Sounds as spectrograms of few bands, and back: what the phase was is found again.

A spectrogram is uint8 (bands, frames), bands from low to high. At R samples a second, with

- hop H: the largest power of two that is at most R / 62.5 (8 to 16 ms), window N = 4 H, Hann: w_i = 1/2 -
  1/2 cos(2 pi i / N), i = 0 .. N - 1;
- frame t (from 0): the samples t H - 3/2 H .. t H + 5/2 H - 1 of the sound, zero before and after it;
- bins k = 0 .. N/2 at k R / N Hz, of the power P_k = 4 \|X_k\|^2 / (N sum w^2), X the transform of window
  times samples: the sum of P_k over the bins is the square of a sine's amplitude, 1 at full scale;
- band b = 0 .. B - 1: mel(f) = 2595 log10(1 + f / 700) (HTK's), M = mel(R / 2), centre c_b = mel^-1(M (b + 1)
  / (B + 1)), edges l_b = min(c_(b-1), c_b - R / N) and u_b = max(c_(b+1), c_b + R / N), with c_(-1) = 0 and
  c_B = R / 2; V_bk = max(0, min((f - l_b) / (c_b - l_b), (u_b - f) / (u_b - c_b))) at f = k R / N, and weight
  W_bk = V_bk / max(1, sum_b V_bk);
- p_b = sum_k W_bk P_k, level L_b = 10 log10 p_b in dB, 0 a sine of full scale;

the number that is kept is q = round(255 clip(1 + L / 80, 0, 1)): 0 stands for 80 dB below full scale or less,
255 for full scale.

Back again: p_b = 10^(8 (q / 255 - 1)), 0 where q = 0. Powers of bins, non-negative, that have these sums, by
`UPDATES` updates of Richardson and Lucy from the flattest start:

    P = W' p / (W' 1),  then  P <- P W' (p / (W P)) / (W' 1)     (bins that no band sees: 0)

and amplitudes A = sqrt(P N sum w^2 / 4). Phases start as those of sines, one for each peak of a frame, that
go on from frame to frame. Bin k of a frame is a peak where a = A_k - A_(k-1) > 0 and b = A_k - A_(k+1) >= 0,
0 beyond the outermost bins, at f_k = k + (a - b) / (2 (a + b)) bins, the top of the parabola; every other bin
has the f of its nearest peak n, the lower one of two. In the middle of frame t the phase of a bin is

    phi = phi_before(n) + (pi / 4) (f_before(n) + f)

and 0 where the frame before is silent or there is none. The rest is the fast algorithm of Griffin and Lim:
with G the transform of a sound in these frames, G+ its inverse by least squares (overlapped windows over the
sum of their squares, transforms times window), c_0 = G G+ (A (-1)^k e^(i phi)), then `ITERATIONS` times

    t = c + a (c - c_before),  c = G G+ (A t / \|t\|)             a = 0.99, c_before = c at first

and G+ (A t / \|t\|) at the end is the sound, divided by its peak where that is above 1; t / \|t\| is 1 where
t is 0.

Sources: Griffin and Lim 1984, Signal estimation from modified short-time Fourier transform; Perraudin, Balazs
and Sondergaard 2013, A fast Griffin-Lim algorithm; Beauregard, Harish and Wyse 2015, Single pass spectrogram
inversion (the start); Prusa, Balazs and Sondergaard 2017 (means of two frames in it); Richardson 1972, Lucy
1974 (the updates).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np

SPAN = 80.0  # dB below full scale that are kept
LEVELS = 255
UPDATES = 32  # of bins from bands
ITERATIONS = 32
MOMENTUM = 0.99
TINY = 1e-12


def hop_of(rate: int) -> int:
    """Samples from one frame to the next."""
    return 1 << (int(rate / 62.5).bit_length() - 1)


@lru_cache(maxsize=8)
def window_of(rate: int) -> np.ndarray:
    """Of a frame: float32 (4 hops,)."""
    n = 4 * hop_of(rate)
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)).astype(np.float32)


def centres(rate: int, bands: int) -> np.ndarray:
    """Of the bands, in Hz: float64 (bands,)."""
    return _edges(rate, bands)[1:-1]


def _edges(rate: int, bands: int) -> np.ndarray:
    top = np.log10(1 + rate / 1400)
    return 700 * (10 ** (top * np.arange(bands + 2) / (bands + 1)) - 1)


@lru_cache(maxsize=8)
def weights(rate: int, bands: int) -> np.ndarray:
    """Of the bins in the bands: float32 (bands, bins)."""
    n = 4 * hop_of(rate)
    f, c = np.arange(n // 2 + 1) * rate / n, _edges(rate, bands)
    middle = c[1:-1, None]
    low = np.minimum(c[:-2, None], middle - rate / n)
    high = np.maximum(c[2:, None], middle + rate / n)
    rising, falling = (f - low) / (middle - low), (high - f) / (high - middle)
    found = np.clip(np.minimum(rising, falling), 0, None)
    return (found / np.maximum(found.sum(0), 1)).astype(np.float32)


def spectrogram(blocks: Iterable[np.ndarray], rate: int, bands: int) -> Iterator[np.ndarray]:
    """The spectrogram of a sound in pieces, uint8 (bands, m) each, as many frames as there are hops begun.

    Args:
        blocks: the samples, float32 (m,) each, in [-1, 1]; what was said does not hang on how they are cut.
        rate: samples a second.
        bands: of the spectrogram.
    """
    hop = hop_of(rate)
    held, told, count = np.zeros(3 * hop // 2, np.float32), 0, 0
    for block in blocks:
        held = np.concatenate([held, block])
        count += len(block)
        ready = (len(held) - 4 * hop) // hop + 1
        if ready > 0:
            yield _levels(transform(held, ready, rate), rate, bands)
            held, told = held[ready * hop :], told + ready
    left = -(-count // hop) - told
    if left > 0:
        held = np.concatenate([held, np.zeros((left + 3) * hop - len(held), np.float32)])
        yield _levels(transform(held, left, rate), rate, bands)


def transform(samples: np.ndarray, frames: int, rate: int) -> np.ndarray:
    """Of so many frames, the first of which begins at the first sample: complex64 (frames, bins)."""
    hop = hop_of(rate)
    cut = np.lib.stride_tricks.sliding_window_view(samples, 4 * hop)[::hop][:frames]
    return np.fft.rfft(cut * window_of(rate), axis=1)


def _levels(spectrum: np.ndarray, rate: int, bands: int) -> np.ndarray:
    window = window_of(rate)
    power = (spectrum.real**2 + spectrum.imag**2) * np.float32(4 / (len(window) * np.sum(window**2)))
    level = 10 * np.log10(np.maximum(power @ weights(rate, bands).T, TINY))
    return np.round(LEVELS * np.clip(1 + level / SPAN, 0, 1)).astype(np.uint8).T


def amplitudes(levels: np.ndarray, rate: int) -> np.ndarray:
    """Magnitudes of bins that give such a spectrogram: uint8 (bands, frames) -> float32 (frames, bins)."""
    table = 10 ** (SPAN / 10 * (np.arange(LEVELS + 1) / LEVELS - 1))
    table[0] = 0
    p = table.astype(np.float32)[levels.T]
    w = weights(rate, len(levels))
    seen = w.sum(0)
    share = np.divide(1, seen, out=np.zeros_like(seen), where=seen > 0)
    power = (p @ w) * share
    for _ in range(UPDATES):
        power *= ((p / np.maximum(power @ w.T, TINY)) @ w) * share
    window = window_of(rate)
    return np.sqrt(power * np.float32(len(window) * np.sum(window**2) / 4))


def started(wanted: np.ndarray) -> np.ndarray:
    """The phases that amplitudes of bins, float32 (frames, bins), start with: complex64 of size 1."""
    k = np.arange(wanted.shape[1])
    up, down = np.diff(wanted, axis=1, prepend=0), -np.diff(wanted, axis=1, append=0)
    peak = (up > 0) & (down >= 0)
    top = k + np.divide(up - down, 2 * (up + down), out=np.zeros_like(wanted), where=peak)
    below = np.maximum.accumulate(np.where(peak, k, -2 * len(k)), 1)
    above = np.minimum.accumulate(np.where(peak, k, 4 * len(k))[:, ::-1], 1)[:, ::-1]
    sounds = peak.sum(1) > 0
    nearest = np.where(sounds[:, None], np.where(k - below <= above - k, below, above), k)
    f, phi = np.take_along_axis(top, nearest, 1), np.zeros_like(wanted)
    for t in np.flatnonzero(sounds[:-1]) + 1:
        n = nearest[t]
        phi[t] = (phi[t - 1, n] + np.float32(np.pi / 4) * (f[t - 1, n] + f[t])) % np.float32(2 * np.pi)
    return np.exp(1j * phi) * (1 - 2 * (k % 2)).astype(np.float32)


def waveform(levels: np.ndarray, rate: int) -> np.ndarray:
    """A sound that has this spectrogram, as nearly as one can: uint8 (bands, frames) -> float32 (frames *
    hop,), in [-1, 1].

    The same levels give the same sound.
    """
    wanted = amplitudes(levels, rate)
    frames = len(wanted)
    spectrum, before = wanted * started(wanted), None
    for _ in range(ITERATIONS):
        now = transform(_overlapped(spectrum, rate), frames, rate)
        ahead = now if before is None else now + np.float32(MOMENTUM) * (now - before)
        size = np.abs(ahead)
        spectrum = wanted * np.where(size > TINY, ahead / np.maximum(size, TINY), 1)
        before = now
    hop = hop_of(rate)
    sound = _overlapped(spectrum, rate)[3 * hop // 2 :][: frames * hop]
    return sound / max(1.0, float(np.abs(sound).max(initial=0)))


def _overlapped(spectrum: np.ndarray, rate: int) -> np.ndarray:
    """The sound that is nearest to have this transform: (frames, bins) -> float32 ((frames + 3) * hop,)."""
    hop, window = hop_of(rate), window_of(rate)
    pieces = np.fft.irfft(spectrum, axis=1).astype(np.float32) * window
    parts, squares = pieces.reshape(-1, 4, hop), (window**2).reshape(4, hop)
    out, norm = (np.zeros((len(parts) + 3, hop), np.float32) for _ in range(2))
    for i in range(4):
        out[i : i + len(parts)] += parts[:, i]
        norm[i : i + len(parts)] += squares[i]
    return (out / np.maximum(norm, 1e-3)).ravel()
