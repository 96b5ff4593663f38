"""Phases found again by a small learned head beside Griffin-Lim at equal time: spoken digits held out, and
drawn sounds that the head never heard.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.torch
import soundfile
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from liminal.datasets.sounds import FACTORS, SECONDS, draw
from liminal.modalities import phase
from liminal.modalities.audio import Audio
from liminal.show import grid
from liminal.tensors import inference, rng
from liminal.voice import Terminal, Voice

from . import figures
from .clothes import numbered
from .figures import OUT, Figure, Record
from .sounds import TESTED, Digits, apart, judge, levels, recordings, shot, shown

SIZES = (64, 128, 256, 512, 1024)  # samples of the windows that sounds are compared in
DECADES = phase.SPAN / 10  # of power that are kept
SHOWN = 6  # sounds that are drawn and written
CROP, BATCH, RATE = 32, 16, 2e-3  # frames and pieces of a step of training, and its learning rate
TURNS, TIMED = 7, 20  # of the clock, and sounds in each
Way = Callable[[np.ndarray], np.ndarray]


def arguments() -> ArgumentParser:
    """The options of this bench."""
    options = figures.parser("vocoder", __doc__ or "")
    options.add_argument(
        "--minutes", type=float, default=10.0, help="of a core, for the training of the head"
    )
    options.add_argument("--head", type=Path, help="take this head instead of training one")
    options.add_argument("--width", type=int, default=128, help="of the head")
    options.add_argument("--blocks", type=int, default=6, help="of the head")
    options.add_argument("--items", type=int, default=300, help="of each kind that are compared, at most")
    options.add_argument("--epochs", type=float, default=8.0, help="of the bench's classifier of digits")
    options.add_argument("--seed", type=int, default=0, help="of the training and of the drawn sounds")
    return options


def main(args: Sequence[str]) -> None:
    """Run the bench."""
    given = arguments().parse_args(args)
    record, voice = Record("vocoder", args, given), Terminal()
    torch.set_num_threads(1)
    files = sorted(recordings().glob("*.wav"))
    m = Audio.infer(files)
    train, held = (said([f for f in files if tested(f) is test], m) for test in (False, True))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(given.seed)
        head = Head(m, given.width, given.blocks)
    if given.head:
        head.load_state_dict(safetensors.torch.load_file(given.head))
    else:
        steps = learn(head, train.waves, 60 * given.minutes, given.seed, voice)
        safetensors.torch.save_file(head.state_dict(), OUT / "vocoder.safetensors")
        record.note(
            f"the head: {steps:,} steps of {BATCH} pieces of {CROP} frames, {given.minutes:g} CPU-minutes"
        )
    sized(record, head)
    found = ways(record, head, held.digits.items[:TIMED])
    named = judge(m, train.digits, "digit", given.epochs, voice)
    voice.close()
    step = max(1, len(held.waves) // given.items)
    chosen = slice(None, None, step)
    told = numbered(held.digits.words["digit"]).numpy()[chosen]
    heard = compared(record, "held-out digits", held.waves[chosen], m, found)
    right = {name: float((named(m.tensor(y)) == told).mean()) for name, y in heard.items()}
    bar = right.pop(EQUAL)
    note = f"{len(told)} digits, by a classifier that knows neither"
    record.add(Figure("held-out digits named", right.pop(HEAD), "", bar, "higher", right, note=note))
    spread = np.linspace(0, len(held.waves) - 1, SHOWN).astype(int)
    drawn_and_written(held.waves[spread], m, found, "digits")
    other = Audio(m.hertz, SECONDS, m.bands)
    tones = drawn(given.items, given.seed)
    compared(record, "drawn sounds", tones, other, found)
    drawn_and_written(tones[:SHOWN], other, found, "drawn")
    record.note("look at bench/out/vocoder-*.png, listen to bench/out/vocoder-*.wav")
    record.finish()


# -- sounds


@dataclass(frozen=True)
class Said:
    """Spoken digits: samples (n, m) in [-1, 1], and what they are."""

    waves: np.ndarray
    digits: Digits


def tested(file: Path) -> bool:
    """Whether a recording is held out."""
    return int(file.stem.split("_")[2]) < TESTED


def said(files: Sequence[Path], m: Audio) -> Said:
    """Recordings as the samples that items are made of, and as items."""
    waves = np.stack([shot(file, m) for file in files])
    items = np.stack([levels(wave, m) for wave in waves])
    words = {"digit": [f"digit {file.stem.split('_')[0]}" for file in files]}
    return Said(waves, Digits(items, torch.zeros(len(files), 0), words, [file.name for file in files]))


def drawn(count: int, seed: int) -> np.ndarray:
    """Sounds of the data set `sounds`: float32 (count, 4096)."""
    random = np.random.default_rng([seed, 2])
    factors = [{name: random.uniform(*span) for name, span in FACTORS.items()} for _ in range(count)]
    return np.stack([draw(each, i) for i, each in enumerate(factors)])


# -- the head

HEAD = "learned head"


class Block(nn.Module):
    """A residual block over frames as of ConvNeXt: a convolution of each channel, then two linear layers.

    Source: Liu, Mao, Wu, Feichtenhofer, Darrell and Xie 2022, A ConvNet for the 2020s.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.along = nn.Conv1d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width)
        self.wide, self.narrow = nn.Linear(width, 3 * width), nn.Linear(3 * width, width)
        self.scale = nn.Parameter(torch.full((width,), 0.2))

    def forward(self, x: Tensor) -> Tensor:
        """x (n, frames, width) -> the same."""
        y = self.norm(self.along(x.transpose(1, 2)).transpose(1, 2))
        return x + self.scale * self.narrow(F.gelu(self.wide(y)))


