"""Commands that look at the items: neighbors, map, clusters."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from ..errors import LiminalError
from . import console
from .options import (
    Device,
    Drawing,
    Force,
    ItemName,
    Json,
    Layout,
    Quiet,
    Seed,
    SpaceName,
    Threads,
    glanced,
    opened,
    option,
)

MOST = 64  # columns or rows of a lattice


def neighbors(
    space: SpaceName,
    item: ItemName,
    k: Annotated[int, option("-k", "K", "How many.")] = 10,
    metric: Annotated[
        str, option("--metric", "NAME", "euclidean, cosine, decoded or geodesic.")
    ] = "euclidean",
    where: Annotated[
        str | None, option("--where", "FILTER", "Only among these: \"label = 'Bag' and smile > 0.5\".")
    ] = None,
    out: Drawing = None,
    as_json: Json = False,
    threads: Threads = None,
    device: Device = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """List the items nearest to an item.

    \b
    Examples:
      liminal neighbors fashion @12
      liminal neighbors fashion me.png -k 5 --where "label = 'Bag'" -o near.png
      liminal neighbors fashion "mean(label=Sandal)"
    """
    from ..collection import numbered
    from ..show import grid
    from ..show import items as show

    if out is not None:
        console.output(out, force, grid.FORMATS)
    if out is None and metric in ("euclidean", "cosine") and (id := numbered(item)) is not None:
        items = glanced(space)  # no model is needed
        found = items.near(items.catalogue.z(id), k, where, metric)
    else:
        it = opened(space, threads, device)
        found = it.neighbors(item, k, where, metric)
    rows = found.to_pylist()
    if out is not None:
        if not rows:
            raise LiminalError(f"--where {where}: no item passes, so there is nothing to draw")
        labels = [f"@{row['id']} · {row['distance']:.2f}" for row in rows]
        shown = it.items([row["id"] for row in rows])
        grid.save(show.drawn(shown, it.modality, labels=labels), out)
    if as_json:
        console.emit({"item": item, "neighbors": rows, "output": None if out is None else str(out)})
        return
    console.table(
        found.column_names, [[f"@{v}" if name == "id" else v for name, v in row.items()] for row in rows]
    )
    if out is not None:
        console.say(f"wrote {len(rows)} pictures to {out}", quiet)


def map_(
    space: SpaceName,
    out: Annotated[
        Path, option("-o --output", "FILE", "A picture (.png, .jpg, .webp), or the places (.csv, .parquet).")
    ],
    method: Layout = "umap",
    color: Annotated[
        str | None, option("--color", "ATTRIBUTE", "What colours the points; default: the first category.")
    ] = None,
    lattice: Annotated[
        str | None,
        option("--lattice", "CxR", "Draw decoded items in so many columns and rows instead of points."),
    ] = None,
    as_json: Json = False,
    seed: Seed = 0,
    threads: Threads = None,
    device: Device = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Lay the items out on a plane.

    \b
    Examples:
      liminal map fashion -o map.png
      liminal map faces-space --method pca --color smile -o map.png
      liminal map fashion --lattice 16x16 -o lattice.png
      liminal map fashion -o places.csv
    """
    from ..export import tables
    from ..show import grid

    console.output(out, force, grid.FORMATS if lattice else (*grid.FORMATS, *tables.ENDINGS))
    size = _size(lattice) if lattice else None
    items = glanced(space)
    if size or not items.laid(method, seed=seed):
        items = it = opened(space, threads, device)
    drawn = items.map(method, color, seed=seed)
    if size:
        it.lattice(drawn, *size).save(out)
    else:
        drawn.save(out)
    if as_json:
        console.emit(
            {
                **drawn.evidence,
                "method": method,
                "color": drawn.color,
                "items": len(drawn),
                "output": str(out),
            }
        )
    else:
        trust = drawn.evidence.get("trustworthiness")
        figure = "" if trust is None else f"; trustworthiness {trust:.2f} (1 is best)"
        console.say(f"wrote a map of {len(drawn):,} items by {method} to {out}{figure}", quiet)


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,3})x(\d{1,3})", text)
    if not found or not all(2 <= int(n) <= MOST for n in found.groups()):
        raise LiminalError(f"--lattice {text}: wanted columns x rows, 2 to {MOST} each, such as 12x12")
    return int(found[1]), int(found[2])


def unusual(
    space: SpaceName,
    item: ItemName,
    as_json: Json = False,
    seed: Seed = 0,
    threads: Threads = None,
    device: Device = None,
) -> None:
    """Tell which attributes of an item are unusual given its others: what an outlier is an outlier in.

    \b
    Examples:
      liminal unusual patients @12
      liminal unusual patients "row(age=20, medicated=yes)"
    """
    it = opened(space, threads, device)
    found = it.unusual(item, seed)
    if as_json:
        console.emit({"item": item, "cells": [asdict(cell) for cell in found]})
        return
    said = it.modality.said
    console.table(
        ["name", "value", "usual among its likes", "as far or farther"],
        [[c.name, said(c.name, c.value), said(c.name, c.usual), f"{c.p:.1%}"] for c in found],
    )


def clusters(
    space: SpaceName,
    out: Annotated[
        Path | None,
        option("-o --output", "FILE", "A picture (.png, .jpg, .webp) or a table (.csv, .parquet)."),
    ] = None,
    method: Annotated[str, option("--method", "NAME", "hdbscan or kmeans.")] = "hdbscan",
    k: Annotated[int | None, option("-k", "K", "Clusters of k-means; default: chosen.")] = None,
    as_json: Json = False,
    seed: Seed = 0,
    threads: Threads = None,
    device: Device = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Find groups of items without labels.

    Attributes, where there are any, name the groups; they never shape them. Draw more like one group with
    liminal sample --cluster N.

    \b
    Examples:
      liminal clusters fashion
      liminal clusters fashion -o clusters.png
      liminal clusters photos-space --method kmeans -k 12 -o clusters.csv
    """
    from ..export import tables
    from ..show import grid

    if out is not None:
        console.output(out, force, (*grid.FORMATS, *tables.ENDINGS))
    it = opened(space, threads, device)
    with console.speaking(quiet) as voice:
        voice.progress("finding clusters", 0.0)
        found = it.clusters(method, k, seed)
    if out is not None:
        found.save(out)
    told = found.summary()
    if as_json:
        console.emit({**told, "output": None if out is None else str(out)})
        return
    rows = [(c.number, c.name, c.size, f"@{found.ids[c.prototypes[0]]}") for c in found.clusters]
    console.table(("cluster", "name", "items", "most central"), rows)
    doubles = told.get("duplicates", [])
    console.say(
        f"{told['noise']:.1%} of the items lie in no cluster; {len(doubles)} pairs are all but the same",
        quiet,
    )
    if out is not None:
        console.say(f"wrote the clusters to {out}", quiet)
