"""What is known of the latent space itself: how evenly it is decoded, what single dimensions stand for, and
how far it can be trusted.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ...errors import LiminalError
from ...ops import risk
from ...ops.geodesics import geodesics
from ...tensors import rng
from ..eyes.columns import describe
from ..factors.disentanglement import disentanglement
from ..structure import geometry
from ..value import Better, Measure, around, subsample_spread
from .evaluation import Subject

POINTS, FEW_POINTS = 200, 60  # at which the decoder's Jacobian is taken
PAIRS, FEW_PAIRS = 400, 120  # ways between items whose speed is taken
BENT, FEW_BENT = 16, 6  # pairs whose shortest way is sought
ITEMS, FEW_ITEMS = 3_000, 1_000  # held against attributes
DOUBTFUL, FEW_DOUBTFUL = 400, 150  # points of each kind whose support is tested
USED = 0.01  # of the largest variance: dimensions below it are no directions to step along
LOW, HIGH = (
    ("shuffled", "stretched"),
    ("samples", "mixed"),
)  # kinds of points that ought to have low and high support


def shaped(s: Subject) -> list[Measure]:
    """Condition number, path length beside a straight way's, and shortest over straight ways."""
    z = s.held_codes if s.encodes else s.draw(s.count)
    z = z[torch.from_numpy(np.sort(s.rng.permutation(len(z))))].float()
    variance = z.double().var(0)
    active = variance > USED * variance.max()
    if not active.any() or not float(variance.max()) > 0:
        s.notes.append("Geometry: not measured, all latents are the same.")
        return []
    spread = variance.sqrt().clamp_min(1e-6).float()
    found = geometry.condition_number(
        geometry.stretch(s.chart, z[: s.most(POINTS, FEW_POINTS)], spread, active), s.seed
    )
    half = min(s.most(PAIRS, FEW_PAIRS), len(z) // 2)
    a, b = z[:half], z[half : 2 * half]
    eyes = lambda x: s.features(x.cpu())
    lengths = geometry.perceptual_path_length(
        geometry.path_lengths(s.generator.decode, eyes, a, b, seed=s.seed), "the general map", s.seed
    )
    through = geometry.path_lengths(
        s.through_pca, eyes, s.pca.sample(half, s.rng), s.pca.sample(half, s.rng), seed=s.seed
    )
    trivial = geometry.perceptual_path_length(through, "the general map", s.seed)
    for m, p in zip(lengths, trivial, strict=True):
        found.append(
            Measure(
                m.name,
                m.value,
                interval=m.interval,
                unit=m.unit,
                better=m.better,
                baseline={"PCA as a generator": p.value, **m.baseline},
                note=m.note,
            )
        )
    return [m for m in found if np.isfinite(m.value)] + _bent(s, a, b)


def _bent(s: Subject, a: Tensor, b: Tensor) -> list[Measure]:
    """The length of shortest ways found between items over that of straight ones."""
    n, decode = min(s.most(BENT, FEW_BENT), len(a)), s.chart
    try:
        found = geodesics.geodesics(decode, a[:n], b[:n], mix=s.mixer, points=11, rounds=30, compare=64)
        m = geometry.geodesic_ratio(found.length.numpy(), found.line_length.numpy(), seed=s.seed)
    except LiminalError as error:
        s.notes.append(f"Shortest ways: not measured ({error}).")
        return []
    return [replace(m, note=f"{m.note} {int(found.converged.sum())} of {n} searches converged.")]


def disentangled(s: Subject) -> list[Measure]:
    """Single dimensions held against known attributes of held-out items."""
    names = (
        []
        if s.attributes is None
        else [n for n in describe(s.attributes[1]) if n in s.attributes[1].column_names]
    )
    if not names:
        s.notes.append("Disentanglement: not measured, the items have no attributes.")
        return []
    assert s.attributes is not None
    table = s.attributes[1].select(names).take(s.held)
    try:
        found = disentanglement(
            s.held_codes, table, seed=s.seed, rounds=min(s.rounds, 10), limit=s.most(ITEMS, FEW_ITEMS)
        )
    except LiminalError as error:
        s.notes.append(f"Disentanglement: not measured ({error}).")
        return []
    s.notes += [note for note in found.notes if note not in s.notes]
    if len(found.names) == 1:
        s.notes.append(
            f"InfoM and DCI's disentanglement: not measured, “{found.names[0]}” is the only attribute that "
            "can be used."
        )
    return list(found.measures)


def trusted(s: Subject) -> list[Measure]:
    """Is support calibrated, low where it should be low, and does it predict bad items?"""
    support = s.support
    if support is None:
        s.notes.append(
            "Support: not measured, the space has none (it needs the latents of real items, 20 or more held "
            "out)."
        )
        return []
    evidence = support.evidence
    tested = f"{evidence['n_calibration']:,} held-out items calibrate, {evidence['n_tested']:,} are tested."
    found = [
        Measure(
            "support_uniform",
            evidence["ks_p"],
            interval=None,
            unit="",
            better="",
            baseline={"suspicious below": 0.05},
            note=f"Kolmogorov-Smirnov. {tested}",
        )
    ]
    if "belonging" in evidence:
        share, n = evidence["belonging"], evidence["n_tested"]
        interval = around(share, (share * (1 - share) / n) ** 0.5, (0, 1))
        found.append(
            Measure(
                "belonging",
                share,
                interval=interval,
                unit="",
                better="higher",
                baseline={"by design": 0.9},
                note=tested,
            )
        )
    points = risk.sources(
        s.held_codes, support.mean, _draws(s), _labels(s), s.seed, s.most(DOUBTFUL, FEW_DOUBTFUL)
    )
    return found + _predicted(s, points) + _controls(s, points)


def _draws(s: Subject) -> dict[str, Tensor]:
    """Samples, draws from the prior where samples are others, and the space's own mixtures of two items where
    it has a way to make them.
    """
    n = min(s.most(DOUBTFUL, FEW_DOUBTFUL), len(s.held_codes) // 2)
    draws = {"samples": s.draw(n)}
    prior = s.generator.prior.sample(n, rng(s.seed)).to(draws["samples"])
    if not torch.equal(prior, draws["samples"]):
        draws["prior"] = prior
    if s.mixer is not None:
        rows = torch.from_numpy(s.rng.permutation(len(s.held_codes)))
        draws["mixed"] = s.mixer(s.held_codes[rows[:n]], s.held_codes[rows[n : 2 * n]], torch.tensor([0.5]))[
            0
        ]
    return draws


def _labels(s: Subject) -> list[str | None] | None:
    """The values of the first category, if there is one."""
    spec = {} if s.attributes is None else describe(s.attributes[1])
    name = next((n for n, how in spec.items() if how["kind"] == "category"), None)
    return (
        None
        if name is None or s.attributes is None
        else s.attributes[1].column(name).take(s.held).to_pylist()
    )


def _predicted(s: Subject, points: dict[str, Tensor]) -> list[Measure]:
    assert s.support is not None
    judged = risk.judge(s.support, s.generator, s.features, s.known_features, s.held_features, points)
    value, bad, n = judged["auroc"], judged["bad"], judged["counted"]
    if value is None:
        s.notes.append(
            f"Support's figure of merit: not measured, {'all' if bad else 'none'} of {n:,} points decode to "
            "bad items."
        )
        return []
    beside = judged["baselines"]
    baseline = {
        "whitened distance from the centre": beside["centre"],
        "unusual length": beside["norm"],
        "guessing": 0.5,
    }
    within = {k: v for k, v in judged["kinds"].items() if v["auroc"] is not None}
    note = (
        f"{n:,} points of several kinds, {100 * bad:.0f} % of them bad: farther from the nearest of "
        f"{len(s.known_features):,} "
        "training items, in features, than 95 % of held-out items are. Accepting the half with the highest "
        "support leaves "
        f"{100 * judged['risk'][9]:.0f} % bad. How a baseline does among them depends on the mix of kinds; "
        "within each, support and the "
        "distance from the centre: "
        + ", ".join(f"{k} {v['auroc']:.2f} and {v['centre']:.2f}" for k, v in within.items())
        + "."
    )
    if 2 * len(s.known_features) < len(s.support.points):
        note += (
            f" Support knows {len(s.support.points):,} items: with fewer at hand, what is unusual counts as "
            "bad more often."
        )
    return [
        Measure(
            "support_auroc",
            value,
            interval=around(value, _auroc_error(value, bad * n, (1 - bad) * n), (0, 1)),
            unit="",
            better="higher",
            baseline=baseline,
            note=note,
        )
    ]


def _auroc_error(a: float, bad: float, good: float) -> float:
    """Standard error of an AUROC of so many bad and good points (Hanley and McNeil 1982)."""
    q1, q2 = a / (2 - a), 2 * a * a / (1 + a)
    return float(
        (max(a * (1 - a) + (bad - 1) * (q1 - a * a) + (good - 1) * (q2 - a * a), 0.0) / (bad * good)) ** 0.5
    )


def _controls(s: Subject, points: dict[str, Tensor]) -> list[Measure]:
    """Median support of real and doubtful points."""
    assert s.support is not None
    values = {name: s.support(z).numpy() for name, z in points.items()}
    real = float(np.median(values["real"]))
    found = []
    for name, p in values.items():
        if name == "real" or len(p) < 4:
            continue
        value = float(np.median(p))
        error = float(subsample_spread(lambda rows, p=p: np.median(p[rows]), (len(p),), s.rng, 100))
        better: Better = "lower" if name in LOW else "higher" if name in HIGH else ""
        found.append(
            Measure(
                f"support_of.{name}",
                value,
                interval=around(value, error, (0, 1)),
                unit="",
                better=better,
                baseline={"real items": real},
                note=KINDS[name],
            )  # type: ignore[arg-type]
        )
    return found


KINDS = {
    "shuffled": "Each coordinate comes from another item.",
    "stretched": "Items moved to 1.5 times their distance from the mean.",
    "midpoints": "Midpoints of two items.",
    "mixed": "Mixtures of two items that shall stay as typical as items are.",
    "between": "Midpoints of two items with different labels.",
    "within": "Midpoints of two items with the same label.",
    "samples": "What samples are drawn from.",
    "prior": "Draws from the prior that the model was trained with.",
}
