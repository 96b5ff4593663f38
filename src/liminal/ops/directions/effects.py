"""What a vector does to decoded items, read by readers, and the length at which it does what is asked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...errors import LiminalError
from .probes import OFF, Frame, Target

POOL = 2000  # held-out items that are decoded and read at most
SHIFT = 0.1  # what a standard deviation's shift in every latent costs beside one of every other attribute
REACH = 4.0  # class gaps (or standard deviations) beyond which no length is tried

Decode = Callable[[Tensor], Tensor]
Read = Callable[[Tensor], Mapping[str, Tensor]]


class Pool:
    """Held-out items, decoded and read once, unedited; edits are read against these."""

    def __init__(self, z: Tensor, decode: Decode, read: Read, seed: int | None) -> None:
        """`seed` of the choice and the order of items; None: all, in their order."""
        order = (
            torch.arange(len(z))
            if seed is None
            else torch.randperm(len(z), generator=torch.Generator().manual_seed(seed))[:POOL]
        )
        self.rows, self.z = order.numpy(), z[order].float()
        self.decode, self._read = decode, read
        self.plain = self.read(self.z)

    def read(self, z: Tensor) -> dict[str, np.ndarray]:
        """What readers see in decoded latents (n, d): values (n,) by name.

        Raises:
            LiminalError: a reader gave NaN or infinity.
        """
        seen = {
            name: value.detach().cpu().double().numpy() for name, value in self._read(self.decode(z)).items()
        }
        for name, value in seen.items():
            if not np.isfinite(value).all():
                raise LiminalError(
                    f"directions: the reader of {name!r} gave NaN or infinity; leave that attribute out of "
                    "what is read"
                )
        return seen

    def moved(self, step: Tensor, rows: np.ndarray | slice = slice(None)) -> dict[str, float]:
        """Mean change of every attribute by a step (d,), with its sign, in its standard deviations over the
        pool.
        """
        seen = self.read(self.z[rows] + step.float())
        return {
            name: float((value - self.plain[name][rows]).mean() / (self.plain[name].std() or 1.0))
            for name, value in seen.items()
        }

    def value(self, seen: dict[str, np.ndarray], name: str) -> np.ndarray | None:
        """What was seen of a target; a plain category name is one minus its off values."""
        if name in seen:
            return seen[name]
        off = [v for k, v in seen.items() if k.startswith(f"{name}=") and k.split("=", 1)[1].lower() in OFF]
        return 1 - np.sum(off, 0) if off else None


@dataclass(frozen=True)
class Trial:
    """Moves rows of the pool along a vector and says what changed, in units of what is asked.

    Attributes:
        pool: the items.
        rows: those that are moved.
        target: what the vector is to move.
        unit: of what is asked.
        own: names of readings that go with the target and are no leakage.
    """

    pool: Pool
    rows: np.ndarray
    target: Target
    unit: float
    own: Collection[str] = ()

    def change(self, step: Tensor) -> tuple[float, dict[str, float]]:
        """The mean effect (1: as asked) and every other attribute's mean absolute change in its SD over the
        pool.
        """
        seen = self.pool.read(self.pool.z[self.rows] + step.float())
        own, before = (
            self.pool.value(seen, self.target.name),
            self.pool.value(self.pool.plain, self.target.name),
        )
        assert own is not None, self.target.name
        assert before is not None, self.target.name
        leak = {}
        for name, value in seen.items():
            if name.split("=", 1)[0] != self.target.attribute and name not in self.own:
                plain = self.pool.plain[name]
                leak[name] = float(np.abs(value - plain[self.rows]).mean() / (plain.std() or 1.0))
        return float((own - before[self.rows]).mean() / self.unit), leak

    def real(self, step: Tensor, real: Callable[[Tensor], Tensor]) -> float:
        """The share of the moved items that `real`, x (n, *shape) -> bool (n,), takes for real ones."""
        x = self.pool.decode(self.pool.z[self.rows] + step.float())
        return float(real(x).double().mean())


def asked(target: Target, pool: Pool) -> float | None:
    """What strength 1 is asked to do, in the attribute's unit; None where readers do not see the attribute at
    all.
    """
    seen = pool.value(pool.plain, target.name)
    if seen is None:
        return None
    if target.kind == "number":
        return float(np.nanstd(target.train))
    held = target.held[pool.rows]
    if not (held == 1).any() or not (held == 0).any():
        return None
    gap = float(seen[held == 1].mean() - seen[held == 0].mean())
    return gap if gap > 0.02 else None


def choose(vectors: dict[str, Tensor], trial: Trial, frame: Frame) -> tuple[str, float]:
    """The method whose vector reaches the asked effect at the least cost (else comes nearest), and the length
    it needs.
    """
    best: tuple[tuple[float, float], str, float] | None = None
    for method, vector in vectors.items():
        scale, effect, leak = calibrate(vector, trial, close=0.05)
        cost = (
            float(np.sqrt(np.mean(np.square(list(leak.values()))))) if leak else 0.0
        ) + SHIFT * frame.shift(scale * vector)
        rank = max(0.0, 0.95 - effect), cost
        if best is None or rank < best[0]:
            best = rank, method, scale
    assert best is not None
    return best[1], best[2]


def calibrate(
    vector: Tensor, trial: Trial, start: float = 1.0, close: float = 0.01
) -> tuple[float, float, dict[str, float]]:
    """The length at which a vector has effect 1, that effect, and what else it changes: growing steps bracket
    it, regula falsi closes in.

    Where it is not reached within `REACH`, the smallest length tried with 98 % of the best effect.

    Args:
        vector: (d,).
        trial: tells effects.
        start: the first length to try.
        close: how near to 1 the effect must come.
    """
    seen: dict[float, tuple[float, dict[str, float]]] = {0.0: (0.0, {})}

    def effect(scale: float) -> float:
        if scale not in seen:
            seen[scale] = trial.change(scale * vector)
        return seen[scale][0]

    low, high = 0.0, min(start, REACH)
    while effect(high) < 1 - close and high < REACH:
        low, high = high, min(high * float(np.clip(1.05 / max(effect(high), 0.01), 1.1, 1.6)), REACH)
    if effect(high) < 1 - close:
        best = max(value for value, _ in seen.values())
        scale = (
            min(s for s, (value, _) in seen.items() if s > 0 and value >= 0.98 * best)
            if best > 0
            else min(start, REACH)
        )
        return scale, *seen[scale]
    below, above, scale = effect(low) - 1, effect(high) - 1, high
    for step in range(8):
        if abs(effect(scale) - 1) <= close:
            break
        scale = high - above * (high - low) / (above - below) if step % 3 < 2 else (low + high) / 2
        now = effect(scale) - 1
        if now < 0:
            low, below = scale, now
        else:
            high, above = scale, now
    return scale, *seen[scale]


def reach(
    read: Callable[[Tensor], Tensor], z: Tensor, vector: Tensor, wanted: float, unit: float, steps: int = 8
) -> Tensor:
    """The step (d,) along a vector after which a number is read as `wanted`: secant steps from the vector's
    own effect, held within reach.

    Args:
        read: z (n, d) -> (n,), the number read in what z decodes to.
        z: (d,), where to start.
        vector: (d,); strength 1 changes the number by about `unit`.
        wanted: the number.
        unit: of the vector's effect.
        steps: readings, at most.

    Returns:
        strength * vector, the strength within 2 `REACH` of 0: that of the reading nearest to `wanted`.
    """
    seen: list[tuple[float, float]] = []
    strength, slope = 0.0, unit
    for _ in range(steps):
        miss = wanted - float(read((z + strength * vector)[None])[0])
        if seen and strength != seen[-1][0]:
            measured = (seen[-1][1] - miss) / (strength - seen[-1][0])
            slope = measured if measured > unit / 10 else slope
        seen.append((strength, miss))
        if abs(miss) < 0.01 * unit:
            break
        strength = float(np.clip(strength + miss / slope, -2 * REACH, 2 * REACH))
    return min(seen, key=lambda s: abs(s[1]))[0] * vector
