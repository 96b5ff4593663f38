"""What in the latents goes with an attribute: targets, whitened coordinates, linear probes, candidate
vectors, held-out scores.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from ...errors import LiminalError

OFF = frozenset({"none", "no", "off"})  # values of a category that mean that it is not there
LEAST_TRAIN, LEAST_HELD = 10, 5  # items on either side that a direction needs
MOST_VALUES = 50  # of one category that get a direction, the most frequent ones
MOST_ROWS = 20_000  # that a probe is fitted on
SAME = 0.998  # cosine above which two vectors are not worth comparing
OWN = 0.02  # share of its variance that an attribute must have for itself, the others held fixed
# sine of the angle to the normals before it from which a normal adds to their span; less is noise that would
# cost a dimension
NEW = 0.2
LEFT = 0.05  # share of its length that a normal must keep when it is projected
RANKED = 5000  # items on which single dimensions are compared
TELLS = 0.95  # of an attribute by another, from which neither is held against the other
EXPECTED = 5  # items with a pair of values that must be expected by chance before their lack tells anything


@dataclass(frozen=True)
class Target:
    """One thing that a direction can move.

    Attributes:
        name: ``smile``, ``hat``, ``hair_colour=blond``.
        attribute: the column that it belongs to.
        kind: ``number``, ``bool`` or ``category``.
        train: (n,), its values over the training rows: numbers, or 1 on and 0 off; NaN unknown.
        held: (m,), the same over the held-out rows.
    """

    name: str
    attribute: str
    kind: str
    train: np.ndarray
    held: np.ndarray


class Frame:
    """The latents' mean and whitened active axes: u = (z - mean) @ white, z - mean = u @ colour on the active
    part.
    """

    def __init__(self, z: Tensor) -> None:
        self.mean = z.mean(0)
        n, d = z.shape
        if n < d:  # the same axes, but for those without power, and no matrix of (d, d)
            axes, spread, _ = torch.linalg.svd((z - self.mean).T, full_matrices=False)
            power, axes = spread.flip(0).square() / max(n - 1, 1), axes.flip(1)
        else:
            power, axes = torch.linalg.eigh(torch.cov((z - self.mean).T).reshape(d, d))
        active = power > 1e-3 * power[-1].clamp_min(1e-12)
        if not active.any():
            raise LiminalError("directions: all latents are the same; there is no direction to find")
        spread = power[active].sqrt()
        self.white, self.colour = axes[:, active] / spread, (axes[:, active] * spread).T

    def whiten(self, z: Tensor) -> Tensor:
        """(n, d) -> (n, active)."""
        return (z - self.mean) @ self.white

    def active(self, vector: Tensor) -> Tensor:
        """The part of a vector (d,) along active axes."""
        return (vector @ self.white) @ self.colour

    def shift(self, vector: Tensor) -> float:
        """Root mean square of the whitened coordinates' change."""
        return float((vector @ self.white).square().mean().sqrt())


def targets(train: pa.Table, held: pa.Table) -> list[Target]:
    """What has enough items on either side, in the order of the columns."""
    found = []
    for name in train.column_names:
        kind = _kind(train, name)
        if kind == "category":
            a, b = train[name].to_pylist(), held[name].to_pylist()
            found += [
                Target(f"{name}={value}", name, kind, _is(a, {value}), _is(b, {value}))
                for value in _values(a)
            ]
            if any(value is not None and value.lower() in OFF for value in a):
                found.append(Target(name, name, kind, _is_on(a), _is_on(b)))
        else:
            found.append(Target(name, name, kind, _floats(train, name), _floats(held, name)))
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


def left_out(train: pa.Table, held: pa.Table) -> dict[str, str]:
    """Why an attribute has no direction at all, in words, by name; attributes that have one are not
    listed.
    """
    found = {t.attribute for t in targets(train, held)}
    wanted = f"wanted {LEAST_TRAIN} to learn from and {LEAST_HELD} held out, with it and without it"
    why = {}
    for name in train.column_names:
        if name in found:
            continue
        values = [v for table in (train, held) for v in table[name].to_pylist() if v is not None and v == v]
        if len(set(values)) == 1:
            why[name] = (
                f"all {len(values)} items whose {name} is known have the same, {values[0]}; label items "
                "without it too"
            )
        elif _kind(train, name) == "number":
            why[name] = (
                f"only {len(values)} items have a known {name}; wanted {2 * LEAST_TRAIN} to learn from and "
                f"{2 * LEAST_HELD} held out"
            )
        else:
            most = (
                ", ".join(f"{count} have {value}" for value, count in Counter(values).most_common(2))
                or "no item has a known value"
            )
            why[name] = f"{most}; {wanted}"
    return why


