"""Which items are held out: as a column of the data says, as their folders or files say, or drawn, groups
undivided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from ..errors import LiminalError
from ..names import SPLIT, held_by
from . import Dataset

LEAST = 20  # held-out items that support and the report need; a small set gives up to a fifth for them


def own_split(dataset: Dataset) -> Dataset:
    """The dataset with a column named ``split`` (train; test, val, validation, held, ...) as `held_out`, and
    no attribute.

    An item without a word in it is trained on. Where no item is held out, `held_out` is None, as if there
    were no column. A column of that name with other words stays an attribute.

    Raises:
        LiminalError: only some of its words tell a split.
    """
    for name in dataset.attributes.column_names:
        held = held_by(name, dataset.attributes[name].to_pylist()) if name.lower() in SPLIT else None
        if held is not None:
            called = name.rstrip("_")
            rest = dataset.attributes.drop_columns([name])
            renamed = f"the attribute {called!r} is called "
            notes = [note for note in dataset.notes if not note.startswith(renamed)]
            return replace(
                dataset,
                attributes=rest if rest.num_columns else pa.table({}),
                held_out=np.array(held) if any(held) else None,
                notes=(*notes, f"the column {called}: {sum(held):,} items are held out"),
            )
    return dataset


def split(
    count: int, held_out: np.ndarray | None, seed: int, groups: Sequence[str] | None = None
) -> np.ndarray:
    """bool (count,): which items are held out. The data's own split, else a tenth of them, 10,000 at
    most; but 20, or a fifth of them, where that is fewer; 1 at least.

    Args:
        count: of the items.
        held_out: bool (count,), the data's own split, or None.
        seed: of the draw.
        groups: (count,) names; the items of one group are drawn together. Then a tenth is the most, unless
            the smallest group is larger.

    Raises:
        LiminalError: fewer than two items, all in one group, or a split of the data's own that leaves nothing
            to train on, leaves nothing to test on, or parts a group.
    """
    if count < 2:
        raise LiminalError(f"fit: {count} item; wanted 2 or more (a few hundred for anything useful)")
    if held_out is not None:
        if held_out.all() or not held_out.any():
            raise LiminalError("fit: the data's own split leaves nothing to train on or nothing held out")
        if groups is not None:
            names = np.asarray(groups, dtype=object)
            parted = sorted(set(names[held_out]) & set(names[~held_out]))
            if parted:
                raise LiminalError(
                    f"fit: the data's own split parts the group {parted[0]!r}, some of whose items are held "
                    "out and some not; "
                    "wanted each group on one side"
                )
        return held_out
    most = min(10_000, max(count // 10, min(LEAST, count // 5), 1))
    if groups is not None:
        return _by_group(groups, most, seed)
    mask = np.zeros(count, bool)
    mask[_order(count, seed)[:most]] = True
    return mask


def _by_group(groups: Sequence[str], most: int, seed: int) -> np.ndarray:
    """bool (n,): whole groups in a random order as long as they fit in `most` items; at least the smallest
    one.
    """
    names, place, sizes = np.unique(np.asarray(groups, dtype=str), return_inverse=True, return_counts=True)
    if len(names) < 2:
        raise LiminalError(
            f"fit: all items are of one group, {str(names[0])!r}, so none could be held out; wanted 2 "
            "groups or more"
        )
    chosen = np.zeros(len(names), bool)
    left = most
    for i in _order(len(names), seed):
        if sizes[i] <= left:
            chosen[i] = True
            left -= sizes[i]
    if not chosen.any():
        chosen[sizes.argmin()] = True
    return chosen[place]


def _order(count: int, seed: int) -> np.ndarray:
    """0 to count - 1, shuffled."""
    import torch

    from ..tensors import rng

    return torch.randperm(count, generator=rng(seed)).numpy()
