"""The contract of a dataset: stored items, where each came from, and what is known about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from ..errors import LiminalError
from ..modalities import Modality


@dataclass(frozen=True)
class Dataset:
    """Items of one modality with their attributes.

    Attributes:
        name: short name, used in cards and messages.
        modality: how the items look.
        items: (n, *modality.item_shape) of modality.item_dtype; may be memory-mapped and read-only.
        sources: n strings: a file's path relative to the data folder, ``"file#row"``, or the drawing's
            arguments.
        attributes: n rows; columns are float64 (numbers), bool or string (categories); null = unknown.
        held_out: bool (n,), where the data come with a split of their own: True = never train on it. None:
            `fit` draws one.
        provenance: JSON-ready: ``source``, ``licence``, and how the items were read or drawn.
        notes: sentences for the user about what was done on the way (16 bits scaled to 8, sizes padded, ...).
        skipped: (file, reason) of every input that could not be used.
        groups: n names, or None: items of one group are never parted between training and held-out ones.
    """

    name: str
    modality: Modality
    items: np.ndarray
    sources: Sequence[str]
    attributes: pa.Table
    _: KW_ONLY
    held_out: np.ndarray | None = None
    provenance: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    groups: Sequence[str] | None = None

    def __post_init__(self) -> None:
        n = len(self.items)
        if (
            tuple(self.items.shape[1:]) != tuple(self.modality.item_shape)
            or self.items.dtype != self.modality.item_dtype
        ):
            raise LiminalError(
                f"dataset {self.name}: items are {self.items.dtype} {self.items.shape[1:]}, "
                f"wanted {self.modality.item_dtype} {tuple(self.modality.item_shape)}"
            )
        if self.groups is not None and len(self.groups) != n:
            raise LiminalError(f"dataset {self.name}: {n} items but {len(self.groups)} groups")
        if len(self.sources) != n or (self.attributes.num_columns and len(self.attributes) != n):
            raise LiminalError(
                f"dataset {self.name}: {n} items but {len(self.sources)} sources and {len(self.attributes)} "
                "rows of attributes"
            )

    def __len__(self) -> int:
        return len(self.items)

    def subset(self, rows: np.ndarray) -> Dataset:
        """The items at `rows` (integers or a bool mask), in that order, with everything known about them."""
        index = np.flatnonzero(rows) if rows.dtype == bool else rows
        return Dataset(
            self.name,
            self.modality,
            self.items[index],
            [self.sources[int(i)] for i in index],
            self.attributes.take(pa.array(index)) if self.attributes.num_columns else self.attributes,
            held_out=None if self.held_out is None else self.held_out[index],
            provenance=self.provenance,
            notes=self.notes,
            skipped=self.skipped,
            groups=None if self.groups is None else [self.groups[int(i)] for i in index],
        )
