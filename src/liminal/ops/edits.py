"""Edits: an item moved by a formula's vector, before and after."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from .. import files
from ..errors import LiminalError
from ..export import grid
from ..generator import Generator
from ..modalities import Modality

if TYPE_CHECKING:
    from PIL.Image import Image

STRENGTHS = (-2.0, -1.0, 0.0, 1.0, 2.0)


@dataclass(frozen=True)
class Edit:
    """An edited item.

    Attributes:
        formula: what was asked.
        z_before: (d,).
        z_after: (d,).
        before: the stored item that z_before decodes to: the reconstruction, not the original, so that only the edit differs.
        after: the stored item that z_after decodes to.
        distance: |z_after - z_before|.
        change: root mean square difference between the decoded data before and after, in the data's unit.
        attributes_before: what readers see in the decoded data before, by name; empty where no reader was given.
        attributes_after: the same after.
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

    @property
    def evidence(self) -> dict[str, Any]:
        """JSON-ready: ``distance``, ``change``, and for each attribute read its values ``before`` and ``after``."""
        read = {k: {"before": v, "after": self.attributes_after[k]} for k, v in self.attributes_before.items()}
        return {"formula": self.formula, "distance": self.distance, "change": self.change, "attributes": read}

    def save(self, path: str | Path) -> None:
        """Write the edited item to a file, in the format that its ending names, whole or not at all.

        Raises:
            LiminalError: the modality does not write that format, or the file cannot be written.
        """
        ending = Path(path).suffix.lower()
        if ending not in self.modality.endings:
            known = " ".join(sorted(self.modality.endings))
            raise LiminalError(f"save {path}: wanted a name that ends in one of {known}; got {ending or 'no ending'}")
        with files.atomic(path) as part:
            self.modality.write(self.after, part)


def edit(
    generator: Generator,
    modality: Modality,
    z: Tensor,
    change: Tensor,
    formula: str,
    read: Callable[[Tensor], Mapping[str, Tensor]] | None = None,
) -> Edit:
    """Move a latent (d,) by a vector (d,) and decode both ends.

    Args:
        generator: decodes the latents.
        modality: turns decoded data into items.
        z: (d,), the item's latent.
        change: (d,), the vector of the formula.
        formula: its text.
        read: decoded data (n, *shape) -> attribute values (n,) by name.

    Raises:
        LiminalError: the shapes differ, or the generator refuses the latents.
    """
    if z.ndim != 1 or z.shape != change.shape:
        raise LiminalError(f"edit: wanted a latent and a change of the same shape (d,), got {tuple(z.shape)} and {tuple(change.shape)}")
    after = z + change
    x = generator.decode(torch.stack([z, after]))
    before_item, after_item = modality.items(x)
    values = {name: value.tolist() for name, value in read(x).items()} if read else {}
    return Edit(
        formula,
        z,
        after,
        before_item,
        after_item,
        float(change.norm()),
        float((x[1] - x[0]).double().square().mean().sqrt()),
        {name: float(v[0]) for name, v in values.items()},
        {name: float(v[1]) for name, v in values.items()},
        modality,
    )


def strip(
    generator: Generator, modality: Modality, z: Tensor, change: Tensor, strengths: Sequence[float] = STRENGTHS, size: int = 128
) -> Image:
    """A picture of edits by growing strength: one row for each latent, one column for each strength s, showing decode(z + s * change).

    Args:
        generator: decodes the latents.
        modality: draws the items.
        z: (d,) or (n, d).
        change: (d,), the vector of strength 1.
        strengths: of the columns, written below them.
        size: of one tile, in pixels.

    Raises:
        LiminalError: no strengths, or the generator refuses the latents.
    """
    if not len(strengths):
        raise LiminalError("strip: wanted 1 strength or more")
    rows = z[None] if z.ndim == 1 else z
    moved = rows[:, None] + torch.tensor(strengths).to(rows)[:, None] * change
    shown = [modality.preview(item, size) for item in modality.items(generator.decode(moved.flatten(0, 1)))]
    below = [f"{s:+g}" if s else "0" for s in strengths]
    labels = [""] * (len(shown) - len(below)) + below
    return grid.grid(shown, columns=len(below), labels=labels)
