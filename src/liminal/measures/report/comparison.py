"""Samples held against real items: how near the two sets are, how varied the samples, and whether they are
copies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

from ...errors import LiminalError
from ..eyes.features import Features
from ..samples import coverage, diversity, fidelity, twosample
from ..value import Interval, Measure, around, subsample_spread
from .evaluation import PART, Subject
from .sections import Progress, png

SHOWN = 64  # samples in the grid
NEIGHBOURS = 5
PAIRED, FEW = 2_000, 800  # items of each kind that are compared pair by pair or told apart by a network
CLUSTERS = 20  # clusters where no attribute names kinds
REAL, PCA = "real items", "PCA as a generator"

Sets = Mapping[str, Tensor]


def sampled(s: Subject, figures: dict[str, bytes], tell: Progress) -> tuple[list[Measure], int]:
    """Fidelity and diversity on the general feature map and on the reader's; the samples' grid; the number of
    samples.
    """
    z = s.draw(s.count)
    if z.ndim != 2 or z.shape[1] != s.generator.dim:
        raise LiminalError(
            f"measure: samples are latents of shape {tuple(z.shape)}; wanted (n, {s.generator.dim})"
        )
    n = min(s.count, len(z))
    if n < 20:
        raise LiminalError(f"measure: {n} samples to compare; wanted 20 or more")
    s.count = n
    maps: dict[str, Features | Callable[[Tensor], Tensor]] = {"": s.features}
    if s.reader is not None:
        maps["reader."] = s.reader.features
    kinds: dict[str, list[np.ndarray]] = {}
    vectors: dict[str, dict[str, list[Tensor]]] = {prefix: {} for prefix in maps}
    for step, (name, parts) in enumerate(_sets(s, z).items()):
        tell("measuring", 0.1 + 0.04 * step, f"features of {n:,} items")
        for x in parts():
            for prefix, feature_map in maps.items():
                vectors[prefix].setdefault(name, []).append(feature_map(x).cpu())
            if _kind(s) and len(kinds.get(name, ())) * PART < s.most(PAIRED, FEW):
                kinds.setdefault(name, []).append(s.reader(x)[_kind(s)].argmax(1).cpu().numpy())  # type: ignore[misc]
    joined = {prefix: {name: torch.cat(v) for name, v in of.items()} for prefix, of in vectors.items()}
    where = "that were held out too" if s.halves else "from the training set"
    found = []
    for step, (prefix, sets) in enumerate(joined.items()):
        tell("measuring", 0.28 + 0.1 * step, "comparing samples with real items")
        width = sets["real"].shape[1]
        note = (
            f"{n:,} samples, {n:,} held-out items, {width} features, k = {NEIGHBOURS}; "
            f"“real items” are {n:,} against {n:,} others {where}."
        )
        found += _compare(sets, prefix, note, s) + _distances(sets, prefix, s)
        if not prefix:
            tell("measuring", 0.32, "looking for variety and copies")
            found += _varied(sets, s) + _copied(sets, s)
    found += _modes({name: np.concatenate(v) for name, v in kinds.items()} or _clusters(joined[""], s), s)
    shown = z[: min(n, SHOWN)]
    figures["samples"] = png(s, s.made(shown), 8)
    figures["real"] = png(s, s.held_items[np.sort(s.held_order[: len(shown)])], 8)
    return found, n


def _sets(s: Subject, z: Tensor) -> dict[str, Callable[[], Iterator[Tensor]]]:
    """Real items, others of them, samples and PCA's samples, all n, as x in pieces."""
    n = s.count
    other = (s.held_items, s.held_order[n : 2 * n]) if s.halves else (s.train_items, s.train_order[-n:])
    trivial = s.pca.sample(n, s.rng)
    return {
        "real": lambda: s.tensors(s.held_items, s.compared),
        "other": lambda: s.tensors(other[0], np.sort(other[1])),
        "samples": lambda: (s.modality.soft(s.made(z[i : i + PART], i)) for i in range(0, n, PART)),
        "trivial": lambda: (s.seen(s.through_pca(trivial[i : i + PART])) for i in range(0, n, PART)),
    }


