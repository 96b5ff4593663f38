"""The parts of a survey, each a list of measures of a `Subject`: reconstruction, samples, structure, size of the code."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from ..distances import nearest
from ..errors import LiminalError
from ..export.grid import grid
from ..generator import Autoencoder
from ..priors import Delta
from ..tensors import inference
from . import coverage, fidelity, reconstruction, structure
from .features import Features, fit_features
from .reader import describe
from .subject import PART, Subject
from .value import Interval, Measure, around, subsample_interval, subsample_spread

FIT_FEATURES = 5_000  # training items that the feature map is fitted on
INDEX = 20_000  # training items that vote, fewer where an item is large
NUMBERS = 2e7  # of a set of items held at once when neighbours are sought in the data
TRUSTED = 2_000  # items whose neighbourhoods are ranked
HALVES = 2_000  # held-out items from which on the real-against-real floor comes from them alone
SHOWN, COLUMNS = 64, 10  # samples in the grid; items in the strip of reconstructions
MOST_LABELS = 12  # attributes whose neighbours vote

Progress = Callable[[str, float, str], None]


def _mean(values: np.ndarray, s: Subject, bounds: Interval = (-np.inf, np.inf)) -> tuple[float, Interval]:
    """A mean over items with its interval; means are cheap, so many rounds."""
    return subsample_interval(lambda rows: float(values[rows].mean()), (len(values),), s.rng, 200, 0.5, bounds)


def reconstructed(s: Subject) -> list[Measure]:
    """MSE of held-out items and, of pictures, PSNR and SSIM (values cut to [0, 1]), against PCA of the same dimension."""
    scores: dict[str, list[Tensor]] = {}
    at = 0
    for x in s.tensors(s.held_items, s.held):
        y = s.generator.decode(s.held_codes[at : at + len(x)]).cpu()
        p = s.through_pca(s.pca.encode(x.flatten(1)))
        at += len(x)
        for name, out in (("", y), ("pca ", p)):
            if s.is_picture:
                out = out.clamp(0, 1)
                scores.setdefault(name + "psnr", []).append(reconstruction.psnr(x, out))
                scores.setdefault(name + "ssim", []).append(reconstruction.ssim(x, out))
            scores.setdefault(name + "mse", []).append(reconstruction.mse(x, out))
    joined = {name: torch.cat(v).numpy() for name, v in scores.items()}
    found = []
    for name, unit, better in (("mse", "", "lower"), ("psnr", "dB", "higher"), ("ssim", "", "higher")):
        if name in joined:
            value, interval = _mean(joined[name], s)
            baseline = {f"PCA, {len(s.pca.variances)} dimensions": float(joined["pca " + name].mean())}
            note = f"Mean over {len(s.held):,} held-out items."
            found.append(Measure(name, value, interval, unit, better, baseline, note))  # type: ignore[arg-type]
    return found


def sampled(s: Subject, figures: dict[str, bytes], tell: Progress) -> tuple[list[Measure], int]:
    """Fidelity and diversity on the general feature map and on the reader's; the samples' grid; the number of samples."""
    halves = len(s.held_items) >= HALVES
    n = min(s.limit, len(s.held_items) // 2 if halves else len(s.held_items), s.limit if halves else len(s.train_items) // 2)
    z = s.draw(n)
    if z.ndim != 2 or z.shape[1] != s.generator.dim:
        raise LiminalError(f"measure: samples are latents of shape {tuple(z.shape)}; wanted (n, {s.generator.dim})")
    n = min(n, len(z))
    if n < 20:
        raise LiminalError(f"measure: {n} samples to compare; wanted 20 or more")
    other = (s.held_items, s.held_order[n : 2 * n]) if halves else (s.train_items, s.train_order[-n:])
    trivial = s.pca.sample(n, s.rng)
    sets: dict[str, Callable[[], Iterator[Tensor]]] = {
        "real": lambda: s.tensors(s.held_items, np.sort(s.held_order[:n])),
        "other": lambda: s.tensors(other[0], np.sort(other[1])),
        "samples": lambda: (s.seen(s.generator.decode(z[i : i + PART])) for i in range(0, n, PART)),
        "trivial": lambda: (s.seen(s.through_pca(trivial[i : i + PART])) for i in range(0, n, PART)),
    }
    where = "that were held out too" if halves else "from the training set"
    general = fit_features(s.train_parts(min(FIT_FEATURES, len(s.train_items) - (0 if halves else n))), s.modality.shape)
    maps: dict[str, Features | Callable[[Tensor], Tensor]] = {"": general}
    if s.reader is not None:
        maps["reader."] = s.reader.features
    vectors: dict[str, dict[str, list[Tensor]]] = {prefix: {name: [] for name in sets} for prefix in maps}
    for step, (name, parts) in enumerate(sets.items()):
        tell("measuring", 0.2 + 0.08 * step, f"features of {n:,} items")
        for x in parts():
            for prefix, feature_map in maps.items():
                vectors[prefix][name].append(feature_map(x).cpu())
    found = []
    for step, (prefix, of_sets) in enumerate(vectors.items()):
        tell("measuring", 0.52 + 0.28 * step / len(vectors), "comparing samples with real items")
        width = of_sets["real"][0].shape[1]
        note = f"{n:,} samples, {n:,} held-out items, {width} features, k = 5; “real items” are {n:,} against {n:,} others {where}."
        found += _compare({name: torch.cat(v) for name, v in of_sets.items()}, prefix, note, s)
    shown = z[: min(n, SHOWN)]
    figures["samples"] = _png(s, s.modality.items(s.generator.decode(shown).cpu()), 8)
    figures["real"] = _png(s, s.held_items[np.sort(s.held_order[: len(shown)])], 8)
    return found, n


def _compare(sets: Mapping[str, Tensor], prefix: str, note: str, s: Subject) -> list[Measure]:
    real, floor_of, samples, trivial = (sets[k] for k in ("real", "other", "samples", "trivial"))
    n = len(real)
    found = []
    baseline = {"real items": fidelity.frechet(real, floor_of), "PCA as a generator": fidelity.frechet(real, trivial)}
    value = fidelity.frechet(real, samples)
    error = subsample_spread(fidelity.frechet_statistic(real, samples), (n, n), s.rng, s.rounds)
    found.append(Measure(prefix + "frechet", value, around(value, float(error[0]), (0, np.inf)), "", "lower", baseline, note))
    k = 5
    got, floor, base = (coverage.prdc(real, other, k) for other in (samples, floor_of, trivial))
    errors = subsample_spread(coverage.prdc_statistic(real, samples, k), (n, n), s.rng, s.rounds)
    for name, error in zip(coverage.NAMES, errors, strict=True):
        value, bounds = getattr(got, name), (0.0, np.inf if name == "density" else 1.0)
        baseline = {"real items": getattr(floor, name), "PCA as a generator": getattr(base, name)}
        found.append(Measure(prefix + name, value, around(value, float(error), bounds), "", "higher", baseline, note))
    return found


def structured(s: Subject) -> list[Measure]:
    """Neighbours' labels, trustworthiness and active units."""
    found = _labels(s)
    most = int(min(TRUSTED, max(NUMBERS / np.prod(s.modality.shape), 500)))
    rows = s.held[np.sort(s.rng.permutation(len(s.held))[:most])]
    k = min(10, (len(rows) - 1) // 3)
    x = torch.cat([part.flatten(1) for part in s.tensors(s.held_items, rows)])
    z = s.codes(s.held_items, s.held_z, rows)
    coordinates = s.pca.encode(x)
    d = coordinates.shape[1]
    baseline = {f"PCA, {d} dimensions": structure.trustworthiness(x, coordinates, k)}
    if d > 2:
        baseline["PCA, 2 dimensions"] = structure.trustworthiness(x, coordinates[:, :2], k)
    note = f"{k} neighbours, {len(rows):,} held-out items."
    found.append(Measure("trustworthiness", structure.trustworthiness(x, z, k), None, "", "higher", baseline, note))
    active = structure.active_units(s.held_codes)
    found.append(
        Measure(
            "active_units",
            float(active),
            None,
            "",
            "higher",
            {"all dimensions": float(s.generator.dim)},
            f"{len(s.held):,} held-out items.",
        )
    )
    return found


def _labels(s: Subject) -> list[Measure]:
    """10-NN accuracy of every yes/no and category attribute, on latents and on the data."""
    if s.attributes is None:
        s.notes.append("Neighbours' labels: not measured, the items have no attributes.")
        return []
    names = [n for n, how in describe(s.attributes[0]).items() if how["kind"] != "number" and n in s.attributes[1].column_names]
    size = int(np.prod(s.modality.shape))
    most = int(max(NUMBERS / size, 500))
    index, queries = np.sort(s.train_order[: min(INDEX, most)]), np.sort(s.held_order[: min(s.limit, most)])
    spaces: dict[str, tuple[Tensor, Tensor]] = {}
    if names:
        data = [torch.cat([x.flatten(1) for x in s.tensors(*of)]) for of in ((s.train_items, index), (s.held_items, queries))]
        spaces = {
            "latents": (s.codes(s.train_items, s.train_z, index), s.codes(s.held_items, s.held_z, queries)),
            "data": (data[0], data[1]),
        }
    found, memory = [], {}
    for name in names[:MOST_LABELS]:
        labels, wanted = (t.column(name).take(pa.array(rows)).to_pylist() for t, rows in zip(s.attributes, (index, queries), strict=True))
        have, asked = structure.known(labels), structure.known(wanted)
        if len(have) < 10 or len(asked) < 4:
            continue
        right: dict[str, np.ndarray] = {}
        for where, (a, b) in spaces.items():
            key = (where, have.tobytes(), asked.tobytes())
            if key not in memory:
                memory[key] = nearest(a[torch.from_numpy(have)], b[torch.from_numpy(asked)], 10)[1].numpy()
            right[where] = structure.vote(memory[key], [labels[i] for i in have], [wanted[i] for i in asked])
        value, interval = _mean(right["latents"].astype(float), s, (0, 1))
        baseline = {"on the data itself": float(right["data"].mean()), "commonest label": structure.majority(labels, wanted)}
        note = f"{len(asked):,} held-out items ask {len(have):,} training items."
        found.append(Measure(f"knn_accuracy.{name}", value, interval, "", "higher", baseline, note))
    return found


def coded(s: Subject) -> tuple[list[Measure], np.ndarray]:
    """Compression, and KL where the posterior has one; the KL of each dimension where it splits."""
    bits = s.modality.bits()
    stored = 32 * s.generator.dim
    note = f"{bits:,.0f} bits of data, {stored:,} bits of latent vector."
    found = [Measure("compression", bits / stored, None, "×", "", {}, note)]
    if not isinstance(s.generator, Autoencoder) or not s.encodes:
        return found, np.zeros(0)
    pieces = []
    with inference(s.generator):
        for x in s.tensors(s.held_items, s.held):
            posterior = s.generator.posterior(x.to(s.generator.device))
            if isinstance(posterior, Delta):
                s.notes.append("KL: not measured, the encoder is deterministic (its KL to any prior is infinite).")
                return found, np.zeros(0)
            pieces.append(posterior.kl().cpu())
    rate = structure.rate(torch.cat(pieces))
    value, (low, high) = _mean(rate.items, s)
    note = f"Mean over {len(s.held):,} held-out items."
    found.append(Measure("kl", value, (low, high), "nats", "", {}, note))
    log2 = np.log(2)
    found.append(Measure("code_bits", rate.bits, (low / log2, high / log2), "bits", "", {"stored item": bits}, note))
    return found, rate.dimensions if len(rate.dimensions) > 1 else np.zeros(0)


def strip(s: Subject) -> bytes:
    """A PNG of held-out items in three rows: originals, reconstructions, PCA reconstructions."""
    rows = np.sort(s.held_order[:COLUMNS])
    x = torch.cat(list(s.tensors(s.held_items, rows)))
    y = s.generator.decode(s.codes(s.held_items, s.held_z, rows)).cpu()
    p = s.through_pca(s.pca.encode(x.flatten(1)))
    return _png(s, np.concatenate([s.held_items[rows], s.modality.items(y), s.modality.items(p)]), len(rows))


def _png(s: Subject, items: np.ndarray, columns: int) -> bytes:
    out = io.BytesIO()
    grid([s.modality.preview(item, 96) for item in items], columns=columns).save(out, "PNG", optimize=True)
    return out.getvalue()
