"""Support: is it uniform on real items, low on doubtful latents, does it foretell bad decodings, and are
foreign pictures refused?
"""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor
from torch.nn import functional as F

import liminal
from liminal.datasets import faces
from liminal.errors import LiminalError
from liminal.ops.risk import controls, judge, risk_coverage, sources
from liminal.ops.support import Support, fit_support, residuals
from liminal.space import Space
from liminal.tensors import rng
from liminal.voice import Terminal

from . import figures, scoring
from .clothes import Classifier, Clothes, classifier, clothes
from .figures import Figure, Record

SPLITS = 50  # of the held-out items, for how often the test of uniformity refuses
COMPARED = 10_000  # real training pictures among which the nearest to a decoded one is looked for
LOW = {"shuffled": 0.05, "stretched": 0.05}  # bars of the controls


def arguments() -> ArgumentParser:
    """The options of this bench."""
    options = figures.parser("support", __doc__ or "")
    options.add_argument("--space", default="fashion", help="a space of Fashion-MNIST")
    options.add_argument("--points", type=int, default=1000, help="latents of each kind that are decoded")
    options.add_argument("--held", type=int, default=2000, help="held-out items used, at most")
    options.add_argument("--classifier-epochs", type=float, default=4.0, help="of the bench's own classifier")
    options.add_argument("--seed", type=int, default=0, help="of the halves and of all choices")
    return options


def main(args: Sequence[str]) -> None:
    """Run the bench."""
    given = arguments().parse_args(args)
    record, voice = Record("support", args, given), Terminal()
    space = liminal.open(given.space)
    if space.card.attributes.get("label") != "category" or tuple(space.modality.shape) != (1, 28, 28):
        raise LiminalError(
            f"bench support: {given.space} is no space of labelled Fashion-MNIST; give one that is"
        )
    data = clothes(voice)
    model = classifier(data, given.classifier_epochs, False, voice)
    table = {
        split: space.catalogue.table(split=split, columns=["id", "z", "label"]) for split in ("train", "held")
    }
    table["held"] = table["held"].slice(0, given.held)
    train, held = latents(table["train"]), latents(table["held"])
    held_items = space.items(table["held"]["id"].to_pylist())
    errors = residuals(space.generator, space.modality, held_items)
    begun = time.process_time()
    support = fit_support(train, held, held_residual=errors, seed=given.seed)
    record.add(
        Figure(
            "fit_support",
            time.process_time() - begun,
            "CPU-s",
            note=f"{len(train):,} and {len(held):,} latents",
        )
    )
    uniform(record, space, data, support, train, held, errors, given.seed)
    labels = [table["held"]["label"][row].as_py() for row in support.tested.tolist()]
    draws = {name: space.samplers[name].sample(given.points, rng(given.seed)) for name in space.samplers}
    z = held[support.tested]
    points = sources(z, support.mean, draws, labels, given.seed, given.points)
    controlled(record, support, z, labels, draws, points, given.seed)
    rows = np.sort(np.random.default_rng(given.seed).permutation(len(table["train"]))[:COMPARED])
    real = space.items(table["train"]["id"].take(pa.array(rows)).to_pylist())
    maps: dict[str, Callable[[Tensor], Tensor]] = {
        "random features": scoring.random_features(space.modality, real),
        "classifier": model.features,
    }
    fresh = held_items[support.tested.numpy()]
    for name, feature_map in maps.items():
        foretold(record, space, support, name, feature_map, real, fresh, points)
    between(record, space, support, model, data, z, labels, given.seed, given.points)
    inputs(record, space, support, fresh)
    weighted(record, support, points)
    voice.close()
    record.finish()


def latents(table: pa.Table) -> Tensor:
    """The column z as (n, d)."""
    return torch.from_numpy(
        np.array(table["z"].combine_chunks().flatten(), dtype=np.float32).reshape(len(table), -1)
    )


