"""Which items are held out: as a column of the data says, as their folders or files say, or drawn, groups undivided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from ..errors import LiminalError
from . import Dataset
from .folder import HELD_OUT, TRAIN

COLUMN = "split"
HELD = (*HELD_OUT, "held", "held-out", "held_out", "holdout", "dev", "eval", "evaluation")


def own_split(dataset: Dataset) -> Dataset:
    """The dataset with a column named ``split`` (train; test, val, validation, held, ...) as `held_out`, and no attribute.

    An item without a word in it is trained on. Where no item is held out, `held_out` is None, as if there were no column.

    Raises:
        LiminalError: the column holds something else.
    """
    name = next((name for name in dataset.attributes.column_names if name.lower() == COLUMN), None)
    if name is None:
        return dataset
    words = [str(v).strip().lower() for v in dataset.attributes[name].to_pylist() if v is not None]
    wrong = next((word for word in words if word not in (*TRAIN, *HELD)), None)
    if wrong is not None:
        raise LiminalError(
            f"dataset {dataset.name}: the column {name} holds {wrong!r}; wanted train, test or val, or another name for the column"
        )
    held_out = np.array([str(v).strip().lower() in HELD for v in dataset.attributes[name].to_pylist()])
    said = f"the column {name}: {int(held_out.sum()):,} items are held out"
    rest = dataset.attributes.drop_columns([name])
    return replace(
        dataset,
        attributes=rest if rest.num_columns else pa.table({}),
        held_out=held_out if held_out.any() else None,
        notes=(*dataset.notes, said),
    )


def split(
    count: int, held_out: np.ndarray | None, seed: int, groups: Sequence[str] | None = None
) -> np.ndarray:
    """bool (count,): which items are held out. The data's own split, else a tenth of them, 10,000 at most and 1 at least.

    Args:
        count: of the items.
        held_out: bool (count,), the data's own split, or None.
        seed: of the draw.
        groups: (count,) names; the items of one group are drawn together. Then a tenth is the most, unless the smallest
            group is larger.

    Raises:
        LiminalError: fewer than two items, all in one group, or a split of the data's own that leaves nothing to train on,
            leaves nothing to test on, or parts a group.
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
                    f"fit: the data's own split parts the group {parted[0]!r}, some of whose items are held out and some not; "
                    "wanted each group on one side"
                )
        return held_out
    most = min(10_000, max(1, count // 10))
    if groups is not None:
        return _by_group(groups, most, seed)
    mask = np.zeros(count, bool)
    mask[_order(count, seed)[:most]] = True
    return mask


def _by_group(groups: Sequence[str], most: int, seed: int) -> np.ndarray:
    """bool (n,): whole groups in a random order as long as they fit in `most` items; at least the smallest one."""
    names, place, sizes = np.unique(np.asarray(groups, dtype=str), return_inverse=True, return_counts=True)
    if len(names) < 2:
        raise LiminalError(
            f"fit: all items are of one group, {str(names[0])!r}, so none could be held out; wanted 2 groups or more"
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
