"""Edits: an item moved by a formula's vector, before and after."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import LiminalError
from ..generator import FAR, Generator
from ..modalities import Modality
from ..show import items as show
from ..show.items import Picture

STRENGTHS = (-2.0, -1.0, 0.0, 1.0, 2.0)
MOST = 64  # strengths in one strip
WAYS = ("linear", "conditional")  # that attributes are moved: `directions`, or `directions.conditional`


@dataclass(frozen=True, kw_only=True)
class Edit:
    """An edited item.

    Attributes:
        formula: what was asked.
        z_before: (d,).
        z_after: (d,).
        before: the stored item that z_before decodes to (the reconstruction, so that only the edit differs),
            or the original if `keeps_detail`.
        after: the stored item that z_after decodes to, or the original + decode(z_after) - decode(z_before)
            if `keeps_detail`.
        distance: |z_after - z_before|.
        change: root mean square difference between before and after in the modality's chart.
        attributes_before: what readers see in the decoded data before, by name; empty where no reader was
            given.
        attributes_after: the same after. Both are read from what the latents decode to, whether or not detail
            is kept.
        asked: the attributes that the formula names; all others should stay.
        spread: one standard deviation of what readers see in real items, by name; empty where unknown.
        support: of z_before and z_after (`ops.support`), each in [0, 1]; None where unknown.
        nearest: id and distance in z of the real items nearest to z_after, nearest first.
        keeps_detail: whether the edit's difference was added to the original item.
        along: ``linear`` or ``conditional``, the way that attributes were moved.
        modality: how the items look.
    """

    formula: str
    z_before: Tensor
    z_after: Tensor
    before: np.ndarray
    after: np.ndarray
    distance: float
    change: float
    attributes_before: dict[str, float]
    attributes_after: dict[str, float]
    modality: Modality = field(repr=False)
    asked: tuple[str, ...] = ()
    spread: Mapping[str, float] = field(default_factory=dict)
    support: tuple[float, float] | None = None
    nearest: tuple[tuple[int, float], ...] = ()
    keeps_detail: bool = False
    along: str = "linear"

    @property
    def leakage(self) -> float | None:
        """Mean absolute change, in standard deviations, of the attributes that were not asked for; None where
        none was read.
        """
        others = [
            k for k in self.attributes_before if k.partition("=")[0] not in self.asked and self.spread.get(k)
        ]
        moved = [abs(self.attributes_after[k] - self.attributes_before[k]) / self.spread[k] for k in others]
        return float(np.mean(moved)) if moved else None

    @property
    def evidence(self) -> dict[str, Any]:
        """JSON-ready: ``distance``, ``change``, ``leakage``, ``support``, ``nearest``, ``along``, and of each
        attribute read its values ``before`` and ``after``, the ``change`` in standard deviations and whether
        it was ``asked`` for."""
        read = {}
        for name, before in self.attributes_before.items():
            after, sd = self.attributes_after[name], self.spread.get(name)
            change = (after - before) / sd if sd else None
            read[name] = {
                "before": before,
                "after": after,
                "change": change,
                "asked": name.partition("=")[0] in self.asked,
            }
        return {
            "formula": self.formula,
            "distance": self.distance,
            "change": self.change,
            "leakage": self.leakage,
            "support": None
            if self.support is None
            else {"before": self.support[0], "after": self.support[1]},
            "nearest": [{"id": i, "distance": d} for i, d in self.nearest],
            "keeps_detail": self.keeps_detail,
            "along": self.along,
            "attributes": read,
        }

    def save(self, path: str | Path) -> Path:
        """Write the edited item to a file, in the format that its ending names, whole or not at all; gives
        what was written.

        Raises:
            LiminalError: the modality does not write that format, or the file cannot be written.
        """
        return show.save_item(self.after, self.modality, path)


def edit(
    generator: Generator,
    modality: Modality,
    z: Tensor,
    change: Tensor,
    formula: str,
    read: Callable[[Tensor], Mapping[str, Tensor]] | None = None,
    *,
    asked: Collection[str] = (),
    spread: Mapping[str, float] | None = None,
    support: Callable[[Tensor], Tensor] | None = None,
    nearest: Callable[[Tensor], Sequence[tuple[int, float]]] | None = None,
    original: Tensor | None = None,
    along: str = "linear",
) -> Edit:
    """Move a latent (d,) by a vector (d,) and decode both ends.

    Args:
        generator: decodes the latents.
        modality: turns decoded data into items.
        z: (d,), the item's latent.
        change: (d,), the vector of the formula.
        formula: its text.
        read: decoded data (n, *shape) -> attribute values (n,) by name.
        asked: names of the attributes that the change is about.
        spread: one standard deviation of each reading.
        support: z (n, d) -> (n,) in [0, 1].
        nearest: z (d,) -> ids and distances of the real items nearest to it.
        original: (*shape), the item itself: the edit's difference is added to it instead of to its
            reconstruction, so that what the model does not restore is kept.
        along: how the change was found.

    Raises:
        LiminalError: the shapes differ, or the generator refuses the latents.
    """
    if z.ndim != 1 or z.shape != change.shape:
        raise LiminalError(
            f"edit: wanted a latent and a change of the same shape (d,), got {tuple(z.shape)} and "
            f"{tuple(change.shape)}"
        )
    after = z + change
    x = generator.decode(torch.stack([z, after]))
    shown = x if original is None else original.to(x) + x - x[:1]
    before_item, after_item = modality.items(shown)
    values = {name: value.tolist() for name, value in read(x).items()} if read else {}
    trust = None if support is None else tuple(float(p) for p in support(torch.stack([z, after])))
    return Edit(
        formula=formula,
        z_before=z,
        z_after=after,
        before=before_item,
        after=after_item,
        distance=float(change.norm()),
        change=float(modality.chart(x).double().diff(dim=0).square().mean().sqrt()),
        attributes_before={name: float(v[0]) for name, v in values.items()},
        attributes_after={name: float(v[1]) for name, v in values.items()},
        modality=modality,
        asked=tuple(asked),
        spread=spread or {},
        support=None if trust is None else (trust[0], trust[1]),
        nearest=() if nearest is None else tuple(nearest(after)),
        keeps_detail=original is not None,
        along=along,
    )


def vector(change: Any, dim: int) -> Tensor:
    """A change given as numbers (dim,): a tensor, an array or a list.

    Raises:
        LiminalError: it is something else, has another shape, or holds NaN or infinity.
    """
    try:
        found = torch.as_tensor(change)
    except (TypeError, ValueError, RuntimeError):
        raise LiminalError(
            f"edit: wanted a formula or a vector of {dim} numbers, got {type(change).__name__}"
        ) from None
    if found.shape != (dim,) or found.is_complex():
        raise LiminalError(f"edit: wanted a vector of {dim} numbers, got shape {tuple(found.shape)}")
    if not torch.isfinite(found).all():
        raise LiminalError("edit: the vector holds NaN or infinity; wanted finite numbers")
    if not (found.abs() < FAR).all():
        raise LiminalError(
            f"edit: the change is too large: the vector holds {float(found.abs().max()):.3g}; "
            f"wanted numbers below {FAR:,.0f}, as the differences of items have them"
        )
    return found


def sweep(text: str) -> list[float]:
    """The strengths of ``first:last:count``, such as ``-3:3:7``.

    Raises:
        LiminalError: the text is no such range.
    """
    found = re.fullmatch(r"\s*([-+]?[0-9.]+)\s*:\s*([-+]?[0-9.]+)\s*:\s*([0-9]+)\s*", text)
    try:
        first, last, count = float(found[1]), float(found[2]), int(found[3])  # type: ignore[index]
    except (TypeError, ValueError):
        raise LiminalError(f"--sweep {text}: wanted first:last:count, such as -3:3:7") from None
    if not 2 <= count <= MOST:
        raise LiminalError(f"--sweep {text}: {count} strengths; wanted 2 to {MOST}")
    return [first + (last - first) * i / (count - 1) for i in range(count)]


def strip(
    generator: Generator,
    modality: Modality,
    z: Tensor,
    change: Tensor,
    strengths: Sequence[float] = STRENGTHS,
    size: int = 128,
) -> Picture:
    """A picture of edits by growing strength: one row for each latent, one column for each strength s,
    showing decode(z + s * change).

    Args:
        generator: decodes the latents.
        modality: draws the items.
        z: (d,) or (n, d).
        change: (d,), the vector of strength 1; or (n, len(strengths), d), that of each tile.
        strengths: of the columns, written below them.
        size: of one tile, in pixels.

    Raises:
        LiminalError: no strengths, or the generator refuses the latents.
    """
    if not len(strengths):
        raise LiminalError("strip: wanted 1 strength or more")
    rows = z[None] if z.ndim == 1 else z
    steps = change if change.ndim == 3 else torch.tensor(strengths).to(rows)[:, None] * change
    moved = rows[:, None] + steps
    items = modality.items(generator.decode(moved.flatten(0, 1)))
    below = [f"{s:+.3g}" if s else "0" for s in strengths]
    labels = [""] * (len(items) - len(below)) + below
    return show.drawn(items, modality, size, len(below), labels)