def _kind(s: Subject) -> str | None:
    """The first category that the reader reads."""
    spec = s.reader.spec if s.reader is not None else {}
    return next((name for name, how in spec.items() if how["kind"] == "category"), None)


def _compare(sets: Sets, prefix: str, note: str, s: Subject) -> list[Measure]:
    """Frechet distance, precision, recall, density, coverage."""
    real, floor_of, samples, trivial = (sets[k] for k in ("real", "other", "samples", "trivial"))
    n = len(real)
    found = []
    baseline = {REAL: fidelity.frechet(real, floor_of), PCA: fidelity.frechet(real, trivial)}
    value = fidelity.frechet(real, samples)
    error = subsample_spread(fidelity.frechet_statistic(real, samples), (n, n), s.rng, s.rounds)
    found.append(
        Measure(
            prefix + "frechet",
            value,
            interval=around(value, float(error[0]), (0, np.inf)),
            unit="",
            better="lower",
            baseline=baseline,
            note=note,
        )
    )
    k = NEIGHBOURS
    got, floor, base = (coverage.prdc(real, other, k) for other in (samples, floor_of, trivial))
    errors = subsample_spread(coverage.prdc_statistic(real, samples, k), (n, n), s.rng, s.rounds)
    for name, error in zip(coverage.NAMES, errors, strict=True):
        value, bounds = getattr(got, name), (0.0, np.inf if name == "density" else 1.0)
        baseline = {REAL: getattr(floor, name), PCA: getattr(base, name)}
        found.append(
            Measure(
                prefix + name,
                value,
                interval=around(value, float(error), bounds),
                unit="",
                better="higher",
                baseline=baseline,
                note=note,
            )
        )
    return found


def _distances(sets: Sets, prefix: str, s: Subject) -> list[Measure]:
    """The Frechet distance without its bias, and the kernel distance."""
    real, samples = sets["real"], sets["samples"]
    n, width = real.shape
    found = []
    if n >= 8 * width:
        of = lambda x: fidelity.frechet_infinity(real, x, s.rng)
        value = of(samples)
        error = float(
            subsample_spread(
                fidelity.frechet_infinity_statistic(real, samples, s.rng), (n, n), s.rng, min(s.rounds, 8)
            )
        )
        note = f"Extrapolated from {n:,} and {n // 2:,} items of each kind, {width} features."
        baseline = {REAL: of(sets["other"]), PCA: of(sets["trivial"])}
        found.append(
            Measure(
                prefix + "frechet_infinity",
                value,
                interval=around(value, error),
                unit="",
                better="lower",
                baseline=baseline,
                note=note,
            )
        )
    else:
        s.notes.append(
            f"{prefix}frechet_infinity: not measured, it needs {8 * width:,} samples and held-out items; "
            f"there are {n:,}."
        )
    if not prefix:
        m = min(n, s.most(PAIRED, FEW))
        a, b = (
            sets[name][torch.from_numpy(np.sort(s.rng.permutation(n)[:m]))] for name in ("real", "samples")
        )
        value = twosample.kid(a, b)
        error = float(subsample_spread(twosample.kid_statistic(a, b), (m, m), s.rng, min(s.rounds, 10)))
        baseline = {REAL: twosample.kid(a, sets["other"][:m]), PCA: twosample.kid(a, sets["trivial"][:m])}
        found.append(
            Measure(
                "kid",
                value,
                interval=around(value, error),
                unit="",
                better="lower",
                baseline=baseline,
                note=f"{m:,} items of each kind, {width} features.",
            )
        )
    return found


