"""Fashion-MNIST in 16 dimensions: how well it is restored, what its neighbourhoods are worth, how its samples
look.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

import liminal
from liminal.build import encode_all
from liminal.show import grid
from liminal.space import Space
from liminal.voice import Terminal, Voice

from . import figures, scoring
from .clothes import Clothes, classifier, clothes, numbered
from .figures import OUT, Figure, Record


def arguments() -> ArgumentParser:
    """The options of this bench."""
    options = figures.parser("fashion", __doc__ or "")
    options.add_argument("--epochs", type=float, default=figures.FASHION_EPOCHS, help="of the training")
    options.add_argument("--dim", type=int, default=16, help="latent dimensions")
    options.add_argument("--model", default="vae", help="vae, ae or wae")
    options.add_argument("--space", help="score this space instead of training one")
    options.add_argument(
        "--samples", type=int, default=5000, help="real and sampled pictures that are compared"
    )
    options.add_argument("--classifier-epochs", type=float, default=4.0, help="of the bench's own classifier")
    options.add_argument("--fresh", action="store_true", help="train the classifier again")
    options.add_argument("--seed", type=int, default=0, help="of the training and the samples")
    options.add_argument("--threads", type=int, default=None, help="CPU threads of the training")
    return options


def main(args: Sequence[str]) -> None:
    """Run the bench."""
    given = arguments().parse_args(args)
    record, voice = Record("fashion", args, given), Terminal()
    data = clothes(voice)
    space = liminal.open(given.space) if given.space else fitted(record, OUT / "fashion-space", given, voice)
    restored(record, space, data, voice)
    model = classifier(data, given.classifier_epochs, given.fresh, voice)
    accuracy = model.accuracy(data.modality.tensor(data.test), numbered(data.test_labels))
    voice.close()
    record.note(
        f"classifier of the bench: {accuracy:.4f} of the test pictures named rightly; its 128 penultimate "
        "features compare the samples"
    )
    sampled(record, space, data, model.features, given.samples, given.seed)
    pictures(space, data, given.seed)
    record.note("look at bench/out/fashion-reconstructions.png and bench/out/fashion-samples-*.png")
    record.finish()


def fitted(record: Record, out: Path, given: Namespace, voice: Voice, minutes: float | None = None) -> Space:
    """A space fitted to the 60,000 training pictures, and its cost among the figures."""
    length = {"epochs": given.epochs} if minutes is None else {"minutes": minutes}
    how = {"dim": given.dim, "model": given.model, "seed": given.seed, "threads": given.threads}
    space = liminal.fit("fashion-mnist", out, voice=voice, force=True, **how, **length)
    cost(record, space)
    return space


def cost(record: Record, space: Space) -> None:
    """What the training of a space took."""
    told = space.card.training
    speed = f"{told['items_per_second']:,} {space.modality.plural}/s"
    speed += f", threads {told['threads']}, {told['precision']}"
    note = f"{told['epochs']:g} epochs in {told['seconds']:,.0f} s, {speed}"
    record.add(Figure("training", told["cpu_seconds"], "CPU-s", note=note))


def restored(record: Record, space: Space, data: Clothes, voice: Voice) -> None:
    """Mean squared error and 10-NN accuracy on the test pictures, beside PCA and raw pixels."""
    voice.progress("reconstructing the test pictures", 0.0)
    encode, decode = space.generator.encode, space.generator.decode
    value = scoring.squared_error(data.modality, data.test, lambda x: decode(encode(x)).cpu())
    trivial = scoring.squared_error(
        data.modality, data.test, scoring.principal(data.modality, data.train, space.dim)
    )
    voice.close()
    note = f"{len(data.test):,} test pictures"
    record.add(
        Figure(
            "reconstruction MSE",
            value,
            bar=0.0080,
            better="lower",
            baseline={f"PCA-{space.dim}": trivial},
            note=note,
        )
    )
    train, test = (
        torch.from_numpy(encode_all(space.generator, data.modality, items, voice))
        for items in (data.train, data.test)
    )
    voice.progress("neighbours", 0.0)
    labels = (data.train_labels, data.test_labels)
    right = scoring.neighbours(train, labels[0], test, labels[1])
    pixels = [data.modality.tensor(items).flatten(1) for items in (data.train, data.test)]
    raw = scoring.neighbours(pixels[0], labels[0], pixels[1], labels[1])
    voice.close()
    note = f"{len(data.test):,} test pictures ask {len(data.train):,} training pictures"
    record.add(
        Figure(
            "10-NN accuracy on the means",
            right,
            bar=0.87,
            better="higher",
            baseline={"raw pixels": raw},
            note=note,
        )
    )


def sampled(record: Record, space: Space, data: Clothes, features, most: int, seed: int) -> None:  # type: ignore[no-untyped-def]
    """Coverage, density and Frechet distance of every sampler; the default one against the bars, real against
    real beside it.
    """
    mine, other = scoring.halves(len(data.test), most)
    maps = {"classifier": features, "random features": scoring.random_features(data.modality, data.train)}
    real = {name: scoring.embedded(f, data.modality, data.test[mine]) for name, f in maps.items()}
    floor = {
        name: scoring.likeness(real[name], scoring.embedded(f, data.modality, data.test[other]))
        for name, f in maps.items()
    }
    default = space.card.sampler["default"]
    for source in sorted(space.samplers, key=lambda name: name != default):
        items = space.sample(len(mine), source=source, seed=seed).items
        found = {name: scoring.embedded(f, data.modality, items) for name, f in maps.items()}
        scores = {name: scoring.likeness(real[name], found[name]) for name in maps}
        first = source == default
        spread = scoring.errors(real["classifier"], found["classifier"]) if first else {}
        called = f"{source} (default)" if first else source
        size = f"k = {scoring.K}, {len(mine):,} real, {len(items):,} sampled"
        for name, bar in (("coverage", 0.52), ("density", 0.68)):
            beside = {"real against real": getattr(floor["classifier"], name)}
            value = getattr(scores["classifier"], name)
            note = size if first else ""
            record.add(
                Figure(
                    f"{name}, {called}",
                    value,
                    "",
                    bar if first else None,
                    "higher",
                    beside,
                    spread.get(name),
                    note,
                )
            )
        for name, score in scores.items():
            beside = {"real against real": floor[name].frechet}
            record.add(Figure(f"Frechet ({name}), {called}", score.frechet, better="lower", baseline=beside))


def pictures(space: Space, data: Clothes, seed: int) -> None:
    """Grids to look at: test pictures above their reconstructions, and 64 samples of each sampler."""
    rows = np.sort(np.random.default_rng(seed).permutation(len(data.test))[:48])
    space.reconstruct(data.test[rows]).save(OUT / "fashion-reconstructions.png")
    for source in space.samplers:
        grid.save(space.sample(64, source=source, seed=seed).picture(), OUT / f"fashion-samples-{source}.png")
