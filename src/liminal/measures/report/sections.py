"""Parts of a survey, each a list of measures of a `Subject`: reconstruction, structure, size of the code."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from ...distances import nearest
from ...errors import LiminalError
from ...generator import Autoencoder
from ...priors import Delta
from ...show import items as show
from ...tensors import inference
from ..eyes.reader import describe
from ..structure import dimension, neighbourhoods
from ..value import Measure
from .evaluation import PART, Subject, mean
from .verdict import MEAN

INDEX = 20_000  # training items that vote, fewer where an item is large
NUMBERS = 2e7  # of a set of items held at once when neighbours are sought in the data
TRUSTED = 2_000  # items whose neighbourhoods are ranked
COLUMNS = 10  # items in the strip of reconstructions
FILLED = 0.99  # of the latents' variance
DROPPED, FEW_DROPPED = 1_000, 300  # items decoded from some of their principal axes
MOST_LABELS = 12  # attributes whose neighbours vote

Progress = Callable[[str, float, str], None]


def reconstructed(s: Subject) -> list[Measure]:
    """The modality's errors of held-out items, against PCA of the same dimension."""
    scores: dict[str, list[Tensor]] = {}
    at = 0
    for rows in np.split(s.held, range(PART, len(s.held), PART)):
        x, flat = s.inputs(s.held_items, rows), s.soft(s.held_items, rows).flatten(1)
        y = s.generator.decode(s.held_codes[at : at + len(x)]).cpu()
        middle = s.through_pca(torch.zeros(1, len(s.pca.variances))).expand_as(y)
        at += len(x)
        for name, out in (("", y), ("pca ", s.through_pca(s.pca.encode(flat))), ("mean ", middle)):
            for kind, error in s.modality.errors(x, out).items():
                scores.setdefault(name + kind, []).append(error)
    joined = {name: torch.cat(v).numpy() for name, v in scores.items()}
    found = []
    for name, told in s.modality.scores.items():
        if name in joined:
            value, interval = mean(joined[name], s)
            baseline = {
                f"PCA, {len(s.pca.variances)} dimensions": float(joined["pca " + name].mean()),
                MEAN: float(joined["mean " + name].mean()),
            }
            note = f"Mean over {len(s.held):,} held-out items."
            found.append(
                Measure(
                    name,
                    value,
                    interval=interval,
                    unit=told.unit,
                    better=told.better,
                    baseline=baseline,
                    note=note,
                    words=told.words,
                )
            )
    return found


