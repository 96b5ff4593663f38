"""Shapes: how well furniture and chairs are restored, whether morphs stay one piece, whether edits give the
shape that is true, and whether samples are like furniture.
"""

from __future__ import annotations

import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import liminal
from liminal.datasets import furniture
from liminal.measures.eyes.pca import fit_pca
from liminal.modalities import pieces
from liminal.modalities.shape import Shape
from liminal.modalities.volumes import errors
from liminal.ops.directions.conditional import Asked
from liminal.show import grid
from liminal.space import Space
from liminal.tensors import in_chunks
from liminal.voice import Terminal, Voice

from . import figures, scoring
from .fashion import cost
from .figures import Figure, Record
from .melody import folder, parts

KINDS = ("chair", "table", "couch")
FRAMES = 12  # from one key to the next
SLACK = 0.05  # of the whole change of a volume, that steps may go back in all
WAYS = ("conditional", "drawn", "slerp", "blend of voxels")
WAYS = (*WAYS, "conditional, cell by cell", "slerp, cell by cell", "blend, cell by cell")
HELD_SEED = 88_001  # of furniture that no space has seen
SINGLE = {"width": 0.12, "height": 0.1, "back": 0.12, "arms": 0.1, "roundness": 0.6, "stand": "panels"}
FURNITURE = {"dim": 24, "options": {"width": 12, "beta": 2.0}}
CHAIRS = {"dim": 24, "batch": 16, "options": {"width": 12, "beta": 1.0}}


def arguments() -> ArgumentParser:
    """The options of this bench."""
    options = figures.parser("shapes", __doc__ or "")
    options.add_argument("--furniture", help="score this space of furniture instead of training one")
    options.add_argument("--chairs", help="the same of the chairs of ModelNet")
    options.add_argument("--only", choices=("furniture", "chairs"), help="leave the others out")
    options.add_argument("--minutes", type=float, default=10.0, help="of each training")
    options.add_argument("--paths", type=int, default=100, help="from a chair to a table to a couch")
    options.add_argument("--edited", type=int, default=200, help="pieces of furniture that are edited")
    options.add_argument("--samples", type=int, default=300, help="beside as many held-out pieces")
    options.add_argument("--seed", type=int, default=0, help="of the trainings and of all choices")
    options.add_argument("--threads", type=int, default=2, help="CPU threads of the trainings")
    return options


def main(args: Sequence[str]) -> None:
    """Run the bench."""
    given = arguments().parse_args(args)
    record, voice = Record("shapes", args, given), Terminal()
    if given.only == "chairs":
        record.name = "chairs"  # kept apart, so that none of the two runs takes the other's place
    if given.only != "chairs":
        space = fitted(record, "furniture", lambda: "furniture", FURNITURE, given, voice)
        train, held = parts(space)
        restored(record, "furniture", space, train, held, 0.85)
        morphs(record, space, given)
        edits(record, space, given)
        sampled(record, space, train, held, given)
    if given.only != "furniture":
        with tempfile.TemporaryDirectory() as temporary:
            place = chairs(Path(temporary))
            reading = {"reading": {"up": "z"}, "modality": "shape"}
            space = fitted(record, "chairs", lambda: place, {**CHAIRS, **reading}, given, voice)
        train, held = parts(space)
        restored(record, "chairs", space, train, held, 0.65)
    voice.close()
    record.finish()


def fitted(
    record: Record,
    name: str,
    data: Callable[[], Any],
    how: Mapping[str, Any],
    given: Namespace,
    voice: Voice,
) -> Space:
    """The space that was given, or one fitted, and its cost among the figures."""
    space = getattr(given, name)
    if not space:
        more = {"minutes": given.minutes, "seed": given.seed, "threads": given.threads, "force": True}
        space = liminal.fit(data(), figures.OUT / f"shapes-{name}", voice=voice, **how, **more).folder
    found = liminal.open(space)
    record.note(f"{name}: {found.dim} dimensions")
    cost(record, found)
    return found


def chairs(into: Path) -> Path:
    """The chairs of ModelNet without the copies among them, as an array in a file."""
    with np.load(folder("modelnet_chairs/chair32.npz")) as held:
        voxels = np.unpackbits(held["voxels"], axis=1)[:, : 32**3].reshape(held["shape"])
    first = np.unique(voxels.reshape(len(voxels), -1), axis=0, return_index=True)[1]
    np.save(into / "chairs.npy", voxels[np.sort(first)])
    return into / "chairs.npy"


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """IoU of stored items (n, 32, 32, 32) and others, in order: (n,)."""
    m = Shape()
    return errors(m.tensor(a), m.tensor(b))["iou"].numpy()