@dataclass(frozen=True)
class Columns:
    """All attributes as numbers, a column for each number, yes/no and value of a category.

    Attributes:
        names: p of them, as a `Target`'s.
        of: the attribute of each.
        raw: their values (n,), NaN where unknown.
        filled: (n, p), centred, numbers in standard deviations. What is unknown is what a ridge regression on
            the whitened latents expects of it: a mean instead would leave the confounding of these rows in.
    """

    names: list[str]
    of: list[str]
    raw: list[np.ndarray]
    filled: Tensor

    def beside(self, target: Target) -> tuple[list[int], list[str]]:
        """The columns to be held fixed against a target, and the names of those that cannot be.

        Left out are columns of which one `tells` the other, and, where the rest together still leave less
        than `OWN` of the target's variance (the parts of a sum), those that take part in telling it.
        """
        others = [i for i, attribute in enumerate(self.of) if attribute != target.attribute]
        kept = [i for i in others if tells(target.train, self.raw[i]) < TELLS]
        while kept and explained(target, self.filled[:, kept]) > 1 - OWN:
            known = torch.from_numpy(~np.isnan(target.train))
            a, x = torch.from_numpy(target.train)[known], self.filled[known][:, kept]
            a, x = a - a.mean(), x - x.mean(0)
            part = (_weights(a, x) * x.std(0)).abs()
            kept = [i for i, share in zip(kept, (part / part.max()).tolist(), strict=True) if share < 1 / 4]
        return kept, [self.names[i] for i in others if i not in kept]


def columns(table: pa.Table, u: Tensor) -> Columns:
    """The attributes of a table of n rows as columns; u (n, k): the whitened latents of the rows."""
    names, of, raw, parts = [], [], [], []
    for name in table.column_names:
        kind = _kind(table, name)
        listed = table[name].to_pylist() if kind == "category" else []
        found = {f"{name}={value}": _is(listed, {value}) for value in _values(listed)}
        for column, values in (found if kind == "category" else {name: _floats(table, name)}).items():
            known = torch.from_numpy(~np.isnan(values))
            part = torch.from_numpy(values)
            if not known.any() or part[known].std(correction=0) == 0:
                continue
            part = part - part[known].mean()
            part = part / part[known].std() if kind == "number" else part
            if not known.all():
                part = torch.where(known, part, u @ _ridge(u[known], part[known]))
            names.append(column)
            of.append(name)
            raw.append(values)
            parts.append(part - part.mean())
    filled = torch.stack(parts, 1) if parts else torch.zeros(len(table), 0, dtype=torch.double)
    return Columns(names, of, raw, filled)


def tells(a: np.ndarray, b: np.ndarray) -> float:
    """How well one of two attributes (n,) tells the other, by values alone: 1 where one contains the other.

    Of two that are yes or no, Loevinger's H: 1 - observed / expected number of items with a pair of values,
    of the pair that is rarest beside chance (a beanie without a hat). Of a yes/no and a number the AUC, of
    two numbers R2. NaN is unknown.

    Source: Loevinger 1948, The technique of homogeneous tests.
    """
    from scipy.stats import rankdata

    known = ~(np.isnan(a) | np.isnan(b))
    a, b = a[known], b[known]
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    flags = [bool(np.isin(values, (0, 1)).all()) for values in (a, b)]
    if all(flags):
        both = np.array([[((a == i) & (b == j)).sum() for j in (0, 1)] for i in (0, 1)], dtype=float)
        expected = np.outer(both.sum(1), both.sum(0)) / len(a)
        return float(np.max(1 - both / expected, where=expected >= EXPECTED, initial=0.0))
    if not any(flags):
        return float(np.corrcoef(a, b)[0, 1] ** 2)
    on, rank = (a == 1, rankdata(b)) if flags[0] else (b == 1, rankdata(a))
    auc = (rank[on].sum() - on.sum() * (on.sum() + 1) / 2) / (on.sum() * (~on).sum())
    return float(max(auc, 1 - auc))


