"""Directions that no attribute names: from two selections of items, and without any labels.

Without labels, each v a unit vector times one standard deviation of the latents along it, sqrt(v' C v), C
their covariance:

- ``pca``: eigenvectors of C, by share of variance (Harkonen et al. 2020, GANSpace: the same in the inputs of
  a generator);
- ``jacobian``: at one latent, eigenvectors of J'J, J = d chart / dz: what moves the data most there (Ramesh
  et al. 2019);
- ``factorised``: eigenvectors of A'A, A the weight of the decoder's first linear layer (Shen and Zhou 2021,
  SeFa).

None of them knows what it means; where a reader is given, each says which attribute it moves most. The sign
of a vector is free: its largest entry is positive. Names are ``pca0``, ``jacobian0``, ``factor0``, the
strongest first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from ...errors import LiminalError
from ...generator import Generator
from ...modalities import Modality
from ...show import grid
from ...show.items import Picture
from ...tensors import inference
from ..edits import STRENGTHS, strip
from ..geodesics.metric import pullback_metric, stretches
from .directions import CHANCE, CURVE, Direction
from .effects import Decode, Pool, Read
from .probes import Frame, Target, probe

LEAST = 5  # different items in a selection
JUDGED = 1_000  # of each selection: what the direction is judged on
READ_ON = 256  # items that are decoded and read
REPEATS, FOLDS = 3, 5  # of the cross-validation
APART = 0.2  # standard deviations of an attribute between two selections, from which it tells them apart


# without labels


def pca(
    z: Tensor, k: int = 8, decode: Decode | None = None, read: Read | None = None, seed: int = 0
) -> list[Direction]:
    """The principal components of latents, largest first; `score` is the share of variance.

    Args:
        z: (n, d), of items.
        k: how many; d where there are no more dimensions.
        decode: z (m, d) -> x (m, *shape).
        read: x -> the attributes seen in it; None: what they move is not told.
        seed: of the choice of items that are read.

    Raises:
        LiminalError: z is not (n, d) with 2 items or more, holds NaN, or k is below 1.
    """
    z, covariance = _spread("pca", z, k)
    power, axes = torch.linalg.eigh(covariance)
    shares = power.flip(0).clamp_min(0) / power.sum().clamp_min(1e-300)
    return _named(
        "pca", "pca", axes.T.flip(0)[:k], shares[:k], "share", covariance, _pool(z, decode, read, seed)
    )


def jacobian(
    chart: Decode,
    z0: Tensor,
    z: Tensor,
    k: int = 8,
    decode: Decode | None = None,
    read: Read | None = None,
    seed: int = 0,
) -> list[Direction]:
    """What moves the decoded data most near one latent: right singular vectors of J(z0); `score` is the
    singular value, |J v| for |v| = 1.

    Args:
        chart: z (m, d) -> (m, D), whose plain distance is how far items look apart; run without autograd.
        z0: (d,); the directions hold near it only.
        z: (n, d), latents of items, which set the unit.
        k: how many; d where there are no more dimensions.
        decode: as for `pca`.
        read: the same; what is read is the change from z0.
        seed: of the choice of items that the standard deviation of what is read comes from.

    Raises:
        LiminalError: as `pca`, or z0 is not (d,).
    """
    z, covariance = _spread("jacobian", z, k)
    if z0.shape != (z.shape[1],) or not torch.isfinite(z0).all():
        raise LiminalError(
            f"jacobian: wanted one latent of shape ({z.shape[1]},), finite, got {tuple(z0.shape)}"
        )
    values, axes = stretches(pullback_metric(chart, z0[None].float()))
    pool = _pool(z, decode, read, seed, z0)
    return _named("jacobian", "jacobian", axes[0, :k], values[0, :k], "singular value", covariance, pool, z0)


def factorised(
    generator: Generator, z: Tensor, k: int = 8, read: Read | None = None, seed: int = 0
) -> list[Direction]:
    """What the decoder's first linear layer stretches most: right singular vectors of its weight A, by closed
    form; `score` is |A v|.

    The same everywhere in the latent space, and blind to all that the later layers do.

    Args:
        generator: whose `decode_soft` hands z to an `nn.Linear` first.
        z: (n, d), latents of items, which set the unit.
        k: how many; d where there are no more dimensions.
        read: as for `pca`.
        seed: the same.

    Raises:
        LiminalError: as `pca`, or the decoder starts with anything else.
    """
    z, covariance = _spread("factorised", z, k)
    weight = _first_linear(generator, z[:2].float()).weight.detach().cpu().double()
    power, axes = torch.linalg.eigh(weight.T @ weight)
    values = power.flip(0).clamp_min(0).sqrt()
    return _named(
        "factor",
        "factorised",
        axes.T.flip(0)[:k],
        values[:k],
        "singular value",
        covariance,
        _pool(z, generator.decode, read, seed),
    )


def strips(
    generator: Generator,
    modality: Modality,
    z: Tensor,
    directions: Sequence[Direction],
    strengths: Sequence[float] = STRENGTHS,
    size: int = 96,
) -> Picture:
    """A picture of several directions: one row each, decode(z + s * vector) by strength s, its name and what
    it moves most below.

    Args:
        generator: decodes.
        modality: draws the items.
        z: (d,), the item that is moved.
        directions: 1 or more.
        strengths: of the columns.
        size: of one tile, in pixels.

    Raises:
        LiminalError: no directions, no strengths, or z is not (d,).
    """
    if not directions or z.ndim != 1:
        raise LiminalError(
            f"strips: wanted 1 direction or more and one latent (d,), got {len(directions)} and shape "
            f"{tuple(z.shape)}"
        )
    rows = [strip(generator, modality, z, d.vector.to(z), strengths, size) for d in directions]
    labels = []
    for d in directions:
        most = max(d.moves.items(), key=lambda move: abs(move[1]), default=None)
        labels.append(
            f"{d.name}: {d.score_name} {d.score:.3g}"
            + (f"; moves {most[0]} by {most[1]:+.2f} SD" if most else "")
        )
    return grid.grid(rows, columns=1, labels=labels)


def _spread(call: str, z: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """z in float64 on the CPU and its covariance."""
    if z.ndim != 2 or len(z) < 2 or not torch.isfinite(z).all():
        raise LiminalError(
            f"{call}: wanted latents (n, d) of 2 items or more, finite, got shape {tuple(z.shape)}"
        )
    if k < 1:
        raise LiminalError(f"{call}: {k} directions; wanted 1 or more")
    z = z.detach().cpu().double()
    covariance = torch.cov((z - z.mean(0)).T).reshape(z.shape[1], z.shape[1])
    if not float(covariance.trace()) > 0:
        raise LiminalError(f"{call}: all latents are the same; there is no direction to find")
    return z, covariance


def _pool(
    z: Tensor, decode: Decode | None, read: Read | None, seed: int, first: Tensor | None = None
) -> Pool | None:
    """Some items, decoded and read; `first` comes first."""
    if decode is None or read is None:
        return None
    rows = torch.randperm(len(z), generator=torch.Generator().manual_seed(seed))[:READ_ON]
    return Pool(z[rows] if first is None else torch.cat([first[None].to(z), z[rows]]), decode, read, None)


def _named(
    prefix: str,
    method: str,
    axes: Tensor,
    scores: Tensor,
    score_name: str,
    covariance: Tensor,
    pool: Pool | None,
    at: Tensor | None = None,
) -> list[Direction]:
    """Unit vectors (k, d) as directions of one standard deviation each."""
    found = []
    for i, (axis, score) in enumerate(zip(axes.double().cpu(), scores, strict=True)):
        unit = float((axis @ covariance @ axis).clamp_min(0).sqrt())
        vector = (axis * torch.sign(axis[axis.abs().argmax()]) * unit).float()
        moves = pool.moved(vector, slice(0, 1) if at is not None else slice(None)) if pool else {}
        most = max(moves.items(), key=lambda move: abs(move[1]), default=None)
        notes = [f"moves {most[0]} most, by {most[1]:+.2f} SD"] if most else []
        notes += ["holds near one latent only"] if at is not None else []
        works = unit > 0 and float(score) > 0
        notes += [] if works else ["nothing moves along it"]
        name = f"{prefix}{i}"
        found.append(
            Direction(
                name=name,
                vector=vector,
                kind="unlabelled",
                method=method,
                score=float(score),
                score_name=score_name,
                unit=unit,
                works=works,
                note="; ".join(notes),
                moves=moves,
            )
        )
    return found


def _first_linear(generator: Generator, z: Tensor) -> nn.Linear:
    """The linear layer that z meets first, found by decoding z once and looking at what is handed to which
    layer.
    """
    met: list[tuple[nn.Module, object]] = []
    leaves = [m for m in generator.modules() if not list(m.children())]
    hooks = [
        m.register_forward_pre_hook(lambda module, given: met.append((module, given[0] if given else None)))
        for m in leaves
    ]
    try:
        with inference(generator):
            z = z.to(generator.device)
            generator.decode_soft(z)
    finally:
        for hook in hooks:
            hook.remove()
    layer, given = met[0] if met else (None, None)
    if (
        isinstance(layer, nn.Linear)
        and isinstance(given, Tensor)
        and given.shape == z.shape
        and torch.equal(given.to(z), z)
    ):
        return layer
    got = (
        "no layer of torch"
        if layer is None
        else f"{type(layer).__name__}{', after z was changed' if isinstance(layer, nn.Linear) else ''}"
    )
    raise LiminalError(
        f"factorised: wanted a decoder whose first layer is a Linear on z; got {got}; use pca or jacobian"
    )


# from two selections


def from_selections(
    z_a: Tensor,
    z_b: Tensor,
    z: Tensor,
    name: str = "selection",
    decode: Decode | None = None,
    read: Read | None = None,
    seed: int = 0,
) -> Direction:
    """The direction from one selection of items to another: strength 1 leads from the middle of b as far as
    the middle of a lies.

    Mean difference and logistic normal (in coordinates whitened over all items) are compared by
    cross-validated AUC, the mean over `REPEATS` times `FOLDS` folds (fewer for small selections). What a
    reader sees is measured on items of b, each moved by a vector that was found without it: the effect, in
    the attribute in which decoded a and b differ most, 1 being that difference. Of a selection of more than
    `JUDGED` different items a random part is taken for both, which the note says; the direction itself is
    that of all.

    Args:
        z_a: (n, d), the items to go to.
        z_b: (m, d), the items to come from.
        z: (N, d), the latents of all items.
        name: of the direction.
        decode: z (n, d) -> x (n, *shape).
        read: x -> the attributes seen in it; None: no effect is measured.
        seed: of the folds, and of the items that are judged on.

    Raises:
        LiminalError: shapes that do not fit, NaN, or fewer than `LEAST` different items in a selection.
    """
    z, _ = _spread("from_selections", z, 1)
    a, b, notes = _different(z_a, z_b, z.shape[1])
    frame = Frame(z)
    part, judged = _both(*(_some(one, seed) for one in (a, b)))
    if len(part) < len(a) + len(b):
        notes.append(f"judged on {min(len(a), JUDGED):,} and {min(len(b), JUDGED):,} items")
    scores = _cross_validated(part, judged, frame, min(FOLDS, len(a), len(b)), seed)
    method = max(scores, key=lambda m: (round(scores[m], 2), m == "difference"))
    vector = _between(*_both(a, b), frame, method)
    if frame.shift(vector) < 1e-6:
        raise LiminalError(
            "from_selections: the two have the same middle: the direction between them has no length; "
            "select other items"
        )
    score = scores[method]
    if score < CHANCE["AUC"]:
        notes.append(f"cross-validated AUC {score:.2f} is at chance: the latents do not tell the two apart")
    plain = Direction(
        name=name,
        vector=vector.float(),
        kind="selection",
        method=method,
        score=score,
        score_name="AUC",
        unit=1.0,
        works=score >= CHANCE["AUC"],
        note="; ".join(notes),
    )
    if decode is None or read is None:
        return plain
    return _seen(plain, part, judged, frame, _pool(z, decode, read, seed), seed)


def _both(a: Tensor, b: Tensor) -> tuple[Tensor, np.ndarray]:
    """The points of two selections (n + m, d), and 1 for those of the first, 0 for those of the second."""
    return torch.cat([a, b]), np.repeat([1.0, 0.0], [len(a), len(b)])


def _some(z: Tensor, seed: int) -> Tensor:
    """At most `JUDGED` of the points (n, d), in their order."""
    return z[torch.randperm(len(z), generator=torch.Generator().manual_seed(seed))[:JUDGED].sort().values]


def _different(z_a: Tensor, z_b: Tensor, d: int) -> tuple[Tensor, Tensor, list[str]]:
    """Both selections without items that come twice or in both."""
    given = []
    for which, part in (("to go to", z_a), ("to come from", z_b)):
        if part.ndim != 2 or part.shape[1] != d or not torch.isfinite(part).all():
            raise LiminalError(
                f"from_selections: wanted latents (n, {d}), finite, in the selection {which}, got shape "
                f"{tuple(part.shape)}"
            )
        given.append(torch.unique(part.detach().cpu().double(), dim=0))
    joined, times = torch.unique(torch.cat(given), dim=0, return_counts=True)
    twice = {tuple(row) for row in joined[times > 1].tolist()}
    parts = [part[[tuple(row) not in twice for row in part.tolist()]] for part in given]
    for which, part in zip(("to go to", "to come from"), parts, strict=True):
        if len(part) < LEAST:
            shared = f", {len(twice)} more are in both" if twice else ""
            raise LiminalError(
                f"from_selections: the selection {which} has {len(part)} different items{shared}; wanted "
                f"{LEAST} or more"
            )
    return parts[0], parts[1], [f"{len(twice)} items in both selections were left out"] if twice else []


def _between(points: Tensor, on: np.ndarray, frame: Frame, method: str) -> Tensor:
    """The vector (d,) from off to on."""
    is_on = torch.from_numpy(on == 1)
    difference = points[is_on].mean(0) - points[~is_on].mean(0)
    if method == "difference":
        return frame.active(difference)
    normal = probe(Target("selection", "selection", "bool", on, on), points, frame)
    return float(difference @ frame.white @ normal) * (normal @ frame.colour)


def _cross_validated(points: Tensor, on: np.ndarray, frame: Frame, folds: int, seed: int) -> dict[str, float]:
    """Mean AUC over the folds, by method."""
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import RepeatedStratifiedKFold

    found: dict[str, list[float]] = {"difference": [], "probe": []}
    u = frame.whiten(points)
    for train, test in RepeatedStratifiedKFold(n_splits=folds, n_repeats=REPEATS, random_state=seed).split(
        u, on
    ):
        for method, values in found.items():
            reader = _between(points[train], on[train], frame, method) @ frame.white
            values.append(float(roc_auc_score(on[test], (u[test] @ reader).numpy())))
    return {method: float(np.mean(values)) for method, values in found.items()}


def _seen(
    plain: Direction, points: Tensor, on: np.ndarray, frame: Frame, pool: Pool | None, seed: int
) -> Direction:
    """The direction with what readers see of it."""
    from sklearn.model_selection import StratifiedKFold

    assert pool is not None
    sd = {name: float(value.std()) or 1.0 for name, value in pool.plain.items()}
    off = np.flatnonzero(on == 0)
    before, there = pool.read(points[on == 0].float()), pool.read(points[on == 1].float())
    gaps = {name: float(there[name].mean() - before[name].mean()) for name in sd}
    most = max(sd, key=lambda name: abs(gaps[name]) / sd[name], default=None)
    steps = torch.zeros(len(points), points.shape[1])
    for train, test in StratifiedKFold(
        min(FOLDS, int(min(on.sum(), (1 - on).sum()))), shuffle=True, random_state=seed
    ).split(points, on):
        steps[test] = _between(points[train], on[train], frame, plain.method).float()
    start, step = points[off].float(), steps[off]

    def change(strength: float) -> dict[str, np.ndarray]:
        return {name: value - before[name] for name, value in pool.read(start + strength * step).items()}

    changes = {s: change(s) for s in CURVE}
    moves = {name: float(value.mean()) / sd[name] for name, value in changes[1.0].items()}
    if most is None or abs(gaps[most]) < APART * sd[most]:
        note = "; ".join(n for n in (plain.note, "readers see no difference between the two selections") if n)
        return replace(plain, moves=moves, note=note)
    effects = tuple(float(changes[s][most].mean()) / gaps[most] for s in CURVE)
    leakage = {
        n: float(np.abs(v).mean()) / sd[n]
        for n, v in changes[1.0].items()
        if n.split("=", 1)[0] != most.split("=", 1)[0]
    }
    note = "; ".join(
        n for n in (plain.note, f"they differ most in {most}, by {gaps[most] / sd[most]:+.2f} SD") if n
    )
    effect = effects[CURVE.index(1.0)]
    return replace(
        plain,
        unit=gaps[most],
        effect=effect,
        strengths=CURVE,
        effects=effects,
        leakage=leakage,
        moves=moves,
        note=note,
    )