class Head(nn.Module):
    """Levels of bands -> samples: what each bin's amplitude and phase are, then the inverse transform.

    Amplitudes are told as factors of those that the bands' powers give, spread evenly; phases as those in the
    middle of frames.

    Args:
        m: whose items are heard; any count of frames will do.
        width: channels.
        blocks: how many.

    Source: Siuzdak 2024, Vocos: closing the gap between time-domain and Fourier-based neural vocoders.
    """

    def __init__(self, m: Audio, width: int, blocks: int) -> None:
        super().__init__()
        self.m, self.window = m, torch.from_numpy(phase.window_of(m.hertz))
        self.weights = torch.from_numpy(phase.weights(m.hertz, m.bands))
        self.spread = self.weights / self.weights.sum(0).clamp_min(1e-6) * whole(self.window)
        self.enter = nn.Conv1d(m.bands, width, 7, padding=3)
        self.first, self.last = nn.LayerNorm(width), nn.LayerNorm(width)
        self.blocks = nn.Sequential(*(Block(width) for _ in range(blocks)))
        self.out = nn.Linear(width, 2 * self.weights.shape[1])

    def forward(self, y: Tensor) -> Tensor:
        """y (n, bands, frames) in [0, 1] -> samples (n, frames * hop)."""
        x = self.last(self.blocks(self.first(self.enter(2 * y - 1).transpose(1, 2))))
        factor, turn = self.out(x).chunk(2, 2)
        p = torch.where(y > 0, 10 ** (DECADES * (y - 1)), 0.0)
        size = (p.transpose(1, 2) @ self.spread + 1e-12).sqrt() * factor.clamp(max=4).exp()
        pieces = torch.fft.irfft(torch.polar(size, turn)).roll(2 * self.m.hop, 2) * self.window
        return overlapped(pieces, self.window, self.m.hop)