def all_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """IoU of all pairs of stored items: (n, m)."""
    u, v = (torch.from_numpy((t > 127).reshape(len(t), -1)).float() for t in (a, b))
    both = u @ v.T
    return (both / (u.sum(1)[:, None] + v.sum(1) - both).clamp_min(1)).numpy()


def again(space: Space, items: np.ndarray) -> np.ndarray:
    """Items as the space restores them."""
    return space.decode(space.encoded(items))


def error_of(values: np.ndarray) -> float:
    """One standard error of a mean."""
    return float(values.std(ddof=1) / len(values) ** 0.5)


def restored(
    record: Record, name: str, space: Space, train: np.ndarray, held: np.ndarray, bar: float
) -> None:
    """IoU of held-out shapes and their reconstructions, beside PCA and the nearest shape trained on."""
    m = space.modality
    found = iou(held, again(space, held))
    pca = m.items(in_chunks(scoring.principal(m, train, space.dim), m.tensor(held)))
    nearest = np.concatenate([all_iou(held[i : i + 200], train).max(1) for i in range(0, len(held), 200)])
    beside = {f"PCA-{space.dim}": float(iou(held, pca).mean()), "nearest trained on": float(nearest.mean())}
    note = f"{len(held):,} held out of {len(train) + len(held):,}"
    record.add(
        Figure(
            f"{name}: reconstruction IoU",
            float(found.mean()),
            "",
            bar,
            "higher",
            beside,
            error_of(found),
            note,
        )
    )
    if name == "furniture":  # chairs of ModelNet may not be shown
        pairs = np.stack([held[:10], again(space, held[:10])], 1).reshape(-1, *held.shape[1:])
        look(m, pairs, "restored", 10)


def look(m: Any, items: np.ndarray, name: str, columns: int) -> None:
    """A picture of items for who runs the bench."""
    pictures = [m.preview(item, 128) for item in items]
    grid.save(grid.grid(pictures, columns=columns), figures.OUT / f"shapes-{name}.png")


def morphs(record: Record, space: Space, given: Namespace) -> None:
    """Walks from a held-out chair to a table to a couch, beside blends of the same decoded keys, which get
    the rule of `pieces` as well, straight ways, and what furniture is drawn like on the way; all but that
    without the rule, too."""
    known = space.catalogue.table(split="held").to_pylist()
    rows = {row["id"]: row for row in known}
    ids, kinds = np.array(list(rows)), np.array([row["kind"] for row in known])
    random = np.random.default_rng(given.seed)
    choice = [random.choice(ids[kinds == kind], given.paths) for kind in KINDS]
    rule = lambda frames: np.stack([pieces.likeliest(item, space.modality.apart) for item in frames])
    sets: dict[str, list[np.ndarray]] = {name: [] for name in WAYS}
    for keys in zip(*choice, strict=True):
        for along in ("conditional", "slerp"):
            z = space.path(*(f"@{key}" for key in keys), along=along, frames=2 * FRAMES + 1, pace="latent").z
            cells = Shape().items(space.generator.decode(z).cpu())
            sets[along].append(rule(cells))
            sets[f"{along}, cell by cell"].append(cells)
        sets["drawn"].append(np.stack([furniture.draw(row) for row in between([rows[key] for key in keys])]))
        cells = blended(cells[[0, FRAMES, 2 * FRAMES]])
        sets["blend of voxels"].append(rule(cells))
        sets["blend, cell by cell"].append(cells)
    found = {name: [told(frames) for frames in paths] for name, paths in sets.items()}
    mean = lambda at: {name: float(np.mean([one[at] for one in paths])) for name, paths in found.items()}
    whole, steady, hard = mean(0), mean(1), mean(2)
    note = (
        f"{given.paths} paths of {2 * FRAMES + 1} frames, chair to table to couch; a piece is a closed "
        "surface that encloses something and touches no other"
    )
    headline = "morphs: every frame is one piece"
    record.add(Figure(headline, whole.pop("conditional"), "", 0.95, "higher", whole, note=note))
    note = (
        f"of {2 * given.paths} legs, the sum of shares; steps back add up to {SLACK:.0%} of the change at "
        f"most; cells above a half: {hard['conditional']:.2f}, blend {hard['blend of voxels']:.2f}"
    )
    headline = "morphs: volume goes one way"
    note += f", drawn {hard['drawn']:.2f}"
    record.add(Figure(headline, steady.pop("conditional"), "", 0.5, "higher", steady, note=note))
    four = [sets[name][:4] for name in ("conditional", "blend of voxels")]
    look(
        space.modality,
        np.concatenate([frames[::2] for both in zip(*four, strict=True) for frames in both]),
        "morphs",
        FRAMES + 1,
    )


