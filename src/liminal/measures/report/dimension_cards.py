"""A card for each latent dimension: what it looks like to move along it, what that changes most, and what
changes with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...modalities import Read
from ..eyes.reader import reading
from .evaluation import Subject
from .sections import png

STEPS = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)  # standard deviations from the mean
MOST, FEW = 32, 16  # cards
MOVED, FEW_MOVED = 64, 24  # items that are moved along each dimension
POOL = 300  # items that tell how much a reading varies
NOTHING = 0.1  # standard deviations of a reading below which a step changes nothing to speak of
BESIDE = 2  # readings that are told beside the one that changes most


@dataclass(frozen=True, kw_only=True)
class Card:
    """One latent dimension.

    Attributes:
        dimension: its number, from 0.
        use: how much of it is used: mean KL of items in nats, or the variance of latents.
        unit: of `use`: ``nats``, or ``""`` for a variance.
        strongest: the reading that it moves most, in standard deviations of each; None where nothing can be
            read.
        effects: by reading, the mean change for one standard deviation of the dimension, in standard
            deviations of the reading.
        leakage: mean absolute effect on the readings of other attributes; NaN where there are none.
        png: items along the dimension, from -3 to +3 standard deviations.
        steps: of a reading, what more and less of it are called.
    """

    dimension: int
    use: float
    unit: str
    strongest: str | None
    effects: Mapping[str, float]
    leakage: float
    png: bytes
    steps: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def words(self) -> str:
        """What a step along it does, in a plain sentence; empty where nothing can be read."""
        if self.strongest is None:
            return ""
        much = [(name, value) for name, value in self._order() if abs(value) >= NOTHING]
        if not much:
            return "No attribute changes with it."
        most, *also = (_step(name, value, self.steps) for name, value in much[: 1 + BESIDE])
        return f"Mostly {most}" + (f"; also {' and '.join(also)}." if also else ".")

    def numbers(self) -> str:
        """The same in numbers: how much it is used, what it changes most, and its leakage."""
        use = f"{self.use:.2f} {self.unit}" if self.unit else f"variance {self.use:.2f}"
        if self.strongest is None:
            return f"{use}."
        shown = ", ".join(f"{_called(name)} {value:+.2f}" for name, value in self._order()[: 1 + BESIDE])
        others = sum(_attribute(name) != _attribute(self.strongest) for name in self.effects)
        leaks = f" Leakage {self.leakage:.2f} SD (mean over {others} other readings)." if others else ""
        return f"{use}. SD a step: {shown}.{leaks}"

    def text(self) -> str:
        """What the card says, in words and numbers."""
        return f"{self.words()} {self.numbers()}".strip()

    def _order(self) -> list[tuple[str, float]]:
        """The effects, the largest first; of an attribute with values the one that changes most."""
        found: dict[str, tuple[str, float]] = {}
        for name, value in sorted(
            self.effects.items(), key=lambda pair: (-abs(pair[1]), pair[0] != self.strongest)
        ):
            found.setdefault(_attribute(name), (name, value))
        return list(found.values())

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, without the picture."""
        return {
            "dimension": self.dimension,
            "use": self.use,
            "unit": self.unit or "variance",
            "strongest": self.strongest,
            "effects": dict(self.effects),
            "leakage": self.leakage if np.isfinite(self.leakage) else None,
        }


def _attribute(reading: str) -> str:
    return reading.partition("=")[0]


def _called(reading: str) -> str:
    name, _, value = reading.partition("=")
    name = name.replace("_", " ")
    return f"{name} “{value}”" if value else name


def _step(reading: str, effect: float, steps: Mapping[str, tuple[str, str]]) -> str:
    """What a step does to a reading: as `Modality.steps` has it, more or less of a value, or a number that
    goes up or down.
    """
    called = _called(reading)
    up, down = (f"more {called}", f"less {called}") if "=" in reading else (f"{called} up", f"{called} down")
    up, down = steps.get(reading, (up, down))
    return up if effect > 0 else down


def dimensions(s: Subject, kl: np.ndarray) -> tuple[Card, ...]:
    """Cards of the most used dimensions, by KL where it splits, else by the variance of latents.

    Effects are read from decoded data: of items moved one standard deviation up and down, half the mean
    difference.

    Args:
        s: what is measured.
        kl: (d,) mean KL of each dimension, or empty.
    """
    z = (s.held_codes if s.encodes else s.draw(s.count)).float()
    spread = z.std(0)
    d = z.shape[1]
    use, unit = (kl, "nats") if len(kl) == d else (spread.square().double().numpy(), "")
    order = np.argsort(-use, kind="stable")[: s.most(MOST, FEW)]
    if len(order) < d:
        s.notes.append(f"Dimensions: the {len(order)} most used of {d} are shown.")
    read = _reader(s)
    rows = torch.from_numpy(s.rng.permutation(len(z)))
    effects = _effects(s, read, z[rows], spread, order) if read else [{} for _ in order]
    steps = torch.tensor(STEPS)
    found = []
    for j, of in zip(order.tolist(), effects, strict=True):
        along = z.mean(0).repeat(len(STEPS), 1)
        along[:, j] += steps * spread[j]
        picture = png(s, s.modality.items(s.generator.decode(along).cpu()), len(STEPS), 56)
        strongest = max(of, key=lambda name: abs(of[name])) if of else None
        rest = [
            abs(v) for name, v in of.items() if strongest is None or _attribute(name) != _attribute(strongest)
        ]
        found.append(
            Card(
                dimension=j,
                use=float(use[j]),
                unit=unit,
                strongest=strongest,
                effects=of,
                leakage=float(np.mean(rest)) if rest else float("nan"),
                png=picture,
                steps=s.modality.steps,
            )
        )
    return tuple(found)


def _reader(s: Subject) -> Read | None:
    """What reads decoded data: known attributes and what needs no labels; None where nothing does."""
    reads: list[Read] = [reading(s.reader, s.modality)] if s.reader is not None else []
    free = s.modality.readings
    if free is not None:
        reads.append(free)
    if not reads:
        s.notes.append(
            "Dimensions: what they change is not read, there are no attributes and no readings for this "
            "kind of data."
        )
        return None

    def read(x: Tensor) -> dict[str, Tensor]:
        seen: dict[str, Tensor] = {}
        for one in reversed(reads):
            seen |= {name: value.cpu() for name, value in one(x).items()}
        return seen

    return read


def _effects(s: Subject, read: Read, z: Tensor, spread: Tensor, order: np.ndarray) -> list[dict[str, float]]:
    """For each dimension, half the difference that two steps make, in standard deviations of each reading
    over decoded items.
    """
    decoded = lambda part: s.generator.decode(part).cpu()
    pool = {name: float(value.double().std()) for name, value in read(decoded(z[:POOL])).items()}
    varied = [name for name, sd in pool.items() if sd > 1e-6]
    moved, found = z[: s.most(MOVED, FEW_MOVED)], []
    for j in order.tolist():
        step = torch.zeros(z.shape[1])
        step[j] = spread[j]
        up, down = (read(decoded(moved + sign * step)) for sign in (1, -1))
        found.append(
            {name: float((up[name] - down[name]).double().mean()) / 2 / pool[name] for name in varied}
        )
    return found