def overlapped(pieces: Tensor, window: Tensor, hop: int) -> Tensor:
    """Windowed frames (n, frames, 4 hop) -> samples (n, frames * hop), by least squares."""
    n, frames, size = pieces.shape
    many = torch.cat([pieces, (window**2).expand(1, frames, size)])
    whole = F.fold(many.transpose(1, 2), (1, (frames + 3) * hop), (1, size), stride=(1, hop))[:, 0, 0]
    whole = whole[:, 3 * hop // 2 :][:, : frames * hop]
    return whole[:n] / whole[n:].clamp_min(1e-3)


def whole(window: Tensor) -> Tensor:
    """What the square of a bin's amplitude is divided by to be a power."""
    return len(window) * window.square().sum() / 4


def learn(head: Head, waves: np.ndarray, seconds: float, seed: int, voice: Voice) -> int:
    """Train the head on pieces of sounds, up to 6 dB louder or softer, for so many seconds of a core; the
    steps that it had.
    """
    optimiser = torch.optim.AdamW(head.parameters(), lr=RATE, betas=(0.8, 0.99), weight_decay=0.01)
    sounds, draw, hop = torch.from_numpy(waves), rng(seed), head.m.hop
    ends = torch.from_numpy(np.abs(waves).reshape(len(waves), -1, hop).max(2) > 0).long().cumsum(1).argmax(1)
    last = (ends - CROP // 2).clamp(1, waves.shape[1] // hop - CROP)
    steps, begun = 0, time.process_time()
    while (done := (time.process_time() - begun) / seconds) < 1:
        optimiser.param_groups[0]["lr"] = RATE * min(1, (steps + 1) / 100) * (1 - done)
        which = torch.randint(len(sounds), (BATCH,), generator=draw)
        at = (torch.rand(BATCH, generator=draw) * last[which]).long() * hop
        x = torch.stack([sounds[i, j : j + CROP * hop] for i, j in zip(which, at, strict=True)])
        x = x * 10 ** (0.6 * torch.rand(BATCH, 1, generator=draw) - 0.3)
        y = banded(x, head)
        made = head((y * phase.LEVELS).round() / phase.LEVELS)
        loss = unlike(made, x) + 4 * (banded(made, head) - y).abs().mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(head.parameters(), 1.0)
        optimiser.step()
        steps += 1
        voice.progress("training the head", done, f"loss {float(loss.detach()):.3f}")
    head.eval().requires_grad_(False)
    return steps


def framed(x: Tensor, window: Tensor) -> Tensor:
    """The powers of bins of samples (n, m) in frames as `phase` has them, a quarter of a window apart:
    (n, frames, bins).
    """
    hop = len(window) // 4
    cut = F.pad(x, (3 * hop // 2, 5 * hop // 2)).unfold(1, 4 * hop, hop)
    return torch.view_as_real(torch.fft.rfft(cut * window)).square().sum(-1) / whole(window)


def logged(power: Tensor) -> Tensor:
    """Powers as levels, 0 for silence to 1 for full scale."""
    return 1 + power.clamp_min(10**-DECADES).log10() / DECADES


def banded(x: Tensor, head: Head) -> Tensor:
    """The levels of bands of samples (n, m), not rounded: (n, bands, frames), a frame more than hops."""
    power = framed(x, head.window)[:, : x.shape[1] // head.m.hop] @ head.weights.T
    return logged(power).clamp_max(1).transpose(1, 2)


def unlike(made: Tensor, x: Tensor) -> Tensor:
    """The loss of samples: spectral convergence and how far logarithms of amplitudes are off, in the mean of
    windows of some sizes.

    Source: Yamamoto, Song and Kim 2020, Parallel WaveGAN.
    """
    parts = []
    for size in SIZES:
        a, b = (framed(each, torch.hann_window(size)).clamp_min(10**-DECADES) for each in (made, x))
        off = (a.sqrt() - b.sqrt()).norm() / b.sqrt().norm()
        parts.append(off + (a.log() - b.log()).abs().mean() / 2)
    return torch.stack(parts).mean()


# -- what is compared

EQUAL, USUAL = "Griffin-Lim at equal time", "Griffin-Lim"
START, ZERO = "no iterations", "phases of 0"
FLAT, GUIDED = "Griffin-Lim from phases of 0", "Griffin-Lim from the head's phases"
LATER = "the sound itself half a hop later"


def ways(record: Record, head: Head, items: np.ndarray) -> dict[str, Way]:
    """The ways to hear an item, Griffin-Lim with as many iterations as take the time of the head among
    them; the time of each is told.
    """
    hertz = head.m.hertz
    found = {
        HEAD: lambda item: learned(head, item),
        USUAL: lambda item: phase.waveform(item, hertz),
        START: changed(hertz, ITERATIONS=0),
        ZERO: changed(hertz, ITERATIONS=0, started=flat),
        FLAT: changed(hertz, started=flat),
        GUIDED: lambda item: changed(hertz, started=lambda _: turns(learned(head, item), head.m))(item),
    }
    spent = clock(found, items)
    each = (spent[USUAL] - spent[START]) / phase.ITERATIONS
    count = max(0, int((spent[HEAD] - spent[START]) / each))
    found = {EQUAL: changed(hertz, ITERATIONS=count), **found}
    spent = clock(found, items)
    note = (
        f"of the head's, {1000 * spent[HEAD]:.1f} ms for {head.m.seconds:.3g} s on one thread; {count} "
        f"iterations against {phase.ITERATIONS}"
    )
    beside = {name: spent[name] / spent[HEAD] for name in (USUAL, START, FLAT, GUIDED)}
    record.add(Figure(f"time of {EQUAL}", spent[EQUAL] / spent[HEAD], "×", baseline=beside, note=note))
    return found


def learned(head: Head, item: np.ndarray) -> np.ndarray:
    """The sound of an item by the head."""
    with inference(head):
        sound = head(torch.from_numpy(item)[None].float() / phase.LEVELS)[0].numpy()
    return sound / max(1.0, float(np.abs(sound).max()))


def changed(hertz: int, **constants: object) -> Way:
    """Griffin-Lim with other constants of `phase`."""

    def way(item: np.ndarray) -> np.ndarray:
        before = {name: getattr(phase, name) for name in constants}
        try:
            vars(phase).update(constants)
            return phase.waveform(item, hertz)
        finally:
            vars(phase).update(before)

    return way


def flat(wanted: np.ndarray) -> np.ndarray:
    """Phases of 0 in the middle of frames."""
    return np.broadcast_to(1 - 2 * (np.arange(wanted.shape[1]) % 2), wanted.shape).astype(np.complex64)


def turns(sound: np.ndarray, m: Audio) -> np.ndarray:
    """The phases of a sound's bins."""
    framed = np.pad(sound, (3 * m.hop // 2, 4 * m.hop))
    return np.exp(1j * np.angle(phase.transform(framed, len(sound) // m.hop, m.hertz))).astype(np.complex64)


def clock(found: Mapping[str, Way], items: np.ndarray) -> dict[str, float]:
    """Seconds that each way takes for an item: in turns, the fastest turn of each item counts."""
    spent = {name: np.full(len(items), np.inf) for name in found}
    for _ in range(TURNS):
        for i, item in enumerate(items):
            for name, way in found.items():
                begun = time.perf_counter()
                way(item)
                spent[name][i] = min(spent[name][i], time.perf_counter() - begun)
    return {name: float(each.mean()) for name, each in spent.items()}


def sized(record: Record, head: Head) -> None:
    """What a space or a page would carry."""
    count = sum(p.numel() for p in head.parameters())
    note = f"{2 * count / 1e6:.2f} MB in half precision, which each space or the page would carry"
    record.add(Figure("parameters of the head", count, baseline={"Griffin-Lim": 0}, note=note))


def compared(
    record: Record, kind: str, waves: np.ndarray, m: Audio, found: Mapping[str, Way]
) -> dict[str, np.ndarray]:
    """Sounds against what is heard of their items, each way; the items of that, by way."""
    items = [levels(wave, m) for wave in waves]
    sounds = {name: [way(item) for item in items] for name, way in found.items()}
    sounds[LATER] = [np.pad(wave, (m.hop // 2, 0))[: len(wave)] for wave in waves]
    again = {name: np.stack([levels(sound, m) for sound in made]) for name, made in sounds.items()}
    measures: dict[str, tuple[str, Callable[[str, int], float]]] = {
        "log-spectral distance": ("dB", lambda name, i: apart(m, again[name][i], items[i])),
        "spectral convergence": ("", lambda name, i: converged(sounds[name][i], waves[i], m)),
        "levels in windows of five sizes": ("dB", lambda name, i: fine(sounds[name][i], waves[i])),
    }
    for what, (unit, measure) in measures.items():
        told = {name: np.array([measure(name, i) for i in range(len(items))]) for name in sounds}
        own, beside = shown(told.pop(HEAD)), {name: float(v.mean()) for name, v in told.items()}
        note = f"{len(items)} sounds"
        figure = Figure(
            f"{kind}: {what}", own["value"], unit, beside.pop(EQUAL), "lower", beside, own["error"], note
        )
        record.add(figure)
    return again


def converged(samples: np.ndarray, truth: np.ndarray, m: Audio) -> float:
    """How far the amplitudes of a sound's bins are from those of another one, as a share of these."""
    window = torch.from_numpy(phase.window_of(m.hertz))
    a, b = (framed(torch.from_numpy(x)[None], window).sqrt() for x in (samples, truth))
    return float((a - b).norm() / b.norm())


def fine(samples: np.ndarray, truth: np.ndarray) -> float:
    """How far the levels of bins are off, dB, silence as -80: the mean over windows of 8 to 128 ms, which
    between them see when and at what pitch.
    """
    off = []
    for size in SIZES:
        a, b = (logged(framed(torch.from_numpy(x)[None], torch.hann_window(size))) for x in (samples, truth))
        off.append(phase.SPAN * float((a - b).abs().mean()))
    return float(np.mean(off))


def drawn_and_written(waves: np.ndarray, m: Audio, found: Mapping[str, Way], name: str) -> None:
    """A few sounds as each way has them: spectrograms of their bins, a row each, and one file of sound."""
    items = [levels(wave, m) for wave in waves]
    told = {"Griffin-Lim": USUAL, "at equal time": EQUAL, HEAD: HEAD}
    rows = {"recording": [*waves], **{name: [found[way](i) for i in items] for name, way in told.items()}}
    tiles, labels = [], []
    window = torch.hann_window(len(phase.window_of(m.hertz)) // 2)
    for row, made in rows.items():
        for i, sound in enumerate(made):
            y = logged(framed(torch.from_numpy(sound)[None], window))[0].T.flip(0)
            tile = (255 * (1 - y.clamp(0, 1))).to(torch.uint8).numpy()
            tiles.append(grid.enlarge(grid.picture(tile), 256))
            labels.append(row if not i else "")
        gap = np.zeros(m.hertz // 5, np.float32)
        whole = np.concatenate([part for sound in made for part in (sound, gap)])
        soundfile.write(OUT / f"vocoder-{name}-{row.replace(' ', '-').lower()}.wav", whole, m.hertz)
    grid.save(grid.grid(tiles, columns=len(waves), labels=labels), OUT / f"vocoder-{name}.png")
