"""Directions: what in the latent space moves one attribute, by how much, and what else moves with it.

For one attribute up to three vectors v are compared, each at first as long as the way from the mean of off to the mean of on:

- ``difference``: E[z | on] - E[z | off]; for a number the slope of z on it, times one standard deviation;
- ``conditional``: the same with every other attribute held fixed, from the regression of z on all attributes at once, z = B a + noise;
- ``probe``: the normal of the logistic classifier in whitened coordinates (for a number the ridge regression's is the difference again).

Each is tried on held-out items: decode(z + s v) is read by readers fitted on real data, against decode(z). What reaches the asked change at
the least cost is kept, cost = leakage + shift / 10: the root mean square, over the other attributes, of their mean absolute change in SD,
and the root mean square shift of the whitened coordinates, which stands for all that has no name.
Its length is then set on other held-out items so that strength 1 has the asked effect: one standard deviation of a number; of a yes/no or a
category's value, the gap between the mean probability read in decoded items that have it and in decoded items that do not.

Attribute names, here and in what a reader gives: ``smile`` (a number, read as its value), ``hat`` (yes/no, read as a probability),
``hair_colour=blond`` (a category's value, read as a probability). A category with a value that means off also has a plain name:
``glasses`` leads from ``glasses=none`` to any other value.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from ..errors import LiminalError, unknown
from .effects import Decode, Pool, Read, Trial, asked, calibrate, choose
from .probes import Frame, Target, candidates, columns, held_out_score, probe, targets

YES, NO = frozenset({"yes", "true", "on", "1"}), frozenset({"no", "false", "off", "0"})
TRIED = 64  # held-out items on which the vectors are compared
CURVE = (-2.0, -1.0, 0.5, 1.0, 1.5, 2.0)
CHANCE = {"AUC": 0.6, "R2": 0.05}
WEAK = 0.25  # share of the asked effect below which a direction does not work


@dataclass(frozen=True)
class Direction:
    """A vector in the latent space with its evidence.

    Attributes:
        name: ``smile``, ``hat``, ``hair_colour=blond``.
        vector: (d,); z + s * vector is strength s.
        kind: ``number``, ``bool`` or ``category``.
        method: ``difference``, ``conditional`` or ``probe``.
        score: how well the attribute can be read from z on held-out items, by the better of a linear probe and the difference.
        score_name: ``AUC`` (0.5 is chance) or ``R2`` (0 is chance).
        unit: what effect 1 means, in the attribute's own unit: one standard deviation, or a gap in probability.
        effect: of strength 1 in decoded held-out items, 1 = as asked; None where nothing could be read.
        strengths: of the curve.
        effects: at these strengths, as `effect`.
        leakage: mean absolute change of every other attribute at strength 1, in its standard deviations.
        works: whether the score is above chance and strength 1 reaches a quarter of what was asked or more.
        note: what a user should know, or empty.
    """

    name: str
    vector: Tensor = field(repr=False)
    kind: str
    method: str
    score: float
    score_name: str
    unit: float
    effect: float | None
    strengths: tuple[float, ...]
    effects: tuple[float, ...]
    leakage: dict[str, float]
    works: bool
    note: str

    @property
    def evidence(self) -> dict[str, Any]:
        """JSON-ready: everything but the vector."""
        return {k: v for k, v in asdict(replace(self, vector=torch.empty(0))).items() if k != "vector"}


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
) -> list[Direction]:
    """A direction for every attribute that has enough items on either side.

    Args:
        z_train: (n, d), the latents that vectors are fitted on.
        attributes_train: n rows; float64 (numbers), bool or string (category) columns, null = unknown.
        z_held: (m, d), latents of other items, on which effects are measured.
        attributes_held: m rows of the same columns.
        decode: z (k, d) -> x (k, *shape), in chunks of bounded memory.
        read: x -> the attributes seen in it, (k,) each, by the names above; an attribute that it leaves out cannot be checked.
        names: of the attributes to find; None: all. The others still count as held fixed.
        items: held-out items on which strength 1 is set.
        seed: of the choice of held-out items.

    Raises:
        LiminalError: latents and attributes do not fit, hold NaN, or a name is no attribute.
    """
    _check(z_train, attributes_train, z_held, attributes_held, names)
    z_train, z_held = z_train.detach().cpu().double(), z_held.detach().cpu().double()
    wanted = [t for t in targets(attributes_train, attributes_held) if names is None or t.attribute in names]
    if not wanted:
        return []
    frame, pool = Frame(z_train), Pool(z_held, decode, read, seed)
    table, of = columns(attributes_train, frame.whiten(z_train))
    found = []
    for target in wanted:
        others = table[:, [i for i, attribute in enumerate(of) if attribute != target.attribute]]
        normal = probe(target, z_train, frame)
        vectors = candidates(target, z_train, frame, normal, others)
        normals = [normal, *(frame.white.T @ v for v in (vectors.get("difference"),) if v is not None)]
        score, score_name = held_out_score(target, z_train, z_held, frame, normals)
        found.append(_measured(target, vectors, score, score_name, frame, pool, items))
    return found


def _check(z_train: Tensor, train: pa.Table, z_held: Tensor, held: pa.Table, names: Collection[str] | None) -> None:
    for what, z, table in (("training", z_train, train), ("held-out", z_held, held)):
        if z.ndim != 2 or len(z) != len(table) or z.shape[1] != z_train.shape[1]:
            raise LiminalError(f"directions: {what} latents {tuple(z.shape)} do not fit {len(table)} rows of attributes")
        if not torch.isfinite(z).all():
            raise LiminalError(f"directions: the {what} latents hold NaN or infinity; wanted finite numbers")
    if len(z_train) < 2 or len(z_held) < 1:
        raise LiminalError(f"directions: {len(z_train)} training and {len(z_held)} held-out items are too few; label more items")
    if missing := [c for c in train.column_names if c not in held.column_names]:
        raise LiminalError(f"directions: the held-out items have no attribute {missing[0]!r}")
    for name in names or ():
        if name not in train.column_names:
            raise unknown("attribute", name, train.column_names)


def _measured(target: Target, vectors: dict[str, Tensor], score: float, score_name: str, frame: Frame, pool: Pool, items: int) -> Direction:
    """The best of the vectors at its right length, with what it does."""
    notes = [f"held-out {score_name} {score:.2f} is at chance: the latents do not tell it"] if score < CHANCE[score_name] else []
    unit = asked(target, pool)
    held = target.held[pool.rows]
    rows = np.flatnonzero(~np.isnan(held) if target.kind == "number" else held == 0)
    if unit is None or not len(rows) or not vectors:
        notes.append("its effect was not measured: no reader sees it in decoded items" if vectors else "it moves nothing in the latents")
        method = next((m for m in ("conditional", "difference", "probe") if m in vectors), "difference")
        vector = vectors.get(method, torch.zeros_like(frame.mean)).float()
        return Direction(target.name, vector, target.kind, method, score, score_name, 1.0, None, (), (), {}, False, "; ".join(notes))
    enough = len(rows) >= TRIED + items // 2  # to set the length on other items than those that chose the vector
    method, start = choose(vectors, Trial(pool, rows[:TRIED], target, unit), frame)
    trial = Trial(pool, rows[TRIED : TRIED + items] if enough else rows[:items], target, unit)
    scale, effect, leakage = calibrate(vectors[method], trial, start)
    vector = scale * vectors[method]
    effects = tuple(effect if s == 1 else trial.change(s * vector)[0] for s in CURVE)
    if effect < 0.95:
        notes.append(f"strength 1 reaches only {max(effect, 0):.0%} of what was asked")
    works = score >= CHANCE[score_name] and effect >= WEAK
    return Direction(
        target.name, vector.float(), target.kind, method, score, score_name, unit, effect, CURVE, effects, leakage, works, "; ".join(notes)
    )


# names


def resolve(name: str, value: str | None, directions: Mapping[str, Direction], attributes: Collection[str] = ()) -> Direction:
    """The direction that a formula's ``name`` or ``name=value`` means.

    Args:
        name: of an attribute.
        value: of a category, or yes/true/on/1 of a yes/no attribute.
        directions: by name.
        attributes: names of all attributes, for the answer about one that has no direction.

    Raises:
        LiminalError: there is none; the message lists what would have worked.
    """
    if value is None and name in directions:
        return directions[name]
    if value is not None and f"{name}={value}" in directions:
        return directions[f"{name}={value}"]
    forms = [k for k in directions if k.startswith(f"{name}=")]
    if value is None and forms:
        raise LiminalError(f"{name!r} is a category without a value that means off; say which value: {_listed(forms)}")
    if value is not None and forms:
        near = [k for k in forms if k.split("=", 1)[1].lower() == value.lower()]
        if len(near) == 1:
            return directions[near[0]]
        raise unknown(f"value of {name}", value, [k.split("=", 1)[1] for k in forms])
    if value is not None and name in directions:
        if directions[name].kind == "bool" and value.lower() in YES:
            return directions[name]
        if directions[name].kind == "bool" and value.lower() in NO:
            raise LiminalError(f"{name}={value}: write -{name} to take it away")
        number = directions[name].kind == "number"
        form = f"a number: write a strength, as in 1.5*{name}" if number else f"yes or no: write {name} or -{name}"
        raise LiminalError(f"{name}={value}: {name} is {form}")
    if name in attributes:
        raise LiminalError(f"attribute {name!r} has no direction: too few items are known to have it or not to have it; label more")
    raise unknown("direction", name, {k.split("=", 1)[0] for k in directions})


def _listed(forms: Sequence[str]) -> str:
    shown = [k if k.split("=", 1)[1].isidentifier() else "{}='{}'".format(*k.split("=", 1)) for k in sorted(forms)]
    return ", ".join(shown[:12]) + (", ..." if len(shown) > 12 else "")


# on disk


def to_tensors(directions: Iterable[Direction]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Directions as safetensors takes them: tensors by name, and one JSON text of evidence under ``directions``."""
    found = list(directions)
    tensors = {d.name: d.vector.contiguous() for d in found}
    return tensors, {"directions": json.dumps([d.evidence for d in found])}


def from_tensors(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> list[Direction]:
    """The inverse of `to_tensors`.

    Raises:
        LiminalError: the two do not belong together, or the text is cut.
    """
    try:
        listed = json.loads(metadata["directions"])
        kept = [{**e, "strengths": tuple(e["strengths"]), "effects": tuple(e["effects"])} for e in listed]
        return [Direction(vector=tensors[e["name"]], **e) for e in kept]
    except (KeyError, TypeError, ValueError) as error:
        raise LiminalError(f"directions: the file's evidence does not fit its vectors ({error}); find the directions again") from error
