"""The way back from a map, and groups of items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import torch

from ..collection import numbered
from ..core import Core, vectors
from ..errors import LiminalError
from ..kept import Arrays, Facts, apart, together
from ..maps import clusters as groups
from ..maps import lonely as alone
from ..maps.inverse import Inverse, InverseResult
from ..maps.lattice import Lattice
from ..maps.lattice import lattice as decoded_lattice
from ..maps.project import Map
from ..ops.samples import Samples
from ..ops.unusual import JUDGED, POOL, Cell, usual
from ..resolve import Item, stored
from ..rows import rng_rows


def inverse(space: Core, drawn: Map, seed: int = 0) -> Inverse:
    """The way back from a map of this space: places (m, 2) -> latents, with an expected error, and where
    there is nothing.

    Args:
        drawn: as `map` made it.
        seed: of the items that are left out to tell the error.
    """
    look = lambda z: space.modality.chart(space.generator.decode(torch.from_numpy(z))).cpu().numpy()
    real = lambda rows: space.modality.chart(
        space.modality.soft(space.items(drawn.ids[rows].tolist()))
    ).numpy()
    return drawn.inverse(seed, look, real)


def at(
    space: Core, places: Sequence[tuple[float, float]], method: str = "umap", seed: int = 0
) -> tuple[Samples, InverseResult]:
    """Items decoded at places (x, y) of the space's map, and how far each can be trusted."""
    found = inverse(space, space.map(method, seed=seed), seed)(
        np.asarray(places, dtype=np.float64).reshape(-1, 2)
    )
    z = torch.from_numpy(found.z)
    return Samples(z, space.decode(z), space.modality, f"{method} map"), found


def lattice(space: Core, drawn: Map, columns: int = 12, rows: int = 12) -> Lattice:
    """Decoded items in rows and columns over the extent of a map of this space, as `map` made it."""
    return decoded_lattice(inverse(space, drawn), space.generator, space.modality, drawn, rows, columns)


def lonely(space: Core, k: int = 20) -> list[tuple[int, float]]:
    """The items that stand most alone among the latents: what was read wrong, belongs elsewhere, or is rare.

    Args:
        k: how many, at most.

    Returns:
        The id of each, and how many times as far it lies from its 10th nearest as the median item does; the
        loneliest first.

    Raises:
        LiminalError: k is below 1, or there are fewer than 2 items.
    """
    if k < 1:
        raise LiminalError(f"lonely: k = {k}; wanted 1 or more")
    if len(space.latents) < 2:
        raise LiminalError("lonely: one item has no others to stand apart from; wanted 2 items or more")
    times = space.kept.once("lonely", lambda: ({"times": alone.aloneness(space.latents.numpy())}, {}))
    return list(alone.loneliest(times[0]["times"], k))


def clusters(space: Core, method: str = "hdbscan", k: int | None = None, seed: int = 0) -> groups.Clusters:
    """Groups of items, found without labels and named by what they have in common; kept once found.

    Args:
        method: ``hdbscan`` or ``kmeans``.
        k: clusters of k-means.
        seed: the same seed gives the same clusters.
    """
    key = "clusters", method, k, seed
    if key not in space.memo:
        title, preview = space.card.data["name"], space.previews(np.arange(len(space.catalogue)))
        words = space.modality.words

        def find() -> tuple[Arrays, Facts]:
            table = space.catalogue.table(columns=["id", "z", *space.card.attributes])
            known = table.select(list(space.card.attributes)) if space.card.attributes else None
            z, ids = vectors(table, space.dim), np.array(table["id"])
            said = None if words is None else [words(item) for item in space.items(ids.tolist())]
            found = groups.clusters(z, method=method, k=k, attributes=known, words=said, ids=ids, seed=seed)
            arrays, facts = apart(found, ("clusters", "title", "preview"))
            return arrays, {**facts, "clusters": [asdict(cluster) for cluster in found.clusters]}

        arrays, facts = space.kept.once(f"clusters by {method}, {k}, {seed}", find)
        each = tuple(groups.Cluster.of(told) for told in facts["clusters"])
        rest = {name: value for name, value in facts.items() if name != "clusters"}
        space.memo[key] = together(groups.Clusters, arrays, rest, clusters=each, title=title, preview=preview)
    made: groups.Clusters = space.memo[key]
    return made


def unusual(space: Core, item: Item, seed: int = 0) -> list[Cell]:
    """Which attributes that an item states are unusual given its others, such as the columns of a row, the
    most unusual first: what an outlier is an outlier in. See `ops.unusual`.

    Args:
        item: an item itself: ``"@12"``, a file, or one that is typed.
        seed: of the real items that it is compared with.

    Raises:
        LiminalError: it is no item, items of this kind state nothing, or there are too few.
    """
    found = stored(space, item)
    if found is None:
        raise LiminalError(f"unusual: {item!r} is no item itself; name one such as @12, or a file")
    key = f"usual {seed}"
    if key not in space.memo:
        rows = rng_rows(np.arange(len(space.catalogue)), POOL + JUDGED, seed)
        space.memo[key] = rows, usual(space.modality, space.items(rows.tolist()), seed)
    rows, real = space.memo[key]
    own = np.flatnonzero(rows == numbered(item))
    return real.cells(found, int(own[0]) if len(own) else None)