def _varied(sets: Sets, s: Subject) -> list[Measure]:
    """The Vendi score as a share of the real items' own, and the classifier's two-sample test."""
    real = sets["real"]
    most, rounds = s.most(diversity.MATCHED, FEW // 2), min(s.rounds, s.most(10, 6))
    try:
        v = diversity.variety(real, sets["samples"], s.rng, most, rounds)
    except LiminalError as error:  # all real items alike
        s.notes.append(f"Variety: not measured ({error}).")
        return []
    beside = {
        what: diversity.variety(real, sets[name], s.rng, most, 2).ratio
        for what, name in ((REAL, "other"), (PCA, "trivial"))
    }
    note = (
        f"{v.samples:,.0f} clearly different among {v.n:,} samples, {v.real:,.0f} among as many real items."
    )
    told, floor, trivial = (
        twosample.told_apart(*_some(sets, name, s), s.rng) for name in ("samples", "other", "trivial")
    )
    unlikely = "less than 0.001" if told.p < 0.001 else f"{told.p:.3f}"
    judged = f"{told.n:,} items judged; the chance of this or more if the two were alike: {unlikely}."
    return [
        Measure("vendi", v.ratio, interval=v.interval, unit="", better="", baseline=beside, note=note),
        Measure(
            "told_apart",
            told.accuracy,
            interval=told.interval,
            unit="",
            better="lower",
            baseline={REAL: floor.accuracy, PCA: trivial.accuracy, "guessing": 0.5},
            note=judged,
        ),
    ]


def _some(sets: Sets, name: str, s: Subject) -> tuple[Tensor, Tensor]:
    m = s.most(PAIRED, FEW)
    return sets["real"][:m], sets[name][:m]


def _copied(sets: Sets, s: Subject) -> list[Measure]:
    """Whether samples are copies of training items, beside unseen real ones."""
    train = s.train_features
    c = diversity.copies(train, sets["samples"], sets["real"], s.rng)
    trivial = diversity.copies(train, sets["trivial"], sets["real"], s.rng)
    n = len(c.distance)
    note = f"{n:,} samples and {len(sets['real']):,} held-out items beside {len(train):,} training items."
    error = (c.nearer * (1 - c.nearer) / n) ** 0.5
    seen = {REAL: c.held_authentic, PCA: trivial.authentic}
    return [
        Measure(
            "authenticity",
            c.authentic,
            interval=c.interval,
            unit="",
            better="higher",
            baseline=seen,
            note=note,
        ),
        Measure(
            "nearer",
            c.nearer,
            interval=around(c.nearer, error, (0, 1)),
            unit="",
            better="",
            baseline={"as it should be": 0.5, PCA: trivial.nearer},
            note=note,
        ),
    ]


def _clusters(sets: Sets, s: Subject) -> dict[str, np.ndarray]:
    """The cluster of every item, where no reader names kinds."""
    m = min(len(sets["real"]), s.most(PAIRED, FEW))
    count = min(CLUSTERS, m // 10, len(torch.unique(sets["real"][:m], dim=0)))
    if count < 2:
        return {}
    found = {}
    for name in ("other", "samples", "trivial"):
        found["real"], found[name] = diversity.bins(sets["real"][:m], sets[name][:m], count, s.seed)
    return found


def _modes(kinds: Mapping[str, np.ndarray], s: Subject) -> list[Measure]:
    """Mode collapse: the kinds that samples are of, beside those of real items."""
    if not kinds:
        return []
    real, samples = kinds["real"], kinds["samples"]
    got, floor, trivial = (diversity.modes(real, kinds[name]) for name in ("samples", "other", "trivial"))
    of = diversity.modes_statistic(
        real, samples
    )  # found, KL (infinite where real items lack a kind), total variation
    error = subsample_spread(lambda a, b: of(a, b)[[0, 2]], (len(real), len(samples)), s.rng, 50)
    name = _kind(s)
    classes = s.reader.spec[name]["classes"] if s.reader is not None and name else None
    what = (
        f"Kinds are the {len(classes)} values of “{name}”, as a reader sees them"
        if classes
        else f"Kinds are {real.max() + 1} clusters"
    )
    gone = ", ".join(str(classes[i] if classes else i) for i in got.missing)  # type: ignore[call-overload]
    note = f"{what}, of {len(samples):,} samples and {len(real):,} real items." + (
        f" Missing: {gone}." if gone else ""
    )
    bounds: Interval = (0, 1)
    return [
        Measure(
            "modes_found",
            got.found,
            interval=around(got.found, float(error[0]), bounds),
            unit="",
            better="higher",
            baseline={REAL: floor.found, PCA: trivial.found},
            note=note,
        ),
        Measure(
            "modes_shift",
            got.tv,
            interval=around(got.tv, float(error[1]), bounds),
            unit="",
            better="lower",
            baseline={REAL: floor.tv, PCA: trivial.tv},
            note=note,
        ),
    ]