def uniform(
    record: Record,
    space: Space,
    data: Clothes,
    support: Support,
    train: Tensor,
    held: Tensor,
    errors: Tensor,
    seed: int,
) -> None:
    """Uniformity on the other half, on pictures that the space does not hold, and over many splits."""
    note = f"{support.evidence['n_calibration']} calibrate, {support.evidence['n_tested']} test"
    record.add(Figure("KS p, held-out latents", support.evidence["ks_p"], "", 0.05, "higher", note=note))
    record.add(Figure("KS p, their residuals", support.evidence["residual_ks_p"], "", 0.05, "higher"))
    from scipy.stats import ks_2samp

    z = space.generator.encode(space.modality.tensor(data.test[:4000])).cpu()
    z = z[
        torch.cdist(z.double(), held.double()).amin(1) > 1e-3
    ]  # without the test pictures that are held out in the space
    p = ks_2samp(support.calibration.numpy(), support.score(z).numpy(), method="asymp").pvalue
    record.add(
        Figure(
            "KS p, test pictures not in the space", float(p), "", 0.05, "higher", note=f"{len(z):,} pictures"
        )
    )
    chance = [
        fit_support(train, held, held_residual=errors, seed=seed + i).evidence["ks_p"] for i in range(SPLITS)
    ]
    share = float(np.mean(np.array(chance) < 0.05))
    record.add(Figure("share of splits with KS p < .05", share, note=f"{SPLITS} splits; .05 is right"))
    record.add(
        Figure(
            "median support of training items",
            support.evidence["train_median"],
            note="each without itself; .5 is right",
        )
    )


def controlled(
    record: Record,
    support: Support,
    z: Tensor,
    labels: Sequence[str],
    draws: Mapping[str, Tensor],
    points: Mapping[str, Tensor],
    seed: int,
) -> None:
    """Median support by kind of latent, beside the same p-value of the distance from the centre."""
    centred = (points["real"] - support.mean).norm(dim=1)
    for name, value in controls(support, z, labels, draws, seed).items():
        far = (points[name] - support.mean).norm(dim=1)
        trivial = float(((1 + (centred >= far[:, None]).sum(1)) / (1 + len(centred))).median())
        record.add(
            Figure(
                f"median support, {name}",
                value,
                "",
                LOW.get(name),
                "lower",
                {"distance from the centre": trivial},
            )
        )


def foretold(
    record: Record,
    space: Space,
    support: Support,
    name: str,
    features: Callable[[Tensor], Tensor],
    real: np.ndarray,
    fresh: np.ndarray,
    points: Mapping[str, Tensor],
) -> None:
    """AUROC and risk-coverage area of low support against the distance of what is decoded from real pictures,
    in one feature map.
    """
    known, new = (scoring.embedded(features, space.modality, items) for items in (real, fresh))
    found = judge(support, space.generator, features, known, new, points)
    beside = {kind: value for kind, value in found["baselines"].items() if value is not None}
    note = f"{found['counted']:,} points, {found['bad']:.3f} bad"
    record.add(Figure(f"AUROC, {name}", found["auroc"], "", 0.75, "higher", beside, note=note))
    trivial = {"random order": found["bad"], "perfect order": found["best"]}
    record.add(Figure(f"area under risk-coverage, {name}", found["area"], "", None, "lower", trivial))
    shares = ", ".join(f"{kind} {how['bad']:.2f}" for kind, how in found["kinds"].items())
    record.note(f"bad in {name}: {shares}")
    within = {kind: how for kind, how in found["kinds"].items() if how["auroc"] is not None}
    told = ", ".join(f"{kind} {how['auroc']:.2f} and {how['centre']:.2f}" for kind, how in within.items())
    record.note(
        f"AUROC within each kind in {name}, support and the whitened distance from the centre: {told}"
    )


