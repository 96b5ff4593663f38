"""Walks between items, edits of them, and their styles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..collection import numbered
from ..core import Core
from ..errors import LiminalError, unknown
from ..measures.eyes.columns import targets
from ..ops import edits
from ..ops.directions import probes
from ..ops.directions.conditional import Asked
from ..ops.formulas import formula
from ..ops.geodesics import geodesics
from ..ops.style.style import Style
from ..ops.style.transfer import Transfer, restyle
from ..ops.ways import curves, mixing, paths
from ..resolve import Item, direction, latent, named_direction, names, original
from .finding import style as split_by


def path(
    space: Core,
    *items: Item,
    along: str = "slerp",
    frames: int = 48,
    loop: bool = False,
    pace: str = "data",
    only: Sequence[str] = (),
) -> paths.Path:
    """A walk through two or more items, with the support of each frame and what the reader sees in it.

    Args:
        items: as `latent` takes them.
        along: ``linear``; ``slerp`` (arcs); ``mix`` (arcs in the noise of the latent flow); ``smooth``
            (one curve without corners through all items); ``geodesic`` (shortest by what is decoded,
            through well-supported places); ``conditional`` (over items that have the attributes in between:
            `ops.directions.conditional`).
        frames: how many.
        loop: go on from the last item to the first.
        pace: whether the speed is constant in the ``data`` or in the ``latent`` space.
        only: names of attributes: all that is not along their directions stays as in the first item.

    Raises:
        LiminalError: fewer than two items, fewer frames than items, an unknown way, pace or attribute.
    """
    keys = torch.stack([latent(space, item) for item in items]) if items else torch.zeros(0, space.dim)
    held = {}
    if only:
        held = {"only": _vectors_of(space, only), "white": probes.Frame(space.latents.double()).white}
        keys = curves.only(keys, keys[0], held["only"], held["white"]) if len(keys) else keys
    way: str | mixing.Way = along
    if along == "geodesic" and len(keys) > 1:
        stops = torch.cat([keys, keys[:1]]) if loop else keys
        way = curves.polyline_way(
            geodesics.geodesics(
                space.chart, stops[:-1], stops[1:], weight=space.rarity, mix=space.mixer, graph=space.graph
            ).z
        )
    elif along == "conditional" and len(keys) > 1:
        way = _attributes_between(space, () if only else items, keys)
    return paths.path(
        space.generator,
        space.modality,
        keys,
        way,
        frames,
        loop,
        pace=pace,
        mixer=space.mixer if along in ("mix", "smooth") else None,
        name=along,
        support=space.trust,
        read=space.read,
        scale=space.spread,
        **held,
    )


def _attributes_between(space: Core, items: Sequence[Item], keys: Tensor) -> mixing.Way:
    """The way over items with the attributes in between; those of the space's own items are known."""
    model = space.conditional
    known = [_known(space, item) for item in items] or [None] * len(keys)
    rows = [model.told(key[None], row) for key, row in zip(keys, known, strict=True)]
    return model.way(keys, {name: torch.cat([row[name] for row in rows]) for name in model.spec})


def _known(space: Core, item: Item) -> dict[str, Tensor] | None:
    """The attributes that the catalogue has of an item; None where it is none of the space."""
    spec, id = space.conditional.spec, numbered(item)
    return None if id is None else targets(space.catalogue.rows([id], list(spec)), spec)


def _vectors_of(space: Core, of: Sequence[str]) -> Tensor:
    """The directions (k, d) of attributes; of a category those of all its values."""
    found = []
    for name in of:
        of_values = [d.vector for key, d in space.directions.items() if key.partition("=")[0] == name]
        found += of_values or [direction(space, name).vector]
    return torch.stack(found)


def edit(
    space: Core, item: Item, change: str | Tensor, keep_detail: bool = False, along: str = "linear"
) -> edits.Edit:
    """Move an item by a formula such as ``"+1.5*smile - glasses"``, ``"smile=1"`` or ``"2*dim(7)"``, or
    by a vector.

    Args:
        item: as `latent` takes it.
        change: the formula; it may hold several terms. Or a vector (d,), such as ``1.5 *
            space.between("hat", "not hat").vector``.
        keep_detail: add the edit's difference to the item itself instead of to its reconstruction; an
            item of the space or a file.
        along: ``linear``, one vector for all items; ``conditional``: where items lie on average that have the
            attributes of this one, but for what is asked (`ops.directions.conditional`).

    Returns:
        The edit, with what the space's reader sees in the decoded item before and after, its support and
        the nearest real items.

    Raises:
        LiminalError: the formula is wrong, the vector is none of d finite numbers, or `keep_detail` is
        asked of what has no original.
    """
    z = latent(space, item)
    tree = formula.parse(change) if isinstance(change, str) else None
    vector = formula.edit(tree, names(space, z)) if tree is not None else edits.vector(change, len(z)).to(z)
    if along != "linear":
        vector = _bent(space, item, z, tree, vector, along)[0]
    asked = formula.attributes(tree) if tree is not None else ()
    read, spread = space.seen(asked)
    return edits.edit(
        space.generator,
        space.modality,
        z,
        vector,
        change if isinstance(change, str) else f"a vector of length {float(vector.norm()):.3g}",
        read,
        asked=asked,
        spread=spread,
        support=space.trust,
        nearest=lambda z: _nearest_items(space, z),
        original=original(space, item) if keep_detail else None,
        along=along,
    )


