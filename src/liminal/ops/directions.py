"""Directions: what in the latent space moves one attribute, by how much, and what else moves with it.

For one attribute up to three vectors v are compared, each with the length at which it carries the mean of the ones to the mean of the others:

- ``difference``: E[z | on] - E[z | off]; for a number the slope of z on it, times one standard deviation;
- ``conditional``: the same with every other attribute held fixed, from the regression of z on all attributes at once, z = B a + noise;
- ``probe``: the normal of the logistic classifier in whitened coordinates (for a number the ridge regression's is the difference again).

Each is tried on held-out items: decode(z + s v) is read by readers fitted on real data, against decode(z). What reaches the asked change at
the least cost is kept, cost = mean absolute change of the other attributes in SD + the root mean square shift of the whitened coordinates.
Its length is then set on other held-out items so that strength 1 has the asked effect: one standard deviation of a number; of a yes/no or a
category's value, the gap between the mean probability read in decoded items that have it and in decoded items that do not.

Attribute names, here and in what a reader gives: ``smile`` (a number, read as its value), ``hat`` (yes/no, read as a probability),
``hair_colour=blond`` (a category's value, read as a probability). A category with a value that means off also has a plain name:
``glasses`` leads from ``glasses=none`` to any other value.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from ..errors import LiminalError, unknown

OFF = frozenset({"none", "no", "off"})  # values of a category that mean that it is not there
YES, NO = frozenset({"yes", "true", "on", "1"}), frozenset({"no", "false", "off", "0"})
LEAST_TRAIN, LEAST_HELD = 10, 5  # items on either side that a direction needs
MOST_VALUES = 50  # of one category that get a direction, the most frequent ones
MOST_ROWS = 20_000  # that a probe is fitted on
POOL = 2000  # held-out items that are decoded and read at most
TRIED = 64  # held-out items on which the vectors are compared
CURVE = (-2.0, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0)
REACH = 4.0  # class gaps (or standard deviations) beyond which no length is tried
CHANCE = {"AUC": 0.6, "R2": 0.05}
WEAK = 0.25  # share of the asked effect below which a direction does not work

Decode = Callable[[Tensor], Tensor]
Read = Callable[[Tensor], Mapping[str, Tensor]]


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


@dataclass(frozen=True)
class _Target:
    """One thing that a direction can move: its values over the training and held-out rows (NaN: unknown, or neither on nor off)."""

    name: str
    attribute: str
    kind: str
    train: np.ndarray
    held: np.ndarray


class _Frame:
    """The latents' mean and whitened active axes: u = (z - mean) @ white, z - mean = u @ colour on the active part."""

    def __init__(self, z: Tensor) -> None:
        self.mean = z.mean(0)
        power, axes = torch.linalg.eigh(torch.cov((z - self.mean).T).reshape(z.shape[1], z.shape[1]))
        active = power > 1e-3 * power[-1].clamp_min(1e-12)
        if not active.any():
            raise LiminalError("directions: all latents are the same; there is no direction to find")
        spread = power[active].sqrt()
        self.white, self.colour = axes[:, active] / spread, (axes[:, active] * spread).T

    def whiten(self, z: Tensor) -> Tensor:
        return (z - self.mean) @ self.white

    def shift(self, vector: Tensor) -> float:
        """Root mean square of the whitened coordinates' change."""
        return float((vector @ self.white).square().mean().sqrt())


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
    targets = [t for t in _targets(attributes_train, attributes_held) if names is None or t.attribute in names]
    if not targets:
        return []
    frame = _Frame(z_train)
    design, columns = _design(attributes_train)
    pool = _Pool(z_held, decode, read, seed)
    return [_find(target, z_train, z_held, frame, design, columns, pool, items) for target in targets]


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


# what can be moved


def _targets(train: pa.Table, held: pa.Table) -> list[_Target]:
    found = []
    for name in train.column_names:
        kind = _kind(train, name)
        if kind == "category":
            a, b = train[name].to_pylist(), held[name].to_pylist()
            found += [
                _Target(f"{name}={value}", name, kind, _is(a, {value}), _is(b, {value})) for value in _values(a)
            ]
            if any(value is not None and value.lower() in OFF for value in a):
                found.append(_Target(name, name, kind, _is_on(a), _is_on(b)))
        else:
            found.append(_Target(name, name, kind, _floats(train, name), _floats(held, name)))
    return [t for t in found if _enough(t.train, LEAST_TRAIN, t.kind) and _enough(t.held, LEAST_HELD, t.kind)]