def between(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The factors of three pieces, and those between: numbers go evenly, all else changes half way."""
    found = []
    for a, b in pairwise(rows):
        for t in np.linspace(0, 1, FRAMES + 1)[bool(found) :]:
            found.append({})
            for name in furniture.drawn_factors(1):
                mean = isinstance(a[name], float)
                found[-1][name] = (1 - t) * a[name] + t * b[name] if mean else (a, b)[int(t >= 0.5)][name]
    return found


def blended(keys: np.ndarray) -> np.ndarray:
    """Three items, and what lies between them cell by cell, in as many frames as a walk has."""
    t = np.linspace(0, 1, FRAMES + 1)[:, None, None, None]
    legs = [(1 - t) * keys[i].astype(float) + t * keys[i + 1] for i in (0, 1)]
    return np.round(np.concatenate([legs[0], legs[1][1:]])).astype(np.uint8)


def told(frames: np.ndarray) -> tuple[bool, float, float]:
    """Whether every frame is one piece, and on which share of the legs the volume goes one way: by the sum of
    shares, and by how many cells are solid by more than a half.
    """
    good = []
    for size in (frames.sum((1, 2, 3)) / 255.0, (frames > 127).sum((1, 2, 3)).astype(float)):
        for leg in (size[: FRAMES + 1], size[FRAMES:]):
            change = abs(leg[-1] - leg[0])
            good.append((np.abs(np.diff(leg)).sum() - change) / 2 <= SLACK * change)
    return (
        all(pieces.count(frame) == 1 for frame in frames),
        float(np.mean(good[:2])),
        float(np.mean(good[2:])),
    )


def edits(record: Record, space: Space, given: Namespace) -> None:
    """Edits of unseen furniture along the conditional mean of latents against the shape that is true: all
    factors of another piece, and one factor alone.
    """
    n = given.edited
    known = furniture.drawn_factors(2 * n, HELD_SEED)
    rows = [{name: values[i] for name, values in known.items()} for i in range(2 * n)]
    first, second = rows[:n], rows[n:]
    a, b = (np.stack([furniture.draw(row) for row in half]) for half in (first, second))
    z, model = space.encoded(a), space.conditional
    told = model.told(z)
    steps = []
    for i, row in enumerate(second):
        asked = [Asked(name, *valued(model.spec[name], row[name])) for name in model.spec if name in row]
        steps.append(model.step({k: v[i : i + 1] for k, v in told.items()}, asked))
    made = space.decode(z + torch.cat(steps))
    found, recon = iou(made, b), iou(again(space, b), b)
    beside = {"before": float(iou(again(space, a), b).mean()), "that piece restored": float(recon.mean())}
    note = f"IoU with the true shape, {n} pairs of any kinds; the latter is what no edit can surpass"
    record.add(
        Figure(
            "edits: all factors of another",
            float(found.mean()),
            "",
            None,
            "higher",
            beside,
            error_of(found),
            note,
        )
    )
    nearer = np.argmax(all_iou(made, b), 1) == np.arange(n)
    record.add(
        Figure(
            "edits: that piece is the most alike",
            float(nearer.mean()),
            "",
            None,
            "higher",
            {"by chance": 1 / n},
            note=f"among the {n} that were asked for",
        )
    )
    look(space.modality, np.stack([a[:10], made[:10], b[:10]], 1).reshape(-1, *a.shape[1:]), "edits", 9)
    for name, change in SINGLE.items():
        single(record, space, first, a, z, told, name, change)


def valued(spec: Mapping[str, Any], value: Any) -> tuple[str | float | None, float]:
    """A value of an attribute as `Asked` takes it, all the way: value and strength."""
    if spec["kind"] == "number":
        return (float(value) - spec["mean"]) / spec["std"], 1.0
    return (None, 1.0 if value else -1.0) if spec["kind"] == "bool" else (str(value), 1.0)


def single(
    record: Record,
    space: Space,
    rows: list[dict[str, Any]],
    a: np.ndarray,
    z: Tensor,
    told: Mapping[str, Tensor],
    name: str,
    change: float | str,
) -> None:
    """One factor changed where the piece has it: IoU with the true shape beside the unedited piece."""
    word = isinstance(change, str)
    room = [
        i
        for i, row in enumerate(rows)
        if (row[name] != change if word else name not in ("back", "arms") or row[name])
    ]
    model = space.conditional
    to = [change if word else rows[i][name] + change for i in room]
    truth = np.stack([furniture.draw({**rows[i], name: value}) for i, value in zip(room, to, strict=True)])
    step = torch.cat(
        [
            model.step(
                {k: v[i : i + 1] for k, v in told.items()}, [Asked(name, *valued(model.spec[name], value))]
            )
            for i, value in zip(room, to, strict=True)
        ]
    )
    found = iou(space.decode(z[room] + step), truth)
    beside = {
        "unedited": float(iou(again(space, a[room]), truth).mean()),
        "true shape restored": float(iou(again(space, truth), truth).mean()),
    }
    asked = f"{name} = {change}" if word else f"{name} + {change:g}"
    note = f"IoU with the true shape, {len(room)} pieces"
    record.add(
        Figure(
            f"edits: {asked}",
            float(found.mean()),
            "",
            beside["unedited"],
            "higher",
            beside,
            error_of(found),
            note,
        )
    )


def sampled(record: Record, space: Space, train: np.ndarray, held: np.ndarray, given: Namespace) -> None:
    """Samples beside a Gaussian over as many principal components, and beside shapes trained on, by 1 - IoU:
    minimum matching distance, coverage and 1-NN accuracy (Achlioptas et al. 2018, Yang et al. 2019), and
    specificity (Davies 2002): how far a sample is from the nearest shape trained on.
    """
    n, random = min(given.samples, len(held)), np.random.default_rng(given.seed)
    real = held[random.permutation(len(held))[:n]]
    sets = {
        "ours": space.sample(n, seed=given.seed).items,
        f"PCA-{space.dim}": gaussian(space, train, n, given.seed),
        "trained on": train[random.permutation(len(train))[:n]],
    }
    found = {name: alike(items, real, train) for name, items in sets.items()}
    bars = {"mmd": "lower", "coverage": "higher", "1-NN accuracy": "lower", "specificity": "lower"}
    for what, better in bars.items():
        values = {name: figure[what] for name, figure in found.items()}
        value = values.pop("ours")
        if what == "specificity":  # those trained on are their own nearest
            values.pop("trained on")
        bar = values[f"PCA-{space.dim}"]
        note = f"{n} samples, {n} held out; by 1 - IoU" if what == "mmd" else ""
        record.add(Figure(f"samples: {what}", value, "", bar, better, values, note=note))
    whole = {name: np.mean([pieces.count(item) == 1 for item in items[:100]]) for name, items in sets.items()}
    value = float(whole.pop("ours"))
    record.add(
        Figure("samples: one piece", value, "", None, "higher", {k: float(v) for k, v in whole.items()})
    )
    look(space.modality, sets["ours"][:50], "samples", 10)


def gaussian(space: Space, train: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Items drawn from a Gaussian over the principal components of those trained on."""
    m = space.modality
    pca = fit_pca(
        lambda: (m.tensor(train[i : i + 500]).flatten(1) for i in range(0, len(train), 500)), space.dim
    )
    codes = torch.cat(
        [pca.encode(m.tensor(train[i : i + 500]).flatten(1)) for i in range(0, len(train), 500)]
    )
    draw = torch.randn(n, space.dim, generator=torch.Generator().manual_seed(seed))
    z = codes.mean(0) + draw @ torch.linalg.cholesky(torch.cov(codes.T)).T.to(draw)
    return m.items(pca.decode(z.to(codes)).clamp(0, 1).view(n, *m.soft_shape).float())


def alike(made: np.ndarray, real: np.ndarray, train: np.ndarray) -> dict[str, float]:
    """Samples compared with as many real items."""
    apart = 1 - all_iou(made, real)
    every = np.concatenate([made, real])
    each = 1 - all_iou(every, every)
    np.fill_diagonal(each, np.inf)
    own = np.arange(len(every)) < len(made)
    return {
        "mmd": float(apart.min(0).mean()),
        "coverage": len(np.unique(apart.argmin(1))) / len(real),
        "1-NN accuracy": float((own[each.argmin(1)] == own).mean()),
        "specificity": float((1 - all_iou(made, train)).min(1).mean()),
    }
