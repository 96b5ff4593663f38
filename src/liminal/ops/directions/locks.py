"""Attributes that stay while a latent moves: what of a change no linear probe of theirs sees."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa
import torch
from torch import Tensor

from ...errors import LiminalError, unknown
from .probes import Frame, probe, projected, targets


class Locks:
    """The probes of attributes, each fitted when it is first wanted.

    Args:
        latents: (n, d) of all items, by id.
        attributes: their names.
        table: attribute -> the columns id and that attribute of training and of held-out items.
    """

    def __init__(
        self,
        latents: Tensor,
        attributes: Sequence[str],
        table: Callable[[str], tuple[pa.Table, pa.Table]],
    ) -> None:
        self._latents, self._attributes, self._table = latents, attributes, table
        self._frame = Frame(latents.double())
        self._normals: dict[str, dict[str, Tensor]] = {}

    def __call__(self, vector: Tensor, names: Sequence[str]) -> Tensor:
        """The part of a change (d,) that no linear probe of some attributes sees, (d,) float32.

        Args:
            vector: the change.
            names: attributes, or ``name=value`` of a category.

        Raises:
            LiminalError: an unknown attribute, one that too few items are known to have, or nothing is left.
        """
        normals = [normal for name in names for normal in self.normals(name)]
        along = vector.double() @ self._frame.white
        length = along.norm()
        left = projected(along / length, torch.stack(normals)) if length > 0 else None
        if left is None:
            raise LiminalError(
                f"nothing is left of the change where {', '.join(names)} must stay; unlock one of them"
            )
        return (length * left @ self._frame.colour).float()

    def normals(self, name: str) -> list[Tensor]:
        """The unit normals of an attribute's probes, one for each value of a category.

        Raises:
            LiminalError: it is unknown, or too few items are known to have it.
        """
        attribute = name.partition("=")[0]
        if attribute not in self._attributes:
            raise unknown("attribute to lock", name, self._attributes)
        if attribute not in self._normals:
            train, held = self._table(attribute)
            z = self._latents[torch.from_numpy(train["id"].to_numpy().copy())].double()
            found = targets(train.select([attribute]), held.select([attribute]))
            self._normals[attribute] = {target.name: probe(target, z, self._frame) for target in found}
        chosen = [n for target, n in self._normals[attribute].items() if name in (attribute, target)]
        if not chosen:
            raise LiminalError(f"lock {name!r}: too few items are known to have it or not to have it")
        return chosen