def _kind(table: pa.Table, name: str) -> str:
    t = table.schema.field(name).type
    if pa.types.is_boolean(t):
        return "bool"
    return "number" if pa.types.is_floating(t) or pa.types.is_integer(t) else "category"


def _floats(table: pa.Table, name: str) -> np.ndarray:
    return np.array([math.nan if v is None else float(v) for v in table[name].to_pylist()])


def _values(column: Iterable[str | None]) -> list[str]:
    counts = Counter(v for v in column if v is not None)
    return sorted(v for v, n in counts.most_common(MOST_VALUES) if n >= LEAST_TRAIN)


def _is(column: Iterable[str | None], values: set[str]) -> np.ndarray:
    return np.array([math.nan if v is None else float(v in values) for v in column])


def _is_on(column: Iterable[str | None]) -> np.ndarray:
    return np.array([math.nan if v is None else float(v.lower() not in OFF) for v in column])


def _enough(values: np.ndarray, least: int, kind: str) -> bool:
    known = values[~np.isnan(values)]
    if kind == "number":
        return len(known) >= 2 * least and float(np.ptp(known)) > 0
    return bool((known == 1).sum() >= least and (known == 0).sum() >= least)


# vectors


def _design(table: pa.Table) -> tuple[Tensor, list[str]]:
    """All attributes as centred columns (n, p), unknown = the mean, and the attribute of each; numbers in standard deviations."""
    columns, of = [], []
    for name in table.column_names:
        kind = _kind(table, name)
        if kind == "category":
            listed = table[name].to_pylist()
            parts = [_is(listed, {value}) for value in _values(listed)]
        else:
            parts = [_floats(table, name)]
        for part in parts:
            known = part[~np.isnan(part)]
            if len(known) and np.ptp(known) > 0:
                part = np.where(np.isnan(part), known.mean(), part) - known.mean()
                columns.append(part / known.std() if kind == "number" else part)
                of.append(name)
    return torch.tensor(np.array(columns).reshape(len(columns), len(table)).T.copy()), of


def _vectors(target: _Target, z: Tensor, frame: _Frame, design: Tensor, columns: list[str]) -> dict[str, Tensor]:
    """Candidate vectors, each as long as the way from off to on (one standard deviation of a number)."""
    rows = torch.tensor(~np.isnan(target.train))
    a, z = torch.tensor(target.train)[rows], z[rows]
    a = (a - a.mean()) / (a.std() if target.kind == "number" else 1.0)
    centred = z - z.mean(0)
    found = {"difference": centred.T @ a / a.square().sum()}
    others = design[rows][:, [c != target.attribute for c in columns]]
    if others.shape[1]:
        # regression of z on a and the others at once: a freed from what the others say of it (Frisch, Waugh & Lovell)
        others = others - others.mean(0)
        gram = others.T @ others + 1e-6 * len(a) * torch.eye(others.shape[1], dtype=torch.double)
        own = a - others @ torch.linalg.solve(gram, others.T @ a)
        if own.square().sum() > 0.02 * a.square().sum():  # else the others decide it and nothing of its own is left
            found["conditional"] = centred.T @ own / own.square().sum()
    if target.kind != "number":
        normal = _probe(target, z, a, frame)
        along = frame.whiten(z) @ normal
        gap = (along @ a) / a.square().sum()  # as far along the normal as the classes lie apart
        found["probe"] = float(gap) * (normal @ frame.colour)
    return {k: v for k, v in found.items() if torch.isfinite(v).all() and v.norm() > 0}


def _probe(target: _Target, z: Tensor, a: Tensor, frame: _Frame) -> Tensor:
    """Unit normal of the best linear reader of the attribute in whitened coordinates."""
    rows = torch.randperm(len(z), generator=torch.Generator().manual_seed(0))[:MOST_ROWS]
    u, y = frame.whiten(z[rows]), a[rows]
    if target.kind == "number":
        gram = u.T @ u + 1e-2 * len(u) * torch.eye(u.shape[1], dtype=torch.double)
        normal = torch.linalg.solve(gram, u.T @ (y - y.mean()))
    else:
        from sklearn.linear_model import LogisticRegression

        normal = torch.tensor(LogisticRegression(C=1.0, max_iter=300).fit(u.numpy(), (y > 0).numpy()).coef_[0])
    return normal / normal.norm().clamp_min(1e-12)


