"""Spoken digits in 32 dimensions: how well they are restored, heard again, recognised, carried over and
mixed.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import liminal
from liminal import LiminalError, files
from liminal.modalities import Modality, phase
from liminal.modalities.audio import QUIET, Audio
from liminal.ops.style.style import transfer
from liminal.ops.style.transfer import table
from liminal.show import grid
from liminal.space import Space
from liminal.tensors import in_chunks, inference, rng
from liminal.voice import Terminal, Voice

from . import figures, scoring
from .clothes import numbered
from .fashion import cost
from .figures import OUT, Figure, Record
from .style import facts, fitted

TESTED = 5  # recordings of each digit by each speaker that are held out, the first ones, as is usual
WORDS = ("digit", "speaker")


def arguments() -> ArgumentParser:
    """The options of this bench."""
    options = figures.parser("sounds", __doc__ or "")
    options.add_argument("--minutes", type=float, default=10.0, help="of the training")
    options.add_argument("--dim", type=int, default=32, help="latent dimensions")
    options.add_argument("--mixing", type=float, default=0.0, help="weight of mixes in the training")
    options.add_argument("--space", help="score this space instead of training one")
    options.add_argument("--pairs", type=int, default=300, help="of held-out digits, carried over and mixed")
    options.add_argument("--epochs", type=float, default=8.0, help="of the bench's own classifiers")
    options.add_argument("--seed", type=int, default=0, help="of the training and of the pairs")
    options.add_argument("--threads", type=int, default=1, help="CPU threads of the training")
    return options


@dataclass(frozen=True)
class Digits:
    """One split: stored items (n, bands, frames), their latents (n, d), what was said, by whom, and in which
    file."""

    items: np.ndarray
    z: Tensor
    words: dict[str, list[str]]
    sources: list[str]


def main(args: Sequence[str]) -> None:
    """Run the bench."""
    given = arguments().parse_args(args)
    record, voice = Record("sounds", args, given), Terminal()
    folder = recordings()
    if given.space:
        space = liminal.open(given.space)
    else:
        how = {"dim": given.dim, "minutes": given.minutes, "seed": given.seed, "threads": given.threads}
        how["options"] = {"mixing": given.mixing}
        table = labelled(folder, OUT / "fsdd.csv")
        space = liminal.fit(folder, OUT / "sounds-space", attributes=table, voice=voice, force=True, **how)
    cost(record, space)
    train, held = (split(space, name) for name in ("train", "held"))
    restored(record, space, train, held)
    heard(record, space, held)
    judges = {word: judge(space.modality, train, word, given.epochs, voice) for word in WORDS}
    voice.close()
    recognised(record, space, judges, train, held)
    carried(record, space, judges, held, given.pairs, given.seed)
    mixed(record, space, held, folder, given.pairs, given.seed)
    shown_and_heard(space, train, held)
    record.note("look at bench/out/sounds-*.png, listen to bench/out/sounds-means.wav")
    record.finish()


def recordings() -> Path:
    """The folder of the spoken digits.

    Raises:
        LiminalError: ``LIMINAL_DATA`` has none.
    """
    folder = files.data_folder()
    if folder is None or not (folder / "fsdd" / "recordings").is_dir():
        raise LiminalError("bench sounds: wanted fsdd/recordings in the folder that LIMINAL_DATA names")
    return folder / "fsdd" / "recordings"


def labelled(folder: Path, path: Path) -> Path:
    """What the names DIGIT_SPEAKER_INDEX.wav tell, as a table."""
    lines = ["file,digit,speaker,split"]
    for file in sorted(folder.glob("*.wav")):
        digit, speaker, number = file.stem.split("_")
        lines.append(f"{file.name},digit {digit},{speaker},{'test' if int(number) < TESTED else 'train'}")
    path.write_text("\n".join(lines) + "\n")
    return path


def split(space: Space, name: str) -> Digits:
    """The items of a split whose digit is known."""
    found = space.catalogue.table(columns=["id", "z", "source", *WORDS], split=name).to_pylist()
    found = [row for row in found if row["digit"] is not None]
    z = torch.tensor(np.array([row["z"] for row in found], np.float32))
    words = {word: [row[word] for row in found] for word in WORDS}
    return Digits(space.items([row["id"] for row in found]), z, words, [row["source"] for row in found])


def distance(modality: Modality, items: np.ndarray, y: Tensor) -> np.ndarray:
    """The log-spectral distance of y from items, dB (n,)."""
    return modality.errors(modality.tensor(items), y)["lsd"].numpy()


def shown(values: np.ndarray) -> dict[str, float]:
    """Mean and standard error of (n,) values, as a figure takes them."""
    return {"value": float(values.mean()), "error": float(values.std() / len(values) ** 0.5)}


def restored(record: Record, space: Space, train: Digits, held: Digits) -> None:
    """Log-spectral distance of reconstructions, beside PCA and the mean sound."""
    m = space.modality
    x = m.tensor(held.items)
    found = distance(m, held.items, space.generator.decode(space.generator.encode(x)).cpu())
    linear = distance(m, held.items, scoring.principal(m, train.items, space.dim)(x))
    mean = m.tensor(train.items).mean(0, keepdim=True).expand_as(x)
    beside = {f"PCA-{space.dim}": linear.mean(), "mean sound": distance(m, held.items, mean).mean()}
    sounding = x.amax((1, 2, 3)) > 0
    note = f"{int(sounding.sum())} held-out digits; {float((x > 0).float().mean()):.2f} of the levels sound"
    record.add(
        Figure(
            "reconstruction, log-spectral distance",
            **shown(found),
            unit="dB",
            bar=float(linear.mean()),
            better="lower",
            baseline=beside,
            note=note,
        )
    )


def levels(samples: np.ndarray, m: Audio) -> np.ndarray:
    """The item of samples that begin and end with it."""
    made = np.concatenate([*phase.spectrogram([samples], m.hertz, m.bands)], 1)[:, : m.frames]
    return np.pad(made, ((0, 0), (0, m.frames - made.shape[1])))


def heard(record: Record, space: Space, held: Digits) -> None:
    """How near what is heard of held-out digits comes to their spectrograms."""
    m = space.modality
    assert isinstance(m, Audio)
    items = held.items[:: max(1, len(held.items) // 100)]
    found: dict[str, list[float]] = {}
    before = phase.ITERATIONS, phase.MOMENTUM
    ways = {"": before, "without momentum": (before[0], 0.0), "phases as they start": (0, 0.0)}
    kept: dict[str, list[float]] = {}
    try:
        for name, (phase.ITERATIONS, phase.MOMENTUM) in ways.items():  # type: ignore[misc]
            for item in items:
                samples = m.sound(item[None])[0]
                found.setdefault(name, []).append(apart(m, levels(samples, m), item))
                kept.setdefault(name, []).append(converged(samples, item, m))
    finally:
        phase.ITERATIONS, phase.MOMENTUM = before
    others = {name: float(np.mean(v)) for name, v in found.items() if name}
    note = f"{len(items)} held-out digits, {before[0]} iterations"
    record.add(
        Figure(
            "heard again, log-spectral distance",
            **shown(np.array(found[""])),
            unit="dB",
            baseline=others,
            note=note,
        )
    )
    others = {name: float(np.mean(v)) for name, v in kept.items() if name}
    note = "of the bins that the bands give"
    record.add(
        Figure("heard again, spectral convergence", **shown(np.array(kept[""])), baseline=others, note=note)
    )


def apart(m: Audio, a: np.ndarray, b: np.ndarray) -> float:
    """Log-spectral distance of two items, dB."""
    return float(distance(m, a[None], m.soft(b[None]))[0])


def converged(samples: np.ndarray, item: np.ndarray, m: Audio) -> float:
    """How far the magnitudes of a sound's bins are from those wanted, as a share of these."""
    wanted = phase.amplitudes(item, m.hertz)
    framed = np.concatenate([np.zeros(3 * m.hop // 2), samples, np.zeros(4 * m.hop)]).astype(np.float32)
    there = np.abs(phase.transform(framed, len(wanted), m.hertz))
    return float(np.linalg.norm(there - wanted) / np.linalg.norm(wanted))


class Judge(nn.Module):
    """Four convolutions over a spectrogram and a linear layer; knows nothing of the space."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for a, b in ((1, 24), (24, 48), (48, 64), (64, 96)):
            layers += [
                nn.Conv2d(a, b, 3, padding=1, bias=False),
                nn.BatchNorm2d(b),
                nn.ReLU(),
                nn.MaxPool2d(2),
            ]
        self.trunk = nn.Sequential(*layers)
        self.head = nn.Linear(96 * 4, classes)

    def forward(self, x: Tensor) -> Tensor:
        """x (n, 1, bands, frames) -> (n, classes) logits."""
        found = F.adaptive_avg_pool2d(self.trunk(2 * x - 1), (4, 1)).flatten(1)
        return self.head(F.dropout(found, 0.3, self.training))


def judge(
    modality: Modality, train: Digits, word: str, epochs: float, voice: Voice, batch: int = 64
) -> Callable[[Tensor], np.ndarray]:
    """A classifier of the training recordings, in other gains and times and softened at random: y -> the
    places of classes (n,)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        model = Judge(len(set(train.words[word])))
        x, wanted, draw = modality.tensor(train.items), numbered(train.words[word]), rng(7)
        steps = max(2, round(epochs * len(x) / batch))
        optimiser = torch.optim.AdamW(model.parameters(), weight_decay=0.02)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=4e-3, total_steps=steps)
        for step in range(steps):
            at = torch.randint(len(x), (batch,), generator=draw)
            y = modality.augment(modality.varied(x[at], draw), draw)
            loss = F.cross_entropy(model(y), wanted[at])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            voice.progress(f"training the bench's classifier of {word}s", (step + 1) / steps)
    model.eval().requires_grad_(False)

    def named(y: Tensor) -> np.ndarray:
        with inference(model):
            return in_chunks(model, y).argmax(1).numpy()

    return named


Judges = dict[str, Callable[[Tensor], np.ndarray]]


def recognised(record: Record, space: Space, judges: Judges, train: Digits, held: Digits) -> None:
    """Decoded means of the classes, named by the judge of digits, as decoded and as heard."""
    m = space.modality
    assert isinstance(m, Audio)
    x = m.tensor(held.items)
    back = space.generator.decode(held.z).cpu()
    own = {word: numbered(held.words[word]).numpy() for word in WORDS}
    right = {word: float((judges[word](x) == own[word]).mean()) for word in WORDS}
    again = {word: float((judges[word](back) == own[word]).mean()) for word in WORDS}
    record.note(
        f"the bench's classifiers on {len(x)} held-out digits: digit {right['digit']:.3f}, speaker "
        f"{right['speaker']:.3f}; of their reconstructions {again['digit']:.3f} and {again['speaker']:.3f}"
    )
    digits, speakers = (numbered(train.words[word]) for word in WORDS)
    means = torch.stack([train.z[digits == k].mean(0) for k in range(10)])
    pairs = [(k, s) for k in range(10) for s in range(int(speakers.max()) + 1)]
    each = torch.stack([train.z[(digits == k) & (speakers == s)].mean(0) for k, s in pairs])
    for name, z, truth in (
        ("digits", means, np.arange(10)),
        ("digits by speaker", each, [k for k, _ in pairs]),
    ):
        y = space.generator.decode(z).cpu()
        items = m.items(y)
        sounds = np.stack([levels(m.sound(item[None])[0], m) for item in items])
        loud = {"as heard again": float((judges["digit"](m.tensor(sounds)) == truth).mean())}
        blend = torch.stack([m.tensor(train.items)[digits == k].mean(0) for k in range(10)])
        if name == "digits":
            loud["mean spectrograms"] = float((judges["digit"](blend) == truth).mean())
        record.add(
            Figure(
                f"decoded means recognised, {len(z)} {name}",
                float((judges["digit"](y) == np.array(truth)).mean()),
                bar=0.9,
                better="higher",
                baseline=loud,
            )
        )


def carried(record: Record, space: Space, judges: Judges, held: Digits, pairs: int, seed: int) -> None:
    """What one speaker says in the manner of another: digits kept, speakers moved."""
    style = fitted(space, "digit")
    record.note(facts(style))
    order = np.random.default_rng(seed)
    a, b = order.integers(len(held.z), size=(2, 4 * pairs))
    other = [all(held.words[w][i] != held.words[w][j] for w in WORDS) for i, j in zip(a, b, strict=True)]
    a, b = a[other][:pairs], b[other][:pairs]
    left, right = ([held.words["digit"][i] for i in side] for side in (a, b))
    digit, speaker = (numbered(held.words[word]).numpy() for word in WORDS)
    decode = space.generator.decode
    tried = {how: transfer(style, held.z[a], held.z[b], 1.0, left, right, how) for how in ("code", "means")}
    tried |= {"content item": held.z[a], "style item": held.z[b]}
    kept, moved = {}, {}
    for how, z in tried.items():
        y = decode(z).cpu()
        kept[how] = float((judges["digit"](y) == digit[a]).mean())
        moved[how] = float((judges["speaker"](y) == speaker[b]).mean())
    rest = lambda values: {k: v for k, v in values.items() if k != "code"}
    note = f"{len(a)} held-out pairs"
    record.add(
        Figure("transfer: digit kept", kept["code"], bar=0.8, better="higher", baseline=rest(kept), note=note)
    )
    record.add(Figure("transfer: the style's speaker", moved["code"], baseline=rest(moved), note=note))


def mixed(record: Record, space: Space, held: Digits, folder: Path, pairs: int, seed: int) -> None:
    """The decoded mean of two latents against the spectrogram of the two sounds mixed half and half."""
    m = space.modality
    assert isinstance(m, Audio)
    order = np.random.default_rng([seed, 1])
    a, b = (order.integers(len(held.z), size=pairs) for _ in range(2))
    shots = [shot(folder / source, m) for source in held.sources]
    truth = np.stack([levels((shots[i] + shots[j]) / 2, m) for i, j in zip(a, b, strict=True)])
    decode, x = space.generator.decode, m.tensor(held.items)
    both = (x[a] + x[b]) / 2
    ways = {
        "decoded mean of the latents": decode((held.z[a] + held.z[b]) / 2).cpu(),
        "decoded sum of the latents": decode(held.z[a] + held.z[b]).cpu(),
        "blend of the spectrograms": both,
        "nearest real one": nearest(m, truth, held.items),
        "powers added": powers(x[a], x[b]),
        "reconstruction of the mix": decode(space.generator.encode(m.tensor(truth))).cpu(),
    }
    found = {name: distance(m, truth, y) for name, y in ways.items()}
    own = found.pop("decoded mean of the latents")
    beside = {name: float(v.mean()) for name, v in found.items()}
    bar = min(beside["blend of the spectrograms"], beside["nearest real one"])
    record.add(
        Figure(
            "mix by the mean of two latents",
            **shown(own),
            unit="dB",
            bar=bar,
            better="lower",
            baseline=beside,
            note=f"log-spectral distance from the true mix, {pairs} held-out pairs",
        )
    )


def shot(path: Path, m: Audio) -> np.ndarray:
    """The samples that an item is made of: from a hop before the onset on, silence after the end."""
    samples, _ = soundfile.read(path, dtype="float32")
    first = max(int(np.flatnonzero(np.abs(samples) > QUIET * np.abs(samples).max())[0]) - m.hop, 0)
    cut = samples[first:][: m.frames * m.hop]
    return np.pad(cut, (0, m.frames * m.hop - len(cut)))


def powers(a: Tensor, b: Tensor) -> Tensor:
    """The levels of the mean of two sounds whose phases have nothing to do with each other."""
    p = [torch.where(y > 0, 10 ** (8 * (y - 1)), 0.0) for y in (a, b)]
    return (1 + ((p[0] + p[1]) / 4).clamp_min(1e-12).log10() / 8).clamp(0, 1)


def shown_and_heard(space: Space, train: Digits, held: Digits) -> None:
    """Held-out digits above their reconstructions, what was carried over, and the decoded means as one
    sound."""
    m = space.modality
    space.reconstruct(held.items[:: max(1, len(held.items) // 32)]).save(OUT / "sounds-reconstructions.png")
    digits = numbered(train.words["digit"])
    means = m.items(space.generator.decode(torch.stack([train.z[digits == k].mean(0) for k in range(10)])))
    m.write_many(means, OUT / "sounds-means.wav")
    style, names = fitted(space, "digit"), held.words
    first = {word: {v: i for i, v in reversed([*enumerate(names[word])])} for word in WORDS}
    rows, columns = (list(first[word].values()) for word in WORDS)
    labels = [[names["digit"][i] for i in side] for side in (rows, columns)]
    drawn = (space.generator, m, style, held.z[rows], held.z[columns], 1.0, *labels)
    grid.save(table(*drawn), OUT / "sounds-styled.png")


def nearest(m: Audio, truth: np.ndarray, items: np.ndarray) -> Tensor:
    """Of each mix the real item that is least far from it."""
    x = m.tensor(items)
    best = torch.cdist(m.chart(m.soft(truth)), m.chart(x)).argmin(1)
    return x[best]