def structured(s: Subject) -> list[Measure]:
    """Neighbours' labels, trustworthiness and continuity, and how many dimensions are used."""
    found = _labels(s)
    most = int(min(s.most(TRUSTED, TRUSTED // 2), max(NUMBERS / np.prod(s.modality.soft_shape), 500)))
    rows = s.held[np.sort(s.rng.permutation(len(s.held))[:most])]
    k = min(10, (len(rows) - 1) // 3)
    y = torch.cat(list(s.tensors(s.held_items, rows)))
    x, z = s.modality.chart(y), s.codes(s.held_items, s.held_z, rows)
    coordinates = s.pca.encode(y.flatten(1))
    d = coordinates.shape[1]
    note = f"{k} neighbours, {len(rows):,} held-out items."
    for name, of in (
        ("trustworthiness", neighbourhoods.trustworthiness),
        ("continuity", neighbourhoods.continuity),
    ):
        baseline = {f"PCA, {d} dimensions": of(x, coordinates, k)}
        if d > 2:
            baseline["PCA, 2 dimensions"] = of(x, coordinates[:, :2], k)
        found.append(
            Measure(name, of(x, z, k), interval=None, unit="", better="higher", baseline=baseline, note=note)
        )
    return found + _used(s) + _filled(x, z, s)


def _used(s: Subject) -> list[Measure]:
    """Active units, and how many perpendicular axes hold what varies."""
    n, every = f"{len(s.held):,} held-out items.", {"all dimensions": float(s.generator.dim)}
    active = float(neighbourhoods.active_units(s.held_codes))
    variances = (
        torch.linalg.eigvalsh(torch.cov(s.held_codes.double().T).reshape(s.generator.dim, -1))
        .flip(0)
        .clamp_min(0)
    )
    shares = variances.cumsum(0) / variances.sum().clamp_min(1e-300)
    axes = float((shares < FILLED).sum() + 1) if float(variances.sum()) > 0 else 0.0
    largest = f"{n} The largest axis holds {100 * float(shares[0]):.0f} %."
    return [
        Measure("active_units", active, interval=None, unit="", better="higher", baseline=every, note=n),
        Measure("principal_axes", axes, interval=None, unit="", better="", baseline=every, note=largest),
    ]


def _filled(x: Tensor, z: Tensor, s: Subject) -> list[Measure]:
    """Intrinsic dimension of latents z (n, d) and data x (n, D), and how many axes reconstruct."""
    found = []
    try:
        value, data = dimension.mle_dimension(z), dimension.mle_dimension(x)
        spread = f"; by the two nearest {dimension.two_nn(z):.1f}" if len(z) >= 20 else ""
        beside = {"the data itself": data, "all dimensions": float(s.generator.dim)}
        note = (
            f"{len(z):,} held-out items, maximum likelihood, 20 neighbours{spread}. Above 10 such estimates "
            "read too low."
        )
        found.append(
            Measure(
                "intrinsic_dimension", value, interval=None, unit="", better="", baseline=beside, note=note
            )
        )
    except LiminalError as error:  # too few items that differ
        s.notes.append(f"Intrinsic dimension: not measured ({error}).")
    n = s.most(DROPPED, FEW_DROPPED)
    curve = dimension.rate_distortion(s.looked, z[:n], x[:n])
    steps = ", ".join(
        f"{kept}: {error:.3g}" for kept, error in zip(curve.kept, curve.distortion, strict=True)
    )
    note = f"{len(x[:n]):,} held-out items; mean squared error by number of axes kept: {steps}."
    found.append(
        Measure(
            "enough_dimensions",
            float(curve.enough()),
            interval=None,
            unit="",
            better="",
            baseline={"all dimensions": float(s.generator.dim)},
            note=note,
        )
    )
    return found


def _labels(s: Subject) -> list[Measure]:
    """10-NN accuracy of every yes/no and category attribute, on latents and on the data."""
    if s.attributes is None:
        s.notes.append("Neighbours' labels: not measured, the items have no attributes.")
        return []
    names = [
        n
        for n, how in describe(s.attributes[0]).items()
        if how["kind"] != "number" and n in s.attributes[1].column_names
    ]
    size = int(np.prod(s.modality.soft_shape))
    most = int(max(NUMBERS / size, 500))
    index, queries = np.sort(s.train_order[: min(INDEX, most)]), np.sort(s.held_order[: min(s.limit, most)])
    spaces = _label_spaces(s, index, queries) if names else {}
    found, memory = [], {}
    for name in names[:MOST_LABELS]:
        labels, wanted = (
            t.column(name).take(pa.array(rows)).to_pylist()
            for t, rows in zip(s.attributes, (index, queries), strict=True)
        )
        have, asked = neighbourhoods.known(labels), neighbourhoods.known(wanted)
        if len(have) < 10 or len(asked) < 4:
            continue
        right: dict[str, np.ndarray] = {}
        for where, (a, b) in spaces.items():
            key = (where, have.tobytes(), asked.tobytes())
            if key not in memory:
                memory[key] = nearest(a[torch.from_numpy(have)], b[torch.from_numpy(asked)], 10)[1].numpy()
            right[where] = neighbourhoods.vote(
                memory[key], [labels[i] for i in have], [wanted[i] for i in asked]
            )
        value, interval = mean(right["latents"].astype(float), s)
        baseline = {
            "on the data itself": float(right["data"].mean()),
            "commonest label": neighbourhoods.majority(labels, wanted),
        }
        note = f"{len(asked):,} held-out items ask {len(have):,} training items."
        found.append(
            Measure(
                f"knn_accuracy.{name}",
                value,
                interval=interval,
                unit="",
                better="higher",
                baseline=baseline,
                note=note,
            )
        )
        if len(asked) > 10:
            found.append(_purity(s, name, wanted, len(asked), spaces))
    return found


def _label_spaces(s: Subject, index: np.ndarray, queries: np.ndarray) -> dict[str, tuple[Tensor, Tensor]]:
    """Training items of the index and held-out ones that ask, as latents and as data."""
    data = [
        torch.cat([s.modality.chart(y) for y in s.tensors(*of)])
        for of in ((s.train_items, index), (s.held_items, queries))
    ]
    codes = s.codes(s.train_items, s.train_z, index), s.codes(s.held_items, s.held_z, queries)
    return {"latents": codes, "data": (data[0], data[1])}


def _purity(
    s: Subject, name: str, wanted: list[Any], asked: int, spaces: dict[str, tuple[Tensor, Tensor]]
) -> Measure:
    """How often a held-out item's neighbours among the held-out have its label."""
    value, interval = mean(neighbourhoods.neighbour_purity(spaces["latents"][1], wanted), s)
    beside = float(neighbourhoods.neighbour_purity(spaces["data"][1], wanted).mean())
    return Measure(
        f"purity.{name}",
        value,
        interval=interval,
        better="higher",
        baseline={
            "on the data itself": beside,
            "labels shuffled": neighbourhoods.chance_purity(wanted),
        },
        note=f"{asked:,} held-out items among themselves.",
    )


def coded(s: Subject) -> tuple[list[Measure], np.ndarray]:
    """Compression, and KL where the posterior has one; the KL of each dimension where it splits."""
    bits = s.modality.bits(s.held_items[s.held[:64]])
    stored = 32 * s.generator.dim
    note = f"{bits:,.0f} bits of data, {stored:,} bits of latent vector."
    found = [
        Measure("compression", bits / stored, interval=None, unit="×", better="", baseline={}, note=note)
    ]
    kl = divergence(s)
    if kl is None:
        return found, np.zeros(0)
    rate = neighbourhoods.rate(kl)
    value, (low, high) = mean(rate.items, s)
    note = f"Mean over {len(s.held):,} held-out items."
    found.append(Measure("kl", value, interval=(low, high), unit="nats", better="", baseline={}, note=note))
    log2 = np.log(2)
    found.append(
        Measure(
            "code_bits",
            rate.bits,
            interval=(low / log2, high / log2),
            unit="bits",
            better="",
            baseline={"stored item": bits},
            note=note,
        )
    )
    if len(rate.dimensions) < 2:
        return found, np.zeros(0)
    gone = dimension.collapse(kl)
    every = {"all dimensions": float(s.generator.dim)}
    found.append(
        Measure(
            "collapsed",
            float(gone.collapsed.sum()),
            interval=None,
            unit="",
            better="lower",
            baseline=every,
            note=note,
        )
    )
    found.append(
        Measure(
            "effective_dimensions",
            gone.effective,
            interval=None,
            unit="",
            better="",
            baseline=every,
            note=note,
        )
    )
    return found, rate.dimensions


def divergence(s: Subject) -> Tensor | None:
    """KL of held-out items' posteriors, (n, d) where it splits, else (n, 1); None where there is none."""
    if not isinstance(s.generator, Autoencoder) or not s.encodes:
        return None
    parts = np.split(s.held, range(PART, len(s.held), PART))
    found = divergences(s.generator, (s.inputs(s.held_items, rows) for rows in parts))
    if found is None:
        s.notes.append("KL: not measured, the encoder is deterministic (its KL to any prior is infinite).")
    return found


def divergences(generator: Autoencoder, parts: Iterable[Tensor]) -> Tensor | None:
    """KL of the posteriors of x, part by part: (n, d) where it splits, else (n, 1); None of a deterministic
    encoder, whose KL to any prior is infinite.
    """
    pieces = []
    with inference(generator):
        for x in parts:
            posterior = generator.posterior(x.to(generator.device))
            if isinstance(posterior, Delta):
                return None
            pieces.append(posterior.kl().cpu())
    return torch.cat(pieces)


def strip(s: Subject) -> bytes:
    """A PNG of held-out items in three rows: originals, reconstructions, PCA reconstructions."""
    rows = np.sort(s.held_order[:COLUMNS])
    x = torch.cat(list(s.tensors(s.held_items, rows)))
    y = s.generator.decode(s.codes(s.held_items, s.held_z, rows)).cpu()
    p = s.through_pca(s.pca.encode(x.flatten(1)))
    true = s.held_items[rows]
    shown = np.concatenate([true, s.modality.items(y), s.modality.items(p)])
    return png(s, shown, len(rows), beside=np.concatenate([true] * 3))


def png(
    s: Subject, items: np.ndarray, columns: int, least: int = 96, beside: np.ndarray | None = None
) -> bytes:
    """A grid of stored items, each drawn with a longer side of `least` pixels or more; see `show.drawn`."""
    out = io.BytesIO()
    show.drawn(items, s.modality, least, columns, beside=beside).save(out, "PNG", optimize=True)
    return out.getvalue()