def _bent(
    space: Core,
    item: Item,
    z: Tensor,
    tree: formula.Node | None,
    vector: Tensor,
    along: str,
    strengths: Sequence[float] = (1.0,),
) -> Tensor:
    """The changes (k, d) of an item by k strengths of a formula whose plain vector is given, with what it
    says of attributes along another way."""
    if along not in edits.WAYS:
        raise unknown("way of editing", along, edits.WAYS)
    means = names(space, z)
    found = formula.terms(tree, means) if tree is not None else []
    found = [(name, times) for name, times in found if name.name not in space.readable]
    if not found:
        raise LiminalError(
            "edit: along conditional moves attributes, and the change names none; leave it out, or name "
            f"{', '.join(list(space.directions)[:3]) or 'one'}"
        )
    for name, times in found:
        vector = vector - times * means.direction(name.name, name.value)
    model = space.conditional
    row = model.told(z[None], _known(space, item))
    terms = [(_asked(space, name), times) for name, times in found]
    steps = [model.step(row, [a._replace(strength=s * t) for a, t in terms])[0] for s in strengths]
    return torch.stack([s * vector + step for s, step in zip(strengths, steps, strict=True)])


def _asked(space: Core, term: formula.Named) -> Asked:
    """What a name in a formula asks of an attribute, with strength 1."""
    spec = space.conditional.spec
    if term.value is not None and spec.get(term.name, {}).get("kind") == "number":
        how = spec[term.name]
        return Asked(term.name, (float(term.value) - how["mean"]) / how["std"], 1.0)
    found = named_direction(space, term.name, term.value)
    name, _, value = found.name.partition("=")
    if name not in spec or (value and value not in spec[name]["classes"]):
        raise LiminalError(
            f"edit: too few items tell of {found.name} to learn from for along conditional; leave it out"
        )
    apart = {other.partition("=")[0] for other in found.not_held} - {name}
    return Asked(name, value or None, 1.0, tuple(sorted(apart)))


def _nearest_items(space: Core, z: Tensor) -> list[tuple[int, float]]:
    found = space.catalogue.nearest(z.numpy(), 3)
    return list(zip(found["id"].to_pylist(), found["distance"].to_pylist(), strict=True))


def strip(
    space: Core,
    items: Sequence[Item],
    change: str,
    strengths: Sequence[float] = edits.STRENGTHS,
    along: str = "linear",
) -> Any:
    """A picture of an edit at several strengths, a row for each item; see `ops.edits.strip` and `edit`."""
    z = torch.stack([latent(space, item) for item in items])
    tree = formula.parse(change)
    vector = formula.edit(tree, names(space, z[0]))
    if along != "linear":
        each = zip(items, z, strict=True)
        vector = torch.stack([_bent(space, i, at, tree, vector, along, strengths) for i, at in each])
    return edits.strip(space.generator, space.modality, z, vector, strengths)


def transfer(space: Core, content: Item, style: Item, blend: float = 1.0, by: str | None = None) -> Transfer:
    """One item in the style of another: what a category names is kept, everything else comes from the
    style item.

    Args:
        content: whose class is kept.
        style: whose way of being what it is is taken over.
        blend: 0, the content item, to 1, all of the style.
        by: the category that names the content; None: the first of `categories`.

    Raises:
        LiminalError: there is no such category, or fewer than two of its classes have items enough.
    """
    fitted = split_by(space, by)
    classes = [_class(space, item, fitted) for item in (content, style)]
    return restyle(
        space.generator,
        space.modality,
        fitted,
        latent(space, content),
        latent(space, style),
        blend,
        content_class=classes[0],
        style_class=classes[1],
        read=space.read,
        support=space.trust,
        nearest=lambda z: _nearest_items(space, z),
    )


def _class(space: Core, item: Item, fitted: Style) -> str | None:
    """The class that the catalogue knows of an item, if it is one of the split; None for anything else."""
    if (id := numbered(item)) is None:
        return None
    known = str(space.catalogue.rows([id], [fitted.name])[fitted.name][0].as_py())
    return known if known in fitted.classes else None
