"""A card for each latent dimension: what it looks like to move along it, what that changes most, and what
changes with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...generator import Generator
from ...modalities import Modality, Read
from ..eyes.reader import Reader, reading
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
        steps: of a reading, what more and less of it are called.
        name: what it moves, unlike the name of any other dimension of the space, see `named`; empty where it
            moves nothing that can be read.
        png: items along the dimension, from -3 to +3 standard deviations; empty where nobody drew it.
    """

    dimension: int
    use: float
    unit: str
    strongest: str | None
    effects: Mapping[str, float]
    leakage: float
    steps: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    name: str = ""
    png: bytes = b""

    def words(self) -> str:
        """What a step along it does, in a plain sentence; empty where nothing can be read."""
        if self.strongest is None:
            return ""
        much = self.much()
        if not much:
            return "No attribute changes with it."
        most, *also = (_step(name, value, self.steps) for name, value in much[: 1 + BESIDE])
        return f"Mostly {most}" + (f"; also {' and '.join(also)}." if also else ".")

    def much(self) -> list[tuple[str, float]]:
        """The readings that it moves enough to speak of, and by how much, the largest first; of an attribute
        with values the one that changes most.
        """
        return [(name, value) for name, value in self._order() if abs(value) >= NOTHING]

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
            "name": self.name,
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


def cards(
    generator: Generator,
    modality: Modality,
    z: Tensor,
    kl: np.ndarray,
    read: Read | None,
    *,
    most: int = MOST,
    moved: int = MOVED,
) -> list[Card]:
    """A card for each dimension, the most used first: by KL where it splits, else by the variance of latents.

    Effects are read from decoded data: of items moved one standard deviation up and down, half the mean
    difference.

    Args:
        generator: the model.
        modality: of what it decodes to.
        z: (n, d) latents of items, in any order: the first ones are moved.
        kl: (d,) mean of their posteriors, in nats; anything else where it is unknown or does not split.
        read: what reads decoded data; None: no effects.
        most: the dimensions whose effects are read.
        moved: items that are moved along each.
    """
    z = z.float()
    spread, d = z.std(0), z.shape[1]
    split = len(kl) == d
    use = kl if split else spread.double().square().numpy()
    order = np.argsort(-use, kind="stable").tolist()
    effects = _effects(generator, read, z, spread, order[:most], moved) if read else []
    found = []
    for at, j in enumerate(order):
        of = effects[at] if at < len(effects) else {}
        strongest = max(of, key=lambda name: abs(of[name])) if of else None
        rest = [
            abs(v) for name, v in of.items() if strongest is None or _attribute(name) != _attribute(strongest)
        ]
        found.append(
            Card(
                dimension=j,
                use=float(use[j]),
                unit="nats" if split else "",
                strongest=strongest,
                effects=of,
                leakage=float(np.mean(rest)) if rest else float("nan"),
                steps=modality.steps,
            )
        )
    return named(found)


def named(cards: Sequence[Card]) -> list[Card]:
    """The cards, each with a name of its own: the reading that it moves most; where that is another's too,
    with the next one that it moves, which goes ``with`` the first or ``against`` it, and so on; where all of
    that is the same, with its number.

    Args:
        cards: of the dimensions of one space.
    """
    told = [[_called(name) for name, _ in card.much()[:1]] for card in cards]
    for depth in range(1, 2 + BESIDE):
        shared = {key for key, count in Counter(map(tuple, told)).items() if count > 1 and len(key) == depth}
        for words, card in zip(told, cards, strict=True):
            (_, first), *rest = card.much() or [("", 0.0)]
            if tuple(words) in shared and len(rest) >= depth:
                name, value = rest[depth - 1]
                words.append(f"{'with' if value * first > 0 else 'against'} {_called(name)}")
    names = [" ".join(words) for words in told]
    many = Counter(names)
    return [
        replace(card, name=f"{name} ({card.dimension})" if name and many[name] > 1 else name)
        for card, name in zip(cards, names, strict=True)
    ]


def _effects(
    generator: Generator, read: Read, z: Tensor, spread: Tensor, order: Sequence[int], moved: int
) -> list[dict[str, float]]:
    """For each dimension, half the difference that two steps make, in standard deviations of each reading
    over decoded items.
    """
    seen = lambda part: {name: value.cpu().double() for name, value in read(generator.decode(part)).items()}
    pool = {name: float(value.std()) for name, value in seen(z[:POOL]).items()}
    varied, found = [name for name, sd in pool.items() if sd > 1e-6], []
    for j in order:
        step = torch.zeros(z.shape[1])
        step[j] = spread[j]
        up, down = (seen(z[:moved] + sign * step) for sign in (1, -1))
        found.append({name: float((up[name] - down[name]).mean()) / 2 / pool[name] for name in varied})
    return found


def readings(reader: Reader | None, modality: Modality) -> Read | None:
    """What reads decoded data: known attributes and what needs no labels; None where nothing does."""
    reads: list[Read] = [reading(reader, modality)] if reader is not None else []
    if modality.readings is not None:
        reads.append(modality.readings)

    def read(x: Tensor) -> dict[str, Tensor]:
        seen: dict[str, Tensor] = {}
        for one in reversed(reads):
            seen |= one(x)
        return seen

    return read if reads else None


def dimensions(s: Subject, kl: np.ndarray) -> tuple[Card, ...]:
    """Cards of the most used dimensions, each with its picture.

    Args:
        s: what is measured.
        kl: (d,) mean KL of each dimension, or empty.
    """
    z = (s.held_codes if s.encodes else s.draw(s.count)).float()
    most, moved, d = s.most(MOST, FEW), s.most(MOVED, FEW_MOVED), z.shape[1]
    if most < d:
        s.notes.append(f"Dimensions: the {most} most used of {d} are shown.")
    read = readings(s.reader, s.modality)
    if read is None:
        s.notes.append(
            "Dimensions: what they change is not read, there are no attributes and no readings for this "
            "kind of data."
        )
    rows = torch.from_numpy(s.rng.permutation(len(z)))
    found = cards(s.generator, s.modality, z[rows], kl, read, most=most, moved=moved)[:most]
    return tuple(replace(card, png=_picture(s, z, card.dimension)) for card in found)


def _picture(s: Subject, z: Tensor, j: int) -> bytes:
    """Items along a dimension, through the mean."""
    along = z.mean(0).repeat(len(STEPS), 1)
    along[:, j] += torch.tensor(STEPS) * z[:, j].std()
    return png(s, s.modality.items(s.generator.decode(along).cpu()), len(STEPS), 56)
