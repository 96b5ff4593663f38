"""The search for directions: what in the latent space moves one attribute, by how much, and what else moves
with it.

For one attribute up to five vectors v are compared, each at first as long as the way from the mean of off to
the mean of on:

- ``difference``: E[z | on] - E[z | off]; for a number the slope of z on it, times one standard deviation;
- ``conditional``: the same with every other attribute held fixed, from the regression of z on all attributes
  at once, z = B a + noise; what contains the attribute, is contained in it or makes it up (a hat, its kinds)
  is not (`probes.Columns`);
- ``probe``: the normal of the logistic classifier in whitened coordinates (for a number the ridge
  regression's is the difference again);
- ``projected``: that normal less its part in the span of the other attributes' normals, all at once. What the
  others' linear probes read stays as it is; what the attribute's own score falls to is told. (Off their mean
  differences it would still leak.);
- ``dimension``: the latent dimension that was bound to the attribute in training, where there is one.

Each is tried on held-out items: decode(z + s v) is read by readers fitted on real data, against decode(z).
What reaches the asked change at the least cost is kept, cost = leakage + shift / 10: the root mean square,
over the other attributes, of their mean absolute change in SD, and the root mean square shift of the whitened
coordinates, which stands for all that has no name. Where other attributes tell more than half of its variance
in the training items (faces drawn with hats and glasses together), readers mistake one for the other, and
``difference`` and ``probe`` are not tried. Its length is then set on other held-out items so that strength 1
has the asked effect: one standard deviation of a number; of a yes/no or a category's value, the gap between
the mean probability read in decoded items that have it and in decoded items that do not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from ...errors import LiminalError, unknown
from .directions import CHANCE, CURVE, Direction
from .effects import Decode, Pool, Read, Trial, asked, calibrate, choose
from .probes import (
    Frame,
    Target,
    best_dimension,
    candidates,
    columns,
    distinct,
    explained,
    held_out_score,
    probe,
    projected,
    targets,
)

TRIED = 64  # held-out items on which the vectors are compared
METHODS = ("dimension", "difference", "conditional", "probe", "projected")
CONDITIONAL = ("conditional", "projected")  # these hold the other attributes fixed
TANGLED = 0.5  # share of an attribute that others tell from which only vectors that hold them fixed are tried
# of the share that looked real before: below it, strength 1 leaves the data; and the least share that tells
UNREAL, TELLING = 0.5, 0.05
WEAK = 0.25  # share of the asked effect below which a direction does not work

Looks = Callable[[Tensor], Tensor]


def find_directions(
    z_train: Tensor,
    attributes_train: pa.Table,
    z_held: Tensor,
    attributes_held: pa.Table,
    decode: Decode,
    read: Read,
    names: Collection[str] | None = None,
    items: int = 200,
    seed: int = 0,
    dimensions: Mapping[str, int] | None = None,
    conditional: bool = False,
    methods: Collection[str] = METHODS,
    progress: Callable[[int, int, str], None] | None = None,
    real: Looks | None = None,
) -> list[Direction]:
    """A direction for every attribute that has enough items on either side (`probes.left_out` tells why
    another has none).

    Args:
        z_train: (n, d), the latents that vectors are fitted on.
        attributes_train: n rows; float64 (numbers), bool or string (category) columns, null = unknown.
        z_held: (m, d), latents of other items, on which effects are measured.
        attributes_held: m rows of the same columns.
        decode: z (k, d) -> x (k, *shape), in chunks of bounded memory.
        read: x -> the attributes seen in it, (k,) each, by the names of `directions`; an attribute that it
            leaves out cannot be checked.
        names: of the attributes to find; None: all. The others still count as held fixed.
        items: held-out items on which strength 1 is set.
        seed: of the choice of held-out items.
        dimensions: index of the latent dimension that each of some attributes was bound to, by name.
        conditional: only vectors that hold the other attributes fixed, whatever they cost.
        methods: only these vectors.
        progress: told before each direction how many are found, of how many, and its name.
        real: x (k, *shape) -> bool (k,), which decoded items look real, such as `measures.samples.realism`.

    Raises:
        LiminalError: latents and attributes do not fit, hold NaN, a name is no attribute, a method or a
        dimension does not exist.
    """
    methods = _methods(methods, conditional, dimensions or {}, z_train)
    _check(z_train, attributes_train, z_held, attributes_held, names)
    z_train, z_held = z_train.detach().cpu().double(), z_held.detach().cpu().double()
    known = targets(attributes_train, attributes_held)
    wanted = [i for i, t in enumerate(known) if names is None or t.attribute in names]
    if not wanted:
        return []
    search = _Search(known, attributes_train, z_train, z_held, Pool(z_held, decode, read, seed), items, real)
    found: list[Direction] = []
    for i in wanted:
        if progress is not None:
            progress(len(found), len(wanted), known[i].name)
        found.append(search.direction(i, methods, (dimensions or {}).get(known[i].name)))
    return found


class _Search:
    """What all attributes are looked for with.

    Attributes:
        known: the targets, t of them.
        z_train, z_held: (n, d) and (m, d) float64.
        pool: decodes and reads held-out items.
        items: of these, on which strength 1 is set.
        real: tells which decoded items look real; None: nobody does.
        frame: of the training latents.
        columns: the attributes of the training items.
        normals: (d,) of each target's probe.
        kept_off: the targets whose normals others are projected off.
    """

    def __init__(
        self,
        known: Sequence[Target],
        train: pa.Table,
        z_train: Tensor,
        z_held: Tensor,
        pool: Pool,
        items: int,
        real: Looks | None,
    ) -> None:
        self.known, self.z_train, self.z_held = known, z_train, z_held
        self.pool, self.items, self.real = pool, items, real
        self.frame = Frame(z_train)
        self.columns = columns(train, self.frame.whiten(z_train))
        self.normals = [probe(target, z_train, self.frame) for target in known]
        scores = [self.score(target, [normal]) for target, normal in zip(known, self.normals, strict=True)]
        # the normal of what latents do not tell is noise: nothing to keep off
        self.kept_off = [i for i in _free_values(known) if scores[i][0] >= CHANCE[scores[i][1]]]

    def score(self, target: Target, vectors: list[Tensor]) -> tuple[float, str]:
        """See `probes.held_out_score`."""
        return held_out_score(target, self.z_train, self.z_held, self.frame, vectors)

    def free(self, i: int, not_held: Sequence[str]) -> Tensor | None:
        """The normal of a target less what the others' probes see, see `probes.projected`."""
        apart = {t.name for t in self.known if t.attribute == self.known[i].attribute} | set(not_held)
        seen = [self.normals[j] for j in self.kept_off if self.known[j].name not in apart]
        return projected(self.normals[i], torch.stack(seen)) if seen else None

    def direction(self, i: int, methods: Collection[str], dimension: int | None) -> Direction:
        """The direction of target i: the best of these vectors; `dimension` is the one bound to it."""
        target, normal, frame = self.known[i], self.normals[i], self.frame
        beside, not_held = self.columns.beside(target)
        others = self.columns.filled[:, beside]
        free = self.free(i, not_held)
        vectors = candidates(target, self.z_train, frame, normal, others, free, dimension)
        share = explained(target, others)
        tangled = share > TANGLED and any(m in CONDITIONAL for m in methods)
        score = self.score(target, [normal, frame.white.T @ vectors["difference"]])
        tried = [m for m in methods if m == "dimension" or m in CONDITIONAL] if tangled else methods
        found = self.measured(target, distinct(vectors, tried, frame), score, not_held)
        if tangled:
            why = (
                f"other attributes tell {share:.0%} of it in these items: it was looked for with them held "
                "fixed"
            )
            found = replace(found, note="; ".join(part for part in (found.note, why) if part))
        left = self.score(target, [free])[0] if free is not None else None
        best = best_dimension(target, self.z_train, self.z_held)
        return replace(found, best_dimension=best, projected_score=left)

    def measured(
        self, target: Target, vectors: dict[str, Tensor], scored: tuple[float, str], not_held: Sequence[str]
    ) -> Direction:
        """The best of the vectors at its right length, with what it does."""
        score, score_name = scored
        notes = _doubts(score, score_name, not_held)
        unit = asked(target, self.pool)
        held = target.held[self.pool.rows]
        rows = np.flatnonzero(~np.isnan(held) if target.kind == "number" else held == 0)
        if unit is None or not len(rows) or not vectors:
            return self.unmeasured(target, vectors, scored, not_held)
        # to set the length on other items than those that chose the vector
        enough = len(rows) >= TRIED + self.items // 2
        own = frozenset(not_held)
        method, start = choose(vectors, Trial(self.pool, rows[:TRIED], target, unit, own), self.frame)
        rest = rows[TRIED : TRIED + self.items] if enough else rows[: self.items]
        trial = Trial(self.pool, rest, target, unit, own)
        scale, effect, leakage = calibrate(vectors[method], trial, start)
        vector = scale * vectors[method]
        if effect < 0.95:
            notes.append(f"strength 1 reaches only {max(effect, 0):.0%} of what was asked")
        few = replace(trial, rows=rest[:TRIED])  # nine strengths of all would cost more than the search
        looks = None
        if self.real is not None:
            looks = trial.real(0 * vector, self.real), trial.real(vector, self.real)
            if looks[0] >= TELLING and looks[1] < UNREAL * looks[0]:
                notes.append(
                    f"strength 1 leaves the data: {looks[1]:.0%} of it looks real, {looks[0]:.0%} before"
                )
        return Direction(
            name=target.name,
            vector=vector.float(),
            kind=target.kind,
            method=method,
            score=score,
            score_name=score_name,
            unit=unit,
            effect=effect,
            strengths=CURVE,
            effects=tuple(effect if s == 1 else few.change(s * vector)[0] for s in CURVE),
            leakage=leakage,
            works=score >= CHANCE[score_name] and effect >= WEAK,
            note="; ".join(notes),
            not_held=tuple(not_held),
            looks_real=looks,
        )

    def unmeasured(
        self, target: Target, vectors: dict[str, Tensor], scored: tuple[float, str], not_held: Sequence[str]
    ) -> Direction:
        """The likeliest of the vectors as it is, where no effect can be read; of none, no move at all."""
        none = "no vector is left for it: the latents do not move with it, or only with other attributes"
        why = "its effect was not measured: no reader sees it in decoded items" if vectors else none
        order = ("dimension", "conditional", "difference", "projected", "probe")
        method = next((m for m in order if m in vectors), "difference")
        return Direction(
            name=target.name,
            vector=vectors.get(method, torch.zeros_like(self.frame.mean)).float(),
            kind=target.kind,
            method=method,
            score=scored[0],
            score_name=scored[1],
            unit=1.0,
            works=False,
            note="; ".join([*_doubts(*scored, not_held), why]),
            not_held=tuple(not_held),
        )


