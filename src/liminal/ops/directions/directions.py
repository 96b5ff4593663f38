"""Directions with their evidence (`search` finds them), by the names that people write, and on disk.

Attribute names, here and in what a reader gives: ``smile`` (a number, read as its value), ``hat`` (yes/no,
read as a probability), ``hair_colour=blond`` (a category's value, read as a probability). A category with a
value that means off also has a plain name: ``glasses`` leads from ``glasses=none`` to any other value.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...errors import LiminalError, unknown

YES, NO = frozenset({"yes", "true", "on", "1"}), frozenset({"no", "false", "off", "0"})
CURVE = (-3.0, -2.0, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0, 3.0)  # strengths at which effects are measured
CHANCE = {"AUC": 0.6, "R2": 0.05}  # held-out scores below which nothing is known
BENT = 0.5  # share of the straight line's effect by which the effect curve may be off it


@dataclass(frozen=True, kw_only=True)
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
    effect: float | None = None
    strengths: tuple[float, ...] = ()
    effects: tuple[float, ...] = ()
    leakage: dict[str, float] = field(default_factory=dict)
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
    name: str,
    value: str | None,
    directions: Mapping[str, Direction],
    attributes: Collection[str] = (),
    others: Collection[str] = (),
) -> Direction:
    """The direction that a formula's ``name`` or ``name=value`` means, if it leads anywhere.

    Args:
        name: of an attribute.
        value: of a category, or yes/true/on/1 of a yes/no attribute.
        directions: by name.
        attributes: names of all attributes, for the answer about one that has no direction.
        others: names that are known elsewhere, for the answer about one that is not.

    Raises:
        LiminalError: there is none, and the message lists what would have worked; or it has no vector.
    """
    found = _named(name, value, directions, attributes, others)
    if not found.vector.any():
        raise LiminalError(
            f"{found.name!r} cannot be edited: {found.note or 'no vector was found for it'}; label items "
            "that have it without the attributes that go with it, or move along another direction"
        )
    return found


def _named(
    name: str,
    value: str | None,
    directions: Mapping[str, Direction],
    attributes: Collection[str],
    others: Collection[str],
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
    raise unknown("direction", name, {*others, *(k.split("=", 1)[0] for k in directions)})


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
