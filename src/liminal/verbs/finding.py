"""Directions, and the split into content and style."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ..core import Core, vectors
from ..errors import LiminalError, unknown
from ..ops.directions import unsupervised
from ..ops.directions.directions import Direction
from ..ops.formulas import formula
from ..ops.style.style import Style, fit_style
from ..ops.ways import mixing
from ..resolve import Item, latent

SOURCES = ("attributes", "readings", "pca", "jacobian", "factorised")


def find_directions(
    space: Core, source: str = "attributes", at: Item | None = None, k: int = 8, seed: int = 0
) -> list[Direction]:
    """Directions of the space, the strongest first.

    Args:
        source: ``attributes``: those that were found and calibrated when the space was made; without
            labels ``readings`` (what can be read from any item, such as how bright a picture is),
            ``pca``, ``jacobian`` (what moves the decoded item most near `at`) or ``factorised``
            (of the decoder's first linear layer).
        at: the item that ``jacobian`` starts from.
        k: how many of those without labels.
        seed: of the items that are read.
    """
    if source == "attributes":
        return list(space.directions.values())
    if source == "readings":
        if not space.readable:
            raise LiminalError(f"directions: nothing is read from {space.modality.plural} without labels")
        return list(space.read_directions.values())
    if source not in SOURCES:
        raise unknown("source of directions", source, SOURCES)
    k, read, decode = min(k, space.dim), space.read, space.generator.decode
    if source == "pca":
        return unsupervised.pca(space.latents, k, decode, read, seed)
    if source == "factorised":
        return unsupervised.factorised(space.generator, space.latents, k, read, seed)
    if at is None:
        raise LiminalError("directions: jacobian needs an item to start from, such as @12")
    return unsupervised.jacobian(space.chart, latent(space, at), space.latents, k, decode, read, seed)


def direction_strips(space: Core, found: Sequence[Direction], item: Item | None = None) -> Any:
    """A picture of directions, a row each, on one item; None: the most typical one.

    See `ops.directions.unsupervised.strips`.
    """
    z = space.latents[mixing.medoid(space.latents[:2000])] if item is None else latent(space, item)
    return unsupervised.strips(space.generator, space.modality, z, found)


def between(space: Core, first: str, second: str) -> Direction:
    """The direction from the items that pass one filter to those that pass another, with a
    cross-validated score.
    """
    a, b = (
        torch.from_numpy(space.catalogue.latents(where=formula.where(text))[1]) for text in (second, first)
    )
    read = space.read
    return unsupervised.from_selections(
        a, b, space.latents, f"{first} to {second}", space.generator.decode, read
    )


def matching(space: Core, where: str) -> np.ndarray:
    """The ids of the items that pass a filter, rising.

    Args:
        where: as ``--where`` takes it: ``"label = 'Bag' and smile > 0.5"``.

    Raises:
        LiminalError: the filter cannot be read, or no item passes it.
    """
    told = formula.where(where)
    found = np.sort(space.catalogue.table(columns=["id"], where=told)["id"].to_numpy())
    if not len(found):
        raise space.empty("where", told)
    return found


def categories(space: Core) -> list[str]:
    """The attributes that are categories, in the order in which they suit to name the content: ``label``,
    then those that the latents tell best, by the mean score of their values' directions."""
    told = {
        name: [d.score for key, d in space.directions.items() if key.startswith(f"{name}=")]
        for name, kind in space.card.attributes.items()
        if kind == "category"
    }
    return sorted(
        told, key=lambda name: (name != "label", len(told[name]) < 2, -np.mean(told[name] or [0.0]))
    )


def style(space: Core, by: str | None = None) -> Style:
    """The split of the latents into the content that a category names and the style that is left; kept
    once fitted.
    """
    kinds = categories(space)
    name = by or (kinds[0] if kinds else "label")
    if name not in kinds:
        raise unknown(
            "category",
            name,
            kinds,
            "Content is what a category names: choose one with --by, or add one with `liminal label`.",
        )
    key = "style", name
    if key not in space.memo:

        def fitted() -> Style:
            table = space.catalogue.table(columns=["z", name], split="train")
            z, labels = vectors(table, space.dim), table[name].to_pylist()
            return fit_style(z, labels, name=name, decode=space.generator.decode)

        space.memo[key] = space.kept.thing(f"style by {name}", Style, fitted, tensors=True)
    found: Style = space.memo[key]
    return found