def _doubts(score: float, score_name: str, not_held: Sequence[str]) -> list[str]:
    """What a user should know of a direction before any effect is measured."""
    notes = []
    if score < CHANCE[score_name]:
        notes.append(f"held-out {score_name} {score:.2f} is at chance: the latents do not tell it")
    if not_held:
        more = f" and {len(not_held) - 3} more" if len(not_held) > 3 else ""
        notes.append(f"not held against {', '.join(not_held[:3])}{more}: one tells the other")
    return notes


def _free_values(known: Sequence[Target]) -> list[int]:
    """The targets whose readings fix those of all: of a category every value but the last, which the others
    leave no choice.
    """
    last = {t.attribute: t.name for t in known if t.kind == "category" and t.name != t.attribute}
    return [
        i
        for i, t in enumerate(known)
        if t.kind != "category" or t.name not in (t.attribute, last[t.attribute])
    ]


def _methods(
    methods: Collection[str], conditional: bool, dimensions: Mapping[str, int], z: Tensor
) -> Collection[str]:
    """The vectors to compare."""
    for method in methods:
        if method not in METHODS:
            raise unknown("method of directions", method, METHODS)
    for name, index in dimensions.items():
        if z.ndim == 2 and not 0 <= index < z.shape[1]:
            raise LiminalError(
                f"directions: {name} is bound to dimension {index}; the latents have dimensions 0 to "
                f"{z.shape[1] - 1}"
            )
    return [m for m in methods if m in CONDITIONAL] if conditional else methods


def _check(
    z_train: Tensor, train: pa.Table, z_held: Tensor, held: pa.Table, names: Collection[str] | None
) -> None:
    for what, z, table in (("training", z_train, train), ("held-out", z_held, held)):
        if z.ndim != 2 or len(z) != len(table) or z.shape[1] != z_train.shape[1]:
            raise LiminalError(
                f"directions: {what} latents {tuple(z.shape)} do not fit {len(table)} rows of attributes"
            )
        if not torch.isfinite(z).all():
            raise LiminalError(f"directions: the {what} latents hold NaN or infinity; wanted finite numbers")
    if len(z_train) < 2 or len(z_held) < 1:
        raise LiminalError(
            f"directions: {len(z_train)} training and {len(z_held)} held-out items are too few; label more "
            "items"
        )
    if missing := [c for c in train.column_names if c not in held.column_names]:
        raise LiminalError(f"directions: the held-out items have no attribute {missing[0]!r}")
    for name in names or ():
        if name not in train.column_names:
            raise unknown("attribute", name, train.column_names)
