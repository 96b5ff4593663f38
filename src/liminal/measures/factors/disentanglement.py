"""Whether single latent dimensions stand for single known factors: MIG, DCI, FactorVAE's metric and InfoMEC
in one call.

Every score comes twice: raw, as its paper defines it, and normalised, (value - null) / (1 - null), where the
null is the same number for the same latents against items shuffled, factors kept together: 0 is chance, 1 the
most that can be reached. A score of 0 does not say that nothing is there to be read: that is what
informativeness and explicitness are for. All but InfoE and explicitness see only the order of the values in
each dimension, so that rising functions of a dimension change nothing.

Source: as in `information` and `importance`; Kim and Mnih 2018, Disentangling by factorising (FactorVAE's
metric).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from ...errors import LiminalError
from ..value import Measure, around, subsample_spread
from .factors import BINS, LEAST, Factor, as_table, checked, ranked, read_factors
from .importance import TREES, Dci, dci, explicitness, probes
from .information import Information, Spread

LIMIT = 5_000  # items at most
TREE_ROWS, TREE_ROUNDS, FEW_TREES = (
    3_000,
    4,
    8,
)  # items that trees see; subsamples and trees for their intervals
NULLS = 10  # shuffles for the null of what is cheap; trees and probes take `FEW`
FEW = 2
VOTES, GROUP, VOTE_NULLS, VOTE_ROUNDS = (
    100,
    64,
    5,
    10,
)  # of FactorVAE's metric: votes of each factor, items behind each

Statistic = Callable[[np.ndarray, np.ndarray | None], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Disentanglement:
    """Scores and what they rest on.

    Attributes:
        measures: ``mig``, ``infom``, ``infoc``, ``infoe``, ``explicitness``, ``factorvae``,
            ``dci_disentanglement``, ``dci_completeness``, ``dci_informativeness``, each followed by
            ``NAME.normalised``. What is not defined (one factor, one dimension) is missing.
        names: of the K factors.
        dimensions: the latent dimensions that vary, (d',).
        shares: (d', K), each dimension's information about each factor less chance, as a share of the
            factor's entropy (`Spread.shares`).
        importances: (d', K), of the trees.
        notes: what was left out, and why.
    """

    measures: tuple[Measure, ...]
    names: tuple[str, ...]
    dimensions: np.ndarray
    shares: np.ndarray
    importances: np.ndarray
    notes: tuple[str, ...]

    def __getitem__(self, name: str) -> Measure:
        """The measure of that name.

        Raises:
            KeyError: it was not taken.
        """
        for m in self.measures:
            if m.name == name:
                return m
        raise KeyError(name)

    def strongest(self) -> dict[int, tuple[str, float]]:
        """For each dimension that varies, the factor that it tells most of, and its share of that factor's
        entropy in [0, 1].
        """
        best = self.shares.argmax(1)
        return {
            int(j): (self.names[k], float(self.shares[i, k]))
            for i, (j, k) in enumerate(zip(self.dimensions, best, strict=True))
        }


def disentanglement(
    z: Tensor | np.ndarray,
    factors: pa.Table | Mapping[str, Any],
    *,
    bins: int = BINS,
    seed: int = 0,
    rounds: int = 20,
    limit: int = LIMIT,
) -> Disentanglement:
    """All scores of latents against the known factors of the same items.

    Intervals come from subsampling without replacement: of items for the tables of counts and FactorVAE's
    votes, of items with all trees grown anew (4 rounds) for DCI, of held-out items only for the linear
    probes.

    Args:
        z: (n, d); 50 items or more.
        factors: n rows of numbers, yes/no or categories; null, and NaN in numbers, are unknown and left out
            of that factor.
        bins: of equal frequency, for dimensions and numbers.
        seed: of rows, shuffles, splits and trees.
        rounds: subsamples for an interval.
        limit: items at most, chosen at random; trees see 3,000 of them.

    Returns:
        A `Disentanglement`.

    Raises:
        LiminalError: fewer than 50 items, NaN in z, lengths that differ, no dimension that varies, or no
        factor that can be used.
    """
    z = checked(z, "disentanglement")
    rng = np.random.Generator(np.random.PCG64(seed))
    table = as_table(factors, len(z))
    if len(z) > limit:
        rows = np.sort(rng.permutation(len(z))[:limit])
        z, table = z[torch.from_numpy(rows)], table.take(pa.array(rows))
    found, notes = read_factors(table, bins)
    varied = (z != z[:1]).any(0)
    if not varied.any():
        raise LiminalError(
            "disentanglement: all latents are the same; there is no dimension to hold against the factors"
        )
    if not varied.all():
        notes.append(f"{int((~varied).sum())} dimensions are the same for all items.")
    z = z[:, varied]
    measures, spread = _told(z, found, bins, rng, rounds)
    measures += _linear(z.numpy(), found, rng, rounds)
    grouped, more = _grouped(ranked(z), found, rng, rounds)
    trees, credit = _trees(ranked(z), found, rng, rounds)
    names, dimensions = tuple(f.name for f in found), np.flatnonzero(varied.numpy())
    return Disentanglement(
        measures=(*measures, *grouped, *trees),
        names=names,
        dimensions=dimensions,
        shares=spread.shares,
        importances=credit.importances,
        notes=(*notes, *more),
    )


def scored(
    names: Sequence[str], value: np.ndarray, errors: np.ndarray, nulls: np.ndarray, note: str
) -> list[Measure]:
    """Each score raw and as (value - null) / (1 - null); what is NaN is left out.

    Args:
        names: m of them.
        value: (m,), each at most 1.
        errors: (m,), standard errors.
        nulls: (r, m), of r shuffles.
        note: for all.
    """
    found = []
    for name, v, error, null in zip(names, value, errors, nulls.mean(0), strict=True):
        if not np.isfinite(v):
            continue
        null, error = (float(x) if np.isfinite(x) else 0.0 for x in (null, error))
        room = max(1 - null, 1e-9)
        raw = Measure(
            name,
            float(v),
            interval=around(float(v), error, (-np.inf, 1)),
            unit="",
            better="higher",
            baseline={"items shuffled": null},
            note=note,
        )
        above = (float(v) - null) / room
        found += [
            raw,
            Measure(
                f"{name}.normalised",
                above,
                interval=around(above, error / room, (-np.inf, 1)),
                unit="",
                better="higher",
                baseline={"chance": 0.0},
                note=note,
            ),
        ]
    return found


def _told(
    z: Tensor, factors: list[Factor], bins: int, rng: np.random.Generator, rounds: int
) -> tuple[list[Measure], Spread]:
    """MIG, InfoM, InfoC."""
    n = len(z)
    tables = Information(z, factors, rng, bins)
    whole = tables.spread()
    nulls = np.stack([tables.spread(order=rng.permutation(n)).values for _ in range(NULLS)])
    errors = subsample_spread(lambda rows: tables.spread(rows).values, (n,), rng, rounds)
    note = f"{n:,} items, {z.shape[1]} dimensions, {len(factors)} factors, {bins} bins of equal frequency."
    return scored(("mig", "infom", "infoc"), whole.values, errors, nulls, note), whole


def _linear(z: np.ndarray, factors: list[Factor], rng: np.random.Generator, rounds: int) -> list[Measure]:
    """Explicitness and InfoE."""
    n = len(z)
    found = probes(z, factors, rng)
    of = explicitness(found)
    sizes = tuple(len(p.answers) for p in found)
    nulls = []
    for _ in range(FEW):
        other = probes(z[rng.permutation(n)], factors, rng)
        nulls.append(explicitness(other)(*(np.arange(len(p.answers)) for p in other)))
    errors = subsample_spread(of, sizes, rng, rounds)
    note = (
        f"Linear probes on standardised latents, judged by {max(sizes):,} held-out items; the interval is "
        "of these alone."
    )
    return scored(
        ("explicitness", "infoe"), of(*(np.arange(s) for s in sizes)), errors, np.stack(nulls), note
    )


def _grouped(
    z: np.ndarray, factors: list[Factor], rng: np.random.Generator, rounds: int
) -> tuple[list[Measure], list[str]]:
    """FactorVAE's metric."""
    usable = [f for f in factors if _groups(f.codes)]
    if len(usable) < 2:
        return [], [
            "FactorVAE's metric: not measured, it needs two factors with values that many items share."
        ]
    n = len(z)
    value = factorvae(z, usable, rng)
    nulls = np.array([[factorvae(z[rng.permutation(n)], usable, rng)] for _ in range(VOTE_NULLS)])

    def on(rows: np.ndarray) -> float:
        return factorvae(z[rows], [f.take(rows) for f in usable], rng)

    error = subsample_spread(on, (n,), rng, min(rounds, VOTE_ROUNDS))
    note = (
        f"{len(usable)} factors, {VOTES} votes each to learn from and {VOTES} to judge by, {GROUP} items "
        "behind each."
    )
    return scored(("factorvae",), np.array([value]), np.array([float(error)]), nulls, note), []


def _groups(codes: np.ndarray) -> list[np.ndarray]:
    """Rows of each value that enough items share."""
    order = np.argsort(codes, kind="stable")
    counts = np.bincount(codes + 1)
    parts = np.split(order, np.cumsum(counts)[:-1])[1:]
    return [p for p in parts if len(p) >= LEAST]


def factorvae(
    z: np.ndarray, factors: Sequence[Factor], rng: np.random.Generator, votes: int = VOTES, group: int = GROUP
) -> float:
    """How often the dimension that varies least among items with one factor alike tells which factor that
    was.

    A vote: choose a factor and one of its values, draw `group` items that have it, find the dimension whose
    variance among them is the smallest share of its variance among all. Half of the votes say, by majority,
    which factor each dimension stands for; the rest judge. The simulator of the paper, which draws new items
    with a factor fixed, is here the catalogue: items whose value falls into one bin.

    Args:
        z: (n, d), ranked; every column varies.
        factors: two or more, of n values each.
        rng: of the votes.
        votes: of each factor, in each half.
        group: items behind a vote, drawn with replacement.

    Returns:
        Accuracy in [0, 1]; chance is 1 / K.
    """
    spread, k = z.var(0).astype(np.float32), len(factors)
    centred = (z - z.mean(0)).astype(np.float32)
    both = np.concatenate([centred, np.square(centred)], 1)
    learnt, judged = np.zeros((z.shape[1], k), dtype=np.int64), np.zeros((z.shape[1], k), dtype=np.int64)
    for i, factor in enumerate(factors):
        groups = _groups(factor.codes)
        for table in (learnt, judged) if groups else ():
            chosen = rng.integers(len(groups), size=votes)
            rows = np.stack([groups[g][rng.integers(len(groups[g]), size=group)] for g in chosen])
            mean, square = np.split(both[rows].mean(1), 2, axis=1)
            np.add.at(table, (((square - np.square(mean)) / spread).argmin(1), i), 1)
    stands = learnt.argmax(1)
    return float(judged[np.arange(len(stands)), stands].sum() / max(judged.sum(), 1))


def _trees(
    z: np.ndarray, factors: list[Factor], rng: np.random.Generator, rounds: int
) -> tuple[list[Measure], Dci]:
    """DCI on at most 3,000 items."""
    rows = np.sort(rng.permutation(len(z))[:TREE_ROWS])
    z = z[rows]
    factors = [f.take(rows) for f in factors]
    whole = dci(z, factors, rng)
    nulls = np.stack([dci(z[rng.permutation(len(z))], factors, rng, FEW_TREES).values for _ in range(FEW)])

    def on(chosen: np.ndarray) -> np.ndarray:
        return dci(z[chosen], [f.take(chosen) for f in factors], rng, FEW_TREES).values

    errors = subsample_spread(on, (len(z),), rng, min(rounds, TREE_ROUNDS))
    note = (
        f"{len(z):,} items, two thirds to learn from; {TREES} extremely randomised trees of depth 8 on "
        "ranked latents."
    )
    names = ("dci_disentanglement", "dci_completeness", "dci_informativeness")
    return scored(names, whole.values, errors, nulls, note), whole