def _score(target: _Target, z_train: Tensor, z_held: Tensor, frame: _Frame, difference: Tensor) -> tuple[float, str]:
    """Held-out AUC or R2 of the better of the probe and the whitened difference."""
    from sklearn.metrics import roc_auc_score

    train, held = ~np.isnan(target.train), ~np.isnan(target.held)
    a, b = torch.tensor(target.train[train]), torch.tensor(target.held[held])
    u, w = frame.whiten(z_train[torch.tensor(train)]), frame.whiten(z_held[torch.tensor(held)])
    scores = []
    for normal in (_probe(target, z_train[torch.tensor(train)], a - a.mean(), frame), difference @ frame.white):
        if target.kind != "number":
            scores.append(float(roc_auc_score(b.numpy(), (w @ normal).numpy())))
            continue
        along = u @ normal
        slope = (along - along.mean()) @ (a - a.mean()) / (along - along.mean()).square().sum().clamp_min(1e-12)
        error = b - (a.mean() + slope * (w @ normal - along.mean()))
        scores.append(1 - float(error.square().sum() / (b - b.mean()).square().sum()))
    return max(scores), "R2" if target.kind == "number" else "AUC"


# effects


class _Pool:
    """Held-out items, decoded and read once, unedited; edits are read against these."""

    def __init__(self, z: Tensor, decode: Decode, read: Read, seed: int) -> None:
        self.rows = torch.randperm(len(z), generator=torch.Generator().manual_seed(seed))[:POOL]
        self.z = z[self.rows].float()
        self._decode, self._read = decode, read
        self.plain = self.read(self.z)

    def read(self, z: Tensor) -> dict[str, np.ndarray]:
        seen = self._read(self._decode(z))
        return {name: value.detach().cpu().double().numpy() for name, value in seen.items()}

    def value(self, seen: dict[str, np.ndarray], name: str) -> np.ndarray | None:
        """What was seen of a target; a plain category name is one minus its off values."""
        if name in seen:
            return seen[name]
        off = [v for k, v in seen.items() if k.startswith(f"{name}=") and k.split("=", 1)[1].lower() in OFF]
        return 1 - np.sum(off, 0) if off else None


def _spread(name: str, plain: np.ndarray, unit_of: Mapping[str, float]) -> float:
    return unit_of.get(name) or float(plain.std()) or 1.0


@dataclass(frozen=True)
class _Trial:
    """Moves rows of the pool along a vector and says what changed, in units of what is asked."""

    pool: _Pool
    rows: np.ndarray
    target: _Target
    unit: float

    def change(self, step: Tensor) -> tuple[float, dict[str, float]]:
        """The mean effect (1: as asked) and every other attribute's mean absolute change in its SD over the pool."""
        seen = self.pool.read(self.pool.z[self.rows] + step.float())
        own, before = self.pool.value(seen, self.target.name), self.pool.value(self.pool.plain, self.target.name)
        assert own is not None and before is not None
        leak = {}
        for name, value in seen.items():
            if name.split("=", 1)[0] != self.target.attribute:
                plain = self.pool.plain[name]
                leak[name] = float(np.abs(value - plain[self.rows]).mean() / (plain.std() or 1.0))
        return float((own - before[self.rows]).mean() / self.unit), leak