def _ridge(u: Tensor, y: Tensor) -> Tensor:
    """Weights (k,) of y on whitened coordinates u (n, k), with a hundredth of their variance added."""
    return torch.linalg.solve(u.T @ u + 1e-2 * len(u) * torch.eye(u.shape[1], dtype=u.dtype), u.T @ y)


def probe(target: Target, z: Tensor, frame: Frame) -> Tensor:
    """Unit normal of the best linear reader of the attribute in whitened coordinates: logistic, or ridge for
    a number.
    """
    known = torch.from_numpy(np.flatnonzero(~np.isnan(target.train)))
    rows = known[torch.randperm(len(known), generator=torch.Generator().manual_seed(0))[:MOST_ROWS]]
    u, y = frame.whiten(z[rows]), torch.from_numpy(target.train)[rows]
    if target.kind == "number":
        normal = _ridge(u, y - y.mean())
    else:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", ConvergenceWarning
            )  # classes without overlap: the normal is good long before the length settles
            normal = torch.from_numpy(LogisticRegression(max_iter=300).fit(u.numpy(), y.numpy() > 0).coef_[0])
    return normal / normal.norm().clamp_min(1e-12)


def projected(normal: Tensor, others: Tensor) -> Tensor | None:
    """The part of a unit normal (k,) that no other attribute's reader sees: n - Q Q'n, Q an orthonormal basis
    of the others' span.

    All are taken off at once, by a QR decomposition with pivoting; taken off one after the other, the first
    would come back with the next.

    Args:
        normal: of the attribute's `probe`.
        others: (m, k), unit normals of the other attributes' probes. One that comes near to the span of the
            rest (`NEW`) is left out.

    Returns:
        (k,), not longer than 1; None where less than `LEFT` is left.
    """
    from scipy.linalg import qr

    basis, steps, _ = qr(others.T.numpy(), mode="economic", pivoting=True)
    span = torch.from_numpy(basis[:, np.abs(np.diagonal(steps)) > NEW])
    left = normal - span @ (span.T @ normal)
    return left if float(left.norm()) > LEFT else None


def candidates(
    target: Target,
    z: Tensor,
    frame: Frame,
    normal: Tensor,
    others: Tensor,
    free: Tensor | None = None,
    dimension: int | None = None,
) -> dict[str, Tensor]:
    """Vectors (d,) that may move a target, each as long as the way from off to on (one standard deviation of
    a number).

    Args:
        target: what to move.
        z: (n, d), the training latents.
        frame: of these.
        normal: of the target's `probe`.
        others: (n, p), the `columns` of the other attributes, to be held fixed.
        free: the part of the normal that the other attributes' probes do not see (`projected`), or None.
        dimension: index of the latent dimension that was bound to the target, or None.
    """
    known = torch.from_numpy(~np.isnan(target.train))
    a, z, others = torch.from_numpy(target.train)[known], z[known], others[known]
    a = (a - a.mean()) / (a.std() if target.kind == "number" else 1.0)
    centred = z - z.mean(0)
    difference = centred.T @ a / a.square().sum()
    found, axis = {"difference": difference}, torch.zeros_like(difference)
    if dimension is not None:
        axis[dimension] = difference[dimension]
        found = {"dimension": axis, **found}  # first: what comes near to it is the same, less simple
    if others.shape[1]:
        # the coefficient of a in the regression of z on a and the others: a freed of what the others say of
        # it (Frisch, Waugh & Lovell)
        own = _freed(a, others)
        if own.square().sum() > OWN * a.square().sum():
            found["conditional"] = centred.T @ own / own.square().sum()
    apart = float(
        frame.whiten(z) @ normal @ a / a.square().sum()
    )  # as far along the normal as the classes lie apart
    if target.kind != "number":
        found["probe"] = apart * (normal @ frame.colour)
    if free is not None:
        found["projected"] = (
            apart / float(free @ normal) * (free @ frame.colour)
        )  # as far along the normal, too
    return {
        method: vector if method == "dimension" else frame.active(vector) for method, vector in found.items()
    }