def between(
    record: Record,
    space: Space,
    support: Support,
    model: Classifier,
    data: Clothes,
    z: Tensor,
    labels: Sequence[str],
    seed: int,
    count: int,
) -> None:
    """Midpoints between two classes: support of those that decode to neither class, by the bench's
    classifier, and of the others.
    """
    names = sorted(set(data.train_labels))
    kind = torch.tensor([names.index(label) for label in labels])
    draw = rng(seed)
    a, b = (
        torch.randint(len(z), (20 * count,), generator=draw),
        torch.randint(len(z), (20 * count,), generator=draw),
    )
    pairs = (kind[a] != kind[b]).nonzero()[:count, 0]
    a, b = a[pairs], b[pairs]
    middle = (z[a] + z[b]) / 2
    with torch.inference_mode():
        sure = model(space.generator.decode(middle)).softmax(1)
    either = sure.gather(1, torch.stack([kind[a], kind[b]], 1)).sum(1)
    p, neither = support(middle), either < 0.5
    found = risk_coverage(p, -either, -0.5)
    rest = float(p[~neither].median())
    note = f"{int(neither.sum())} of {len(middle)} midpoints give both classes together less than .5"
    record.add(
        Figure(
            "median support, midpoint that looks like neither",
            float(p[neither].median()),
            "",
            None,
            "lower",
            {"others": rest},
            note=note,
        )
    )
    record.add(
        Figure("AUROC, midpoints that look like neither", found["auroc"], "", None, "higher", {"chance": 0.5})
    )


def inputs(record: Record, space: Space, support: Support, fresh: np.ndarray) -> None:
    """Share of pictures that are refused: real ones, damaged ones, foreign ones."""
    from sklearn.datasets import load_digits

    x = space.modality.tensor(fresh)
    digits = torch.from_numpy(load_digits().images / 16).float()[:, None]
    drawn = torch.from_numpy(faces.draw(faces.sample_factors(500, 1), 64)).float().mean(3)[:, None] / 255
    shown = {
        "noise": torch.rand(x.shape, generator=rng(0)),
        "drawn faces": F.interpolate(drawn, size=(28, 28), mode="area"),
        "negatives": 1 - x,
        "handwritten digits": F.pad(
            F.interpolate(digits, size=(20, 20), mode="bicubic").clamp(0, 1), (4, 4, 4, 4)
        ),
        "upside down": x.flip(2),
        "black": torch.zeros_like(x[:1]),
    }
    for name, pictures in {"held-out": x, **shown}.items():
        items = space.modality.items(pictures)
        z, errors = (
            space.generator.encode(space.modality.tensor(items)).cpu(),
            residuals(space.generator, space.modality, items),
        )
        alone = {
            "by support": float((support(z) <= 0.05).double().mean()),
            "by residual": float((support.residual(errors) <= 0.05).double().mean()),
        }
        bar = {"noise": 0.99, "drawn faces": 0.99, "handwritten digits": 0.95}.get(name)
        value = float((~support.belongs(z, errors)).double().mean())
        record.add(
            Figure(
                f"refused, {name}",
                value,
                "",
                bar,
                "higher" if bar else "",
                alone,
                note=f"{len(items):,} pictures",
            )
        )


def weighted(record: Record, support: Support, points: Mapping[str, Tensor]) -> None:
    """The weight of geodesics: what it costs, and whether it orders points as support does."""
    from scipy.stats import spearmanr

    z = torch.cat(list(points.values()))
    rho = float(spearmanr(support.weight(z).numpy(), support.score(z).numpy())[0])
    record.add(
        Figure(
            "rank correlation of weight and score",
            rho,
            "",
            note=f"bandwidth {support.bandwidth:.2f}, {len(support.landmarks):,} landmarks",
        )
    )
    batch = torch.randn(1024, len(support.mean), generator=rng(0)).requires_grad_()
    begun = time.process_time()
    for _ in range(10):
        torch.autograd.grad(support.weight(batch).sum(), batch)
    record.add(
        Figure("weight and gradient of 1,024 points", (time.process_time() - begun) / 10 * 1000, "CPU-ms")
    )
