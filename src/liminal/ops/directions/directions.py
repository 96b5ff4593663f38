"""Directions: what in the latent space moves one attribute, by how much, and what else moves with it.

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

Attribute names, here and in what a reader gives: ``smile`` (a number, read as its value), ``hat`` (yes/no,
read as a probability), ``hair_colour=blond`` (a category's value, read as a probability). A category with a
value that means off also has a plain name: ``glasses`` leads from ``glasses=none`` to any other value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from ...errors import LiminalError, unknown
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

YES, NO = frozenset({"yes", "true", "on", "1"}), frozenset({"no", "false", "off", "0"})
TRIED = 64  # held-out items on which the vectors are compared
CURVE = (-3.0, -2.0, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0, 3.0)
METHODS = ("dimension", "difference", "conditional", "probe", "projected")
CONDITIONAL = ("conditional", "projected")  # these hold the other attributes fixed
CHANCE = {"AUC": 0.6, "R2": 0.05}
TANGLED = (
    0.5  # share of an attribute that the others tell from which only vectors that hold them fixed are tried
)
UNREAL = 0.5  # of the share that looked real before: below it, strength 1 leaves the data
WEAK = 0.25  # share of the asked effect below which a direction does not work
BENT = 0.5  # share of the straight line's effect by which the effect curve may be off it


@dataclass(frozen=True)
class Direction:
    """A vector in the latent space with its evidence.

    Attributes:
        name: ``smile``, ``hat``, ``hair_colour=blond``.
        vector: (d,); z + s * vector is strength s.
        kind: ``number``, ``bool`` or ``category``; ``selection`` or ``unlabelled`` where no attribute names
            it (`ops.directions.unsupervised`).
        method: ``dimension``, ``difference``, ``conditional``, ``probe`` or ``projected``; ``pca``,
            ``jacobian``, ``factorised``.
        score: how well the attribute can be read from z on held-out items, by the better of a linear probe
            and the difference.
        score_name: ``AUC`` (0.5 is chance) or ``R2`` (0 is chance); ``share`` of the latents' variance, or
            ``singular value``.
        unit: what effect 1 means, in the attribute's own unit: one standard deviation, or a gap in
            probability; without labels the length of the vector, one standard deviation of the latents along
            it.
        effect: of strength 1 in decoded held-out items, 1 = as asked; None where nothing could be read.
        strengths: of the curve.
        effects: at these strengths, as `effect`.
        leakage: mean absolute change of every other attribute at strength 1, in its standard deviations.
        works: whether the score is above chance and strength 1 reaches a quarter of what was asked or more.
        note: what a user should know, or empty.
        best_dimension: index of the single latent dimension that tells the attribute best, and its held-out
            score, to compare with `score`; None where it was not looked for.
        projected_score: what the held-out score falls to once all that other attributes' probes see is taken
            off; None where nothing was.
        moves: mean change, with its sign, of every attribute read in decoded items at strength 1, in its
            standard deviations; only where no attribute names the direction.
        not_held: what was not held fixed against it and is no leakage, since one of the two tells the other.
        looks_real: share of decoded held-out items that look real, before and at strength 1; None where
            nobody judged.
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
    best_dimension: tuple[int, float] | None = None
    projected_score: float | None = None
    moves: dict[str, float] = field(default_factory=dict)
    not_held: tuple[str, ...] = ()
    looks_real: tuple[float, float] | None = None

    @property
    def holds(self) -> tuple[float, float] | None:
        """The strengths s around 0 from the lowest to the highest up to which the effect rises with every
        step and lies within half of
        s times the effect at 1 (for s between -1 and 1, of the effect at 1 itself); None where no effect was
        measured.
        """
        if self.effect is None:
            return None
        high = self._holds(
            [(s, e) for s, e in zip(self.strengths, self.effects, strict=True) if s > 0], self.effect
        )
        low = self._holds(
            [(s, e) for s, e in zip(self.strengths, self.effects, strict=True) if s < 0], self.effect
        )
        return low, high

    @staticmethod
    def _holds(curve: list[tuple[float, float]], one: float) -> float:
        """The last of the strengths on one side of 0 up to which the effect curve rises and stays near its
        straight line.
        """
        last, before = 0.0, 0.0
        for strength, effect in sorted(curve, key=lambda point: abs(point[0])):
            side = 1.0 if strength > 0 else -1.0
            rises = side * (effect - before) > 0
            if one <= 0 or not rises or abs(effect - strength * one) > BENT * one * max(abs(strength), 1.0):
                break
            last, before = strength, effect
        return last

    @property
    def evidence(self) -> dict[str, Any]:
        """JSON-ready: everything but the vector, and `holds`."""
        return {
            **{k: v for k, v in asdict(replace(self, vector=torch.empty(0))).items() if k != "vector"},
            "holds": self.holds,
        }


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
    real: Callable[[Tensor], Tensor] | None = None,
) -> list[Direction]:
    """A direction for every attribute that has enough items on either side (`probes.left_out` tells why
    another has none).

    Args:
        z_train: (n, d), the latents that vectors are fitted on.
        attributes_train: n rows; float64 (numbers), bool or string (category) columns, null = unknown.
        z_held: (m, d), latents of other items, on which effects are measured.
        attributes_held: m rows of the same columns.
        decode: z (k, d) -> x (k, *shape), in chunks of bounded memory.
        read: x -> the attributes seen in it, (k,) each, by the names above; an attribute that it leaves out
            cannot be checked.
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
    if not any(names is None or t.attribute in names for t in known):
        return []
    frame, pool = Frame(z_train), Pool(z_held, decode, read, seed)
    every = columns(attributes_train, frame.whiten(z_train))
    normals = [probe(target, z_train, frame) for target in known]
    scores = [held_out_score(t, z_train, z_held, frame, [n]) for t, n in zip(known, normals, strict=True)]
    # the normal of what latents do not tell is noise: nothing to keep off
    kept_off = [i for i in _free_values(known) if scores[i][0] >= CHANCE[scores[i][1]]]
    found: list[Direction] = []
    wanted = [(t, n) for t, n in zip(known, normals, strict=True) if names is None or t.attribute in names]
    for target, normal in wanted:
        if progress is not None:
            progress(len(found), len(wanted), target.name)
        beside, not_held = every.beside(target)
        others = every.filled[:, beside]
        apart = {t.name for t in known if t.attribute == target.attribute} | set(not_held)
        seen = [normals[i] for i in kept_off if known[i].name not in apart]
        free = projected(normal, torch.stack(seen)) if seen else None
        vectors = candidates(
            target, z_train, frame, normal, others, free, (dimensions or {}).get(target.name)
        )
        share = explained(target, others)
        tangled = share > TANGLED and any(m in CONDITIONAL for m in methods)
        score, score_name = held_out_score(
            target, z_train, z_held, frame, [normal, frame.white.T @ vectors["difference"]]
        )
        tried = [m for m in methods if m == "dimension" or m in CONDITIONAL] if tangled else methods
        vectors = distinct(vectors, tried, frame)
        direction = _measured(target, vectors, score, score_name, frame, pool, items, not_held, real)
        if tangled:
            why = (
                f"other attributes tell {share:.0%} of it in these items: it was looked for with them held "
                "fixed"
            )
            direction = replace(direction, note="; ".join(part for part in (direction.note, why) if part))
        left = held_out_score(target, z_train, z_held, frame, [free])[0] if free is not None else None
        best = best_dimension(target, z_train, z_held)
        found.append(replace(direction, best_dimension=best, projected_score=left))
    return found


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


def _measured(
    target: Target,
    vectors: dict[str, Tensor],
    score: float,
    score_name: str,
    frame: Frame,
    pool: Pool,
    items: int,
    not_held: Sequence[str] = (),
    real: Callable[[Tensor], Tensor] | None = None,
) -> Direction:
    """The best of the vectors at its right length, with what it does."""
    notes = (
        [f"held-out {score_name} {score:.2f} is at chance: the latents do not tell it"]
        if score < CHANCE[score_name]
        else []
    )
    if not_held:
        more = f" and {len(not_held) - 3} more" if len(not_held) > 3 else ""
        notes.append(f"not held against {', '.join(not_held[:3])}{more}: one tells the other")
    unit = asked(target, pool)
    held = target.held[pool.rows]
    rows = np.flatnonzero(~np.isnan(held) if target.kind == "number" else held == 0)
    if unit is None or not len(rows) or not vectors:
        none = "no vector is left for it: the latents do not move with it, or only with other attributes"
        notes.append("its effect was not measured: no reader sees it in decoded items" if vectors else none)
        method = next(
            (m for m in ("dimension", "conditional", "difference", "projected", "probe") if m in vectors),
            "difference",
        )
        vector = vectors.get(method, torch.zeros_like(frame.mean)).float()
        return Direction(
            name=target.name,
            vector=vector,
            kind=target.kind,
            method=method,
            score=score,
            score_name=score_name,
            unit=1.0,
            effect=None,
            strengths=(),
            effects=(),
            leakage={},
            works=False,
            note="; ".join(notes),
            not_held=tuple(not_held),
        )
    # to set the length on other items than those that chose the vector
    enough = len(rows) >= TRIED + items // 2
    own = frozenset(not_held)
    method, start = choose(vectors, Trial(pool, rows[:TRIED], target, unit, own), frame)
    trial = Trial(pool, rows[TRIED : TRIED + items] if enough else rows[:items], target, unit, own)
    scale, effect, leakage = calibrate(vectors[method], trial, start)
    vector = scale * vectors[method]
    effects = tuple(effect if s == 1 else trial.change(s * vector)[0] for s in CURVE)
    if effect < 0.95:
        notes.append(f"strength 1 reaches only {max(effect, 0):.0%} of what was asked")
    looks = (trial.real(0 * vector, real), trial.real(vector, real)) if real is not None else None
    if looks is not None and looks[1] < UNREAL * looks[0]:
        notes.append(f"strength 1 leaves the data: {looks[1]:.0%} of it looks real, {looks[0]:.0%} before")
    works = score >= CHANCE[score_name] and effect >= WEAK
    return Direction(
        target.name, vector.float(), target.kind, method, score, score_name, unit, effect, CURVE, effects,
        leakage, works, "; ".join(notes), not_held=tuple(not_held), looks_real=looks,
    )  # fmt: skip


def table(directions: Iterable[Direction]) -> list[dict[str, Any]]:
    """One row for each direction: ``name``, ``method``, ``score``, ``score_name``, ``effect`` of strength 1,
    ``leakage`` (mean over other attributes, in their standard deviations), ``leaks_most`` (attribute and
    leakage), ``holds`` (strengths), ``best_dimension`` (index and score), ``projected_score``, ``looks_real``
    (share of decoded items before and at strength 1), ``moves_most`` (attribute and change), ``works`` and
    ``note``; None where there is no such thing.
    """
    return [
        {
            "name": d.name,
            "method": d.method,
            "score": d.score,
            "score_name": d.score_name,
            "effect": d.effect,
            "leakage": float(np.mean(list(d.leakage.values()))) if d.leakage else None,
            "leaks_most": max(d.leakage.items(), key=lambda leak: leak[1]) if d.leakage else None,
            "holds": d.holds,
            "best_dimension": d.best_dimension,
            "projected_score": d.projected_score,
            "looks_real": d.looks_real,
            "moves_most": max(d.moves.items(), key=lambda move: abs(move[1])) if d.moves else None,
            "works": d.works,
            "note": d.note,
        }
        for d in directions
    ]


# names


def resolve(
    name: str, value: str | None, directions: Mapping[str, Direction], attributes: Collection[str] = ()
) -> Direction:
    """The direction that a formula's ``name`` or ``name=value`` means, if it leads anywhere.

    Args:
        name: of an attribute.
        value: of a category, or yes/true/on/1 of a yes/no attribute.
        directions: by name.
        attributes: names of all attributes, for the answer about one that has no direction.

    Raises:
        LiminalError: there is none, and the message lists what would have worked; or it has no vector.
    """
    found = _named(name, value, directions, attributes)
    if not found.vector.any():
        raise LiminalError(
            f"{found.name!r} cannot be edited: {found.note or 'no vector was found for it'}; label items "
            "that have it without the attributes that go with it, or move along another direction"
        )
    return found


def _named(
    name: str, value: str | None, directions: Mapping[str, Direction], attributes: Collection[str]
) -> Direction:
    if value is None and name in directions:
        return directions[name]
    if value is not None and f"{name}={value}" in directions:
        return directions[f"{name}={value}"]
    forms = [k for k in directions if k.startswith(f"{name}=")]
    if value is None and forms:
        raise LiminalError(
            f"{name!r} is a category without a value that means off; say which value: {_listed(forms)}"
        )
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
        form = (
            f"a number: write a strength, as in 1.5*{name}"
            if number
            else f"yes or no: write {name} or -{name}"
        )
        raise LiminalError(f"{name}={value}: {name} is {form}")
    if name in attributes:
        raise LiminalError(
            f"attribute {name!r} has no direction: too few items are known to have it or not to have it; "
            "label more"
        )
    raise unknown("direction", name, {k.split("=", 1)[0] for k in directions})


def _listed(forms: Sequence[str]) -> str:
    shown = [
        k if k.split("=", 1)[1].isidentifier() else "{}='{}'".format(*k.split("=", 1)) for k in sorted(forms)
    ]
    return ", ".join(shown[:12]) + (", ..." if len(shown) > 12 else "")


# on disk


def to_tensors(directions: Iterable[Direction]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Directions as safetensors takes them: tensors by name, and one JSON text of evidence under
    ``directions``.
    """
    found = list(directions)
    tensors = {d.name: d.vector.contiguous() for d in found}
    return tensors, {"directions": json.dumps([d.evidence for d in found])}


def from_tensors(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> list[Direction]:
    """The inverse of `to_tensors`; of directions kept by an earlier version, what that did not measure is
    None.

    Raises:
        LiminalError: the two do not belong together, or the text is cut.
    """
    try:
        listed = json.loads(metadata["directions"])
        return [_kept(tensors[e["name"]], {k: v for k, v in e.items() if k != "holds"}) for e in listed]
    except (KeyError, TypeError, ValueError) as error:
        raise LiminalError(
            f"directions: the file's evidence does not fit its vectors ({error}); find the directions again"
        ) from error


def _kept(vector: Tensor, evidence: dict[str, Any]) -> Direction:
    for name in ("strengths", "effects", "best_dimension", "not_held", "looks_real"):
        if evidence.get(name) is not None:
            evidence[name] = tuple(evidence[name])
    return Direction(vector=vector, **evidence)