def _freed(a: Tensor, others: Tensor) -> Tensor:
    """Centred a (n,) less what a linear regression on others (n, p) tells of it."""
    others = others - others.mean(0)
    return a - others @ _weights(a, others)


def _weights(a: Tensor, others: Tensor) -> Tensor:
    """Weights (p,) of centred a (n,) on centred others (n, p), which may go together."""
    gram = others.T @ others + 1e-6 * len(a) * torch.eye(others.shape[1], dtype=torch.double)
    return torch.linalg.solve(gram, others.T @ a)


def explained(target: Target, others: Tensor) -> float:
    """Share of a target's variance over the training items that other attributes tell: adjusted R2, 0 where
    items are too few to say.

    Args:
        target: its values of n items.
        others: (n, p), the `columns` of the other attributes.
    """
    known = torch.from_numpy(~np.isnan(target.train))
    a, others = torch.from_numpy(target.train)[known].double(), others[known]
    n, p = others.shape
    if not p or n < p + 2 or not a.std() > 0:
        return 0.0
    a = a - a.mean()
    left = float(_freed(a, others).square().sum() / a.square().sum())
    return max(0.0, 1 - left * (n - 1) / (n - p - 1))


def distinct(vectors: dict[str, Tensor], methods: Collection[str], frame: Frame) -> dict[str, Tensor]:
    """The vectors of some methods that move anything, without those that point where one before them does."""
    kept: dict[str, Tensor] = {}
    for method, vector in vectors.items():
        moves = torch.isfinite(vector).all() and frame.shift(vector) > 1e-6
        if (
            method in methods
            and moves
            and not any(torch.cosine_similarity(vector, v, dim=0) > SAME for v in kept.values())
        ):
            kept[method] = vector
    return kept


def best_dimension(target: Target, z_train: Tensor, z_held: Tensor) -> tuple[int, float]:
    """The latent dimension that tells the attribute best on training items, and its AUC, or R2 for a number,
    on held-out ones.
    """
    from scipy.stats import rankdata
    from sklearn.metrics import roc_auc_score

    train, held = np.flatnonzero(~np.isnan(target.train)), np.flatnonzero(~np.isnan(target.held))
    train = np.random.default_rng(0).permutation(train)[:RANKED]
    a, b = target.train[train], target.held[held]
    z, w = z_train.numpy()[train], z_held.numpy()[held]
    if target.kind == "number":
        together = (z - z.mean(0)).T @ (a - a.mean()) / (len(a) * np.maximum(z.std(0), 1e-12) * a.std())
        index = int(np.abs(together).argmax())
        slope, start = np.polyfit(z[:, index], a, 1) if np.ptp(z[:, index]) > 0 else (0.0, a.mean())
        return index, 1 - float(
            np.square(b - slope * w[:, index] - start).sum() / np.square(b - b.mean()).sum()
        )
    on = int((a == 1).sum())
    above = (rankdata(z, axis=0)[a == 1].mean(0) - (on + 1) / 2) / (len(a) - on) - 0.5
    index = int(np.abs(above).argmax())
    return index, float(roc_auc_score(b, np.sign(above[index]) * w[:, index]))


def held_out_score(
    target: Target, z_train: Tensor, z_held: Tensor, frame: Frame, normals: Iterable[Tensor]
) -> tuple[float, str]:
    """AUC, or R2 for a number, of the best of some normals in whitened coordinates, on the held-out items."""
    from sklearn.metrics import roc_auc_score

    train, held = np.flatnonzero(~np.isnan(target.train)), np.flatnonzero(~np.isnan(target.held))
    a, b = target.train[train], target.held[held]
    u, w = frame.whiten(z_train[torch.from_numpy(train)]), frame.whiten(z_held[torch.from_numpy(held)])
    scores = []
    for normal in normals:
        seen, new = (u @ normal).numpy(), (w @ normal).numpy()
        if target.kind == "number":
            slope, start = np.polyfit(seen, a, 1) if np.ptp(seen) > 0 else (0.0, a.mean())
            scores.append(1 - float(np.square(b - slope * new - start).sum() / np.square(b - b.mean()).sum()))
        else:
            scores.append(float(roc_auc_score(b, new)))
    return max(scores), "R2" if target.kind == "number" else "AUC"