def _find(
    target: _Target, z_train: Tensor, z_held: Tensor, frame: _Frame, design: Tensor, columns: list[str], pool: _Pool, items: int
) -> Direction:
    vectors = _vectors(target, z_train, frame, design, columns)
    if not vectors:  # the attribute has exactly the same mean latent everywhere
        none = torch.zeros(z_train.shape[1])
        return Direction(target.name, none, target.kind, "difference", 0.0, "", 1.0, None, (), (), {}, False, "moves nothing in the latents")
    score, score_name = _score(target, z_train, z_held, frame, vectors["difference"])
    unit = _unit(target, pool)
    held = target.held[pool.rows.numpy()]
    rows = np.flatnonzero(~np.isnan(held) if target.kind == "number" else held == 0)
    notes = [f"held-out {score_name} {score:.2f} is at chance: the latents do not tell it"] if score < CHANCE[score_name] else []
    if unit is None or not len(rows):
        notes.append("no reader sees it in decoded items: strength 1 is the gap in the latents, its effect was not measured")
        method = "conditional" if "conditional" in vectors else "difference"
        return Direction(
            target.name, vectors[method].float(), target.kind, method, score, score_name, 1.0, None, (), (), {}, False, "; ".join(notes)
        )
    tried, rest = rows[:TRIED], rows[TRIED : TRIED + items] if len(rows) >= TRIED + items // 2 else rows[:items]
    method, scale = _choose(vectors, _Trial(pool, tried, target, unit), frame)
    trial = _Trial(pool, rest, target, unit)
    scale, effect = _calibrate(vectors[method], trial, start=scale)
    vector = scale * vectors[method]
    effects, leakage = [], {}
    for s in CURVE:
        value, leak = trial.change(s * vector)
        effects.append(value)
        leakage = leak if s == 1 else leakage
    if effect < 0.95:
        notes.append(f"strength 1 reaches only {max(effect, 0):.0%} of what was asked")
    works = score >= CHANCE[score_name] and effect >= WEAK
    return Direction(
        target.name, vector.float(), target.kind, method, score, score_name, unit, effect, CURVE, tuple(effects), leakage, works, "; ".join(notes)
    )


def _unit(target: _Target, pool: _Pool) -> float | None:
    """What strength 1 is asked to do, in the attribute's unit; None where readers do not see the attribute at all."""
    seen = pool.value(pool.plain, target.name)
    if seen is None:
        return None
    if target.kind == "number":
        return float(np.nanstd(target.train))
    held = target.held[pool.rows.numpy()]
    if not (held == 1).any() or not (held == 0).any():
        return None
    gap = float(seen[held == 1].mean() - seen[held == 0].mean())
    return gap if gap > 0.02 else None


def _choose(vectors: dict[str, Tensor], trial: _Trial, frame: _Frame) -> tuple[str, float]:
    """The method whose vector reaches the asked effect at the least cost (else comes nearest), and the length it needs."""
    best: tuple[tuple[float, float], str, float] | None = None
    for method, vector in vectors.items():
        scale, effect = _calibrate(vector, trial)
        _, leak = trial.change(scale * vector)
        cost = (float(np.mean(list(leak.values()))) if leak else 0.0) + frame.shift(scale * vector)
        rank = max(0.0, 0.95 - effect), cost
        if best is None or rank < best[0]:
            best = rank, method, scale
    assert best is not None
    return best[1], best[2]


def _calibrate(vector: Tensor, trial: _Trial, start: float = 1.0) -> tuple[float, float]:
    """The length at which strength 1 has effect 1, and its effect: doubling brackets it, regula falsi (Illinois) closes in.

    Where it is not reached within `REACH`, the smallest length tried with 98 % of the best effect.
    """
    seen = {0.0: 0.0}

    def effect(scale: float) -> float:
        if scale not in seen:
            seen[scale] = trial.change(scale * vector)[0]
        return seen[scale]

    low, high = 0.0, min(start, REACH)
    while effect(high) < 1 and high < REACH:
        low, high = high, min(1.5 * high, REACH)
    if effect(high) < 1:
        best = max(seen.values())
        scale = min(s for s, e in seen.items() if s > 0 and e >= best - 0.02 * abs(best)) if best > 0 else min(1.0, REACH)
        return scale, effect(scale)
    below, above = effect(low) - 1, effect(high) - 1
    scale = high
    for _ in range(8):
        if abs(effect(scale) - 1) < 0.005:
            break
        scale = high - above * (high - low) / (above - below)
        now = effect(scale) - 1
        if now >= 0:
            high, above, below = scale, now, below / 2
        else:
            low, below, above = scale, now, above / 2
    return scale, effect(scale)


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
        wanted = f"a number: write a strength, as in 1.5*{name}" if directions[name].kind == "number" else f"yes or no: write {name} or -{name}"
        raise LiminalError(f"{name}={value}: {name} is {wanted}")
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
        return [
            Direction(**{**e, "vector": tensors[e["name"]], "strengths": tuple(e["strengths"]), "effects": tuple(e["effects"])}) for e in listed
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise LiminalError(f"directions: the file's evidence does not fit its vectors ({error}); find the directions again") from error
